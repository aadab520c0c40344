//! Latencies and rates of what was observed.

use std::time::{Duration, Instant};

/// P50, P99 and the longest of some durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Latency {
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
}

impl Latency {
    /// By nearest rank: the P-th percentile is the smallest duration that at least P % of all are
    /// not longer than. `None` of nothing.
    pub(super) fn of(mut durations: Vec<Duration>) -> Option<Self> {
        durations.sort_unstable();
        let max = *durations.last()?;
        let at = |percent: usize| {
            let rank = (durations.len() * percent).div_ceil(100).max(1);
            durations.get(rank - 1).copied().unwrap_or(max)
        };
        Some(Self { p50: at(50), p99: at(99), max })
    }
}

/// How many of `times`, in order, lie within `window` up to `now`.
pub(super) fn recent(times: &[Instant], now: Instant, window: Duration) -> usize {
    let Some(from) = now.checked_sub(window) else { return times.len() };
    times.len() - times.partition_point(|time| *time <= from)
}

/// Most of `times`, in order, within any `window`.
pub(super) fn busiest(times: &[Instant], window: Duration) -> usize {
    let (mut first, mut most) = (0, 0);
    for (last, time) in times.iter().enumerate() {
        while times.get(first).is_some_and(|start| *time - *start >= window) {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_by_nearest_rank() {
        let ms = |n: u64| Duration::from_millis(n);
        assert_eq!(Latency::of(Vec::new()), None);
        assert_eq!(Latency::of(vec![ms(7)]), Some(Latency { p50: ms(7), p99: ms(7), max: ms(7) }));
        assert_eq!(
            Latency::of((1..=200).rev().map(ms).collect()),
            Some(Latency { p50: ms(100), p99: ms(198), max: ms(200) })
        );
    }

    #[test]
    fn windows_are_half_open() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let at = |ms: u64| start + Duration::from_millis(ms);
        let times = [at(0), at(400), at(900), at(1000), at(1100), at(3000)];
        assert_eq!(busiest(&times, second), 4);
        assert_eq!(busiest(&[], second), 0);
        assert_eq!(recent(&times[..5], at(1400), second), 3);
        assert_eq!(recent(&times, at(9000), second), 0);
    }
}
