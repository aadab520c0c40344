//! Counters of the watches, read by metrics and debug views.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::kind::Kind;

/// Counters of all kinds.
#[derive(Debug, Default)]
pub struct WatchStats {
    kinds: [KindStats; Kind::ALL.len()],
}

/// Counters of one kind. They only grow, except `objects` and `last_version`.
#[derive(Debug, Default)]
pub struct KindStats {
    /// Events `ADDED` of watches.
    pub added: AtomicU64,
    /// Events `MODIFIED` of watches.
    pub modified: AtomicU64,
    /// Events `DELETED` of watches.
    pub deleted: AtomicU64,
    /// Bookmarks.
    pub bookmarks: AtomicU64,
    /// Objects in lists.
    pub listed: AtomicU64,
    /// Lists begun; all but the first are re-lists.
    pub lists: AtomicU64,
    /// Watches begun.
    pub watches: AtomicU64,
    /// Lists and watches that failed, other than by their ordinary end.
    pub failures: AtomicU64,
    /// Of these: refused by authentication or RBAC.
    pub denied: AtomicU64,
    /// Objects or events that could not be read and were skipped.
    pub malformed: AtomicU64,
    /// Objects that changed in nothing that scheduling reads (heartbeats of nodes).
    pub suppressed: AtomicU64,
    /// Objects not newer than what was known.
    pub stale: AtomicU64,
    /// Objects that a re-list showed to be gone.
    pub swept: AtomicU64,
    /// Histories that took the place of another: etcd restored, or the cluster made again.
    pub new_histories: AtomicU64,
    /// Nanoseconds spent decoding.
    pub decode_nanos: AtomicU64,
    /// Bytes decoded.
    pub decoded_bytes: AtomicU64,
    /// Objects known now.
    pub objects: AtomicU64,
    /// Resource version of the last list, event or bookmark; 0 where it is no number.
    pub last_version: AtomicU64,
}

impl WatchStats {
    /// The counters of `kind`.
    pub fn of(&self, kind: Kind) -> &KindStats {
        // One entry per kind, at its place in the enum.
        &self.kinds[kind.index()]
    }

    /// Kinds with their counters.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &KindStats)> {
        Kind::ALL.into_iter().map(|kind| (kind, self.of(kind)))
    }
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// Adds many.
pub(crate) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Relaxed);
}
