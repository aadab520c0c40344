//! The parts of a running scheduler, how they start and how they stop.
//!
//! Read in this order: this file, `thread` (the engine's loop), `beat` (whether it moves),
//! `write_queues` (where effects go), `pace` (how threads wait), `reader` (questions from other
//! threads). `admit` refuses what must not be run, `lease` keeps a second instance from the same
//! pods.

pub(crate) mod admit;
mod beat;
mod condition_room;
pub mod lease;
pub(crate) mod pace;
mod reader;
mod thread;
mod write_queues;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use berth_engine::{Config, Control, Engine, Input, Origin};
use tokio::sync::{mpsc, oneshot, watch};

use beat::Beat;
use condition_room::ConditionRoom;
pub use reader::{Reader, Unread};
use thread::{Order, Turns};
use write_queues::WriteQueues;

use crate::bind::{BIND_QUEUE_MAX, BindOptions, Binder, Drained, HeldBack};
use crate::client::{Client, Rate};
use crate::events::{EventHandle, EventOptions, EventSink, Granularity};
use crate::metrics::{Metrics, Tally};
use crate::status::{StatusOptions, StatusWriter};
use crate::watch::{
    CHANNEL_BATCHES, Format, Kind, SILENT_MAX, States, WatchOptions, WatchStats, Watches, silent,
};

/// Conditions and events that wait at a stop get this long, together with the 15 s that `berth run`
/// gives to binds, less than the 30 s that a pod has by default to end. At 700/s it is 7,000
/// events; what is left then is logged. The next scheduler writes conditions that are still true
/// again.
const TELL_DEADLINE: Duration = Duration::from_secs(10);

/// How long the engine's thread gets to take the last outcomes in: its longest step is 10 ms.
const THREAD_DEADLINE: Duration = Duration::from_secs(1);

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// `clientConnection.qps` and `burst`.
    pub rate: Rate,
    /// What to ask of the API server: protobuf where it can, or JSON.
    pub format: Format,
    /// Threads for large scans.
    pub threads: usize,
    /// Seed of the draw between equally good nodes, and the key of the hash of names.
    pub origin: Origin,
    /// How events tell of pods that were placed.
    pub events: Granularity,
}

/// How the scheduler is, for readiness checks and metrics; clones see the same.
#[derive(Debug, Clone)]
pub struct Health {
    states: watch::Receiver<States>,
    synced: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
    beat: Beat,
    watches: Arc<WatchStats>,
    silent_max: Duration,
}

impl Health {
    /// Whether the engine's thread makes steps.
    ///
    /// # Errors
    /// It has ended none for 30 s, though it makes one each second when there is nothing to do.
    pub fn check_engine(&self) -> Result<(), String> {
        self.beat.check(Instant::now())
    }

    /// Whether the first lists are in and scheduling has begun.
    pub fn is_synced(&self) -> bool {
        self.synced.load(Ordering::Relaxed)
    }

    /// To which any time without a word of the API server is too long.
    #[cfg(test)]
    pub(super) fn impatient(&self) -> Self {
        Self { silent_max: Duration::ZERO, ..self.clone() }
    }

    #[cfg(test)]
    fn beat(&self) -> &Beat {
        &self.beat
    }

    /// Whether a stop has begun.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Says that a stop has begun.
    pub fn shut_down(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// How far the watches have come.
    pub fn states(&self) -> States {
        self.states.borrow().clone()
    }

    /// The kinds of which the API server has told nothing for longer than [`SILENT_MAX`].
    pub fn silent(&self) -> Vec<(Kind, Duration)> {
        silent(&self.states.borrow(), &self.watches, self.silent_max)
    }

    /// For how long the API server has told nothing of a kind.
    pub fn silence(&self, kind: Kind) -> Option<Duration> {
        self.watches.silence(kind)
    }

    /// Everything counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }
}

/// A running scheduler.
#[derive(Debug)]
pub struct Scheduler {
    watches: Watches,
    binder: Binder,
    status: StatusWriter,
    events: EventSink,
    orders: watch::Sender<Order>,
    configs: mpsc::Sender<Arc<Config>>,
    reader: Reader,
    thread: Option<std::thread::JoinHandle<()>>,
    ended: oneshot::Receiver<usize>,
    health: Health,
}

impl Scheduler {
    /// Starts watches, the engine's thread, binder, status writer and event sink on the current
    /// tokio runtime. Scheduling begins when the first lists are in.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(client: Client, config: Config, options: Options) -> Result<Self> {
        Self::with_order(client, config, options, Order::Run)
    }

    /// As [`Scheduler::start`], but no pod is attempted before [`Gate::open`]: the cluster is taken
    /// in meanwhile.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start_held(client: Client, config: Config, options: Options) -> Result<Self> {
        Self::with_order(client, config, options, Order::Hold)
    }

    fn with_order(client: Client, config: Config, options: Options, order: Order) -> Result<Self> {
        let (batches, inputs) = mpsc::channel(CHANNEL_BATCHES);
        let (outcome_sender, outcomes) = mpsc::channel(BIND_QUEUE_MAX);
        let Options { rate, format, threads, origin, events: granularity } = options;
        let complaints = client.complaints().clone();
        let watch_options = WatchOptions { format, complaints, ..WatchOptions::default() };
        let watches = Watches::start(client.kube(), &watch_options, &batches);
        drop(batches);
        let metrics = Arc::new(Metrics::new(Arc::clone(watches.stats())));
        let protobuf = format == Format::Protobuf;
        let doubts = Some(watches.doubts());
        let bind_options = BindOptions { rate, protobuf, doubts, ..BindOptions::default() };
        let binder =
            Binder::spawn(client.clone(), bind_options, metrics.bind.clone(), outcome_sender);
        let binds = Some(binder.tokens());
        let status_options =
            StatusOptions { rate: rate.share(4), binds, ..StatusOptions::default() };
        let way = binder.right_of_way();
        let status = StatusWriter::spawn(
            client.clone(),
            status_options,
            metrics.status.clone(),
            Arc::clone(&way),
        );
        // The engine repeats each `parked_max_ms`: half of it, so that what was written between two
        // repetitions and is gone since comes back with the next.
        let repeat_every = Duration::from_millis(config.parked_max_ms / 2);
        let event_options =
            EventOptions { rate, granularity, repeat_every, protobuf, ..EventOptions::default() };
        let events = EventSink::spawn(client, event_options, metrics.events.clone(), way);
        let synced = Arc::new(AtomicBool::new(false));
        let beat = Beat::new(Instant::now());
        let (orders, order_receiver) = watch::channel(order);
        let (configs, config_receiver) = mpsc::channel(1);
        let (reader, questions) = Reader::new();
        let turns = Turns {
            engine: engine(config, threads, origin)?,
            inputs,
            outcomes,
            configs: config_receiver,
            questions,
            states: watches.states(),
            orders: order_receiver,
            write_queues: WriteQueues {
                binds: binder.handle(),
                status: status.handle(),
                events: events.handle(),
                metrics: metrics.engine.clone(),
                waiting: Vec::new(),
                answers: Vec::new(),
            },
            condition_room: ConditionRoom::new(status.handle(), rate),
            tally: Tally::new(metrics.engine.clone()),
            synced: Arc::clone(&synced),
            paused: true,
            beat: beat.clone(),
            unbound: false,
            begins: false,
        };
        let (end, ended) = oneshot::channel();
        let thread = spawn(turns, end)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let (states, stats) = (watches.states(), Arc::clone(watches.stats()));
        let silent_max = SILENT_MAX;
        let health = Health { states, synced, stopping, metrics, watches: stats, beat, silent_max };
        let thread = Some(thread);
        Ok(Self { watches, binder, status, events, orders, configs, reader, thread, ended, health })
    }

    /// Where a new configuration goes: the engine takes it between two cycles, before the inputs
    /// that come after it. Room for one; fails when the engine's thread has ended.
    pub fn configs(&self) -> mpsc::Sender<Arc<Config>> {
        self.configs.clone()
    }

    /// Who asks for snapshots of what the engine knows.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// What tells that the configured rate is what holds binds back.
    pub fn held_back(&self) -> watch::Receiver<Option<HeldBack>> {
        self.binder.held_back()
    }

    /// What lets it schedule, or keeps it from that.
    pub fn gate(&self) -> Gate {
        Gate(self.orders.clone())
    }

    /// Where events go.
    pub fn events(&self) -> EventHandle {
        self.events.handle()
    }

    /// How it is.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Waits for the engine's thread to end, which it does not do unless told.
    ///
    /// # Errors
    /// The thread panicked.
    pub async fn ended(&mut self) -> Result<()> {
        // The sender goes with the thread, whichever way it ends.
        let _ended = (&mut self.ended).await;
        match self.thread.take().map(std::thread::JoinHandle::join) {
            Some(Err(_)) => bail!("the engine's thread panicked; the log says where"),
            _ => Ok(()),
        }
    }

    /// Takes no more pods, drops binds that are not posted yet, waits until the deadline for those
    /// that are, writes what is left to tell, and ends everything. Returns how many binds had no
    /// answer by then.
    pub async fn stop(self, deadline: Duration) -> usize {
        self.stop_then(deadline, std::future::ready(())).await.left
    }

    /// As [`Scheduler::stop`]; `after_binds` runs when the last bind has ended, before what is left
    /// to tell is written.
    pub async fn stop_then(
        mut self,
        deadline: Duration,
        after_binds: impl Future<Output = ()>,
    ) -> Drained {
        self.health.shut_down();
        self.orders.send_replace(Order::Stop);
        let mut drained = self.binder.drain(deadline).await;
        if self.thread.is_some() {
            // It ends with the binder.
            let ended = tokio::time::timeout(THREAD_DEADLINE, &mut self.ended).await;
            drained.unposted += ended.ok().and_then(Result::ok).unwrap_or(0);
        }
        after_binds.await;
        let told = tokio::join!(self.status.drain(TELL_DEADLINE), self.events.drain(TELL_DEADLINE));
        if told.0 > 0 || told.1 > 0 {
            tracing::warn!(
                conditions = told.0,
                events = told.1,
                "conditions or events were left unwritten"
            );
        }
        self.watches.stop().await;
        drained
    }

    /// Ends everything at once: binds that wait are not posted and those under way not waited for,
    /// as another instance places the pods. Events get until the deadline.
    pub async fn abandon(self, deadline: Duration) {
        self.health.shut_down();
        self.orders.send_replace(Order::Stop);
        let drained = self.binder.drain(Duration::ZERO).await;
        let events = self.events.drain(deadline).await;
        let Drained { left, unposted } = drained;
        tracing::warn!(binds = left, unposted, events, "ended with these open");
        self.watches.stop().await;
    }
}

/// Lets a scheduler attempt pods, or not; clones act on the same.
#[derive(Debug, Clone)]
pub struct Gate(watch::Sender<Order>);

impl Gate {
    /// Pods are attempted.
    pub fn open(&self) {
        self.turn(Order::Run);
    }

    /// No more pods are attempted; binds under way are finished.
    pub fn close(&self) {
        self.turn(Order::Hold);
    }

    /// A stop stays one.
    fn turn(&self, order: Order) {
        self.0.send_if_modified(|now| {
            let turns = *now != Order::Stop && *now != order;
            if turns {
                *now = order;
            }
            turns
        });
    }
}

fn engine(config: Config, threads: usize, origin: Origin) -> Result<Engine> {
    let pool = match threads {
        0 | 1 => None,
        threads => Some(Arc::new(
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|n| format!("scan-{n}"))
                .build()
                .context("starting the threads for large scans")?,
        )),
    };
    let mut engine = Engine::new(pool);
    let inputs = [
        Input::Control(Control::Begin(origin)),
        Input::Control(Control::Pause(true)),
        Input::Config(Arc::new(config)),
    ];
    engine.step(inputs, 0, &mut Vec::new(), &mut ());
    Ok(engine)
}

fn spawn(turns: Turns, end: oneshot::Sender<usize>) -> Result<std::thread::JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .on_thread_park(pace::rest)
        .build()
        .context("starting the engine's runtime")?;
    std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            let unposted = runtime.block_on(turns.run());
            // Whoever waits may have given up.
            let _given_up = end.send(unposted);
        })
        .context("starting the engine's thread")
}
