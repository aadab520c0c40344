//! What has changed, for cycles that have not asked for their bind.

use std::sync::Arc;

use crate::base::{CycleId, Millis, PodIdx, internal_error};
use crate::cache::{Changed, ChangedObject};
use crate::effect::Effect;
use crate::framework::{Point, Profile, Reads};
use crate::probe::Probe;

use super::super::Engine;
use super::failure::Failure;
use super::{BindingCycle, Stage};

impl Engine {
    /// Asks plugins again that hold pods back and read what has changed. Costs cycles that wait ×
    /// plugins that they wait for. While paused, only notes what has changed.
    pub(in crate::engine) fn review_cycles(
        &mut self,
        changes: &[Changed],
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let is_stale = !self.paused && std::mem::take(&mut self.cycles.is_stale);
        if self.cycles.waiting() == 0 || changes.is_empty() && !is_stale {
            return;
        }
        let news: Reads = changes.iter().map(|change| change.reads).sum();
        let all = if is_stale { Reads::EVERYTHING } else { news };
        let own: Vec<PodIdx> = changes.iter().filter_map(pod_of).collect();
        for id in self.cycles.waiting_ids() {
            // Reviewing one may end others.
            let Some(middle) = self.cycles.middle_mut(id) else { continue };
            // That it is assumed itself is no news to a pod.
            let changed = if !is_stale && own.contains(&middle.pod) {
                let others = changes.iter().filter(|change| pod_of(change) != Some(middle.pod));
                others.map(|change| change.reads).sum()
            } else {
                all
            };
            middle.seen |= changed;
            if self.paused {
                continue;
            }
            let node = middle.node;
            let is_permit = match middle.stage {
                Stage::Permit(_) => true,
                Stage::PreBind(_) => false,
                Stage::Ready => continue,
            };
            if !self.cache.nodes().live().contains(node) {
                self.fail_cycle(id, Failure::NodeGone, now, effects, probe);
            } else if is_permit {
                self.review_permit(id, changed, now, effects, probe);
            } else {
                self.review_pre_bind(id, changed, now, effects, probe);
            }
        }
    }

    /// The pod is gone, or has a node by another's doing: its cycle is over, where it has not asked
    /// for its bind. (One that has is over with the answer, which always comes.)
    pub(in crate::engine) fn end_cycle_of(&mut self, pod: PodIdx, probe: &mut dyn Probe) {
        let Some(id) = self.cycles.waiting_of(pod) else { return };
        if let Some(cycle) = self.cycles.end(id) {
            probe.cycle_fails(id, &cycle.profile, None);
        }
    }

    /// Cycles go on with the plugins of new profiles, by their names: a plugin that is not there
    /// any more holds nothing back. Returns those whose profile is gone.
    pub(in crate::engine) fn follow_profiles(
        &mut self,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) -> Vec<PodIdx> {
        let mut gone = Vec::new();
        for id in self.cycles.waiting_ids() {
            // Going on with one may end others.
            let Some((pod, _, old)) = self.subject(id) else { continue };
            let Some(new) = self.profile_of(pod).cloned() else {
                let over = self.end_cycle(id, probe);
                effects.extend(over.and_then(|cycle| cycle.clear_nomination()));
                self.cache.forget(pod);
                gone.push(pod);
                continue;
            };
            let Some(middle) = self.cycles.middle_mut(id) else {
                internal_error(format_args!("{id:?} has a subject and does not wait"));
                continue;
            };
            let place = |at: usize, point: Point| place_of(&old, at, &new, point);
            let left = middle.pre_binds.iter();
            let left = left.filter_map(|(at, p)| Some((place(*at, Point::PreBind)?, *p)));
            middle.pre_binds = left.collect();
            middle.profile = Arc::clone(&new);
            let mut forgotten = Vec::new();
            let stage = match &middle.stage {
                Stage::Ready => continue,
                Stage::Permit(held) => Stage::Permit(
                    held.iter()
                        .filter_map(|one| {
                            Some(super::Held { plugin: place(one.plugin, Point::Permit)?, ..*one })
                        })
                        .collect(),
                ),
                Stage::PreBind(running) => Stage::PreBind(
                    running
                        .iter()
                        .filter_map(|one| {
                            let Some(plugin) = place(one.plugin, Point::PreBind) else {
                                forgotten.extend(&one.writes);
                                return None;
                            };
                            Some(super::Running { plugin, ..one.clone() })
                        })
                        .collect(),
                ),
            };
            let is_permit = matches!(stage, Stage::Permit(_));
            self.cycles.set_stage(id, stage);
            self.cycles.forget_writes(&forgotten);
            if self.paused {
                // Whoever goes on now could write.
                self.cycles.is_stale = true;
            } else if is_permit {
                self.review_permit(id, Reads::EVERYTHING, now, effects, probe);
            } else {
                self.review_pre_bind(id, Reads::EVERYTHING, now, effects, probe);
            }
        }
        gone
    }

    fn end_cycle(&mut self, id: CycleId, probe: &mut dyn Probe) -> Option<BindingCycle> {
        let cycle = self.cycles.end(id)?;
        probe.cycle_fails(id, &cycle.profile, None);
        Some(cycle)
    }
}

/// The pod that a change is about.
fn pod_of(change: &Changed) -> Option<PodIdx> {
    match change.object {
        ChangedObject::Pod(pod) => pod,
        ChangedObject::Node(_) | ChangedObject::Other(_) => None,
    }
}

/// Where the plugin at a place of the old profile stands in the new one, if it is at this point
/// there.
fn place_of(old: &Profile, at: usize, new: &Profile, point: Point) -> Option<usize> {
    let name = old.plugin(at)?.name();
    let mut places = new.at(point).iter().map(|weighted| weighted.plugin);
    places.find(|place| new.plugin(*place).is_some_and(|p| p.name() == name))
}
