//! How events are written: behind the binds, tried again where the server could not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::backlog::{Backlog, Next as Due};
use super::record::Event;
use super::series::{Series, Write};
use super::{EventOptions, FAILURE_PACE, RETRY_WAIT, RETRY_WAIT_MAX, SWEEP_EVERY, TRIES_MAX};
use crate::client::protobuf::{BodyFormat, PROTOBUF};
use crate::client::{Answer, Failure, GivingWay, Place, RightOfWay, exchange, request};
use crate::client::{Client, cause};
use crate::metrics::{EventMetrics, signed};

/// What the handles fill and the lane empties.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) backlog: Mutex<Backlog>,
    pub(super) wake: Notify,
    /// An event has come that says why a pod waits.
    pub(super) failure: Notify,
}

impl Queue {
    pub(super) fn backlog(&self) -> MutexGuard<'_, Backlog> {
        // Nothing can panic while it is held; a poisoned lock would still hold a sound queue.
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What every write in flight shares.
pub(super) struct Lane {
    client: Client,
    options: EventOptions,
    metrics: EventMetrics,
    format: BodyFormat,
}

impl Lane {
    pub(super) fn new(client: Client, options: EventOptions, metrics: EventMetrics) -> Self {
        let format = BodyFormat::new(options.protobuf);
        Self { client, options, metrics, format }
    }
}

/// Writes what comes until it is told to close and nothing is left.
pub(super) async fn dispatch(
    lane: Arc<Lane>,
    queue: Arc<Queue>,
    way: Arc<RightOfWay>,
    closing: CancellationToken,
) {
    let mut series = Series::new(lane.options.repeat_every);
    let mut bucket = lane.client.bucket(lane.options.rate);
    let gate = GivingWay::new(way, lane.options.share);
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    let mut tasks = JoinSet::new();
    // What is left of the last sweep, and when a failure was last let in.
    let mut swept: VecDeque<Write> = VecDeque::new();
    let mut told = None;
    loop {
        while tasks.try_join_next().is_some() {}
        let closed = closing.is_cancelled();
        let due = match queue.backlog().next(Instant::now(), closed) {
            Due::Ready => None,
            _ if !swept.is_empty() => None,
            Due::Nothing if closed => break,
            Due::Nothing => Some(Instant::now() + SWEEP_EVERY),
            Due::At(due) => Some(due),
        };
        if let Some(due) = due {
            tokio::select! {
                () = queue.wake.notified() => {}
                () = tokio::time::sleep_until(due.into()) => {}
                () = closing.cancelled(), if !closed => {}
                _ = sweep.tick() => swept.extend(series.sweep(Instant::now())),
            }
            continue;
        }
        let Some(place) = enter(&gate, &queue, &mut told).await else { continue };
        let left = if queue.backlog().has_failure() { None } else { swept.pop_front() };
        let write = left.or_else(|| {
            let next = queue.backlog().pop(Instant::now(), closing.is_cancelled());
            let event = next.map(|waiting| waiting.event(&lane.options.hostname));
            event.and_then(|event| series.add(event, Instant::now()))
        });
        lane.metrics.queue.set(signed(queue.backlog().len()));
        let Some(write) = write else { continue };
        bucket.take().await;
        let lane = Arc::clone(&lane);
        tasks.spawn(async move {
            lane.write(&write).await;
            drop(place);
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// A place for the next event; `None` where one that says why a pod waits has come meanwhile, which
/// need not be as patient.
async fn enter(
    gate: &GivingWay,
    queue: &Queue,
    told: &mut Option<tokio::time::Instant>,
) -> Option<Place> {
    if queue.backlog().has_failure() {
        let place = gate.enter_at_once(*told, FAILURE_PACE).await;
        *told = Some(tokio::time::Instant::now());
        return Some(place);
    }
    tokio::select! {
        place = gate.enter() => Some(place),
        () = queue.failure.notified() => None,
    }
}

/// What to do after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Done,
    /// The event to add to is gone: write it anew.
    Recreate,
    Retry(Option<Duration>),
    Failed,
}

/// How a write is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Create,
    Patch,
    /// POST of an event that a PATCH has not found. A conflict then means that its first POST has
    /// landed meanwhile, and the PATCH is tried again.
    Recreate,
}

/// client-go's `recordEvent` retries only where no answer came; we also retry where the server
/// says that it could not, and count what exists already as done.
fn next(result: &Result<Answer, Failure>, method: Method) -> Next {
    let Ok(answer) = result else { return Next::Retry(None) };
    match answer.status {
        200..=299 => Next::Done,
        409 if method == Method::Create => Next::Done,
        404 if method == Method::Patch => Next::Recreate,
        409 | 429 | 500.. => Next::Retry(answer.retry_after),
        _ => Next::Failed,
    }
}

impl Lane {
    async fn write(&self, write: &Write) {
        let first = match write {
            Write::Create(_) => Method::Create,
            Write::Patch(_) => Method::Patch,
        };
        let mut method = first;
        let (Write::Create(event) | Write::Patch(event)) = write;
        let mut wait = RETRY_WAIT;
        for attempt in 1..=TRIES_MAX {
            let protobuf = self.format.is_protobuf();
            let request = if method == Method::Patch {
                let content = "application/strategic-merge-patch+json";
                request("PATCH", &event.path(), Some((content, event.series_patch())))
            } else if protobuf {
                request("POST", &event.collection(), Some((PROTOBUF, event.to_protobuf())))
            } else {
                let content = Some(("application/json", event.to_json()));
                request("POST", &event.collection(), content)
            };
            let Ok(request) = request else { break };
            self.metrics.writes.inc();
            let result = exchange(&self.client, request, self.options.deadline).await;
            if result.as_ref().is_ok_and(|a| self.format.is_refused(a.status, protobuf)) {
                tracing::info!("The API server reads no protobuf in events: writing JSON");
                continue;
            }
            let asked = match next(&result, method) {
                Next::Done => {
                    match method {
                        Method::Patch => self.metrics.series.inc(),
                        Method::Create | Method::Recreate => self.metrics.created.inc(),
                    };
                    return;
                }
                Next::Recreate => {
                    method = Method::Recreate;
                    continue;
                }
                Next::Retry(asked) => {
                    method = first;
                    asked
                }
                Next::Failed => {
                    self.fail(event, &result);
                    return;
                }
            };
            if attempt == TRIES_MAX {
                self.fail(event, &result);
                return;
            }
            tokio::time::sleep(asked.unwrap_or(wait).min(RETRY_WAIT_MAX)).await;
            wait = (wait * 2).min(RETRY_WAIT_MAX);
        }
        self.metrics.failed.inc();
    }

    fn fail(&self, event: &Event, result: &Result<Answer, Failure>) {
        self.metrics.failed.inc();
        let error = match result {
            Ok(answer) => answer.text(),
            Err(failure) => failure.to_string(),
        };
        // A namespace that is being deleted takes no events: news to nobody.
        if error.contains("is being terminated") {
            tracing::debug!(event = event.path(), error, "Event refused");
            return;
        }
        if let Some(complaint) = self.client.complaints().about(&format!("event {}", cause(&error)))
        {
            tracing::warn!(
                event = event.path(),
                error,
                server = &*complaint.server,
                heldBack = complaint.held_back,
                "Event refused, it will not be retried"
            );
        }
    }
}
