//! What the queue keeps per pod.

use crate::base::{ClassIdx, Millis};
use crate::framework::SortKey;

/// Where an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the active part.
    Active,
    /// In backoff until `expiry`.
    Backoff {
        /// When it is over, whole seconds in milliseconds.
        expiry: Millis,
    },
    /// On its class, in this group of pods that are alike.
    Parked(ClassIdx, u32),
    /// By itself, waiting for a hint.
    Alone,
    /// Behind a gate.
    Gated,
    /// In its attempt.
    InFlight,
}

/// One pod in the queue (`QueuedPodInfo`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub place: Place,
    /// Its order.
    pub key: SortKey,
    /// Its number among all that ever came: breaks ties of `key`.
    pub arrival: u64,
    /// Attempts begun.
    pub attempts: u32,
    /// Attempts that ended with no node (`UnschedulableCount`).
    pub failures: u32,
    /// Attempts that ended in an error since the last one that did not (`ConsecutiveErrorsCount`).
    pub errors: u32,
    /// When it came here or came back (`Timestamp`).
    pub queued_ms: Millis,
    /// When it was first active (`InitialAttemptTimestamp`).
    pub first_active_ms: Option<Millis>,
    /// When it came to the active part last.
    pub active_ms: Millis,
    /// Places of the plugins that rejected it last.
    pub rejectors: Vec<usize>,
    /// The class whose woken head it is.
    pub head_of: Option<ClassIdx>,
    /// Only the flush of long-parked pods has woken it.
    pub flushed: bool,
}

impl Entry {
    pub(super) fn new(arrival: u64, now: Millis) -> Self {
        Self {
            place: Place::InFlight,
            key: SortKey::default(),
            arrival,
            attempts: 0,
            failures: 0,
            errors: 0,
            queued_ms: now,
            first_active_ms: None,
            active_ms: now,
            rejectors: Vec::new(),
            head_of: None,
            flushed: false,
        }
    }
}
