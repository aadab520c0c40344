//! The objects, one counter of versions, and what has changed: etcd and the watch cache in one.
//! Reads share serialized bytes; a write costs O(log n) whatever the number of objects.
//!
//! ```text
//! registry / controllers ─▶ insert | replace | remove ─▶ objects ─▶ history ─▶ watch cursors
//! ```

mod backup;
pub(crate) mod history;
mod snapshot;
pub(crate) mod version;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{Notify, watch};

use crate::resource::{self, Resource};
pub use backup::Backup;
use history::History;
pub(crate) use history::{Cursor, Expired};
pub(crate) use snapshot::Snapshot;
use snapshot::Snapshots;
pub(crate) use version::{Change, ChangeKind, Object, Version};

/// Where an object lives: its collection and its key in it.
pub(crate) type Place = (usize, String);

/// Work for the garbage collector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Garbage {
    /// An object with this UID, which others name as an owner, was removed.
    OwnerGone(String),
    /// A terminating object that waits for the collector may have what it waits for.
    Finalizing(Place),
}

/// A write lost against another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stale;

/// All state of the API server. One mutex: a write holds it for about the time of serializing
/// the object (a few microseconds), so that two cores do thousands of writes a second.
#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    /// One per collection; the value counts its writes.
    changed: Vec<watch::Sender<u64>>,
    /// There is garbage.
    collect: Notify,
}

#[derive(Debug)]
struct State {
    /// The newest resourceVersion.
    rv: u64,
    collections: Vec<Collection>,
    snapshots: Snapshots,
    /// Dependents by the UID of an owner, for the garbage collector.
    dependents: HashMap<Box<str>, BTreeSet<Place>>,
    /// Terminating owners whose dependents go first, by UID.
    foreground: HashMap<Box<str>, Place>,
    /// A set, so never more than the objects there are.
    garbage: BTreeSet<Garbage>,
}

#[derive(Debug, Default)]
struct Collection {
    /// By `namespace/name`, the order in which etcd lists.
    objects: BTreeMap<String, Arc<Object>>,
    history: History,
}

/// The key of an object in its collection.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

fn owner_uids(value: &Value) -> impl Iterator<Item = &str> {
    let owners = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().filter_map(|owner| owner["uid"].as_str())
}

impl State {
    fn next_rv(&mut self, value: &mut Value) -> u64 {
        self.rv += 1;
        value["metadata"]["resourceVersion"] = Value::from(self.rv.to_string());
        self.rv
    }

    fn own(&mut self, id: usize, key: &str, value: &Value) {
        for uid in owner_uids(value) {
            self.dependents.entry(uid.into()).or_default().insert((id, key.to_owned()));
        }
    }

    fn disown(&mut self, id: usize, key: &str, value: &Value) {
        for uid in owner_uids(value) {
            if let Some(places) = self.dependents.get_mut(uid) {
                places.remove(&(id, key.to_owned()));
                if places.is_empty() {
                    self.dependents.remove(uid);
                    if let Some(place) = self.foreground.remove(uid) {
                        self.garbage.insert(Garbage::Finalizing(place));
                    }
                }
            }
        }
    }

    /// Notes a terminating object that waits for the garbage collector.
    fn note_finalizing(&mut self, id: usize, key: &str, value: &Value) {
        if value.pointer("/metadata/deletionTimestamp").is_none_or(Value::is_null) {
            return;
        }
        let finalizers = value.pointer("/metadata/finalizers").and_then(Value::as_array);
        let mut waits = finalizers.into_iter().flatten();
        if waits.any(|f| f == "foregroundDeletion" || f == "orphan") {
            let place = (id, key.to_owned());
            let uid = value.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
            self.foreground.insert(uid.into(), place.clone());
            self.garbage.insert(Garbage::Finalizing(place));
        }
    }
}

impl Store {
    pub(crate) fn new() -> Self {
        let rows = resource::all();
        let state = State {
            rv: 1,
            collections: rows.iter().map(|_| Collection::default()).collect(),
            snapshots: Snapshots::default(),
            dependents: HashMap::new(),
            foreground: HashMap::new(),
            garbage: BTreeSet::new(),
        };
        let changed = rows.iter().map(|_| watch::Sender::new(0)).collect();
        Self { state: Mutex::new(state), changed, collect: Notify::new() }
    }

    /// A panic while the lock was held cannot leave half a write: each write ends in two
    /// infallible insertions.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest resourceVersion of all.
    pub(crate) fn rv(&self) -> u64 {
        self.state().rv
    }

    pub(crate) fn get(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
    ) -> Option<Arc<Object>> {
        self.at(resource.stored_as, &key(namespace, name))
    }

    /// The object at a place, if it is still there.
    pub(crate) fn at(&self, collection: usize, key: &str) -> Option<Arc<Object>> {
        self.state().collections[collection].objects.get(key).cloned()
    }

    /// Objects of one namespace, or of all for `None`, with the resourceVersion they were read at.
    pub(crate) fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
    ) -> (u64, Vec<Arc<Object>>) {
        let state = self.state();
        let objects = &state.collections[resource.stored_as].objects;
        (state.rv, in_namespace(objects, namespace).cloned().collect())
    }

    /// As [`Store::list`], versions only, and the cursor from which to watch on.
    pub(crate) fn versions(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
    ) -> (u64, Vec<Arc<Version>>, Cursor) {
        let state = self.state();
        let collection = &state.collections[resource.stored_as];
        let versions = in_namespace(&collection.objects, namespace);
        let versions = versions.map(|o| Arc::clone(&o.version)).collect();
        (state.rv, versions, collection.history.end())
    }

    /// Keeps what a list saw, for its later pages.
    pub(crate) fn keep_snapshot(&self, resource: &Resource, rv: u64, versions: &Snapshot) {
        self.state().snapshots.keep(resource.stored_as, rv, versions);
    }

    pub(crate) fn snapshot(&self, resource: &Resource, rv: u64) -> Option<Snapshot> {
        self.state().snapshots.get(resource.stored_as, rv)
    }

    /// Adds an object that must not exist yet. The caller has set its metadata.
    pub(crate) fn insert(
        &self,
        resource: &Resource,
        mut value: Value,
    ) -> Result<Arc<Object>, Stale> {
        let id = resource.stored_as;
        let mut state = self.state();
        let text = |pointer| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let key = key(text("/metadata/namespace"), text("/metadata/name"));
        if state.collections[id].objects.contains_key(&key) {
            return Err(Stale);
        }
        let rv = state.next_rv(&mut value);
        let version = Arc::new(Version::new(&resource::all()[id], rv, &value));
        state.own(id, &key, &value);
        let object = Arc::new(Object { value, version: Arc::clone(&version) });
        let collection = &mut state.collections[id];
        collection.objects.insert(key, Arc::clone(&object));
        collection.history.push(Change::new(ChangeKind::Added, version, None));
        let garbage = !state.garbage.is_empty();
        drop(state);
        self.wake(id);
        if garbage {
            self.collect.notify_one();
        }
        Ok(object)
    }

    /// Replaces `old`, which must still be the current state. Equal values write nothing.
    pub(crate) fn replace(
        &self,
        resource: &Resource,
        old: &Object,
        mut value: Value,
    ) -> Result<Arc<Object>, Stale> {
        let id = resource.stored_as;
        let key = key(old.namespace(), old.name());
        value["metadata"]["resourceVersion"] = old.value["metadata"]["resourceVersion"].clone();
        let mut state = self.state();
        let current = state.collections[id].objects.get(&key).cloned().ok_or(Stale)?;
        if current.version.rv != old.version.rv {
            return Err(Stale);
        }
        if value == current.value {
            return Ok(current);
        }
        let rv = state.next_rv(&mut value);
        let version = Arc::new(Version::new(&resource::all()[id], rv, &value));
        if owner_uids(&value).ne(owner_uids(&current.value)) {
            state.disown(id, &key, &current.value);
            state.own(id, &key, &value);
        }
        state.note_finalizing(id, &key, &value);
        let object = Arc::new(Object { value, version: Arc::clone(&version) });
        let collection = &mut state.collections[id];
        collection.objects.insert(key, Arc::clone(&object));
        let previous = Some(Arc::clone(&current.version));
        collection.history.push(Change::new(ChangeKind::Modified, version, previous));
        let garbage = !state.garbage.is_empty();
        drop(state);
        self.wake(id);
        if garbage {
            self.collect.notify_one();
        }
        Ok(object)
    }

    /// Removes `old`, which must still be the current state; answers its last state.
    pub(crate) fn remove(&self, resource: &Resource, old: &Object) -> Result<Arc<Version>, Stale> {
        let id = resource.stored_as;
        let key = key(old.namespace(), old.name());
        let mut value = old.value.clone();
        let mut state = self.state();
        let current = state.collections[id].objects.get(&key).cloned().ok_or(Stale)?;
        if current.version.rv != old.version.rv {
            return Err(Stale);
        }
        let rv = state.next_rv(&mut value);
        let version = Arc::new(Version::new(&resource::all()[id], rv, &value));
        state.disown(id, &key, &current.value);
        state.foreground.remove(current.uid());
        if state.dependents.contains_key(current.uid()) {
            state.garbage.insert(Garbage::OwnerGone(current.uid().to_owned()));
        }
        let collection = &mut state.collections[id];
        collection.objects.remove(&key);
        let previous = Some(Arc::clone(&current.version));
        collection.history.push(Change::new(ChangeKind::Deleted, Arc::clone(&version), previous));
        let garbage = !state.garbage.is_empty();
        drop(state);
        self.wake(id);
        if garbage {
            self.collect.notify_one();
        }
        Ok(version)
    }

    /// Where to watch from to see all changes after `rv`.
    pub(crate) fn cursor_after(&self, resource: &Resource, rv: u64) -> Result<Cursor, Expired> {
        self.state().collections[resource.stored_as].history.after(rv)
    }

    /// Up to `max` changes from `cursor` on, the cursor after them, and, when those are all, the
    /// resourceVersion up to which the reader has now seen everything.
    #[allow(clippy::type_complexity)]
    pub(crate) fn changes(
        &self,
        resource: &Resource,
        cursor: Cursor,
        max: usize,
    ) -> Result<(Vec<Arc<Change>>, Cursor, Option<u64>), Expired> {
        let state = self.state();
        let history = &state.collections[resource.stored_as].history;
        let (changes, next) = history.read(cursor, max)?;
        let seen = (next == history.end()).then_some(state.rv);
        Ok((changes, next, seen))
    }

    /// Wakes at each write to the resource; many writes may be one wake-up.
    pub(crate) fn subscribe(&self, resource: &Resource) -> watch::Receiver<u64> {
        self.changed[resource.stored_as].subscribe()
    }

    fn wake(&self, collection: usize) {
        self.changed[collection].send_modify(|writes| *writes += 1);
    }

    /// Objects that name the UID as an owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<Place> {
        self.state().dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Waits for work for the garbage collector.
    pub(crate) async fn garbage(&self) -> BTreeSet<Garbage> {
        loop {
            let garbage = std::mem::take(&mut self.state().garbage);
            if !garbage.is_empty() {
                return garbage;
            }
            self.collect.notified().await;
        }
    }

    /// Forgets the whole history and all snapshots: every resume and every `continue` token from
    /// before gets 410 Expired. Takes a resourceVersion of its own, so that no client can hold
    /// the newest one.
    pub(crate) fn compact(&self) {
        let mut state = self.state();
        state.rv += 1;
        let rv = state.rv;
        for collection in &mut state.collections {
            collection.history.compact(rv);
        }
        state.snapshots.clear();
    }
}

fn in_namespace<'a>(
    objects: &'a BTreeMap<String, Arc<Object>>,
    namespace: Option<&str>,
) -> impl Iterator<Item = &'a Arc<Object>> {
    // '0' is the character after '/': the range ends where the namespace's prefix does.
    let range = match namespace {
        Some(namespace) => objects.range(format!("{namespace}/")..format!("{namespace}0")),
        None => objects.range::<String, _>(..),
    };
    range.map(|(_, object)| object)
}

#[cfg(test)]
mod tests;
