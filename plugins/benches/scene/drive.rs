//! The shell's part, played: inputs in, effects answered, the engine's time and the bench's apart.
//!
//! A step either takes in (paused) or decides (without inputs), so that both costs are known. Each
//! bind is answered by `Bound` and then confirmed by the pod as the watch shows it, on its node.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec::Drain;

use berth_engine::{BindOutcome, Change, Control, Effect, Engine, Input, Turn};

use super::cluster::{NodeState, engine, node, node_name, node_number};
use super::job::pod_number;
use super::ledger::Ledger;
use super::workload::{Churn, Workload};

/// Inputs in one step while loading: as many as keep the bench's own memory small.
const CHUNK: usize = 4_096;

/// Where the time went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    /// Nodes, and pods that run from the start.
    pub load: Duration,
    /// Pods on their way into the queue.
    pub queue: Duration,
    /// Steps that decide.
    pub decide: Duration,
    /// Outcomes, confirmations and churn.
    pub confirm: Duration,
    /// The bench itself: making records, answering, keeping the ledger.
    pub own: Duration,
}

/// One of the times of [`Spent`].
type Phase = fn(&mut Spent) -> &mut Duration;

/// All that the engine does passes here: hack/src/instructions.rs counts what runs in this function
/// and below, by its name.
#[inline(never)]
fn step(engine: &mut Engine, inputs: Drain<'_, Input>, effects: &mut Vec<Effect>) -> Turn {
    engine.step(inputs, 0, effects, &mut ())
}

/// An engine at work on a workload.
#[derive(Debug)]
pub struct Drive<'w> {
    pub engine: Engine,
    pub workload: &'w Workload,
    pub ledger: Ledger,
    pub spent: Spent,
    /// Pods told that they do not fit.
    pub refused: usize,
    pub nodes: usize,
    states: Vec<NodeState>,
    next_pod: usize,
    inputs: Vec<Input>,
    effects: Vec<Effect>,
    mark: Instant,
    turned: usize,
}

impl<'w> Drive<'w> {
    pub fn new(workload: &'w Workload, threads: usize) -> Self {
        Self {
            engine: engine(threads),
            workload,
            ledger: Ledger::default(),
            spent: Spent::default(),
            refused: 0,
            nodes: 0,
            states: Vec::new(),
            next_pod: 0,
            inputs: Vec::with_capacity(CHUNK),
            effects: Vec::new(),
            mark: Instant::now(),
            turned: 0,
        }
    }

    /// Books the time since the last call.
    fn lap(&mut self, phase: Phase) {
        let now = Instant::now();
        *phase(&mut self.spent) += now - std::mem::replace(&mut self.mark, now);
    }

    /// Hands over what has been gathered, without a decision. The time until now was ours.
    fn take_in(&mut self, phase: Phase) {
        self.lap(|spent| &mut spent.own);
        // Attempts come after all inputs, so the last one decides whether there are any.
        self.inputs.push(Input::Control(Control::Pause(true)));
        step(&mut self.engine, self.inputs.drain(..), &mut self.effects);
        self.lap(phase);
    }

    /// Adds `nodes` nodes, and the pods that run from the start.
    pub fn load(&mut self, nodes: usize) {
        self.mark = Instant::now();
        let state = NodeState { dedicated: self.workload.taints, ..NodeState::default() };
        for i in self.nodes..nodes {
            self.inputs.push(Input::NodeApplied(Arc::new(node(i, state))));
            if self.inputs.len() == CHUNK {
                self.take_in(|spent| &mut spent.load);
            }
        }
        self.nodes = nodes;
        self.states = vec![state; nodes];
        self.inputs.extend(
            self.workload
                .storage
                .iter()
                .cloned()
                .map(|o| Input::Object(Box::new(o), Change::Applied)),
        );
        for i in 0..self.workload.nominated {
            self.inputs.push(Input::PodApplied(Box::new(self.workload.nominated_pod(i))));
        }
        self.take_in(|spent| &mut spent.load);
        self.run(self.workload.running);
    }

    /// Sends the next `pods` pods as ones that run already, one per node from the first on.
    pub fn run(&mut self, pods: usize) {
        for _ in 0..pods {
            let (pod, node) = (self.next_pod, self.next_pod % self.nodes);
            let mut record = self.workload.pod(pod);
            record.node_name = Some(node_name(node).into());
            self.ledger.bind(pod, node);
            self.inputs.push(Input::PodApplied(Box::new(record)));
            self.next_pod += 1;
            if self.inputs.len() == CHUNK {
                self.take_in(|spent| &mut spent.load);
            }
        }
        self.take_in(|spent| &mut spent.load);
    }

    /// Sends the next `pods` pods to the queue.
    pub fn queue(&mut self, pods: usize) {
        self.mark = Instant::now();
        for _ in 0..pods {
            let record = self.workload.pod(self.next_pod);
            self.inputs.push(Input::PodApplied(Box::new(record)));
            self.next_pod += 1;
            if self.inputs.len() == CHUNK {
                self.take_in(|spent| &mut spent.queue);
            }
        }
        self.take_in(|spent| &mut spent.queue);
    }

    /// One step that decides, then everything that its binds lead to. Whether more can be decided.
    pub fn turn(&mut self) -> bool {
        self.inputs.push(Input::Control(Control::Pause(false)));
        self.mark = Instant::now();
        let turn = step(&mut self.engine, self.inputs.drain(..), &mut self.effects);
        self.lap(|spent| &mut spent.decide);
        self.turned += 1;
        let effects = std::mem::take(&mut self.effects);
        for effect in &effects {
            self.answer(effect);
        }
        self.effects = effects;
        self.effects.clear();
        if self.workload.churn == Churn::Nodes {
            self.change_nodes();
        }
        self.take_in(|spent| &mut spent.confirm);
        // What a confirmation leads to is the event of the bind, which nobody reads here.
        self.effects.clear();
        turn.more
    }

    fn answer(&mut self, effect: &Effect) {
        match effect {
            Effect::Bind { cycle, pod, node, .. } => {
                let cycle = *cycle;
                let (pod, node) = (pod_number(&pod.uid), node_number(node));
                self.ledger.bind(pod, node);
                let mut record = self.workload.pod(pod);
                record.node_name = Some(node_name(node).into());
                let outcome = Input::BindOutcome { cycle, outcome: BindOutcome::Bound };
                self.inputs.push(outcome);
                self.inputs.push(Input::PodApplied(Box::new(record)));
                if self.workload.churn == Churn::Images
                    && let Some(image) = self.workload.job(pod).image
                {
                    self.states[node].images |= 1 << image;
                    self.apply(node);
                }
            }
            Effect::Condition { .. } => self.refused += 1,
            _ => {}
        }
    }

    fn apply(&mut self, number: usize) {
        let record = node(number, self.states[number]);
        self.inputs.push(Input::NodeApplied(Arc::new(record)));
    }

    fn change_nodes(&mut self) {
        self.states.push(NodeState::default());
        self.nodes += 1;
        self.apply(self.nodes - 1);
        // Steps that are coprime to most sizes, so that the changes go all over the cluster.
        let (moved, tainted) =
            (self.turned * 7_919 % self.nodes, self.turned * 104_729 % self.nodes);
        self.states[moved].pool_shift += 1;
        self.apply(moved);
        self.states[tainted].tainted ^= true;
        self.apply(tainted);
    }
}
