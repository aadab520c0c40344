//! A token bucket: how often requests may start.

use std::time::{Duration, Instant};

/// How many requests may start: `clientConnection.qps` and `burst`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// As fast as it goes (`qps` < 0).
    Unlimited,
    /// A bucket.
    Limited {
        /// Requests per second over time; above 0.
        qps: f64,
        /// Requests at once after a rest; at least 1.
        burst: u32,
    },
}

impl Rate {
    /// Reads `clientConnection.qps` and `burst` as kube-scheduler does: 0 stands for its defaults,
    /// 50 and 100 (`SetDefaults_KubeSchedulerConfiguration`), a negative `qps` for no limit
    /// (client-go's `rest.RESTClientForConfigAndClient`).
    pub fn from_client_connection(qps: f32, burst: i32) -> Self {
        let qps = if qps == 0.0 || qps.is_nan() { 50.0 } else { f64::from(qps) };
        if qps < 0.0 {
            return Self::Unlimited;
        }
        let burst = if burst == 0 { 100 } else { u32::try_from(burst).unwrap_or(1).max(1) };
        Self::Limited { qps, burst }
    }

    /// A share of this rate, for a lane beside the binds; at least one request at once.
    #[must_use]
    pub fn share(self, divisor: u32) -> Self {
        match self {
            Self::Unlimited => Self::Unlimited,
            Self::Limited { qps, burst } => Self::Limited {
                qps: qps / f64::from(divisor.max(1)),
                burst: (burst / divisor.max(1)).max(1),
            },
        }
    }
}

/// The state of a [`Rate`]: client-go's `flowcontrol.NewTokenBucketRateLimiter`, that is Go's
/// `rate.Limiter` with reservations. It reads no clock.
#[derive(Debug, Clone)]
pub struct Bucket {
    rate: Rate,
    /// Tokens at `at`; below zero when reserved ahead.
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Instant) -> Self {
        let tokens = match rate {
            Rate::Unlimited => 0.0,
            Rate::Limited { burst, .. } => f64::from(burst),
        };
        Self { rate, tokens, at: now }
    }

    /// Takes a token, and tells how long to wait until it is there.
    pub fn reserve(&mut self, now: Instant) -> Duration {
        let Rate::Limited { qps, burst } = self.rate else { return Duration::ZERO };
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.tokens = (self.tokens + elapsed * qps).min(f64::from(burst)) - 1.0;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        // A `qps` near 0 would overflow a Duration; a day is for ever here.
        Duration::from_secs_f64((-self.tokens / qps).min(86_400.0))
    }

    /// Waits for a token.
    pub async fn take(&mut self) {
        let wait = self.reserve(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn burst_then_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate::Limited { qps: 10.0, burst: 3 }, start);
        let waits: Vec<_> = (0..5).map(|_| bucket.reserve(start)).collect();
        assert_eq!(waits, [ms(0), ms(0), ms(0), ms(100), ms(200)]);
        // 200 ms later both reservations are paid off and nothing is left over.
        assert_eq!(bucket.reserve(start + ms(200)), ms(100));
        // A rest of an hour fills it to the burst, not beyond.
        let later = start + Duration::from_secs(3600);
        let waits: Vec<_> = (0..4).map(|_| bucket.reserve(later)).collect();
        assert_eq!(waits, [ms(0), ms(0), ms(0), ms(100)]);
    }

    #[test]
    fn time_that_goes_back_gives_nothing() {
        let start = Instant::now() + ms(1000);
        let mut bucket = Bucket::new(Rate::Limited { qps: 10.0, burst: 1 }, start);
        assert_eq!(bucket.reserve(start), ms(0));
        assert_eq!(bucket.reserve(start - ms(500)), ms(100));
        assert_eq!(bucket.reserve(start), ms(200));
    }

    #[test]
    fn config_values_as_kube_scheduler_reads_them() {
        let limited = |qps, burst| Rate::Limited { qps, burst };
        let table = [
            ((0.0, 0), limited(50.0, 100)),
            ((-1.0, 0), Rate::Unlimited),
            ((1000.0, 2000), limited(1000.0, 2000)),
            ((20.0, -3), limited(20.0, 1)),
            ((f32::NAN, 5), limited(50.0, 5)),
        ];
        for ((qps, burst), expected) in table {
            assert_eq!(Rate::from_client_connection(qps, burst), expected, "{qps} {burst}");
        }
        assert_eq!(limited(100.0, 3).share(4), limited(25.0, 1));
        let mut unlimited = Bucket::new(Rate::Unlimited, Instant::now());
        assert!((0..1000).all(|_| unlimited.reserve(Instant::now()).is_zero()));
    }
}
