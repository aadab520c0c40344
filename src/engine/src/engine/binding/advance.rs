//! From stage to stage.

use std::sync::Arc;

use crate::base::{CycleId, Millis, NodeIdx, PodIdx, internal_error};
use crate::effect::Effect;
use crate::framework::{Context, Plugin, Point, Profile};
use crate::probe::Probe;

use super::super::Engine;
use super::{BINDS_MAX, Stage};

impl Engine {
    /// The profile's plugins at a point, with their places.
    pub(super) fn plugins_at(
        profile: &Profile,
        point: Point,
    ) -> impl Iterator<Item = (usize, &dyn Plugin)> {
        profile.at(point).iter().filter_map(|w| Some((w.plugin, profile.plugin(w.plugin)?)))
    }

    /// The view of a pod that is assumed.
    pub(super) fn context_of(&self, pod: PodIdx) -> Option<Context<'_>> {
        let pod = self.cache.view(pod)?;
        Some(Context { cache: &self.cache, nodes: self.cache.nodes(), pod })
    }

    /// What a cycle that has not asked for its bind is about.
    pub(super) fn subject(&self, id: CycleId) -> Option<(PodIdx, NodeIdx, Arc<Profile>)> {
        let middle = self.cycles.middle(id)?;
        Some((middle.pod, middle.node, Arc::clone(&middle.profile)))
    }

    /// A pod is assumed: asks Permit, and whether PreBind has anything to do.
    pub(in crate::engine) fn begin_cycle(
        &mut self,
        id: CycleId,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let asked = self.permit(id, now, probe);
        let begun = asked.and_then(|held| Ok((held, self.pre_flight(id)?)));
        let (held, pre_binds) = match begun {
            Ok(both) => both,
            Err(failure) => return self.fail_cycle(id, failure, now, effects, probe),
        };
        let waits = !held.is_empty() || !pre_binds.is_empty();
        if let Some(cycle) = self.cycles.by_id.get_mut(&id)
            && let Some(middle) = cycle.middle.as_deref_mut()
        {
            middle.pre_binds = pre_binds;
            cycle.is_nominated = waits;
            if waits {
                // Tells others, as the cluster autoscaler, that the pod is about to be bound there
                // (NominatedNodeNameForExpectation).
                let node = Some((*cycle.node).into());
                effects.push(Effect::Nominate { pod: (*cycle.pod).clone(), node });
            }
        }
        if held.is_empty() {
            self.begin_pre_bind(id, now, effects, probe);
        } else {
            self.cycles.set_stage(id, Stage::Permit(held));
        }
    }

    /// Nothing but the bind is left: asks for it, or lets it wait for one that is answered.
    pub(in crate::engine) fn make_ready(&mut self, id: CycleId, effects: &mut Vec<Effect>) {
        self.cycles.set_stage(id, Stage::Ready);
        self.ask_for_binds(effects);
    }

    /// Asks for the binds of cycles that are ready, as many as may be open.
    pub(in crate::engine) fn ask_for_binds(&mut self, effects: &mut Vec<Effect>) {
        while !self.paused && self.cycles.binds() < BINDS_MAX {
            let Some(id) = self.cycles.ready.front().copied() else { return };
            let Some(middle) = self.cycles.leave_middle(id) else {
                internal_error(format_args!("{id:?} is ready and has nothing to leave"));
                self.cycles.ready.pop_front();
                continue;
            };
            self.forget_condition(middle.pod);
            let Some(cycle) = self.cycles.by_id.get(&id) else {
                internal_error(format_args!("{id:?} is ready and over"));
                continue;
            };
            let resource_version =
                self.cache.pending(middle.pod).map_or(0, |pending| pending.resource_version);
            effects.push(Effect::Bind {
                cycle: id,
                pod: Arc::clone(&cycle.pod),
                resource_version,
                node: Arc::clone(&cycle.node),
                profile: Arc::clone(&cycle.profile),
                decision: middle.decision,
            });
        }
    }

    /// Waiting that has come to its end by itself.
    pub(in crate::engine) fn expire_cycles(
        &mut self,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        while !self.paused
            && let Some((_, id)) =
                self.cycles.deadlines.first().copied().filter(|(at, _)| *at <= now)
        {
            match self.cycles.middle(id).map(|m| matches!(m.stage, Stage::Permit(_))) {
                Some(true) => self.end_permit_wait(id, now, effects, probe),
                Some(false) => self.end_pre_bind_wait(id, now, effects, probe),
                None => {
                    internal_error(format_args!("{id:?} has a deadline and is over"));
                    self.cycles.deadlines.pop_first();
                }
            }
        }
    }
}
