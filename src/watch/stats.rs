//! Counters of the watches, read by metrics and debug views.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::kind::Kind;

/// Counters of all kinds.
#[derive(Debug)]
pub struct WatchStats {
    kinds: [KindStats; Kind::ALL.len()],
    begun: Instant,
    /// Times that discovery was asked for kinds that the API server did not serve.
    pub looks: AtomicU64,
    /// Of these: without an answer.
    pub failed_looks: AtomicU64,
}

impl Default for WatchStats {
    fn default() -> Self {
        Self {
            kinds: Default::default(),
            begun: Instant::now(),
            looks: AtomicU64::default(),
            failed_looks: AtomicU64::default(),
        }
    }
}

/// Counters of one kind. They only grow, except `objects`, `missing`, `last_version`
/// and when it was last heard of.
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
    /// Lists that are due because the watch missed something: an event that cannot be read, one
    /// that is older than the watch, an audit with differences.
    pub gaps: AtomicU64,
    /// Audits that came to their end.
    pub audits: AtomicU64,
    /// Objects that audits found to be other than they were known, as far as they were read.
    pub differences: AtomicU64,
    /// When the API server last told something of the kind, in milliseconds since the start, plus
    /// one; 0 for never. See [`WatchStats::silence`].
    heard: AtomicU64,
    /// 1 while the API server does not serve the kind, else 0.
    pub missing: AtomicU64,
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

    /// For how long the API server has told nothing of the kind: no event, bookmark or list, and no
    /// audit that found everything as it was known. `None` before the first list.
    pub fn silence(&self, kind: Kind) -> Option<Duration> {
        let heard = self.of(kind).heard.load(Relaxed).checked_sub(1)?;
        Some(self.begun.elapsed().saturating_sub(Duration::from_millis(heard)))
    }

    /// The API server has told something of the kind.
    pub(crate) fn heard(&self, kind: Kind) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.of(kind).heard.store(now.saturating_add(1), Relaxed);
    }

    /// The API server does not serve the kind: nothing is expected to be heard of it.
    pub(crate) fn unheard(&self, kind: Kind) {
        self.of(kind).heard.store(0, Relaxed);
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
