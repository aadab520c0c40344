//! Images, counted over all nodes.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::Sym;

/// Images over all nodes: how many nodes hold each now.
///
/// Source: `createImageExistenceMap` in `pkg/scheduler/backend/cache/snapshot.go`. The count is
/// live, where kube-scheduler's running cache copies it when it takes the snapshot of a node; and
/// sizes are each node's own, as there, where the running cache keeps the one that the first node
/// reported, which depends on the order of events.
#[derive(Debug, Clone, Default)]
pub struct ImageStates {
    holders: HashMap<Sym, i64, FxBuildHasher>,
}

impl ImageStates {
    /// Number of nodes that hold an image.
    pub fn holders(&self, image: Sym) -> i64 {
        self.holders.get(&image).copied().unwrap_or(0)
    }

    /// Number of images that any node holds.
    pub(crate) fn count(&self) -> usize {
        self.holders.len()
    }

    pub(crate) fn add(&mut self, image: Sym) {
        *self.holders.entry(image).or_insert(0) += 1;
    }

    pub(crate) fn remove(&mut self, image: Sym) {
        if let Some(holders) = self.holders.get_mut(&image) {
            *holders -= 1;
            if *holders == 0 {
                self.holders.remove(&image);
            }
        }
    }
}
