//! How many requests per second the API server bears, where no number is configured.
//!
//! Additive increase and multiplicative decrease, as TCP finds the rate of a path: each answer that
//! comes fast adds a little, a server that asks for less or answers late halves the rate. The lanes
//! of a client share what is found; each takes its tokens from a bucket of its own that follows it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::answer::{Answer, Failure};

/// The rate at the start: twenty times kube-scheduler's default of 50, and what its users who
/// raise that number commonly write; an API server on two cores bears more.
pub const START_QPS: f64 = 1_000.0;

/// Never more than this by default: 128 binds in flight carry it at 12.8 ms, and no API server was
/// measured that binds faster.
pub const CEILING_QPS: f64 = 10_000.0;

/// Never less than this by default: kube-scheduler's default, which every API server is built for.
/// A server that takes no request at all pauses the binds by `Retry-After`.
pub const FLOOR_QPS: f64 = 50.0;

/// What the rate stays between: `adaptiveRate` of a BerthConfiguration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateBounds {
    /// Requests per second that are never gone below.
    pub min_qps: u32,
    /// Requests per second that are never gone above; not less than `min_qps`.
    pub max_qps: u32,
}

impl Default for RateBounds {
    fn default() -> Self {
        Self { min_qps: FLOOR_QPS as u32, max_qps: CEILING_QPS as u32 }
    }
}

/// [`RateBounds`] that all lanes of a client go by, and that change while it runs.
#[derive(Debug, Default)]
pub(super) struct Bounds(Mutex<RateBounds>);

impl Bounds {
    pub(super) fn set(&self, bounds: RateBounds) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bounds;
    }

    /// The nearest rate within.
    fn clamp(&self, qps: f64) -> f64 {
        let RateBounds { min_qps, max_qps } =
            *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        qps.min(f64::from(max_qps)).max(f64::from(min_qps))
    }
}

/// Answers that take longer than this on average say that the server is behind: its own objective
/// for writes (SIG Scalability's SLO: 99 % within 1 s).
const LATE: Duration = Duration::from_secs(1);

/// Answers that come sooner than this on average say that it could do more.
const FAST: Duration = Duration::from_millis(250);

/// The part of an answer in that average: a few late ones, as those behind the handshakes of 128
/// new connections, are not a server that is behind.
const WEIGHT: f64 = 1.0 / 16.0;

/// Requests per second that each fast answer adds before the first decrease: at full use the rate
/// grows by e² a second, from the start to the ceiling in 1.2 s.
const PROBE: f64 = 2.0;

/// Requests per second that a second of fast answers at full use adds after it.
const INCREASE: f64 = 200.0;

/// One decrease in so long: answers of requests that were under way tell nothing new.
const HOLD: Duration = Duration::from_secs(1);

/// How often a decrease is told in the log.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// What an answer says of the server's load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// An answer after this time.
    After(Duration),
    /// Nothing.
    Silent,
    /// It is asked too much.
    Overloaded,
}

impl Sign {
    /// Reads an answer that came after `elapsed`. `late` is a deadline that passed: nothing else
    /// that is lost says anything of the load.
    pub(super) fn of(result: &Result<Answer, Failure>, elapsed: Duration, late: bool) -> Self {
        let asks_for_less = result.as_ref().is_ok_and(|answer| match answer.status {
            429 | 504 => true,
            503 => answer.retry_after.is_some(),
            _ => false,
        });
        if asks_for_less || late {
            Self::Overloaded
        } else if result.is_ok() {
            Self::After(elapsed)
        } else {
            Self::Silent
        }
    }
}

/// The rate found so far; clones of a client share it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    found: Mutex<Found>,
    bounds: Arc<Bounds>,
}

#[derive(Debug)]
struct Found {
    qps: f64,
    /// Average time to an answer, in seconds.
    latency: f64,
    /// No decrease yet.
    probes: bool,
    /// When the last decrease was.
    decreased: Option<Instant>,
    told: Option<Instant>,
    /// Somebody goes by it; where a number is configured nobody does.
    asked: bool,
}

impl Default for Found {
    fn default() -> Self {
        let (decreased, told) = (None, None);
        let (qps, latency, probes, asked) = (START_QPS, 0.0, true, false);
        Self { qps, latency, probes, decreased, told, asked }
    }
}

impl Pace {
    /// A rate of its own within `bounds`.
    pub(super) fn within(bounds: &Arc<Bounds>) -> Self {
        Self { found: Mutex::default(), bounds: Arc::clone(bounds) }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        // Nothing can panic while it is held.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests per second now.
    pub(super) fn qps(&self) -> f64 {
        let mut found = self.found();
        found.asked = true;
        found.qps = self.bounds.clamp(found.qps);
        found.qps
    }

    /// Takes an answer in.
    pub(super) fn hear(&self, sign: Sign, now: Instant) {
        let mut found = self.found();
        match sign {
            Sign::Silent => {}
            Sign::After(elapsed) => {
                found.latency += (elapsed.as_secs_f64() - found.latency) * WEIGHT;
                if found.latency > LATE.as_secs_f64() {
                    found.decrease(now, &self.bounds);
                } else if found.latency <= FAST.as_secs_f64() {
                    found.increase(now, &self.bounds);
                }
            }
            Sign::Overloaded => found.decrease(now, &self.bounds),
        }
    }
}

impl Found {
    fn is_held(&self, now: Instant) -> bool {
        self.decreased.is_some_and(|at| now.saturating_duration_since(at) < HOLD)
    }

    fn increase(&mut self, now: Instant, bounds: &Bounds) {
        if self.is_held(now) {
            return;
        }
        let step = if self.probes { PROBE } else { INCREASE / self.qps };
        self.qps = bounds.clamp(self.qps + step);
    }

    fn decrease(&mut self, now: Instant, bounds: &Bounds) {
        if self.is_held(now) {
            return;
        }
        self.qps = bounds.clamp(self.qps / 2.0);
        self.probes = false;
        self.decreased = Some(now);
        if self.asked && self.told.is_none_or(|at| now.saturating_duration_since(at) >= TELL_EVERY)
        {
            self.told = Some(now);
            tracing::info!(
                requests_per_second = self.qps,
                "The API server asks for fewer requests or answers late: the rate is halved"
            );
        }
    }
}

#[cfg(test)]
mod tests;
