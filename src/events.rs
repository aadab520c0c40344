//! Events about pods, in kube-scheduler's words, and about the configuration: `events.k8s.io/v1`.
//! Enter at [`EventSink::spawn`].
//!
//! An event costs the API server more than a bind, so events have a lane of their own behind the
//! binds: a bounded queue, few requests in flight, a rate of their own. When the queue is full an
//! event is dropped and counted; nothing else ever waits for an event.

mod record;
mod series;

use std::sync::Arc;
use std::time::{Duration, Instant};

use berth_engine::{Effect, PodEvent, PodName};
use jiff::Timestamp;
use kube::Client;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::client::{Answer, Bucket, Failure, Rate, exchange, request};
use crate::metrics::{EventMetrics, signed};

pub use record::{Event, Regarding, Statement, cut_note};
use series::{Series, Write};

/// Events that wait. kube-scheduler's broadcaster holds 1,000 and drops the rest; at 2,000 binds/s
/// and 500 events/s, 16,384 bridge a Job of 20,000 pods. About 500 bytes each: 8 MB.
pub const EVENT_QUEUE_MAX: usize = 16_384;

/// How to write.
#[derive(Debug, Clone)]
pub struct EventOptions {
    /// Events per second; kube-scheduler gives events a client of their own with
    /// `clientConnection.qps`.
    pub rate: Rate,
    /// Most events posted and not yet answered. 4 at 10 ms carry 400/s, what an API server on two
    /// cores takes beside binds; more would only take its time from the binds.
    pub in_flight_max: usize,
    /// Deadline of one request.
    pub deadline: Duration,
    /// End of `reportingInstance`: `<profile>-<hostname>`.
    pub hostname: String,
}

impl Default for EventOptions {
    fn default() -> Self {
        Self {
            rate: Rate::from_client_connection(0.0, 0),
            in_flight_max: 4,
            deadline: Duration::from_secs(10),
            hostname: hostname(),
        }
    }
}

/// The name of this machine or pod; `unknown` where it cannot be read.
pub fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let name = name.map(|n| n.trim().to_owned()).unwrap_or_default();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

/// Tries of one event (client-go's `maxTriesPerEvent`).
const TRIES_MAX: u32 = 12;

/// First wait between tries; doubles up to [`RETRY_WAIT_MAX`]. client-go waits 10 s each time.
const RETRY_WAIT: Duration = Duration::from_millis(100);

/// Longest wait between tries, also for `Retry-After`.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(10);

/// How often series that have ended are forgotten and those that go on are written.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// An event that waits. Its text is made when its turn comes, not on the engine's thread.
#[derive(Debug)]
struct Waiting {
    about: About,
    controller: Box<str>,
    time: Timestamp,
}

#[derive(Debug)]
enum About {
    Pod(PodName, PodEvent),
    Object(Regarding, Statement),
}

impl Waiting {
    fn event(self, hostname: &str) -> Event {
        let (regarding, statement) = match self.about {
            About::Pod(pod, event) => {
                let statement = Statement::of(&pod.key, event);
                (pod.into(), statement)
            }
            About::Object(regarding, statement) => (regarding, statement),
        };
        Event::new(regarding, &self.controller, statement, hostname, self.time)
    }
}

/// Takes events.
#[derive(Debug, Clone)]
pub struct EventHandle {
    queue: mpsc::Sender<Waiting>,
    metrics: EventMetrics,
}

impl EventHandle {
    /// Takes an event about a pod from the profile of this name. Never waits; where the queue is
    /// full the event is dropped and counted.
    pub fn publish(&self, pod: PodName, profile: Box<str>, event: PodEvent) {
        self.enqueue(About::Pod(pod, event), profile);
    }

    /// Takes an event about another object, on the same terms.
    pub fn publish_about(&self, regarding: Regarding, controller: &str, statement: Statement) {
        self.enqueue(About::Object(regarding, statement), controller.into());
    }

    fn enqueue(&self, about: About, controller: Box<str>) {
        let waiting = Waiting { about, controller, time: Timestamp::now() };
        if self.queue.try_send(waiting).is_err() {
            self.metrics.dropped.inc();
        }
        let waiting = EVENT_QUEUE_MAX - self.queue.capacity();
        self.metrics.queue.set(signed(waiting));
    }

    /// Takes [`Effect::Event`].
    ///
    /// # Errors
    /// Another effect, given back.
    pub fn take(&self, effect: Effect) -> Result<(), Box<Effect>> {
        match effect {
            Effect::Event { pod, profile, event } => {
                self.publish(pod, profile, event);
                Ok(())
            }
            other => Err(Box::new(other)),
        }
    }
}

/// The task that writes events.
#[derive(Debug)]
pub struct EventSink {
    handle: EventHandle,
    closing: CancellationToken,
    dispatcher: JoinHandle<()>,
}

impl EventSink {
    /// Starts the sink on the current tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(client: Client, options: EventOptions, metrics: EventMetrics) -> Self {
        let (queue, events) = mpsc::channel(EVENT_QUEUE_MAX);
        let closing = CancellationToken::new();
        let lane = Arc::new(Lane { client, options, metrics: metrics.clone() });
        let dispatcher = tokio::spawn(dispatch(lane, events, closing.clone()));
        Self { handle: EventHandle { queue, metrics }, closing, dispatcher }
    }

    /// A handle to hand events in; cheap to clone.
    pub fn handle(&self) -> EventHandle {
        self.handle.clone()
    }

    /// Writes what waits, and gives up at the deadline. Returns whether all was written.
    pub async fn drain(mut self, deadline: Duration) -> bool {
        self.closing.cancel();
        let done = tokio::time::timeout(deadline, &mut self.dispatcher).await.is_ok();
        if !done {
            self.dispatcher.abort();
        }
        done
    }
}

struct Lane {
    client: Client,
    options: EventOptions,
    metrics: EventMetrics,
}

async fn dispatch(
    lane: Arc<Lane>,
    mut events: mpsc::Receiver<Waiting>,
    closing: CancellationToken,
) {
    let mut series = Series::default();
    let mut bucket = Bucket::new(lane.options.rate, Instant::now());
    let permits = Arc::new(Semaphore::new(lane.options.in_flight_max.max(1)));
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let writes = tokio::select! {
            event = events.recv() => {
                let Some(event) = event else { break };
                lane.metrics.queue.set(signed(events.len()));
                let event = event.event(&lane.options.hostname);
                series.add(event, Instant::now()).into_iter().collect()
            }
            _ = sweep.tick() => series.sweep(Instant::now()),
            () = closing.cancelled(), if !events.is_closed() => {
                events.close();
                Vec::new()
            }
        };
        for write in writes {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            bucket.take().await;
            let lane = Arc::clone(&lane);
            tasks.spawn(async move {
                lane.write(&write).await;
                drop(permit);
            });
        }
    }
    while tasks.join_next().await.is_some() {}
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
            let request = if method == Method::Patch {
                let content = "application/strategic-merge-patch+json";
                request("PATCH", &event.path(), Some((content, event.series_patch())))
            } else {
                let content = Some(("application/json", event.to_json()));
                request("POST", &event.collection(), content)
            };
            let Ok(request) = request else { break };
            let result = exchange(&self.client, request, self.options.deadline).await;
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
        } else {
            tracing::warn!(event = event.path(), error, "Event refused, it will not be retried");
        }
    }
}

#[cfg(test)]
mod tests;
