//! Whether a configured rate is what holds binds back. Pure: it reads no clock.

use std::fmt;
use std::time::{Duration, Instant};

/// For how long waits are added up before they are judged.
const WINDOW: Duration = Duration::from_secs(10);

/// The part of a window that binds must have waited for tokens to be told of.
const SHARE_MIN: f64 = 0.5;

/// How often it is told while it lasts.
const TELL_EVERY: Duration = Duration::from_secs(300);

/// Binds wait for the client's own limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldBack {
    /// The limit: requests per second.
    pub qps: f64,
    /// The part of the time that binds waited for it, from 0 to 1.
    pub share: f64,
}

impl fmt::Display for HeldBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Binds wait for the client's own limit of {} requests per second \
             (clientConnection.qps or --kube-api-qps) for {:.0} % of the time: raise it, or leave \
             it out and the rate follows the API server",
            self.qps,
            self.share * 100.0
        )
    }
}

/// Adds up how long binds wait for tokens of a rate of `qps`.
#[derive(Debug)]
pub(super) struct Limit {
    qps: f64,
    since: Instant,
    waited: Duration,
    told: Option<Instant>,
}

impl Limit {
    pub(super) fn new(qps: f64, now: Instant) -> Self {
        Self { qps, since: now, waited: Duration::ZERO, told: None }
    }

    /// A bind has waited so long for its token, until `now`. Tells what is news.
    pub(super) fn waited(&mut self, wait: Duration, now: Instant) -> Option<HeldBack> {
        self.waited += wait;
        let window = now.saturating_duration_since(self.since);
        if window < WINDOW {
            return None;
        }
        let share = (self.waited.as_secs_f64() / window.as_secs_f64()).min(1.0);
        (self.since, self.waited) = (now, Duration::ZERO);
        let told = self.told.is_some_and(|at| now.saturating_duration_since(at) < TELL_EVERY);
        if share < SHARE_MIN || told {
            return None;
        }
        self.told = Some(now);
        Some(HeldBack { qps: self.qps, share })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_limit_that_binds_wait_for_is_told_now_and_then() {
        let start = Instant::now();
        let mut limit = Limit::new(50.0, start);
        let (step, mut told) = (Duration::from_millis(20), Vec::new());
        // Ten minutes of binds that wait for each token.
        for n in 1..=30_000 {
            let now = start + step * n;
            told.extend(limit.waited(step, now).map(|held| (held, now - start)));
        }
        let times: Vec<u64> = told.iter().map(|(_, at)| at.as_secs()).collect();
        assert_eq!(times, [10, 310]);
        let text = told[0].0.to_string();
        assert!(text.contains("limit of 50 requests per second"), "{text}");
        assert!(text.contains("for 100 % of the time"), "{text}");
    }

    #[test]
    fn a_burst_after_a_rest_is_not_told() {
        let start = Instant::now();
        let mut limit = Limit::new(50.0, start);
        let rest = start + Duration::from_secs(3600);
        assert_eq!(limit.waited(Duration::from_secs(4), rest), None);
        assert_eq!(limit.waited(Duration::from_secs(4), rest + WINDOW), None, "4 s of 10");
        let held = limit.waited(Duration::from_secs(6), rest + WINDOW * 2).unwrap();
        assert!((held.share - 0.6).abs() < 1e-9, "{held:?}");
    }
}
