//! The engine's thread: inputs in, a step, effects out.
//!
//! One thread owns the engine. It sleeps where there is nothing to do; while there are pods to
//! attempt it never waits, and takes whatever has arrived between two steps.

use std::sync::Arc;
use std::time::{Duration, Instant};

use berth_engine::{Config, Control, Effect, Engine, Input, InternalErrors, Turn};
use tokio::sync::{mpsc, watch};

use crate::metrics::{GoneProfile, Tally, signed};
use crate::watch::{Batch, States};

use super::beat::Beat;
use super::condition_room::{self, ConditionRoom};
use super::reader::Question;
use super::write_queues::WriteQueues;

/// Batches taken in before a step: 16 · 512 inputs cost about 10 ms, so that a flood of events
/// does not keep pods from being placed.
const BATCHES_PER_STEP: usize = 16;

/// Outcomes taken in before a step: as many as can be open.
const OUTCOMES_PER_STEP: usize = berth_engine::BINDS_MAX;

/// How often gauges are brought up to date.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// How often internal errors are logged at most: one that recurs at each step fills no log.
const INTERNAL_ERRORS_EVERY: Duration = Duration::from_secs(60);

/// What the thread is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Take the cluster in and attempt no pod: the Lease is not held.
    Hold,
    /// Schedule.
    Run,
    /// Take no pods, and end when no bind is open.
    Stop,
}

/// What the engine's thread owns.
pub(super) struct Turns {
    pub(super) engine: Engine,
    pub(super) inputs: mpsc::Receiver<Batch>,
    pub(super) outcomes: mpsc::Receiver<Input>,
    /// New configurations. One waits at most: whoever reloads waits until it is taken.
    pub(super) configs: mpsc::Receiver<Arc<Config>>,
    /// Readers' questions: one is answered between two steps.
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) states: watch::Receiver<States>,
    pub(super) orders: watch::Receiver<Order>,
    pub(super) write_queues: WriteQueues,
    pub(super) condition_room: ConditionRoom,
    pub(super) tally: Tally,
    pub(super) synced: Arc<std::sync::atomic::AtomicBool>,
    /// Whether the engine takes no pods, as it was told last.
    pub(super) paused: bool,
    pub(super) beat: Beat,
    /// The binder has ended: no bind is posted or answered any more.
    pub(super) unbound: bool,
    /// The next step takes the rest of the first lists in.
    pub(super) begins: bool,
}

impl Turns {
    /// Runs until told to stop, or until a channel's other side is gone. Returns how many binds
    /// nobody took.
    pub(super) async fn run(mut self) -> usize {
        let origin = Instant::now();
        let mut effects: Vec<Effect> = Vec::new();
        let mut turn = Turn { attempts: 0, more: false, wake_at: None };
        let mut shown = Instant::now();
        let (mut told, mut told_at) = ((0, 0), None::<Instant>);
        loop {
            let now = millis(origin);
            let waits = !turn.more && self.write_queues.answers.is_empty();
            let first = if waits { self.wait(now, &turn).await } else { Vec::new() };
            let Some(mut inputs) = self.gather(first) else {
                return self.write_queues.waiting.len();
            };
            inputs.append(&mut self.write_queues.answers);
            inputs.extend(self.condition_room.tell(&self.engine, Instant::now()));
            match self.follow_orders() {
                // From here on: an answer of the same batch leads to no write any more.
                Some(hold) if self.paused => inputs.insert(0, hold),
                order => inputs.extend(order),
            }
            let began = Instant::now();
            self.write_queues.metrics.inputs.inc_by(inputs.len() as u64);
            turn = self.engine.step(inputs, millis(origin), &mut effects, &mut self.tally);
            self.announce();
            self.write_queues.metrics.steps.inc();
            self.write_queues.metrics.step_duration.observe(began.elapsed().as_secs_f64());
            self.write_queues.carry_out(&mut effects, &mut self.tally);
            self.beat.beat(Instant::now());
            if let Ok(question) = self.questions.try_recv() {
                question.answer(&self.engine);
            }
            if shown.elapsed() >= SHOW_EVERY || !turn.more {
                self.write_queues.metrics.show(&self.engine);
                self.condition_room.log(&self.engine, Instant::now());
                self.write_queues.metrics.input_queue.set(signed(self.inputs.len()));
                shown = Instant::now();
                if told_at.is_none_or(|at| at.elapsed() >= INTERNAL_ERRORS_EVERY)
                    && tell_internal_errors(&mut told)
                {
                    told_at = Some(shown);
                }
            }
            if self.is_done() {
                return self.write_queues.waiting.len();
            }
        }
    }

    /// Waits for an input, an outcome, an order, or the time when there is something to do.
    async fn wait(&mut self, now: u64, turn: &Turn) -> Batch {
        // A second at most, so that gauges stay fresh, the thread beats and a stop is never missed.
        let idle = turn.wake_at.map_or(1_000, |at| at.saturating_sub(now).min(1_000));
        let mut idle = Duration::from_millis(idle);
        if self.engine.owed_conditions() > 0 {
            idle = idle.min(condition_room::EVERY);
        }
        tokio::select! {
            // One that is closed is not waited for: it would be ready all the time.
            Some(batch) = self.inputs.recv() => batch,
            // Nothing comes where the binder is gone, and that is to be seen at once.
            outcome = self.outcomes.recv() => outcome.into_iter().collect(),
            Some(config) = self.configs.recv() => vec![Input::Config(config)],
            Some(question) = self.questions.recv() => {
                question.answer(&self.engine);
                Vec::new()
            }
            _ = self.states.changed(), if !self.is_synced() => Vec::new(),
            _ = self.orders.changed() => Vec::new(),
            () = tokio::time::sleep(idle) => Vec::new(),
        }
    }

    /// What has arrived; a configuration first, so that whoever comes after it meets it, then
    /// outcomes, as they free room. `None` where nothing will come.
    fn gather(&mut self, first: Batch) -> Option<Batch> {
        // Ready is read before the channel is emptied: whoever is ready has sent all he has.
        let ready = !self.is_synced() && self.states.borrow_and_update().is_ready();
        let mut inputs = first;
        if let Ok(config) = self.configs.try_recv() {
            // The one that was waited for, if it is one, is older.
            let older = usize::from(matches!(inputs.first(), Some(Input::Config(_))));
            inputs.insert(older, Input::Config(config));
        }
        for _ in 0..OUTCOMES_PER_STEP {
            match self.outcomes.try_recv() {
                Ok(outcome) => inputs.push(outcome),
                Err(mpsc::error::TryRecvError::Empty) => break,
                // The binder is gone, and with it the answers of the binds that are open.
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.unbound = true;
                    if *self.orders.borrow() != Order::Stop {
                        return None;
                    }
                    break;
                }
            }
        }
        let mut empty = false;
        for _ in 0..BATCHES_PER_STEP {
            match self.inputs.try_recv() {
                Ok(batch) => inputs.extend(batch),
                Err(mpsc::error::TryRecvError::Empty) => {
                    empty = true;
                    break;
                }
                Err(mpsc::error::TryRecvError::Disconnected) if self.engine.open_binds() == 0 => {
                    return None;
                }
                Err(mpsc::error::TryRecvError::Disconnected) => break,
            }
        }
        if ready && empty {
            self.synced.store(true, std::sync::atomic::Ordering::Relaxed);
            self.begins = true;
        } else if ready {
            // Not all batches fitted: be asked again.
            self.states.mark_changed();
        }
        Some(inputs)
    }

    /// Tells the log what a step has brought.
    fn announce(&mut self) {
        if std::mem::take(&mut self.begins) {
            let nodes = self.engine.cache().nodes().live().len();
            tracing::info!(nodes, "the first lists are in, scheduling begins");
        }
        for GoneProfile { name, pods, told } in self.tally.take_gone() {
            tracing::warn!(
                profile = %name, pods, told,
                "Pods wait for a profile that is no longer in the configuration: add a profile \
                 with this schedulerName again, or create the pods anew with another one; those \
                 counted as told show this in their condition PodScheduled"
            );
        }
    }

    fn is_synced(&self) -> bool {
        self.synced.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Whether pods are taken, where that is to change.
    fn follow_orders(&mut self) -> Option<Input> {
        let run = *self.orders.borrow() == Order::Run;
        let paused = !run || !self.is_synced();
        let changes = std::mem::replace(&mut self.paused, paused) != paused;
        changes.then_some(Input::Control(Control::Pause(paused)))
    }

    fn is_done(&self) -> bool {
        *self.orders.borrow() == Order::Stop
            && (self.unbound
                || self.engine.open_binds() == 0 && self.write_queues.waiting.is_empty())
    }
}

/// Logs the internal errors that `told` does not have, as (count, texts); false where there are
/// none.
fn tell_internal_errors(told: &mut (u64, usize)) -> bool {
    let InternalErrors { total, texts } = berth_engine::internal_errors();
    let (count, known) = std::mem::replace(told, (total, texts.len()));
    if total > count {
        let new = texts.get(known..).unwrap_or_default().join("; ");
        tracing::error!(
            count = total - count,
            total,
            "Internal errors, the scheduler goes on without the part that is wrong; please report \
             them. New places: {new}"
        );
    }
    total > count
}

/// Milliseconds since `origin`, from 1,000 on: the engine's clock begins above 0 so that "a second
/// ago" exists.
fn millis(origin: Instant) -> u64 {
    1_000 + u64::try_from(origin.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
}
