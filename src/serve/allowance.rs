//! How often something may happen, for those who can wait for it or be refused. Enter at
//! [`Allowance::take`]. (The writes' bucket, `client::Bucket`, lets all wait.)

use std::time::{Duration, Instant};

/// A token bucket that is not drawn on where the wait would be too long. It reads no clock.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    per_second: f64,
    burst: f64,
    /// Tokens at `at`; below zero when promised ahead.
    tokens: f64,
    at: Instant,
}

impl Allowance {
    /// A full bucket; `per_second` is above 0.
    pub(super) fn new(per_second: f64, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst);
        Self { per_second, burst, tokens: burst, at: now }
    }

    /// Takes a token and says how long to wait for it; `None`, and none is taken, where that is
    /// more than `longest`.
    pub(super) fn take(&mut self, now: Instant, longest: Duration) -> Option<Duration> {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.burst);
        let missing = (1.0 - self.tokens).max(0.0) / self.per_second;
        if missing > longest.as_secs_f64() {
            return None;
        }
        self.tokens -= 1.0;
        Some(Duration::from_secs_f64(missing))
    }

    /// Whether nobody has drawn on it for so long that it is full.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens + elapsed * self.per_second >= self.burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_waits_then_refusals_that_cost_nothing() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut allowance = Allowance::new(10.0, 2, start);
        let mut take = |now, longest| allowance.take(now, longest);
        assert_eq!(take(start, ms(0)), Some(ms(0)));
        assert_eq!(take(start, ms(0)), Some(ms(0)));
        assert_eq!(take(start, ms(0)), None);
        assert_eq!(take(start, ms(200)), Some(ms(100)));
        assert_eq!(take(start, ms(200)), Some(ms(200)));
        for _ in 0..1_000 {
            assert_eq!(take(start, ms(200)), None);
        }
        assert_eq!(take(start + ms(100), ms(200)), Some(ms(200)), "refusals took nothing");
        assert_eq!(take(start + ms(500), ms(0)), Some(ms(0)));
        assert!(!allowance.is_full(start + ms(550)));
        assert!(allowance.is_full(start + ms(800)));
    }
}
