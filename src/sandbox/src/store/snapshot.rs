//! Snapshots behind paginated lists: a `continue` token reads the state its first page saw.

use std::collections::VecDeque;
use std::sync::Arc;

use super::version::Version;

/// Lists in flight at once whose later pages still exist. Each costs 8 bytes per object and
/// holds old versions alive, so a client that walks away from a list costs at most 1/32 of this.
const SNAPSHOTS_MAX: usize = 32;

/// All objects of a resource at one resourceVersion, by key.
pub(crate) type Snapshot = Arc<Vec<Arc<Version>>>;

#[derive(Debug, Default)]
pub(super) struct Snapshots {
    kept: VecDeque<(usize, u64, Snapshot)>,
}

impl Snapshots {
    /// The snapshot of a collection at `rv`, while it is kept.
    pub(super) fn get(&self, collection: usize, rv: u64) -> Option<Snapshot> {
        self.kept
            .iter()
            .find(|(id, at, _)| *id == collection && *at == rv)
            .map(|(_, _, snapshot)| Arc::clone(snapshot))
    }

    pub(super) fn keep(&mut self, collection: usize, rv: u64, snapshot: &Snapshot) {
        if self.get(collection, rv).is_some() {
            return;
        }
        if self.kept.len() >= SNAPSHOTS_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back((collection, rv, Arc::clone(snapshot)));
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}
