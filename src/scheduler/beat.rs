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
mod tests;
