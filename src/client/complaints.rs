//! What the API server refuses or does not answer, told once a minute for each cause.
//!
//! A server that is away fails every watch, bind, condition and event in the same way, and says
//! nothing new by it: the first is told with the server's address, the others are counted.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From one line of a cause to the next.
const EVERY: Duration = Duration::from_secs(60);

/// Causes that are remembered: 64 of up to 1 kB. Where there are more the oldest is forgotten, and
/// is told as new.
const CAUSES_MAX: usize = 64;

/// Decides which failures are told; clones share it.
#[derive(Clone, Default)]
pub struct Complaints {
    server: Arc<str>,
    told: Arc<Mutex<HashMap<Box<str>, Told>>>,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    at: Instant,
    held_back: u64,
}

/// A failure that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// Address of the API server.
    pub(crate) server: Arc<str>,
    /// How many of this cause were not told since the last one that was; `None` for none.
    pub(crate) held_back: Option<u64>,
}

impl fmt::Debug for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Complaints").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Complaints {
    /// Of the API server at this address.
    pub(crate) fn of(server: &str) -> Self {
        Self { server: server.into(), told: Arc::default() }
    }

    /// Whether a failure of this cause is told now.
    pub(crate) fn about(&self, cause: &str) -> Option<Complaint> {
        self.about_at(cause, Instant::now())
    }

    fn about_at(&self, cause: &str, now: Instant) -> Option<Complaint> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held_back = 0;
        if let Some(before) = told.get_mut(cause) {
            if now.saturating_duration_since(before.at) < EVERY {
                before.held_back += 1;
                return None;
            }
            held_back = before.held_back;
        } else if told.len() >= CAUSES_MAX {
            let oldest =
                told.iter().min_by_key(|(_, told)| told.at).map(|(cause, _)| cause.clone());
            oldest.and_then(|oldest| told.remove(&oldest));
        }
        told.insert(cause.into(), Told { at: now, held_back: 0 });
        let held_back = (held_back > 0).then_some(held_back);
        Some(Complaint { server: Arc::clone(&self.server), held_back })
    }
}

/// What failures have in common that name different objects: the part before the first colon, as
/// the code and reason in `409 Conflict: pods "a" ...`.
pub(crate) fn cause(text: &str) -> &str {
    text.split(": ").next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once_a_minute_with_what_was_held_back() {
        let complaints = Complaints::of("https://a:6443");
        let start = Instant::now();
        let told = |cause: &str, seconds| {
            let now = start + Duration::from_secs(seconds);
            complaints.clone().about_at(cause, now).map(|complaint| {
                assert_eq!(&*complaint.server, "https://a:6443");
                complaint.held_back.unwrap_or(0)
            })
        };
        assert_eq!(told("refused", 0), Some(0));
        for second in 0..59 {
            assert_eq!(told("refused", second), None);
        }
        assert_eq!(told("reset", 30), Some(0));
        assert_eq!(told("refused", 60), Some(59));
        assert_eq!(told("refused", 119), None);
        assert_eq!(told("refused", 121), Some(1));
        assert_eq!(told("refused", 300), Some(0));
    }

    #[test]
    fn causes_without_end_take_no_memory() {
        let complaints = Complaints::default();
        let start = Instant::now();
        for i in 0..1_000 {
            assert!(
                complaints.about_at(&i.to_string(), start + Duration::from_millis(i)).is_some()
            );
        }
        assert_eq!(
            complaints.told.lock().unwrap_or_else(PoisonError::into_inner).len(),
            CAUSES_MAX
        );
        let last = start + Duration::from_secs(1);
        assert!(complaints.about_at("999", last).is_none());
        assert!(complaints.about_at("0", last).is_some(), "forgotten");
    }

    #[test]
    fn the_cause_is_what_is_said_before_the_object() {
        assert_eq!(cause("409 Conflict: Operation cannot be fulfilled on pods: x"), "409 Conflict");
        assert_eq!(cause("503 upstream connect error"), "503 upstream connect error");
        assert_eq!(cause(""), "");
    }
}
