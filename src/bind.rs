//! Binding pods to nodes: POST of `pods/{name}/binding`. Enter at [`Binder::spawn`].
//!
//! A bind asks for the pod's version that the scheduler knew, so that it cannot be carried out on a
//! pod that has been written since. What the answer means is in `outcome`. An answer that was lost
//! is looked up (`lookup`), not repeated blindly and not assumed failed; before the pod's room is
//! given away the pod is written (`fence`). A bind that is refused because the pod has changed is
//! posted again at once. Every bind taken is reported as one [`Input::BindOutcome`], except those
//! that a drain drops before they are posted, and those still open when its deadline passes.

mod body;
mod fence;
mod limit;
mod look;
mod lookup;
mod outcome;
mod pause;
mod posting;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use berth_engine::{
    AttemptResult, BINDS_MAX, BindOutcome, CycleId, Decision, Effect, Input, PodName,
};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::client::protobuf::BodyFormat;
use crate::client::{Client, Complaints, cause};
use crate::client::{Rate, RightOfWay, SharedBucket};
use crate::metrics::{BindMetrics, signed};
use crate::watch::Doubts;

pub use limit::HeldBack;
use limit::Limit;
pub use lookup::LookupOptions;
use pause::Pause;

/// Binds decided and not yet posted: as many as the engine leaves open, so that it never finds the
/// queue full. About 200 bytes each, 400 kB in all.
pub const BIND_QUEUE_MAX: usize = BINDS_MAX;

/// Binds posted and not yet answered: rate × latency. 128 carries 12,800 binds/s at 10 ms and
/// 1,280/s at 100 ms, where the API server is the limit. Each is one connection (HTTP/1.1).
pub const BIND_IN_FLIGHT_MAX: usize = 128;

/// The target of the log lines that tell a decision: `info!(target: DECISION, ...)`.
pub const DECISION: &str = "berth::decision";

/// How to bind.
#[derive(Debug, Clone)]
pub struct BindOptions {
    /// `clientConnection.qps` and `burst`.
    pub rate: Rate,
    /// Most binds posted and not yet answered.
    pub in_flight_max: usize,
    /// Deadline of one POST. The server is asked to give up by then too.
    pub deadline: Duration,
    /// How a lost answer is looked up.
    pub lookup: LookupOptions,
    /// Bodies as protobuf, where the server reads it.
    pub protobuf: bool,
    /// Where to tell that a pod is not as the watch has told.
    pub doubts: Option<Doubts>,
}

impl Default for BindOptions {
    fn default() -> Self {
        Self {
            rate: Rate::from_client_connection(0.0, 0),
            in_flight_max: BIND_IN_FLIGHT_MAX,
            deadline: Duration::from_secs(10),
            lookup: LookupOptions::default(),
            protobuf: true,
            doubts: None,
        }
    }
}

/// One bind to make: [`Effect::Bind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// What the outcome names.
    pub cycle: CycleId,
    /// The pod.
    pub pod: Arc<PodName>,
    /// The pod's `metadata.resourceVersion` as last seen; 0 where unknown, and then no lost bind
    /// can be kept from being carried out late.
    pub resource_version: u64,
    /// The node's name.
    pub node: Arc<str>,
    /// `schedulerName` of the profile that decided.
    pub profile: Arc<str>,
    /// How the decision came about.
    pub decision: Decision,
    /// When the attempt began, for `scheduling_attempt_duration_seconds`
    /// ([`crate::metrics::Tally::take_start`]).
    pub started: Instant,
    /// When the decision was made and the bind began to wait for its POST.
    pub decided: Instant,
}

impl Bind {
    /// Reads an [`Effect::Bind`] of an attempt that began at `started`.
    ///
    /// # Errors
    /// Another effect, given back.
    pub fn from_effect(effect: Effect, started: Instant) -> Result<Self, Box<Effect>> {
        match effect {
            Effect::Bind { cycle, pod, resource_version, node, profile, decision } => {
                let decided = Instant::now();
                Ok(Self { cycle, pod, resource_version, node, profile, decision, started, decided })
            }
            other => Err(Box::new(other)),
        }
    }
}

/// Hands binds to a [`Binder`].
#[derive(Debug, Clone)]
pub struct BinderHandle {
    queue: mpsc::Sender<Bind>,
    /// Knows the binds taken and not yet reported.
    way: Arc<RightOfWay>,
}

impl BinderHandle {
    /// Takes a bind, or gives it back where the queue is full or the binder has been drained.
    ///
    /// The engine's thread must not wait here: the binder may be waiting for it to take an
    /// outcome. It keeps what does not fit, and decides nothing more until [`Self::room`] is back.
    ///
    /// # Errors
    /// The bind itself.
    // The caller needs the bind back whole, to hand it in again.
    #[allow(clippy::result_large_err)]
    pub fn try_send(&self, bind: Bind) -> Result<(), Bind> {
        self.way.begin();
        self.queue.try_send(bind).map_err(|error| {
            self.way.end();
            match error {
                TrySendError::Full(bind) | TrySendError::Closed(bind) => bind,
            }
        })
    }

    /// How many more binds the queue takes now.
    pub fn room(&self) -> usize {
        self.queue.capacity()
    }
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Binds posted and without an outcome when the deadline passed. They are in doubt for this
    /// process; the next one learns the truth from its first list.
    pub left: usize,
    /// Binds that were never posted: their pods are pending, and the next scheduler's.
    pub unposted: usize,
}

/// The task that binds.
#[derive(Debug)]
pub struct Binder {
    handle: BinderHandle,
    held_back: watch::Receiver<Option<HeldBack>>,
    tokens: SharedBucket,
    closing: CancellationToken,
    unposted: Arc<AtomicUsize>,
    dispatcher: JoinHandle<()>,
}

/// What every bind in flight shares.
struct Shared {
    client: Client,
    options: BindOptions,
    metrics: BindMetrics,
    outcomes: mpsc::Sender<Input>,
    pause: Pause,
    /// A bind that is posted again takes a token as well, and so do first conditions.
    bucket: SharedBucket,
    way: Arc<RightOfWay>,
    format: BodyFormat,
    /// Nothing more is posted.
    closing: CancellationToken,
    /// Binds dropped for that.
    unposted: Arc<AtomicUsize>,
}

impl Binder {
    /// Starts the binder on the current tokio runtime. `outcomes` is best a channel of
    /// [`BIND_QUEUE_MAX`], so that no bind waits for the engine to hear of it.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(
        client: Client,
        options: BindOptions,
        metrics: BindMetrics,
        outcomes: mpsc::Sender<Input>,
    ) -> Self {
        let (queue, bindings) = mpsc::channel(BIND_QUEUE_MAX);
        let closing = CancellationToken::new();
        let way = Arc::<RightOfWay>::default();
        let handle = BinderHandle { queue, way: Arc::clone(&way) };
        let (pause, format) = (Pause::default(), BodyFormat::new(options.protobuf));
        let bucket = SharedBucket::new(client.bucket(options.rate));
        let tokens = bucket.clone();
        let unposted = Arc::<AtomicUsize>::default();
        let shared = Shared {
            client,
            options,
            metrics,
            outcomes,
            pause,
            bucket,
            way,
            format,
            closing: closing.clone(),
            unposted: Arc::clone(&unposted),
        };
        let (tell, held_back) = watch::channel(None);
        let dispatcher = tokio::spawn(dispatch(Arc::new(shared), bindings, tell));
        Self { handle, held_back, tokens, closing, unposted, dispatcher }
    }

    /// A handle to hand binds in; cheap to clone.
    pub fn handle(&self) -> BinderHandle {
        self.handle.clone()
    }

    /// What tells that the configured rate is what holds binds back, now and then while it does.
    pub fn held_back(&self) -> watch::Receiver<Option<HeldBack>> {
        self.held_back.clone()
    }

    /// The binds' tokens, for requests that are as urgent.
    pub fn tokens(&self) -> SharedBucket {
        self.tokens.clone()
    }

    /// What tells the lanes that give way whether binds are open.
    pub fn right_of_way(&self) -> Arc<RightOfWay> {
        Arc::clone(&self.handle.way)
    }

    /// Takes no more binds and drops those that are not posted yet, as at a low rate they would
    /// take the whole time: their pods are pending. Waits for the answers of those that are, and
    /// gives up at the deadline.
    pub async fn drain(mut self, deadline: Duration) -> Drained {
        self.closing.cancel();
        if tokio::time::timeout(deadline, &mut self.dispatcher).await.is_err() {
            // Dropping the dispatcher's JoinSet aborts the binds in flight. Until it has ended it
            // still takes binds, which nobody would post or count as left.
            self.dispatcher.abort();
            let _ended = (&mut self.dispatcher).await;
        }
        Drained { left: self.handle.way.give_up(), unposted: self.unposted.load(Relaxed) }
    }
}

async fn dispatch(
    shared: Arc<Shared>,
    mut bindings: mpsc::Receiver<Bind>,
    tell: watch::Sender<Option<HeldBack>>,
) {
    let mut limit = match shared.options.rate {
        Rate::Limited { qps, .. } => Some(Limit::new(qps, Instant::now())),
        Rate::Unlimited | Rate::Adaptive { .. } => None,
    };
    let in_flight = Arc::new(Semaphore::new(shared.options.in_flight_max.max(1)));
    let mut tasks = JoinSet::new();
    while let Some(Some(bind)) = shared.until_closing(bindings.recv()).await {
        shared.metrics.queue.set(signed(bindings.len()));
        let turn = async {
            let permit = Arc::clone(&in_flight).acquire_owned().await.ok()?;
            shared.pause.wait().await;
            Some((permit, shared.take_token().await))
        };
        let Some(Some((permit, waited))) = shared.until_closing(turn).await else {
            shared.drop_unposted();
            break;
        };
        let told = limit.as_mut().and_then(|limit| limit.waited(waited, Instant::now()));
        if let Some(held) = told {
            tracing::warn!("{held}");
            tell.send_replace(Some(held));
        }
        shared.metrics.wait.observe(bind.decided.elapsed().as_secs_f64());
        let shared = Arc::clone(&shared);
        tasks.spawn(async move {
            let outcome = shared.bind(&bind).await;
            shared.report(bind, outcome).await;
            drop(permit);
        });
        // Keeps the set as small as the semaphore.
        while tasks.try_join_next().is_some() {}
    }
    bindings.close();
    while bindings.recv().await.is_some() {
        shared.drop_unposted();
    }
    shared.metrics.queue.set(0);
    while tasks.join_next().await.is_some() {}
}

impl Shared {
    /// What is waited for; `None` where nothing more is to be posted before it comes.
    async fn until_closing<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        self.closing.run_until_cancelled(wait).await
    }

    fn drop_unposted(&self) {
        self.unposted.fetch_add(1, Relaxed);
        self.way.end();
    }

    /// Waits for a token of the rate, and tells how long.
    async fn take_token(&self) -> Duration {
        let (waited, qps) = self.bucket.take().await;
        // As `clientConnection.qps` has it, -1 is no limit.
        self.metrics.rate.set(qps.map_or(-1, |qps| qps as i64));
        if !waited.is_zero() {
            self.metrics.limited.observe(waited.as_secs_f64());
        }
        waited
    }

    async fn report(&self, bind: Bind, outcome: BindOutcome) {
        self.metrics.count(outcome.label());
        let Bind { cycle, pod, node, profile, decision, started, .. } = bind;
        let bound = outcome == BindOutcome::Bound;
        let result = if bound { AttemptResult::Scheduled } else { AttemptResult::Error };
        self.metrics.attempts.count(result.as_str(), &profile, started.elapsed().as_secs_f64());
        if bound {
            tracing::info!(
                target: DECISION,
                pod = %pod.key, %node, %profile,
                evaluatedNodes = decision.evaluated, feasibleNodes = decision.feasible,
                bestNodes = decision.best, score = decision.score, attempt = decision.attempt,
                "Successfully bound pod to node"
            );
        } else {
            tell_failure(self.client.complaints(), &pod, &node, &outcome);
            if let (BindOutcome::Gone | BindOutcome::Replaced, Some(doubts)) =
                (&outcome, &self.options.doubts)
            {
                doubts.tell(&pod.key, &pod.uid);
            }
        }
        if self.outcomes.send(Input::BindOutcome { cycle, outcome }).await.is_err() {
            tracing::debug!("The engine has stopped: a bind outcome is not reported");
        }
        self.way.end();
    }
}

/// One line for a bind that failed, in the words of what an operator can do about it; once a minute
/// for each cause.
fn tell_failure(complaints: &Complaints, pod: &PodName, node: &str, outcome: &BindOutcome) {
    let pod = &pod.key;
    let err = match outcome {
        BindOutcome::Bound => return,
        BindOutcome::Gone => {
            tracing::info!(%pod, node, "Failed to bind pod: it is gone");
            return;
        }
        BindOutcome::Replaced => {
            tracing::info!(%pod, node, "Failed to bind pod: another pod has its name");
            return;
        }
        BindOutcome::Denied(err)
        | BindOutcome::Conflict(err)
        | BindOutcome::Throttled(err)
        | BindOutcome::Unavailable(err)
        | BindOutcome::NotBound { message: err, .. } => err,
    };
    let key = format!("bind {} {}", outcome.label(), cause(err));
    let Some(complaint) = complaints.about(&key) else {
        tracing::debug!(%pod, node, err, "Failed to bind pod");
        return;
    };
    let (server, held_back) = (&*complaint.server, complaint.held_back);
    if matches!(outcome, BindOutcome::Denied(_)) {
        tracing::error!(
            %pod, node, err, server, heldBack = held_back,
            "Failed to bind pod: where rights are missing, grant create on pods/binding to the \
             ServiceAccount"
        );
    } else {
        tracing::warn!(%pod, node, err, server, heldBack = held_back, "Failed to bind pod");
    }
}

#[cfg(test)]
mod tests;
