//! A decision as a value: pods and the nodes for them, found one on top of the other.
//!
//! ```text
//!   begin_plan ─▶ plan_pod … ─┬─▶ commit_plan     effects come only from here
//!                             └─▶ take_back_plan  everything is as it was
//! ```
//!
//! While a plan is open its pods are assumed and their volumes held, so that the next pod is judged
//! with them there. A plan begins and ends within one step, or between two: whoever makes it takes
//! no input in and wakes nobody meanwhile.
//!
//! What a taken back plan leaves is equal in all that can be seen: cache, holds, nominations, the
//! changes that wake pods, the generator. The log has an entry more for each that it had for the
//! plan, which together say nothing; rankings may be warmer.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::{Draw, Millis, NodeIdx, PodIdx, internal_error, missing};
use crate::cache::{Cache, Mark};
use crate::cycle::CycleError;
use crate::effect::{Decision, Effect};
use crate::framework::{Point, Profile, Reserved};
use crate::probe::Probe;
use crate::queue::Place;

use super::Engine;
use super::binding::{BindingCycle, Middle};
use super::choose::{Chooser, Decided, Found};

/// Pods of one plan. Each writes an entry to the log and another when it is taken back: so many are
/// half the log ([`crate::cache::LOG_MAX`]), and rankings can follow it there and back.
pub const PLAN_MAX: usize = 16_384;

/// Pods with nodes, not yet committed. Dropped as it is it leaves its pods assumed for ever: each
/// plan is committed or taken back.
#[derive(Debug)]
#[must_use = "a plan is committed or taken back"]
pub struct Plan {
    steps: SmallVec<[Planned; 1]>,
    draw: Draw,
    mark: Mark,
}

/// One pod of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The pod.
    pub pod: PodIdx,
    /// The node that was found for it.
    pub node: NodeIdx,
    /// How.
    pub decision: Decision,
    /// No plugin acts for it at Permit or PreBind.
    pub(super) is_direct: bool,
    /// Where it stood among the pods that were promised the same node.
    promised: Option<(NodeIdx, usize)>,
}

impl Plan {
    pub(super) fn on(cache: &Cache, draw: &Draw) -> Self {
        Self { steps: SmallVec::new(), draw: draw.clone(), mark: cache.mark() }
    }

    /// The pods with their nodes, in the order in which they were found.
    pub fn steps(&self) -> &[Planned] {
        &self.steps
    }
}

/// A node that was found for a pod.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) pod: PodIdx,
    pub(super) node: NodeIdx,
    /// What Reserve plugins booked.
    pub(super) reserved: Reserved,
    pub(super) decision: Decision,
    /// No plugin acts at Permit or PreBind.
    pub(super) is_direct: bool,
}

impl Engine {
    /// A plan without pods.
    pub fn begin_plan(&self) -> Plan {
        Plan::on(&self.cache, &self.draw)
    }

    /// Finds a node for a queued pod, with the pods of the plan where it has put them, and adds it.
    /// False where none fits, and the plan is as it was.
    ///
    /// # Errors
    /// The attempt fails, and the plan is as it was.
    pub fn plan_pod(
        &mut self,
        plan: &mut Plan,
        pod: PodIdx,
        probe: &mut dyn Probe,
    ) -> Result<bool, CycleError> {
        let Some(profile) = self.profile_of(pod).cloned() else { return Ok(false) };
        // One that has not been popped begins its next attempt with the plan.
        let attempt = self
            .queue
            .entry(pod)
            .map(|entry| entry.attempts + u32::from(entry.place != Place::InFlight))
            .ok_or(CycleError::NotQueued)?;
        self.chooser().plan_pod(plan, pod, &profile, attempt, probe)
    }

    /// Begins the binding cycles of the pods of a plan, in order.
    pub fn commit_plan(
        &mut self,
        plan: Plan,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        for planned in plan.steps {
            let Some(profile) = self.profile_of(planned.pod).cloned() else {
                missing("profile of planned pod", planned.pod.at());
                self.cache.forget(planned.pod);
                continue;
            };
            self.commit(&planned, &profile, now, effects, probe);
        }
    }

    /// Begins the binding cycle of a pod that is assumed.
    fn commit(
        &mut self,
        planned: &Planned,
        profile: &Arc<Profile>,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let Planned { pod, node, decision, is_direct, .. } = *planned;
        // Shared by the bind, by what is remembered of it, and by the event of its outcome.
        let name = Arc::new(self.pod_name(pod));
        let node_name = self.cache.nodes().shared_name(node);
        let pending = self.cache.pending(pod);
        let controller = pending.and_then(|p| p.controller.clone());
        let resource_version = pending.map_or(0, |p| p.resource_version);
        self.recheck.extend(self.queue.release_head(pod));
        let Some(entry) = self.queue.take(pod) else {
            internal_error(format_args!("{name:?} has left the queue while it was planned"));
            self.cache.forget(pod);
            return;
        };
        // Whoever is ready goes first, and no more binds are open than may be.
        let is_open = !self.paused && self.cycles.may_bind();
        let middle =
            (!is_direct || !is_open).then(|| Box::new(Middle::new(pod, node, profile, decision)));
        let cycle = self.cycles.begin(BindingCycle {
            pod: Arc::clone(&name),
            node: node_name.clone(),
            profile: profile.shared_name(),
            controller,
            is_nominated: false,
            entry,
            middle,
        });
        probe.cycle_begins(cycle);
        if !is_direct {
            return self.begin_cycle(cycle, now, effects, probe);
        }
        if !is_open {
            return self.make_ready(cycle, effects);
        }
        self.forget_condition(pod);
        effects.push(Effect::Bind {
            cycle,
            pod: name,
            resource_version,
            node: node_name,
            profile: profile.shared_name(),
            decision,
        });
    }

    /// Gives a plan up: nothing of it is left that anybody could see.
    pub fn take_back_plan(&mut self, plan: Plan) {
        self.chooser().take_back_plan(plan);
    }
}

/// Plans of the engine, and of readers on a snapshot.
impl Chooser<'_> {
    /// As [`Engine::plan_pod`], by a profile, as this attempt of the pod.
    ///
    /// # Errors
    /// As there.
    pub(super) fn plan_pod(
        &mut self,
        plan: &mut Plan,
        pod: PodIdx,
        profile: &Arc<Profile>,
        attempt: u32,
        probe: &mut dyn Probe,
    ) -> Result<bool, CycleError> {
        match self.find(pod, profile, probe) {
            Found::Nowhere(_) | Found::Scanned(Decided::Reject { .. }) => Ok(false),
            Found::Scanned(Decided::Broken(error)) => Err(error),
            found => {
                let placement = self.placement(pod, found, attempt, profile, probe)?;
                self.add_to_plan(plan, placement, profile)?;
                Ok(true)
            }
        }
    }

    /// Assumes the pod on its node with what was reserved for it.
    ///
    /// # Errors
    /// Nobody binds it, it is not waiting, the node is not there, or the plan is full. Nothing is
    /// assumed then.
    pub(super) fn add_to_plan(
        &mut self,
        plan: &mut Plan,
        placement: Placement,
        profile: &Profile,
    ) -> Result<(), CycleError> {
        let Placement { pod, node, reserved, decision, is_direct } = placement;
        if plan.steps.len() >= PLAN_MAX {
            return Err(CycleError::PlanFull { most: PLAN_MAX });
        }
        if !self.is_taken(pod, node, profile) {
            return Err(CycleError::NoBinder);
        }
        let promised = self.cache.promise_of(pod);
        if !self.cache.assume(pod, node) {
            let node = self.cache.node_name(node).into();
            return Err(CycleError::NotAssumed { node });
        }
        self.cache.hold(pod, reserved);
        plan.steps.push(Planned { pod, node, decision, is_direct, promised });
        Ok(())
    }

    /// As [`Engine::take_back_plan`].
    pub(super) fn take_back_plan(&mut self, plan: Plan) {
        let Plan { steps, draw, mark } = plan;
        for planned in steps.iter().rev() {
            self.cache.unassume(planned.pod, planned.promised);
        }
        self.cache.untell(mark);
        *self.draw = draw;
    }

    /// Whether one of the profile's Bind plugins takes the pod.
    fn is_taken(&self, pod: PodIdx, node: NodeIdx, profile: &Profile) -> bool {
        let Some(view) = self.cache.view(pod) else { return false };
        let mut plugins = profile.at(Point::Bind).iter().filter_map(|w| profile.plugin(w.plugin));
        plugins.any(|p| p.as_bind().is_some_and(|b| b.bind(&view, node)))
    }

    /// What was found as a placement.
    ///
    /// # Errors
    /// A Reserve plugin failed.
    pub(super) fn placement(
        &self,
        pod: PodIdx,
        found: Found,
        attempt: u32,
        profile: &Profile,
        probe: &mut dyn Probe,
    ) -> Result<Placement, CycleError> {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        match found {
            Found::Ranked(choice) => {
                let decision = Decision {
                    evaluated: count(self.cache.nodes().live().len()),
                    feasible: count(choice.feasible),
                    best: count(choice.best),
                    score: choice.total.unwrap_or(0),
                    attempt,
                };
                let (node, reserved) = (choice.node, Reserved::default());
                // No plugin of a profile that ranks a pod acts for it before the bind.
                Ok(Placement { pod, node, reserved, decision, is_direct: true })
            }
            Found::Scanned(Decided::Place { pick, filtered, scores }) => {
                let decision = Decision {
                    evaluated: count(filtered.evaluated),
                    feasible: count(filtered.feasible.len()),
                    best: count(pick.best.len()),
                    score: if scores.is_some() { pick.total } else { 0 },
                    attempt,
                };
                let is_direct =
                    profile.at(Point::Permit).is_empty() && profile.at(Point::PreBind).is_empty();
                let node = pick.node;
                let reserved = self.scan(profile).reserve(pod, node, &filtered, probe)?;
                Ok(Placement { pod, node, reserved, decision, is_direct })
            }
            Found::Scanned(Decided::Broken(error)) => Err(error),
            Found::Nowhere(_) | Found::Scanned(Decided::Reject { .. }) => {
                internal_error(format_args!("a pod that fits nowhere has no placement"));
                Err(CycleError::NoNode)
            }
        }
    }
}
