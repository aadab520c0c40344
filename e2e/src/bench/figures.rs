//! What is measured of one contestant in one round.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::refusals::RefusalFigures;
use super::statistics::{milliseconds, percentile};

/// The figures of a round. Times are in ms from the start: the start of the scheduler's process
/// or the first POST of a measured pod, whichever is later; for a flooder its first bind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Pods that were measured.
    pub pods: usize,
    /// To the first bind.
    pub first_bind_ms: f64,
    /// To the last bind.
    pub last_bind_ms: f64,
    /// From when a pod was there to be scheduled (its POST was answered, and the start) until the
    /// watch shows its node: the median.
    pub latency_p50_ms: f64,
    /// The 99th percentile of the same.
    pub latency_p99_ms: f64,
    /// To the last `Scheduled` event; nothing where nobody writes events.
    pub last_event_ms: Option<f64>,
    /// Measured pods without their `Scheduled` event.
    pub events_missing: usize,
    /// CPU time of the scheduler's process from the start until it came to rest.
    pub cpu_ms: Option<f64>,
    /// Its peak resident memory, in KiB.
    pub peak_kib: Option<u64>,
    /// Requests in flight, of a flooder.
    pub in_flight: Option<usize>,
    /// Pods a second by requests in flight, of the sweep.
    pub sweep: BTreeMap<usize, f64>,
    /// Pods that the scheduler found bound when it started.
    pub bound_before: usize,
    /// How long a plain client's list of all pods took, and its size in bytes.
    pub list: Option<ListTime>,
    /// Of the pods that fit nowhere, where there were some.
    pub refusals: Option<RefusalFigures>,
}

/// A list of all pods in protobuf, from the API server's cache.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ListTime {
    /// From the request to the last byte.
    pub ms: f64,
    /// Bytes of the answer.
    pub bytes: u64,
}

/// When things happened to one measured pod.
#[derive(Debug, Clone, Copy)]
pub struct PodTimes {
    /// Its creation was acknowledged.
    pub acknowledged: Instant,
    /// The watch showed its node.
    pub bound: Instant,
    /// The watch showed its event.
    pub event: Option<Instant>,
}

impl Figures {
    /// Times and counts of these pods; what concerns the process is added by who measures it.
    pub fn of(start: Instant, pods: &[PodTimes]) -> Self {
        let since = |moment: Instant| milliseconds(moment.saturating_duration_since(start));
        let mut bound: Vec<f64> = pods.iter().map(|pod| since(pod.bound)).collect();
        bound.sort_by(f64::total_cmp);
        let wait = |pod: &PodTimes| {
            milliseconds(pod.bound.saturating_duration_since(pod.acknowledged.max(start)))
        };
        let mut waits: Vec<f64> = pods.iter().map(wait).collect();
        waits.sort_by(f64::total_cmp);
        let events: Vec<f64> = pods.iter().filter_map(|pod| pod.event.map(since)).collect();
        Self {
            pods: pods.len(),
            first_bind_ms: bound.first().copied().unwrap_or_default(),
            last_bind_ms: bound.last().copied().unwrap_or_default(),
            latency_p50_ms: percentile(&waits, 0.5).unwrap_or_default(),
            latency_p99_ms: percentile(&waits, 0.99).unwrap_or_default(),
            last_event_ms: events.iter().copied().max_by(f64::total_cmp),
            events_missing: pods.len() - events.len(),
            ..Self::default()
        }
    }

    /// Pods a second from the start to the last bind.
    pub fn rate(&self) -> f64 {
        per_second(self.pods as f64, self.last_bind_ms)
    }

    /// Pods a second from the first bind to the last: without the scheduler's start.
    pub fn rate_from_first(&self) -> f64 {
        per_second(self.pods as f64 - 1.0, self.last_bind_ms - self.first_bind_ms)
    }

    /// Pods a second from the start to the last event, none of them missing.
    pub fn event_rate(&self) -> Option<f64> {
        let last = self.last_event_ms?.max(self.last_bind_ms);
        (self.events_missing == 0).then(|| per_second(self.pods as f64, last))
    }

    /// CPU time of the scheduler's process per measured pod.
    pub fn cpu_ms_per_pod(&self) -> Option<f64> {
        Some(self.cpu_ms? / self.pods.max(1) as f64)
    }

    /// Peak memory of the scheduler's process.
    pub fn peak_mib(&self) -> Option<f64> {
        Some(self.peak_kib? as f64 / 1024.0)
    }

    /// Peak memory by pods known to the scheduler, with everything else it holds.
    pub fn bytes_per_pod(&self) -> Option<f64> {
        Some(self.peak_kib? as f64 * 1024.0 / (self.bound_before + self.pods).max(1) as f64)
    }
}

fn per_second(count: f64, ms: f64) -> f64 {
    if ms > 0.0 { count * 1000.0 / ms } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    /// Pods acknowledged, bound and told of at these ms.
    fn figures(start: u64, pods: &[(u64, u64, Option<u64>)]) -> Figures {
        let zero = Instant::now();
        let at = |ms: u64| zero + Duration::from_millis(ms);
        let pods: Vec<PodTimes> = pods
            .iter()
            .map(|&(acknowledged, bound, event)| PodTimes {
                acknowledged: at(acknowledged),
                bound: at(bound),
                event: event.map(at),
            })
            .collect();
        Figures::of(at(start), &pods)
    }

    #[test]
    fn a_backlog_waits_from_the_start_and_an_arrival_from_its_answer() {
        let figures = figures(1000, &[(10, 1500, Some(1600)), (1400, 2000, Some(1900))]);
        assert_eq!((figures.first_bind_ms, figures.last_bind_ms), (500.0, 1000.0));
        assert_eq!((figures.latency_p50_ms, figures.latency_p99_ms), (500.0, 600.0));
        assert_eq!(figures.last_event_ms, Some(900.0));
        assert_eq!((figures.rate(), figures.rate_from_first()), (2.0, 2.0));
        // The last event came before the last bind: the burst is over with the bind.
        assert_eq!(figures.event_rate(), Some(2.0));
    }

    #[test]
    fn a_missing_event_leaves_no_event_rate() {
        let figures = figures(0, &[(0, 100, None), (0, 200, Some(300))]);
        assert_eq!(figures.events_missing, 1);
        assert_eq!(figures.event_rate(), None);
        assert_eq!(figures.cpu_ms_per_pod(), None);
    }

    #[test]
    fn per_pod_figures() {
        let mut figures = figures(0, &[(0, 100, None), (0, 200, None)]);
        figures.cpu_ms = Some(30.0);
        figures.peak_kib = Some(2048);
        figures.bound_before = 6;
        assert_eq!(figures.cpu_ms_per_pod(), Some(15.0));
        assert_eq!(figures.peak_mib(), Some(2.0));
        assert_eq!(figures.bytes_per_pod(), Some(262_144.0));
    }
}
