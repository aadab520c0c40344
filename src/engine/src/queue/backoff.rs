//! How long a pod waits after a failure.
//!
//! Source: `pkg/scheduler/backend/queue/backoff_queue.go`: initial · 2^(count−1), capped; the
//! count is that of consecutive errors where there are any, else of failures; times are cut to
//! whole seconds.

use crate::base::Millis;

use super::Entry;

/// Backoff in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// `podInitialBackoffSeconds`, in milliseconds.
    pub initial_ms: Millis,
    /// `podMaxBackoffSeconds`, in milliseconds; 0 turns backoff off.
    pub max_ms: Millis,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { initial_ms: 1_000, max_ms: 10_000 }
    }
}

const SECOND: Millis = 1_000;

impl Backoff {
    /// How long after `count` failures.
    pub fn duration(&self, count: u32) -> Millis {
        if count == 0 {
            return 0;
        }
        let doubled = 1u64.checked_shl(count - 1).and_then(|f| self.initial_ms.checked_mul(f));
        doubled.unwrap_or(self.max_ms).min(self.max_ms)
    }

    /// When the entry's backoff is over; `None` where it is over by `now`.
    pub(super) fn expiry(&self, entry: &Entry, now: Millis) -> Option<Millis> {
        let count = if entry.errors > 0 { entry.errors } else { entry.failures };
        if self.max_ms == 0 || count == 0 {
            return None;
        }
        // A backoff of 292 million years is one that never ends, not one that is over.
        let expiry = entry.queued_ms.saturating_add(self.duration(count)) / SECOND * SECOND;
        (!Self::is_over(expiry, now)).then_some(expiry)
    }

    /// Whether a backoff until `expiry` is over.
    pub fn is_over(expiry: Millis, now: Millis) -> bool {
        expiry < now / SECOND * SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_cap() {
        let backoff = Backoff::default();
        let waits: Vec<Millis> = (0..7).map(|n| backoff.duration(n)).collect();
        assert_eq!(waits, [0, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        assert_eq!(backoff.duration(200), 10_000);
    }

    #[test]
    fn expiry_is_cut_to_seconds_and_errors_come_first() {
        let backoff = Backoff::default();
        let mut entry = Entry::new(1, 1_700);
        assert_eq!(backoff.expiry(&entry, 1_700), None);
        entry.failures = 3;
        assert_eq!(backoff.expiry(&entry, 1_700), Some(5_000));
        entry.errors = 1;
        assert_eq!(backoff.expiry(&entry, 1_700), Some(2_000));
        assert!(!Backoff::is_over(2_000, 2_999) && Backoff::is_over(2_000, 3_000));
        assert_eq!(Backoff { max_ms: 0, ..backoff }.expiry(&entry, 1_700), None);
    }
}
