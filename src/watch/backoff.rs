//! How long to wait after a failure.

use std::time::Duration;

use berth_engine::base::Random;

/// First wait, as client-go's reflector.
const FIRST: Duration = Duration::from_millis(800);
/// Longest wait before jitter.
const LONGEST: Duration = Duration::from_secs(30);
/// After this long without a failure the next one starts from [`FIRST`] again.
const QUIET: Duration = Duration::from_secs(120);

/// Exponential waits with jitter: 0.8 s doubling to 30 s, each stretched by up to its own length,
/// so that the 15 kinds of one scheduler do not return in step (client-go's
/// `NewExponentialBackoffManager(800ms, 30s, 2min, 2.0, 1.0)`).
#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    last: Duration,
    draw: Random,
}

impl Backoff {
    /// At rest; `seed` sets the jitter.
    pub(crate) fn new(seed: u64) -> Self {
        Self { failures: 0, last: Duration::ZERO, draw: Random::new(seed) }
    }

    /// Counts a failure at `now` (since any fixed moment) and tells how long to wait.
    pub(crate) fn fail(&mut self, now: Duration) -> Duration {
        if self.is_at_rest(now) {
            self.failures = 0;
        }
        // 0.8 s · 2^6 is above 30 s already.
        let wait = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let stretched = wait + wait.mul_f64(self.fraction());
        self.last = now + stretched;
        stretched
    }

    /// Whether nothing has failed for a while.
    pub(crate) fn is_at_rest(&self, now: Duration) -> bool {
        self.failures == 0 || now.saturating_sub(self.last) > QUIET
    }

    /// A number in 0..1.
    pub(crate) fn fraction(&mut self) -> f64 {
        // 32 bits are exact in an f64.
        self.draw.below(1 << 32) as f64 / f64::from(2.0_f32.powi(32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_over_after_quiet() {
        let mut backoff = Backoff::new(7);
        let mut now = Duration::ZERO;
        for floor in [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000] {
            let wait = backoff.fail(now);
            let floor = Duration::from_millis(floor);
            assert!(wait >= floor && wait < 2 * floor, "{wait:?} for {floor:?}");
            now += wait;
            assert!(!backoff.is_at_rest(now));
        }
        now += QUIET + Duration::from_secs(1);
        assert!(backoff.is_at_rest(now));
        assert!(backoff.fail(now) < 2 * FIRST);
    }

    #[test]
    fn many_failures_do_not_overflow() {
        let mut backoff = Backoff::new(1);
        for _ in 0..1000 {
            assert!(backoff.fail(Duration::ZERO) <= 2 * LONGEST);
        }
    }
}
