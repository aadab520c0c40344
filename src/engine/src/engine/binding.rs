//! The binding cycle: what a pod goes through from its node to its bind.
//!
//! ```text
//!   reserve ─▶ permit ──▶ pre-bind ──▶ ready ──▶ bind ─▶ post-bind
//!                │ wait      │ writes, waits       │
//!                └───────────┴─────────────────────┴──▶ unreserve, then the queue
//! ```
//!
//! Each cycle has an id. Effects that await an answer carry it, or that of a write of the cycle;
//! answers name it back, and one that names a cycle or a write that is over changes nothing.
//! A pod for which no plugin acts at Permit or PreBind goes straight to its bind, and has none of
//! what the stages between keep ([`Middle`]).
//!
//! Source: `bindingCycle` in `pkg/scheduler/schedule_one.go`.

mod advance;
mod check;
mod failure;
mod permit;
mod pre_bind;
mod review;
mod saved;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::{CycleId, Millis, NodeIdx, PodIdx, WriteId, internal_error};
use crate::effect::{Decision, Effect, PodName};
use crate::framework::{Profile, Reads};
use crate::queue::Entry;
use crate::record::Owner;

/// Binds asked for and not yet answered. At 10,000 binds a second and 100 ms until the answer,
/// 1,000 are under way; beyond twice that a slow API server is not helped by more, and pods had
/// better wait in the queue, where priority still counts.
pub const BINDS_MAX: usize = 2_048;

/// Cycles that are not over, those that wait at Permit or PreBind among them: a group of so many
/// pods can wait for its last member. About 500 bytes each with what the waiting keeps, 32 MB.
pub const CYCLES_MAX: usize = 65_536;

/// One pod on its way.
#[derive(Debug)]
pub(super) struct BindingCycle {
    pub(super) pod: Arc<PodName>,
    pub(super) node: Arc<str>,
    pub(super) profile: Arc<str>,
    pub(super) controller: Option<Arc<Owner>>,
    /// The pod's status names the node by our own write.
    pub(super) is_nominated: bool,
    /// The pod's history in the queue, to come back to if the cycle fails.
    pub(super) entry: Entry,
    /// What it needs before its bind is asked for; `None` from then on.
    pub(super) middle: Option<Box<Middle>>,
}

/// What a cycle keeps until its bind is asked for.
#[derive(Debug)]
pub(super) struct Middle {
    pub(super) pod: PodIdx,
    pub(super) node: NodeIdx,
    pub(super) profile: Arc<Profile>,
    pub(super) decision: Decision,
    pub(super) stage: Stage,
    /// PreBind plugins that are still to be run, by their places in the profile, in order, and
    /// whether each may run beside its neighbours.
    pub(super) pre_binds: VecDeque<(usize, bool)>,
    /// What has changed since the pod was assumed: a rejection at Permit looks at it, as
    /// kube-scheduler replays the events of a pod in flight.
    pub(super) seen: Reads,
    /// When PreBind began.
    pub(super) pre_bind_ms: Millis,
}

/// Where a cycle is before its bind is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// These plugins have said Wait.
    Permit(Vec<Held>),
    /// These plugins run side by side.
    PreBind(Vec<Running>),
    /// Only [`BINDS_MAX`] holds it back.
    Ready,
}

/// A Permit plugin that has said Wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Its place in the profile.
    pub(super) plugin: usize,
    pub(super) since_ms: Millis,
    /// For how long at most.
    pub(super) wait_ms: Millis,
}

/// A PreBind plugin that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    /// Its place in the profile.
    pub(super) plugin: usize,
    /// Its writes that are not answered.
    pub(super) writes: Vec<WriteId>,
    pub(super) deadline_ms: Millis,
}

impl BindingCycle {
    /// The write that takes our own nomination back, where there is one (`clearNominatedNode`).
    pub(super) fn clear_nomination(&self) -> Option<Effect> {
        let pod = || (*self.pod).clone();
        self.is_nominated.then(|| Effect::Nominate { pod: pod(), node: None })
    }
}

impl Middle {
    /// That of a pod that has just been assumed.
    pub(super) fn new(
        pod: PodIdx,
        node: NodeIdx,
        profile: &Arc<Profile>,
        decision: Decision,
    ) -> Self {
        Self {
            pod,
            node,
            profile: Arc::clone(profile),
            decision,
            stage: Stage::Permit(Vec::new()),
            pre_binds: VecDeque::new(),
            seen: Reads::NOTHING,
            pre_bind_ms: 0,
        }
    }

    /// The first time at which waiting ends by itself.
    fn deadline(&self) -> Option<Millis> {
        match &self.stage {
            Stage::Permit(held) => held.iter().map(Held::deadline).min(),
            Stage::PreBind(running) => running.iter().map(|r| r.deadline_ms).min(),
            Stage::Ready => None,
        }
    }
}

impl Held {
    fn deadline(&self) -> Millis {
        self.since_ms.saturating_add(self.wait_ms)
    }
}

/// All cycles that are not over.
#[derive(Debug, Default)]
pub(super) struct BindingCycles {
    by_id: HashMap<CycleId, BindingCycle, FxBuildHasher>,
    /// Cycles and writes are counted by one number.
    last_id: u64,
    /// Those with a [`Middle`], by pod.
    waiting: HashMap<PodIdx, CycleId, FxBuildHasher>,
    /// When their waiting ends by itself.
    deadlines: BTreeSet<(Millis, CycleId)>,
    /// Whose the writes are that are not answered.
    writes: HashMap<WriteId, CycleId, FxBuildHasher>,
    /// Those in [`Stage::Ready`], in the order in which they came there.
    ready: VecDeque<CycleId>,
    /// Nobody was asked while the engine was paused.
    pub(super) is_stale: bool,
}

impl BindingCycles {
    /// Number of cycles.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Binds asked for and not answered.
    pub(super) fn binds(&self) -> usize {
        self.by_id.len() - self.waiting.len()
    }

    /// Whether a bind may be asked for at once: none is ready before it, and not too many are open.
    pub(super) fn may_bind(&self) -> bool {
        self.ready.is_empty() && self.binds() < BINDS_MAX
    }

    /// Cycles that have not asked for their bind.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// A cycle begins.
    pub(super) fn begin(&mut self, cycle: BindingCycle) -> CycleId {
        let id = CycleId(self.next_id());
        if let Some(middle) = &cycle.middle {
            self.waiting.insert(middle.pod, id);
        }
        self.by_id.insert(id, cycle);
        id
    }

    /// The cycle of a pod whose bind has not been asked for.
    pub(super) fn waiting_of(&self, pod: PodIdx) -> Option<CycleId> {
        self.waiting.get(&pod).copied()
    }

    /// All cycles, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (CycleId, &BindingCycle)> {
        self.by_id.iter().map(|(id, cycle)| (*id, cycle))
    }

    /// The cycle of the pod with this uid.
    pub(super) fn find(&self, uid: &str) -> Option<CycleId> {
        let mut all = self.by_id.iter();
        all.find(|(_, cycle)| *cycle.pod.uid == *uid).map(|(id, _)| *id)
    }

    /// The ids of those whose bind has not been asked for, in order.
    fn waiting_ids(&self) -> Vec<CycleId> {
        let mut ids: Vec<CycleId> = self.waiting.values().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// When the first waiting ends by itself.
    pub(super) fn next_deadline(&self) -> Option<Millis> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The cycle and what it keeps, where its bind has not been asked for.
    fn middle_mut(&mut self, id: CycleId) -> Option<&mut Middle> {
        self.by_id.get_mut(&id)?.middle.as_deref_mut()
    }

    fn middle(&self, id: CycleId) -> Option<&Middle> {
        self.by_id.get(&id)?.middle.as_deref()
    }

    /// Brings a waiting cycle to another stage.
    fn set_stage(&mut self, id: CycleId, stage: Stage) {
        let Some(middle) = self.by_id.get_mut(&id).and_then(|c| c.middle.as_deref_mut()) else {
            return internal_error(format_args!("{id:?} has asked for its bind or is over"));
        };
        if let Some(at) = middle.deadline() {
            self.deadlines.remove(&(at, id));
        }
        if stage == Stage::Ready {
            self.ready.push_back(id);
        }
        middle.stage = stage;
        if let Some(at) = middle.deadline() {
            self.deadlines.insert((at, id));
        }
    }

    /// Forgets these writes: nobody waits for their answers any more.
    fn forget_writes(&mut self, writes: &[WriteId]) {
        for write in writes {
            self.writes.remove(write);
        }
    }

    /// The cycle asks for its bind: it keeps nothing of what was before.
    fn leave_middle(&mut self, id: CycleId) -> Option<Box<Middle>> {
        let middle = self.by_id.get_mut(&id)?.middle.take()?;
        self.drop_middle(id, &middle);
        Some(middle)
    }

    /// Whether the cycle has asked for its bind, and awaits the answer.
    pub(super) fn awaits_bind(&self, id: CycleId) -> bool {
        self.by_id.get(&id).is_some_and(|cycle| cycle.middle.is_none())
    }

    /// A cycle is over.
    pub(super) fn end(&mut self, id: CycleId) -> Option<BindingCycle> {
        let cycle = self.by_id.remove(&id)?;
        if let Some(middle) = &cycle.middle {
            self.drop_middle(id, middle);
        }
        Some(cycle)
    }

    fn drop_middle(&mut self, id: CycleId, middle: &Middle) {
        self.waiting.remove(&middle.pod);
        if let Some(at) = middle.deadline() {
            self.deadlines.remove(&(at, id));
        }
        match &middle.stage {
            Stage::Permit(_) => {}
            Stage::PreBind(running) => {
                for write in running.iter().flat_map(|r| &r.writes) {
                    self.writes.remove(write);
                }
            }
            Stage::Ready if self.ready.front() == Some(&id) => {
                self.ready.pop_front();
            }
            Stage::Ready => self.ready.retain(|ready| *ready != id),
        }
    }
}
