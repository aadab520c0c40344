//! How soon a pod that fits nowhere is told so, while pods that fit are bound.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::statistics::{milliseconds, percentile};

/// When the verdict on a pod fell that fits nowhere, and when the pod was told.
#[derive(Debug, Clone, Copy)]
pub struct RefusalTimes {
    /// The `eventTime` of its event: the scheduler stamps it when it has found no node, however
    /// late it sends the event.
    pub verdict: Option<Instant>,
    /// The watch showed its PodScheduled condition.
    pub condition: Option<Instant>,
    /// The watch showed its `FailedScheduling` event.
    pub event: Option<Instant>,
}

/// The figures of a round's pods that fit nowhere. Times are in ms from
/// [`RefusalTimes::verdict`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusalFigures {
    /// How many there were.
    pub pods: usize,
    /// To the condition: the median.
    pub condition_p50_ms: f64,
    /// To the condition, of the pod that waited longest for it.
    pub condition_max_ms: f64,
    /// To the event: the median.
    pub event_p50_ms: f64,
    /// To the event, of the pod that waited longest for it.
    pub event_max_ms: f64,
    /// Pods without a condition.
    pub conditions_missing: usize,
    /// Pods without an event: when their verdict fell is not known.
    pub events_missing: usize,
    /// Measured pods that were bound after the last condition was there: without them nothing was
    /// in its way.
    pub binds_to_come: usize,
}

impl RefusalFigures {
    /// Of these pods beside binds at these moments; nothing without pods.
    pub fn of(pods: &[RefusalTimes], bound: &[Instant]) -> Option<Self> {
        if pods.is_empty() {
            return None;
        }
        let conditions = waits(pods, |pod| pod.condition);
        let events = waits(pods, |pod| pod.event);
        let last = pods.iter().filter_map(|pod| pod.condition).max();
        let rank = |waits: &[f64], share: f64| percentile(waits, share).unwrap_or_default();
        Some(Self {
            pods: pods.len(),
            condition_p50_ms: rank(&conditions, 0.5),
            condition_max_ms: rank(&conditions, 1.0),
            event_p50_ms: rank(&events, 0.5),
            event_max_ms: rank(&events, 1.0),
            conditions_missing: pods.len() - conditions.len(),
            events_missing: pods.len() - events.len(),
            binds_to_come: last
                .map_or(0, |last| bound.iter().filter(|bound| **bound > last).count()),
        })
    }
}

/// Sorted, of the pods that were told.
fn waits(pods: &[RefusalTimes], told: impl Fn(&RefusalTimes) -> Option<Instant>) -> Vec<f64> {
    let wait = |pod: &RefusalTimes| Some(told(pod)?.saturating_duration_since(pod.verdict?));
    let mut waits: Vec<f64> = pods.iter().filter_map(wait).map(milliseconds).collect();
    waits.sort_by(f64::total_cmp);
    waits
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[test]
    fn waits_are_of_each_pod_and_binds_to_come_are_behind_the_last_condition() {
        let zero = Instant::now();
        let at = |ms: u64| zero + Duration::from_millis(ms);
        let pod = |verdict: u64, condition: u64, event: u64| RefusalTimes {
            verdict: Some(at(verdict)),
            condition: Some(at(condition)),
            event: Some(at(event)),
        };
        let pods = [pod(100, 150, 400), pod(200, 500, 250), pod(300, 310, 900)];
        let bound = [50, 500, 501, 700].map(at);
        let figures = RefusalFigures::of(&pods, &bound).unwrap();
        assert_eq!((figures.condition_p50_ms, figures.condition_max_ms), (50.0, 300.0));
        assert_eq!((figures.event_p50_ms, figures.event_max_ms), (300.0, 600.0));
        assert_eq!((figures.conditions_missing, figures.events_missing), (0, 0));
        assert_eq!((figures.pods, figures.binds_to_come), (3, 2));
    }

    #[test]
    fn who_is_never_told_is_missing() {
        let now = Instant::now();
        let pod = RefusalTimes { verdict: None, condition: None, event: None };
        let figures = RefusalFigures::of(&[pod], &[now]).unwrap();
        assert_eq!((figures.conditions_missing, figures.events_missing), (1, 1));
        assert_eq!(figures.binds_to_come, 0);
        assert_eq!(RefusalFigures::of(&[], &[now]), None);
    }
}
