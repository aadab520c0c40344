//! A token bucket: how often requests may start.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::pace::Pace;

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
    /// What the API server is found to bear, see [`Pace`]: where no number is configured.
    Adaptive {
        /// The part of it: one `divisor`th.
        divisor: u32,
    },
}

/// A bucket that follows the API server holds what comes in this time, so that a rest is no licence
/// for a burst that the server has not been found to bear.
const ADAPTIVE_BURST: Duration = Duration::from_millis(100);

impl Rate {
    /// Reads `clientConnection.qps` and `burst`: a negative `qps` stands for no limit (client-go's
    /// `rest.RESTClientForConfigAndClient`), 0 for no number. kube-scheduler takes 50 and 100 then
    /// (`SetDefaults_KubeSchedulerConfiguration`); here the rate follows the API server, whatever
    /// `burst` says. A `burst` of 0 beside a number is kube-scheduler's 100.
    pub fn from_client_connection(qps: f32, burst: i32) -> Self {
        if qps == 0.0 || qps.is_nan() {
            return Self::Adaptive { divisor: 1 };
        }
        let qps = f64::from(qps);
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
            Self::Adaptive { divisor: part } => {
                Self::Adaptive { divisor: part.saturating_mul(divisor.max(1)) }
            }
        }
    }
}

/// The state of a [`Rate`]: client-go's `flowcontrol.NewTokenBucketRateLimiter`, that is Go's
/// `rate.Limiter` with reservations. It reads no clock.
#[derive(Debug, Clone)]
pub struct Bucket {
    rate: Rate,
    /// What [`Rate::Adaptive`] follows.
    pace: Arc<Pace>,
    /// Tokens at `at`; below zero when reserved ahead.
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket of its own.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self::of(rate, &Arc::default(), now)
    }

    /// A full bucket; where the rate is adaptive it follows `pace`.
    pub(super) fn of(rate: Rate, pace: &Arc<Pace>, now: Instant) -> Self {
        let mut bucket = Self { rate, pace: Arc::clone(pace), tokens: 0.0, at: now };
        bucket.tokens = bucket.limits().map_or(0.0, |(_, burst)| burst);
        bucket
    }

    /// Requests per second, and at once; `None` for no limit.
    fn limits(&self) -> Option<(f64, f64)> {
        match self.rate {
            Rate::Unlimited => None,
            Rate::Limited { qps, burst } => Some((qps, f64::from(burst))),
            Rate::Adaptive { divisor } => {
                let qps = self.pace.qps() / f64::from(divisor.max(1));
                Some((qps, (qps * ADAPTIVE_BURST.as_secs_f64()).max(1.0)))
            }
        }
    }

    /// Requests per second now; `None` for no limit.
    pub fn qps(&self) -> Option<f64> {
        self.limits().map(|(qps, _)| qps)
    }

    /// Takes a token, and tells how long to wait until it is there.
    pub fn reserve(&mut self, now: Instant) -> Duration {
        let Some(qps) = self.refill(now) else { return Duration::ZERO };
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        pause(-self.tokens, qps)
    }

    /// Takes a token where there is one.
    ///
    /// # Errors
    /// None; after how long there will be one.
    pub fn try_take(&mut self, now: Instant) -> Result<(), Duration> {
        let Some(qps) = self.refill(now) else { return Ok(()) };
        // A pause that was slept to its end may leave a token short by what a float rounds.
        let short = 1.0 - self.tokens;
        if short > 1e-6 {
            return Err(pause(short, qps));
        }
        self.tokens -= 1.0;
        Ok(())
    }

    /// Adds what has come in; requests per second, `None` for no limit.
    fn refill(&mut self, now: Instant) -> Option<f64> {
        let (qps, burst) = self.limits()?;
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.tokens = (self.tokens + elapsed * qps).min(burst);
        Some(qps)
    }

    /// Waits for a token, and tells how long.
    pub async fn take(&mut self) -> Duration {
        let wait = self.reserve(tokio::time::Instant::now().into_std());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        wait
    }
}

/// Until so many tokens have come in. A `qps` near 0 would overflow a Duration; a day is for ever
/// here.
fn pause(tokens: f64, qps: f64) -> Duration {
    Duration::from_secs_f64((tokens / qps).min(86_400.0))
}

/// A bucket of two lanes. Whoever waits for the lock waits for a token, and the lock is fair: of
/// two lanes that both wait each has every second token.
#[derive(Debug, Clone)]
pub struct SharedBucket(Arc<Mutex<Bucket>>);

impl SharedBucket {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self(Arc::new(Mutex::new(bucket)))
    }

    /// Waits for a token. Tells for how long, where there was none at once, and how many requests
    /// per second are allowed now. Takes nothing where it is dropped before that.
    pub(crate) async fn take(&self) -> (Duration, Option<f64>) {
        let began = tokio::time::Instant::now();
        let mut bucket = self.0.lock().await;
        let mut waited = Duration::ZERO;
        while let Err(pause) = bucket.try_take(tokio::time::Instant::now().into_std()) {
            tokio::time::sleep(pause).await;
            waited = began.elapsed();
        }
        (waited, bucket.qps())
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

    /// When the next request may start, by another way to say the same: Turner's virtual
    /// scheduling (ITU-T I.371, GCRA), in seconds. `due` is when the bucket would be full again.
    fn by_virtual_scheduling(due: &mut f64, now: f64, qps: f64, burst: u32) -> f64 {
        let start = (*due - f64::from(burst - 1) / qps).max(now);
        *due = due.max(now) + 1.0 / qps;
        start
    }

    #[test]
    fn in_debt_and_out_of_it_requests_start_as_by_virtual_scheduling() {
        let mut random = berth_engine::base::Random::new(11);
        for (qps, burst) in [(0.1, 1), (1.0, 1), (7.0, 3), (50.0, 100), (999.0, 13)] {
            let start = Instant::now();
            let mut bucket = Bucket::new(Rate::Limited { qps, burst }, start);
            let (mut now, mut due) = (0.0f64, 0.0f64);
            let (mut in_debt, mut at_once) = (0, 0);
            for _ in 0..3_000 {
                // Parts of a token's time, so that debts are paid off in part; now and then a rest
                // until all is paid and more.
                match random.below(40 + 4 * burst as usize) {
                    0 => now = due.max(now) + random.below(9) as f64 / 4.0 / qps,
                    part => now += (part % 20) as f64 / 16.0 / qps,
                }
                let at = start + Duration::from_secs_f64(now);
                let wait = bucket.reserve(at).as_secs_f64();
                let expected = by_virtual_scheduling(&mut due, now, qps, burst) - now;
                assert!((wait - expected).abs() < 1e-5, "{qps}/{burst}: {wait} not {expected}");
                if wait > 0.0 { in_debt += 1 } else { at_once += 1 }
            }
            assert!(in_debt > 50 && at_once > 50, "{qps}/{burst}: {in_debt}, {at_once}");
        }
    }

    #[test]
    fn no_rate_overflows() {
        for qps in [f32::MIN_POSITIVE, 1e-30, 1.0, f32::MAX, f32::INFINITY, -0.0, -1.0, f32::NAN] {
            for burst in [i32::MIN, -1, 0, 1, i32::MAX] {
                for divisor in [0, 1, 4, u32::MAX] {
                    let start = Instant::now();
                    let rate = Rate::from_client_connection(qps, burst).share(divisor);
                    let mut bucket = Bucket::new(rate, start);
                    for second in 0..100 {
                        let wait = bucket.reserve(start + Duration::from_secs(second));
                        assert!(wait <= Duration::from_secs(86_400), "{qps} {burst}: {wait:?}");
                    }
                }
            }
        }
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
            ((0.0, 0), Rate::Adaptive { divisor: 1 }),
            ((0.0, 200), Rate::Adaptive { divisor: 1 }),
            ((-1.0, 0), Rate::Unlimited),
            ((1000.0, 2000), limited(1000.0, 2000)),
            ((20.0, -3), limited(20.0, 1)),
            ((f32::NAN, 5), Rate::Adaptive { divisor: 1 }),
            ((50.0, 0), limited(50.0, 100)),
        ];
        for ((qps, burst), expected) in table {
            assert_eq!(Rate::from_client_connection(qps, burst), expected, "{qps} {burst}");
        }
        assert_eq!(limited(100.0, 3).share(4), limited(25.0, 1));
        let mut unlimited = Bucket::new(Rate::Unlimited, Instant::now());
        assert!((0..1000).all(|_| unlimited.reserve(Instant::now()).is_zero()));
    }

    #[tokio::test(start_paused = true)]
    async fn two_lanes_that_wait_have_every_second_token() {
        let now = tokio::time::Instant::now();
        let bucket = Bucket::new(Rate::Limited { qps: 10.0, burst: 1 }, now.into_std());
        let shared = SharedBucket::new(bucket);
        let lane = || async {
            for _ in 0..20 {
                shared.take().await;
            }
            now.elapsed()
        };
        let (one, other) = tokio::join!(lane(), lane());
        // 40 tokens, of which one was there.
        assert!(one.min(other) >= ms(3_600) && one.max(other) <= ms(3_950), "{one:?} {other:?}");
        // Whoever gives up has taken nothing.
        for _ in 0..5 {
            let given_up = tokio::time::timeout(ms(50), shared.take()).await;
            assert!(given_up.is_err());
            tokio::time::sleep(ms(50)).await;
            assert_eq!(shared.take().await.0, Duration::ZERO);
        }
    }
}
