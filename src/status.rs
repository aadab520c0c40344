//! Writing why a pod waits: PATCH of `pods/{name}/status`. Enter at [`StatusWriter::spawn`].
//!
//! Only the latest word about a pod counts: what waits for a pod is replaced by what comes after
//! it, and a pod is never written twice at once. Pods that show nothing yet come before those whose
//! word changes. Conditions have a lane and a rate of their own,
//! which gives way to binds.

mod patch;
mod pending;
mod turns;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use berth_engine::{Effect, PodName};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::client::{
    Answer, Client, Failure, Rate, RightOfWay, Share, SharedBucket, cause, exchange, request,
};
use crate::metrics::{StatusMetrics, signed};

pub use patch::{Condition, StatusChange};
use pending::{Ended, Pending, Taken};
use turns::Turns;

/// How to write.
#[derive(Debug, Clone)]
pub struct StatusOptions {
    /// Patches per second; a share of `clientConnection.qps` beside the binds' own.
    pub rate: Rate,
    /// The binds' own tokens: where this lane has none a pod that shows nothing yet takes one of
    /// these, every second at most where binds wait too. kube-scheduler's patches and binds have
    /// one bucket. 200 pods at 50/s with a burst of 100 are told in 1.2 s, by a quarter alone in
    /// 14 s.
    pub binds: Option<SharedBucket>,
    /// Most patches posted and not yet answered. 8 at 10 ms carry 800/s, as many as a burst of new
    /// unschedulable pods needs to be told within seconds; beside binds 4 of 132 requests at the
    /// server are patches, from the first moment: they say why pods wait. That is 3 % of what the
    /// server works on while any wait, and 30/s where a bind takes 128 ms, so that 30 pods are told
    /// within 1 s. (2 told them within 0.8 s, and within 2.5 s where the server stood still for
    /// 1.5 s.)
    pub share: Share,
    /// Deadline of one PATCH.
    pub deadline: Duration,
}

impl Default for StatusOptions {
    fn default() -> Self {
        let rate = Rate::from_client_connection(0.0, 0).share(4);
        let share = Share { patience: Duration::ZERO, beside_binds: 4, alone: 8 };
        Self { rate, binds: None, share, deadline: Duration::from_secs(10) }
    }
}

/// Tries of one patch and the waits between them: client-go's `retry.DefaultBackoff`, 10 ms growing
/// fivefold (its jitter of 0.1 is left out: a pod has one writer, which never meets itself).
const RETRY_WAITS: [Duration; 3] =
    [Duration::from_millis(10), Duration::from_millis(50), Duration::from_millis(250)];

/// Tries that a server which sheds load gets on top: 30 waits of 1 s outlast the storms that its
/// priority levels are made for.
const THROTTLED_MAX: u32 = 30;

/// Longest single wait for `Retry-After`.
const THROTTLED_WAIT_MAX: Duration = Duration::from_secs(30);

/// Pods that wait in the queue at most where the engine asks how many it takes: a second's work of
/// a fast API server. The queue itself holds more, for nominations.
const FILLED_TO: usize = 1_024;

/// Takes changes of pods' status.
#[derive(Debug, Clone)]
pub struct StatusHandle {
    queue: Arc<Queue>,
}

#[derive(Debug)]
struct Queue {
    pending: Mutex<Pending>,
    wake: Notify,
    metrics: StatusMetrics,
}

impl Queue {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Nothing can panic while it is held; a poisoned lock would still hold a sound queue.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StatusHandle {
    /// Takes a change; it replaces what waits for the same pod. Never waits.
    ///
    /// Where the queue is full the change is dropped, counted and logged.
    pub fn publish(&self, pod: PodName, change: StatusChange) {
        let metrics = &self.queue.metrics;
        let (taken, len) = {
            let mut pending = self.queue.pending();
            (pending.push(pod, change), pending.len())
        };
        metrics.queue.set(signed(len));
        match taken {
            Taken::New => self.queue.wake.notify_one(),
            Taken::Merged => {
                metrics.replaced.inc();
            }
            Taken::Full(pod) => {
                metrics.dropped.inc();
                tracing::warn!(pod = %pod.key, "Status queue full, a pod's condition is dropped");
            }
        }
    }

    /// How many more pods' conditions it takes so that none waits here long: what is decided about
    /// a pod meanwhile replaces what waits in the engine at no cost.
    pub fn free(&self) -> usize {
        FILLED_TO.saturating_sub(self.queue.pending().len())
    }

    /// The pod is being bound: that it waits is not written any more, where it has not been yet.
    pub fn withdraw_condition(&self, pod: &PodName) {
        self.queue.pending().withdraw_condition(&pod.uid);
    }

    /// Takes [`Effect::Condition`] and [`Effect::Nominate`].
    ///
    /// # Errors
    /// Another effect, given back.
    pub fn take(&self, effect: Effect) -> Result<(), Box<Effect>> {
        match effect {
            Effect::Condition { pod, reason, message, generation } => {
                let reason = reason.as_str();
                self.publish(pod, StatusChange::condition(reason, message, generation));
            }
            Effect::Nominate { pod, node } => self.publish(pod, StatusChange::nominate(node)),
            other => return Err(Box::new(other)),
        }
        Ok(())
    }
}

/// The task that writes.
#[derive(Debug)]
pub struct StatusWriter {
    handle: StatusHandle,
    closing: CancellationToken,
    dispatcher: JoinHandle<()>,
}

impl StatusWriter {
    /// Starts the writer on the current tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(
        client: Client,
        options: StatusOptions,
        metrics: StatusMetrics,
        way: Arc<RightOfWay>,
    ) -> Self {
        let queue = Arc::new(Queue {
            pending: Mutex::new(Pending::default()),
            wake: Notify::new(),
            metrics,
        });
        let closing = CancellationToken::new();
        let dispatcher =
            tokio::spawn(dispatch(client, options, way, Arc::clone(&queue), closing.clone()));
        Self { handle: StatusHandle { queue }, closing, dispatcher }
    }

    /// A handle to hand changes in; cheap to clone.
    pub fn handle(&self) -> StatusHandle {
        self.handle.clone()
    }

    /// Writes what waits, and gives up at the deadline. Returns how many pods were left out.
    pub async fn drain(mut self, deadline: Duration) -> usize {
        self.closing.cancel();
        if tokio::time::timeout(deadline, &mut self.dispatcher).await.is_err() {
            self.dispatcher.abort();
        }
        self.handle.queue.pending().len()
    }
}

async fn dispatch(
    client: Client,
    options: StatusOptions,
    way: Arc<RightOfWay>,
    queue: Arc<Queue>,
    closing: CancellationToken,
) {
    let mut turns = Turns::new(&client, &options, way);
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let due = {
            let pending = queue.pending();
            if pending.is_due(Instant::now()) { None } else { Some(pending.next_due()) }
        };
        if let Some(due) = due {
            tokio::select! {
                () = queue.wake.notified() => {}
                () = until(due) => {}
                // Pods in flight may have been changed again: look once more when they end.
                Some(_) = tasks.join_next() => {}
                () = closing.cancelled(), if tasks.is_empty() => return,
            }
            continue;
        }
        let place = turns.next(&queue).await;
        // The change is read only now: as late as possible, it is the latest.
        let next = queue.pending().pop(Instant::now());
        let Some((pod, change, first)) = next else { continue };
        let (client, queue, deadline) = (client.clone(), Arc::clone(&queue), options.deadline);
        tasks.spawn(async move {
            let ended = write(&client, &queue, &pod, &change, first, deadline).await;
            let (kept, len) = {
                let mut pending = queue.pending();
                (pending.done(&pod.uid, change, ended, Instant::now()), pending.len())
            };
            if !kept {
                queue.metrics.dropped.inc();
                tracing::warn!(pod = %pod.key, "The pod's status is given up after an hour of tries");
            }
            queue.metrics.queue.set(signed(len));
            queue.wake.notify_one();
            drop(place);
        });
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// What to do after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Written,
    Gone,
    Retry,
    Throttled(Duration),
    Failed,
}

/// kube-scheduler retries a status patch on conflict, internal error, unavailability and a refused
/// connection (`util.PatchPodStatus`); the patch carries all it wants
/// to say, so a lost answer is safe to retry as well.
fn next(result: &Result<Answer, Failure>) -> Next {
    let answer = match result {
        Ok(answer) => answer,
        Err(Failure::Unsent(_) | Failure::Lost(_)) => return Next::Retry,
    };
    match answer.status {
        200..=299 => Next::Written,
        404 => Next::Gone,
        // A token may be renewed meanwhile.
        401 | 409 | 500 | 502 | 503 | 504 => Next::Retry,
        429 => {
            let wait = answer.retry_after.unwrap_or(Duration::from_secs(1));
            Next::Throttled(wait.min(THROTTLED_WAIT_MAX))
        }
        _ => Next::Failed,
    }
}

/// Patches until it is written, not the last word any more, or not worth another try now.
async fn write(
    client: &Client,
    queue: &Queue,
    pod: &PodName,
    change: &StatusChange,
    first: bool,
    deadline: Duration,
) -> Ended {
    let metrics = &queue.metrics;
    let path = format!("/api/v1/namespaces/{}/pods/{}/status", pod.key.namespace, pod.key.name);
    let body = change.to_patch(&pod.uid, first.then(Timestamp::now));
    let mut waits = RETRY_WAITS.into_iter();
    let mut throttled = 0;
    loop {
        let content = Some(("application/strategic-merge-patch+json", body.clone()));
        let result = match request("PATCH", &path, content) {
            Ok(request) => {
                metrics.writes.inc();
                exchange(client, request, deadline).await
            }
            Err(error) => {
                tracing::error!(pod = %pod.key, %error, "Cannot name the pod in a request");
                metrics.failed.inc();
                return Ended::Refused;
            }
        };
        let wait = match next(&result) {
            Next::Written => {
                metrics.written.inc();
                return Ended::Written;
            }
            Next::Gone => {
                metrics.gone.inc();
                return Ended::Refused;
            }
            Next::Retry => waits.next(),
            Next::Throttled(wait) => {
                throttled += 1;
                (throttled <= THROTTLED_MAX).then_some(wait)
            }
            Next::Failed => None,
        };
        if queue.pending().is_stale(&pod.uid) {
            metrics.replaced.inc();
            return Ended::Stale;
        }
        let ended = match next(&result) {
            Next::Failed => Ended::Refused,
            _ => Ended::Failed,
        };
        let Some(wait) = wait else {
            let error = result.map_or_else(|failure| failure.to_string(), |a| a.text());
            if let Some(complaint) = client.complaints().about(&format!("status {}", cause(&error)))
            {
                tracing::warn!(
                    pod = %pod.key, error, server = &*complaint.server,
                    heldBack = complaint.held_back, "Failed to write the pod's status"
                );
            }
            metrics.failed.inc();
            return ended;
        };
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests;
