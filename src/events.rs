//! Events about pods, in kube-scheduler's words, and about the configuration: `events.k8s.io/v1`.
//! Enter at [`EventSink::spawn`].
//!
//! An event costs the API server more than a bind, so events have a lane of their own that gives
//! way to binds: they trail a burst of pods, but for those that say why a pod waits, of which a few
//! go beside it. What waits is bounded and nothing waits for an event
//! (`backlog`); `lane` writes, `series` counts what says the same again.

mod backlog;
mod lane;
mod record;
mod series;
mod wire;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use berth_engine::{Effect, PodEvent, PodName};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Rate, RightOfWay, Share};
use crate::metrics::{EventMetrics, signed};

use backlog::{About, Backlog, Taken, Waiting};
pub use backlog::{EVENTS_WAITING_MAX, Granularity};
use lane::{Lane, Queue, dispatch};
pub use record::{Event, Regarding, Statement, cut_note};

/// How to write.
#[derive(Debug, Clone)]
pub struct EventOptions {
    /// Events per second; kube-scheduler gives events a client of their own with
    /// `clientConnection.qps`.
    pub rate: Rate,
    /// Most events posted and not yet answered. None in the first 10 s of a burst, which is what
    /// 10,000 binds take a server on two cores and half as long again: one in flight beside 64
    /// binds came to 1,000 events beside 10,000 binds and took a twentieth of the binds' rate.
    /// Beside a longer stream one of 129 requests at the server is an event; alone, 128 at 60 ms
    /// carry 2,100/s. 128 of both, for 64 binds and 32 events, brought the last event of 10,000
    /// pods from 11.1 s to 10.2 s (means of three, server and scheduler on two cores).
    pub share: Share,
    /// Deadline of one request.
    pub deadline: Duration,
    /// End of `reportingInstance`: `<profile>-<hostname>`.
    pub hostname: String,
    /// One event for each pod placed, or one for each controller and second.
    pub granularity: Granularity,
    /// A pod that goes on waiting is told of so often: a series is patched where it is older.
    pub repeat_every: Duration,
    /// Bodies as protobuf, where the server reads it.
    pub protobuf: bool,
}

impl Default for EventOptions {
    fn default() -> Self {
        Self {
            rate: Rate::from_client_connection(0.0, 0),
            share: Share { patience: Duration::from_secs(10), beside_binds: 1, alone: 128 },
            deadline: Duration::from_secs(10),
            hostname: hostname(),
            granularity: Granularity::default(),
            // `--pod-max-in-unschedulable-pods-duration`.
            repeat_every: Duration::from_secs(300),
            protobuf: true,
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

/// How often an event goes beside binds that says why a pod waits. It costs the server as much as
/// three binds: 4/s beside 1,000 binds/s are 1.2 % of its work, together with the conditions' 1.5 %
/// less than a thirtieth.
const FAILURE_PACE: Duration = Duration::from_millis(250);

/// How often series that have ended are forgotten and those that go on are written.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Takes events.
#[derive(Debug, Clone)]
pub struct EventHandle {
    queue: Arc<Queue>,
    metrics: EventMetrics,
}

impl EventHandle {
    /// Takes an event about a pod from the profile of this name. Never waits; where as many wait as
    /// may, a placement is counted in an event of the pod's controller, and what cannot be is
    /// dropped and counted.
    pub fn publish(&self, pod: Arc<PodName>, profile: Arc<str>, event: PodEvent) {
        self.enqueue(About::Pod(pod, event), profile);
    }

    /// Takes an event about another object, on the same terms.
    pub fn publish_about(&self, regarding: Regarding, controller: &str, statement: Statement) {
        self.enqueue(About::Object(Box::new((regarding, statement))), controller.into());
    }

    /// How events tell of pods that are placed from now on.
    pub fn set_granularity(&self, granularity: Granularity) {
        self.queue.backlog().set_granularity(granularity);
    }

    fn enqueue(&self, about: About, reporter: Arc<str>) {
        let waiting = Waiting { about, reporter, time: Timestamp::now() };
        let is_failure = waiting.is_failure();
        let (taken, len) = {
            let mut backlog = self.queue.backlog();
            (backlog.push(waiting, Instant::now()), backlog.len())
        };
        match taken {
            Taken::Alone => {}
            Taken::Folded => {
                self.metrics.folded.inc();
            }
            Taken::Dropped => {
                // Once per 10,000: a server that takes no events must not fill the log too.
                if self.metrics.dropped.inc().is_multiple_of(10_000) {
                    tracing::warn!(waiting = len, "As many events wait as may: some are dropped");
                }
            }
        }
        self.metrics.queue.set(signed(len));
        self.queue.wake.notify_one();
        if is_failure {
            self.queue.failure.notify_one();
        }
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
    /// Starts the sink on the current tokio runtime; it gives way to the binds that `way` knows.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(
        client: Client,
        options: EventOptions,
        metrics: EventMetrics,
        way: Arc<RightOfWay>,
    ) -> Self {
        let backlog = Mutex::new(Backlog::new(options.granularity));
        let queue = Arc::new(Queue { backlog, wake: Notify::new(), failure: Notify::new() });
        let closing = CancellationToken::new();
        let lane = Arc::new(Lane::new(client.apart(), options, metrics.clone()));
        let dispatcher = tokio::spawn(dispatch(lane, Arc::clone(&queue), way, closing.clone()));
        Self { handle: EventHandle { queue, metrics }, closing, dispatcher }
    }

    /// A handle to hand events in; cheap to clone.
    pub fn handle(&self) -> EventHandle {
        self.handle.clone()
    }

    /// Writes what waits, and gives up at the deadline. Returns how many events had not been sent
    /// by then; those sent and not answered are not among them.
    pub async fn drain(mut self, deadline: Duration) -> usize {
        self.closing.cancel();
        if tokio::time::timeout(deadline, &mut self.dispatcher).await.is_err() {
            self.dispatcher.abort();
        }
        self.handle.queue.backlog().len()
    }
}

#[cfg(test)]
mod tests;
