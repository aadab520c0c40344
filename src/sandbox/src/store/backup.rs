//! Backups, and a store that goes back to one: what `etcdutl snapshot restore` does to a cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Store;
use super::version::Object;

/// Everything that was stored at one moment.
#[derive(Debug, Clone, Default)]
pub struct Backup {
    rv: u64,
    /// One per collection, by `namespace/name`.
    objects: Vec<BTreeMap<String, Arc<Object>>>,
}

impl Store {
    /// What is stored now.
    pub(crate) fn backup(&self) -> Backup {
        let state = self.state();
        let objects = state.collections.iter().map(|c| c.objects.clone()).collect();
        Backup { rv: state.rv, objects }
    }

    /// Goes back to a backup, or to nothing with `None`: objects and versions are those of then,
    /// what was written since never happened, and versions are given out again.
    pub(crate) fn restore(&self, backup: Option<&Backup>) {
        let mut state = self.state();
        let empty = Backup::default();
        let backup = backup.unwrap_or(&empty);
        state.rv = backup.rv.max(1);
        let rv = state.rv;
        state.snapshots.clear();
        state.dependents = HashMap::new();
        state.foreground = HashMap::new();
        state.garbage.clear();
        for id in 0..state.collections.len() {
            let objects = backup.objects.get(id).cloned().unwrap_or_default();
            for (key, object) in &objects {
                state.own(id, key, &object.value);
                state.note_finalizing(id, key, &object.value);
            }
            let collection = &mut state.collections[id];
            collection.objects = objects;
            collection.history.replace(rv);
        }
        drop(state);
        for id in 0..self.changed.len() {
            self.wake(id);
        }
        self.collect.notify_one();
    }
}
