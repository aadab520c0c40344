//! Many deadlines on one heap, so that a controller with thousands of pods sleeps once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tokio::time::Instant;

/// As good as never. Adding a longer time a client may name could overflow an [`Instant`].
const FAR: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A time from `now` on, at most ten years.
pub(crate) fn later(now: Instant, delay: Duration) -> Instant {
    now + delay.min(FAR)
}

/// Things to do later, earliest first; equal times in the order they were set. Owned by one
/// task. Its size is bound by what its owner tracks: at most a few entries per object.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    heap: BinaryHeap<Reverse<(Instant, u64, T)>>,
    set: u64,
}

impl<T: Ord> Timers<T> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), set: 0 }
    }

    pub(crate) fn set(&mut self, at: Instant, what: T) {
        self.set += 1;
        self.heap.push(Reverse((at, self.set, what)));
    }

    /// The next thing that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.heap.peek()?.0.0 > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, _, what))| what)
    }

    /// Sleeps until something is due; for ever when nothing is set.
    pub(crate) async fn wait(&self) {
        match self.heap.peek() {
            Some(Reverse((at, _, _))) => tokio::time::sleep_until(*at).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_delay_overflows() {
        let now = Instant::now();
        assert!(later(now, Duration::MAX) > now);
    }

    #[test]
    fn earliest_first_then_in_order() {
        let now = Instant::now();
        let mut timers = Timers::new();
        timers.set(now + Duration::from_secs(2), "late");
        timers.set(now, "b");
        timers.set(now, "a");
        assert_eq!(timers.pop_due(now), Some("b"));
        assert_eq!(timers.pop_due(now), Some("a"));
        assert_eq!(timers.pop_due(now), None);
        assert_eq!(timers.pop_due(now + Duration::from_secs(3)), Some("late"));
    }
}
