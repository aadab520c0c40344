//! What the API server says, as inputs for the engine.
//!
//! One task per [`Kind`] lists and watches, decodes into records and sends [`Batch`]es. Read in
//! this order: `follower` drives HTTP, `resume` decides what comes next, `json` and `proto` read
//! bytes, `wire` holds the objects' slim forms, `feed` drops what is old or changes nothing.
//!
//! Promises: the objects of a kind arrive in the order of the API server and never back in time,
//! unless the server's history is replaced by another one, which is then believed (`known`);
//! what vanished unseen arrives as deleted after the next list; a malformed object is skipped,
//! counted and logged, and what was known of it stays in force.
//!
//! Cost, bytes to record with its template shared (`tests/cost.rs`, release, on two cores that
//! others used too): a pod of an Indexed Job takes 4.3 µs from 2,565 bytes of protobuf and 7.6 µs
//! from 4,045 bytes of JSON; a pod that sets every field 23 and 35 µs; a small node 2.5 and 3.8 µs.
//! So the first list of 450,000 such pods is 2 s of one core in protobuf, 3.4 s in JSON. A list in
//! protobuf is read item by item as it comes, so that its length does not matter.

mod answer;
mod audit;
mod backoff;
mod decode;
mod discovery;
mod duties;
mod error;
mod feed;
mod follower;
mod json;
mod kind;
mod known;
mod proto;
mod request;
mod resume;
mod silence;
mod state;
mod stats;
mod templates;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::client::Complaints;

pub use answer::{Asked, decode_bytes};
pub(crate) use decode::{by_kind, by_row};
pub use duties::Doubts;
pub use error::DecodeError;
pub use feed::{Batch, CHANNEL_BATCHES};
pub use json::{decode_object, decode_pod};
pub use kind::Kind;
pub use request::{Format, RequestError};
pub(crate) use resume::number;
pub use silence::{SILENT_MAX, silent};
pub use state::{KindState, States};
pub use stats::{KindStats, WatchStats};
pub(crate) use wire::object::WireObject;

/// How to list and watch.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// `clientConnection.contentType` and `acceptContentTypes`.
    pub format: Format,
    /// Objects per page of a list; client-go's 500 by default.
    pub page_size: u32,
    /// Time from one audit of a kind to the next, at the least.
    pub audit_every: Duration,
    /// Time from one look for kinds that the server does not serve to the next, at the least.
    pub look_every: Duration,
    /// Which failures are told.
    pub complaints: Complaints,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            format: Format::default(),
            page_size: 500,
            audit_every: duties::AUDIT_EVERY,
            look_every: discovery::LOOK_EVERY,
            complaints: Complaints::default(),
        }
    }
}

/// The running watches; dropping it ends them.
#[derive(Debug)]
pub struct Watches {
    tasks: JoinSet<()>,
    states: watch::Receiver<States>,
    stats: Arc<WatchStats>,
    doubts: Doubts,
}

impl Watches {
    /// Starts one task per kind on the current tokio runtime. `inputs` is best a channel of
    /// [`CHANNEL_BATCHES`]; the tasks end when its receiver is gone.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        client: &kube::Client,
        options: &WatchOptions,
        inputs: &mpsc::Sender<Batch>,
    ) -> Self {
        let (sender, states) = watch::channel(States::default());
        let sender = Arc::new(sender);
        let stats = Arc::new(WatchStats::default());
        let mut tasks = JoinSet::new();
        let seeds = RandomState::new();
        let news = watch::Sender::new(0);
        let (doubts, doubted) = Doubts::channel();
        let mut doubted = Some(doubted);
        let source = request::Source {
            client: client.clone(),
            format: options.format,
            page_size: options.page_size,
        };
        let (discovery, looks) = discovery::Discovery::new(
            source.clone(),
            options.look_every,
            (Arc::clone(&stats), options.complaints.clone()),
            seeds.hash_one("discovery"),
        );
        tasks.spawn(looks);
        for kind in Kind::ALL {
            let source = source.clone();
            let state = state::StateCell::new(kind, Arc::clone(&sender));
            let feed = feed::Feed::new(kind, inputs.clone(), Arc::clone(&stats))
                .complaining(options.complaints.clone());
            let seed = seeds.hash_one(kind);
            let mut duties = duties::Duties::new(options.audit_every, seed, news.clone());
            if kind == Kind::Pod
                && let Some(doubted) = doubted.take()
            {
                duties.hear(doubted);
            }
            let follower = follower::Follower::new(source, state, feed, kind, seed);
            let follower = follower.with_duties(duties).discovering(discovery.clone());
            tasks.spawn(follower.run());
        }
        Self { tasks, states, stats, doubts }
    }

    /// Where to tell that a pod is not as the watch has told.
    pub fn doubts(&self) -> Doubts {
        self.doubts.clone()
    }

    /// Counters, for metrics.
    pub fn stats(&self) -> &Arc<WatchStats> {
        &self.stats
    }

    /// The states of all kinds, to look at or to wait on. A kind is [`KindState::Synced`] only
    /// after its whole first list is in the channel: who sees all kinds ready and then empties the
    /// channel has the whole world.
    pub fn states(&self) -> watch::Receiver<States> {
        self.states.clone()
    }

    /// Waits until scheduling may begin ([`States::is_ready`]); `false` where the tasks have ended
    /// before.
    pub async fn ready(&self) -> bool {
        self.states.clone().wait_for(States::is_ready).await.is_ok()
    }

    /// Ends the tasks and waits for them.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}
