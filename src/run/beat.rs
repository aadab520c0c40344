//! Whether the engine's thread makes progress: it beats after each step, and `/livez` looks when
//! it last did. Enter at [`Beat`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Longest time between two steps. A step takes 10 ms where there is most to do, and an idle
/// thread makes one each second, so whoever needs so long is stuck: in a plugin that does not
/// return, or in a lock.
const SILENT_MAX: Duration = Duration::from_secs(30);

/// When the engine's thread last ended a step; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Beat {
    origin: Instant,
    /// Milliseconds since `origin`.
    last: Arc<AtomicU64>,
}

impl Beat {
    /// Begins now: a thread that never ends its first step is stuck too.
    pub(super) fn new(now: Instant) -> Self {
        Self { origin: now, last: Arc::default() }
    }

    /// A step has ended.
    pub(super) fn beat(&self, now: Instant) {
        self.last.store(self.since_origin(now), Relaxed);
    }

    /// Whether a step has ended of late.
    ///
    /// # Errors
    /// None has for [`SILENT_MAX`]; for how long.
    pub(super) fn check(&self, now: Instant) -> Result<(), String> {
        let silent = self.since_origin(now).saturating_sub(self.last.load(Relaxed));
        if u128::from(silent) <= SILENT_MAX.as_millis() {
            return Ok(());
        }
        Err(format!("the engine's thread has not ended a step for {} s", silent / 1_000))
    }

    fn since_origin(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.origin).as_millis();
        u64::try_from(elapsed).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::client::Rate;
    use crate::client::fake::{FakeServer, Reply};
    use crate::run::{Options, Scheduler, default_config};

    #[tokio::test]
    async fn an_engine_with_nothing_to_do_beats() {
        // Its lists never come.
        let server = FakeServer::start(|_| Reply::Hang).await;
        let config = default_config(&berth_plugins::in_tree().unwrap()).unwrap();
        let options = Options {
            rate: Rate::Unlimited,
            format: crate::watch::Format::default(),
            threads: 1,
            origin: berth_engine::Origin::seeded(1),
            events: crate::events::Granularity::Each,
        };
        let scheduler = Scheduler::start(server.client(), config, options).unwrap();
        let beat = scheduler.health().beat().clone();
        let deadline = Instant::now() + Duration::from_secs(60);
        for _ in 0..3 {
            let last = beat.last.load(Relaxed);
            while beat.last.load(Relaxed) == last {
                assert!(Instant::now() < deadline, "no step ends");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        assert_eq!(scheduler.health().check_engine(), Ok(()));
        scheduler.stop(Duration::from_secs(1)).await;
    }

    #[test]
    fn a_step_that_does_not_end_fails_the_check_and_the_next_one_mends_it() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let beat = Beat::new(start);
        assert_eq!(beat.check(start + 30 * second), Ok(()));
        let why = "the engine's thread has not ended a step for 31 s".to_owned();
        assert_eq!(beat.check(start + 31 * second), Err(why), "the first step");
        let thread = beat.clone();
        thread.beat(start + 40 * second);
        assert_eq!(beat.check(start + 70 * second), Ok(()));
        assert!(beat.check(start + 71 * second).is_err());
        thread.beat(start + 72 * second);
        assert_eq!(beat.check(start + 73 * second), Ok(()));
    }
}
