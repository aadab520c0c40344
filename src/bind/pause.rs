//! A server that sheds load asks all binds to pause.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Until when no bind is posted.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<Instant>>);

impl Pause {
    /// Pauses from `now` for `wait`; a longer pause that is under way stays.
    pub(super) fn extend(&self, now: Instant, wait: Duration) {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(Some(now + wait));
    }

    /// How long the pause still lasts.
    pub(super) fn left(&self, now: Instant) -> Duration {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Waits until the pause is over, however often it is extended meanwhile.
    pub(super) async fn wait(&self) {
        loop {
            match self.left(Instant::now()) {
                Duration::ZERO => return,
                left => tokio::time::sleep(left).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_pause_counts() {
        let start = Instant::now();
        let second = Duration::from_secs;
        let pause = Pause::default();
        assert_eq!(pause.left(start), second(0));
        pause.extend(start, second(5));
        pause.extend(start + second(1), second(1));
        assert_eq!(pause.left(start + second(2)), second(3));
        pause.extend(start + second(2), second(9));
        assert_eq!(pause.left(start + second(2)), second(9));
        assert_eq!(pause.left(start + second(11)), second(0));
    }
}
