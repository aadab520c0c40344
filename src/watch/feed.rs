//! From decoded objects to inputs: drops what is old or changes nothing, and batches the rest.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use berth_engine::Input;
use berth_engine::record::{NodeRecord, ObjectKey};
use hashbrown::DefaultHashBuilder;
use tokio::sync::mpsc;

use super::decode::{Decoded, Item, deleted};
use super::error::DecodeError;
use super::kind::Kind;
use super::known::{Known, Row, Seen, Source};
use super::resume::number;
use super::stats::{KindStats, WatchStats, add, count};
use crate::client::Complaints;

/// Inputs in order, sent together.
pub type Batch = Vec<Input>;

/// Inputs per batch: sending costs about 0.2 µs whatever the size, decoding 2 µs a pod, so beyond
/// a few dozen nothing is won; a page of 500 pods fits one batch.
const BATCH_MAX: usize = 512;

/// Batches in the channel. 64 · 512 inputs of about 0.5 kB are 16 MB at most; when it is full, the
/// sockets are not read and the API server waits.
pub const CHANNEL_BATCHES: usize = 64;

/// The receiver is gone: the scheduler stops.
#[derive(Debug)]
pub(crate) struct Stopped;

/// One kind's way into the channel.
#[derive(Debug)]
pub(crate) struct Feed {
    kind: Kind,
    known: Known,
    /// Last record of each node, to tell heartbeats from changes.
    nodes: HashMap<Box<str>, Arc<NodeRecord>>,
    hasher: DefaultHashBuilder,
    batch: Batch,
    inputs: mpsc::Sender<Batch>,
    stats: Arc<WatchStats>,
    /// The list under way holds an object that could not even be named: nothing is swept.
    unnamed: bool,
    /// An event could not be read.
    missed: bool,
    complaints: Complaints,
}

impl Feed {
    pub(crate) fn new(kind: Kind, inputs: mpsc::Sender<Batch>, stats: Arc<WatchStats>) -> Self {
        Self {
            kind,
            known: Known::default(),
            nodes: HashMap::new(),
            hasher: DefaultHashBuilder::default(),
            batch: Batch::new(),
            inputs,
            stats,
            unnamed: false,
            missed: false,
            complaints: Complaints::default(),
        }
    }

    /// Shares with others which failures are told.
    pub(crate) fn complaining(mut self, complaints: Complaints) -> Self {
        self.complaints = complaints;
        self
    }

    /// Which failures are told.
    pub(crate) fn complaints(&self) -> &Complaints {
        &self.complaints
    }

    /// The counters of this kind.
    pub(crate) fn stats(&self) -> &KindStats {
        self.stats.of(self.kind)
    }

    /// A list begins.
    pub(crate) fn begin_list(&mut self) {
        self.known.begin_list();
        self.unnamed = false;
        self.missed = false;
    }

    /// Whether the list under way has objects that are older than what was known of them: the
    /// server's history has been replaced.
    pub(crate) fn went_back(&self) -> bool {
        self.known.went_back()
    }

    /// Versions known so far mean nothing any more.
    pub(crate) fn forget_versions(&mut self) {
        self.known.forget_versions();
    }

    /// An object that is there: in a list that was accepted, added or changed. Tells its resource
    /// version.
    pub(crate) async fn applied(
        &mut self,
        item: Item,
        source: Source,
    ) -> Result<Box<str>, Stopped> {
        let Decoded { identity, input } = match item {
            Ok(decoded) => decoded,
            Err(error) => {
                self.malformed(&error, source);
                return Ok(Box::default());
            }
        };
        match self.known.apply(&identity, self.digest(&input), source) {
            Seen::Stale => count(&self.stats().stale),
            Seen::Same => count(&self.stats().suppressed),
            Seen::Newer => self.changed(input).await?,
            Seen::Replaced(uid) => {
                self.gone(identity.key, uid).await?;
                self.changed(input).await?;
            }
        }
        Ok(identity.resource_version)
    }

    /// A hash of what a pod on a node says to the engine; 0 for anything else. Kubelets write a
    /// pod's status several times, and all but the first change nothing here.
    fn digest(&self, input: &Input) -> u64 {
        let Input::PodApplied(pod) = input else { return 0 };
        if pod.node_name.is_none() {
            return 0;
        }
        let mut state = self.hasher.build_hasher();
        pod.hash_assigned(&mut state);
        state.finish().max(1)
    }

    /// An object that is gone. Tells its resource version.
    pub(crate) async fn deleted(&mut self, item: Item) -> Result<Box<str>, Stopped> {
        let (identity, version) = match item {
            Ok(Decoded { identity, .. }) => {
                let version = identity.resource_version.clone();
                (identity, version)
            }
            Err(error) => {
                // Its last state does not matter, only its name.
                let Some(key) = error.key().cloned() else {
                    self.malformed(&error, Source::Watch);
                    return Ok(Box::default());
                };
                self.skipped(&error);
                let (uid, resource_version) = Default::default();
                (super::decode::Identity { key, uid, resource_version }, Box::default())
            }
        };
        if let Some(uid) = self.known.remove(&identity) {
            self.gone(identity.key, uid).await?;
        }
        Ok(version)
    }

    /// The list is complete: what it did not mention is gone.
    pub(crate) async fn sweep(&mut self) -> Result<(), Stopped> {
        if self.unnamed {
            tracing::warn!(
                kind = %self.kind,
                "the list holds an object without a readable name: objects missing from it are \
                 kept until the next list"
            );
            return Ok(());
        }
        for (key, uid) in self.known.sweep() {
            count(&self.stats().swept);
            self.gone(key, uid).await?;
        }
        Ok(())
    }

    /// Sends what has been collected.
    pub(crate) async fn flush(&mut self) -> Result<(), Stopped> {
        self.stats().objects.store(self.known.len() as u64, Relaxed);
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.inputs.send(batch).await.map_err(|_| Stopped)
    }

    /// Counts and logs what could not be read; what was known of the object stays in force. An
    /// event that cannot be read is missed, unless lists cannot read the object either.
    pub(crate) fn malformed(&mut self, error: &DecodeError, source: Source) {
        self.skipped(error);
        match (error.key(), source) {
            (Some(key), Source::List) => self.known.cannot_read(key),
            (Some(key), Source::Watch) => {
                self.missed |= !self.known.is_unreadable(key);
                self.known.keep(key);
            }
            (None, Source::List) => self.unnamed = true,
            (None, Source::Watch) => self.missed = true,
        }
    }

    fn skipped(&self, error: &DecodeError) {
        count(&self.stats().malformed);
        // What has no name is told of once a minute, an object once as long as it stays so.
        let text = error.to_string();
        let cause = if error.key().is_some() { text.as_str() } else { self.kind.name() };
        if let Some(complaint) = self.complaints.about(cause) {
            tracing::error!(
                kind = %self.kind, server = &*complaint.server, heldBack = complaint.held_back,
                "skipped a malformed object: {text}"
            );
        }
    }

    /// Whether an event could not be read since the last call.
    pub(crate) fn take_missed(&mut self) -> bool {
        std::mem::take(&mut self.missed)
    }

    /// An audit begins, with the watch at version `at`.
    pub(crate) fn begin_audit(&mut self, at: u64) {
        self.known.begin_audit(at);
    }

    /// How many of these objects are not as they are known.
    pub(crate) fn audit(&mut self, rows: &[Row]) -> usize {
        self.known.audit(rows)
    }

    /// The audit is complete: how many of the objects that are known it did not name.
    pub(crate) fn end_audit(&mut self) -> usize {
        self.known.end_audit()
    }

    /// How many objects are known.
    pub(crate) fn known(&self) -> usize {
        self.known.len()
    }

    /// Whether the API server does not serve the kind.
    pub(crate) fn missing(&self, missing: bool) {
        self.stats().missing.store(missing.into(), Relaxed);
        if missing {
            self.stats.unheard(self.kind);
        }
    }

    /// Waits until nobody takes inputs any more.
    pub(crate) async fn closed(&self) {
        self.inputs.closed().await;
    }

    /// The API server has told something.
    pub(crate) fn heard(&self) {
        self.stats.heard(self.kind);
    }

    /// Whether this very object is known.
    pub(crate) fn has(&self, key: &ObjectKey, uid: &str) -> bool {
        self.known.has(key, uid)
    }

    /// Remembers the newest version for the counters.
    pub(crate) fn at_version(&self, resource_version: &str) {
        self.stats().last_version.store(number(resource_version), Relaxed);
    }

    async fn changed(&mut self, input: Input) -> Result<(), Stopped> {
        if let Input::NodeApplied(node) = &input {
            match self.nodes.get_mut(&node.name) {
                Some(last) if *last == *node => {
                    count(&self.stats().suppressed);
                    return Ok(());
                }
                Some(last) => *last = Arc::clone(node),
                None => {
                    self.nodes.insert(node.name.clone(), Arc::clone(node));
                }
            }
        }
        self.push(input).await
    }

    async fn gone(&mut self, key: ObjectKey, uid: Box<str>) -> Result<(), Stopped> {
        if self.kind == Kind::Node {
            self.nodes.remove(&key.name);
        }
        let uid = (!uid.is_empty()).then_some(uid);
        self.push(deleted(self.kind, key, uid)).await
    }

    async fn push(&mut self, input: Input) -> Result<(), Stopped> {
        self.batch.push(input);
        if self.batch.len() >= BATCH_MAX { self.flush().await } else { Ok(()) }
    }
}

/// Adds the cost of decoding `bytes` since `begun`.
pub(crate) fn decoded(stats: &KindStats, bytes: usize, begun: std::time::Instant) {
    add(&stats.decoded_bytes, bytes);
    let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    stats.decode_nanos.fetch_add(nanos, Relaxed);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::watch::json;
    use crate::watch::templates::Templates;

    /// What the engine is told of a pod's states, one after the other.
    async fn told(states: &[serde_json::Value]) -> usize {
        let (sender, mut inputs) = mpsc::channel(CHANNEL_BATCHES);
        let mut feed = Feed::new(Kind::Pod, sender, Arc::default());
        let mut templates = Templates::default();
        for (at, state) in states.iter().enumerate() {
            let mut pod = state.clone();
            pod["metadata"]["name"] = "p".into();
            pod["metadata"]["uid"] = "u".into();
            pod["metadata"]["resourceVersion"] = (at + 1).to_string().into();
            let text = serde_json::to_vec(&pod).unwrap();
            let item = json::object(Kind::Pod, &text, &mut templates);
            feed.applied(item, Source::Watch).await.unwrap();
        }
        feed.flush().await.unwrap();
        drop(feed);
        let mut told = 0;
        while let Some(batch) = inputs.recv().await {
            told += batch.len();
        }
        told
    }

    #[tokio::test]
    async fn a_pod_on_a_node_speaks_only_when_it_says_something_else() {
        let pod = |node: &str, label: &str, phase: &str| {
            serde_json::json!({"metadata": {"labels": {"a": label}}, "spec": {"nodeName": node},
                "status": {"phase": phase, "startTime": "2026-01-02T15:04:05Z",
                    "conditions": [{"type": "Ready", "status": phase}]}})
        };
        let pending = pod("n", "x", "Pending");
        let running = pod("n", "x", "Running");
        assert_eq!(told(&[pending.clone(), running.clone()]).await, 1);
        assert_eq!(told(&[running.clone(), pod("n", "y", "Running")]).await, 2);
        assert_eq!(told(&[running, pod("n", "x", "Failed")]).await, 2);
        assert_eq!(told(&[pending.clone(), pending]).await, 1);
        // The engine writes conditions of pods without a node, and must see what became of them.
        let waiting = pod("", "x", "Pending");
        assert_eq!(told(&[waiting.clone(), waiting]).await, 2);
    }
}
