//! From decoded objects to inputs: drops what is old or changes nothing, and batches the rest.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use berth_engine::Input;
use berth_engine::record::NodeRecord;
use tokio::sync::mpsc;

use super::decode::{Decoded, Item};
use super::error::DecodeError;
use super::kind::Kind;
use super::known::{Known, Seen};
use super::resume::number;
use super::stats::{KindStats, WatchStats, add, count};

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
    batch: Batch,
    inputs: mpsc::Sender<Batch>,
    stats: Arc<WatchStats>,
    /// The list under way holds an object that could not even be named: nothing is swept.
    unnamed: bool,
}

impl Feed {
    pub(crate) fn new(kind: Kind, inputs: mpsc::Sender<Batch>, stats: Arc<WatchStats>) -> Self {
        Self {
            kind,
            known: Known::default(),
            nodes: HashMap::new(),
            batch: Batch::new(),
            inputs,
            stats,
            unnamed: false,
        }
    }

    /// The counters of this kind.
    pub(crate) fn stats(&self) -> &KindStats {
        self.stats.of(self.kind)
    }

    /// A list begins.
    pub(crate) fn begin_list(&mut self) {
        self.known.begin_list();
        self.unnamed = false;
    }

    /// Versions known so far mean nothing any more.
    pub(crate) fn forget_versions(&mut self) {
        self.known.forget_versions();
    }

    /// An object that is there: in a list, added or changed. Tells its resource version.
    pub(crate) async fn applied(&mut self, item: Item) -> Result<Box<str>, Stopped> {
        let Decoded { identity, input } = match item {
            Ok(decoded) => decoded,
            Err(error) => {
                self.malformed(&error);
                return Ok(Box::default());
            }
        };
        match self.known.apply(&identity) {
            Seen::Stale => count(&self.stats().stale),
            Seen::Newer => self.changed(input).await?,
            Seen::Replaced(uid) => {
                self.gone(identity.key, uid).await?;
                self.changed(input).await?;
            }
        }
        Ok(identity.resource_version)
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
                self.malformed(&error);
                let Some(key) = error.key().cloned() else { return Ok(Box::default()) };
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

    /// Counts and logs what could not be read; what was known of the object stays in force.
    pub(crate) fn malformed(&mut self, error: &DecodeError) {
        count(&self.stats().malformed);
        tracing::error!(kind = %self.kind, "skipped a malformed object: {error}");
        match error.key() {
            Some(key) => self.known.keep(key),
            None => self.unnamed = true,
        }
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

    async fn gone(
        &mut self,
        key: berth_engine::record::ObjectKey,
        uid: Box<str>,
    ) -> Result<(), Stopped> {
        if self.kind == Kind::Node {
            self.nodes.remove(&key.name);
        }
        let uid = (!uid.is_empty()).then_some(uid);
        self.push(self.kind.deleted(key, uid)).await
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
