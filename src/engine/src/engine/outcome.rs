//! What became of binds.

use crate::base::{CycleId, Millis, PodIdx, internal_error};
use crate::cycle::guarded;
use crate::effect::{Effect, FailureReason, PodEvent};
use crate::framework::Point;
use crate::input::BindOutcome;
use crate::probe::Probe;
use crate::record::ScheduledCondition;

use super::Engine;
use super::binding::BindingCycle;

impl Engine {
    pub(super) fn take_outcome(
        &mut self,
        cycle: CycleId,
        outcome: BindOutcome,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        // Late, twice, or for a cycle that is over.
        if !self.cycles.awaits_bind(cycle) {
            return;
        }
        let Some(over) = self.cycles.end(cycle) else {
            return internal_error(format_args!("{cycle:?} awaits a bind and is over"));
        };
        self.ask_for_binds(effects);
        let cleared = over.clear_nomination();
        let BindingCycle { pod: name, node, profile, controller, entry, .. } = over;
        let uid = &*name.uid;
        if outcome == BindOutcome::Replaced {
            let applied = self.cache.delete_pod(uid);
            return self.follow(applied, now, probe);
        }
        let pod = self.cache.pods().find(uid);
        if outcome == BindOutcome::Bound {
            let waited = now.saturating_sub(entry.first_active_ms.unwrap_or(now));
            probe.bound(&profile, entry.attempts, waited);
            if entry.flushed {
                probe.scheduled_after_flush();
            }
            if let Some(pod) = pod {
                self.post_bind(pod);
            }
            let event = PodEvent::Scheduled { node, controller };
            effects.push(Effect::Event { pod: name, profile, event });
            return;
        }
        // The pod was gone in between and is assumed for another cycle.
        if self.cycles.find(uid).is_some() {
            return;
        }
        // Where it is no longer assumed the watch was faster: the pod is gone, or on a node,
        // whoever put it there.
        let Some(pod) = pod.filter(|pod| self.cache.forget(*pod)) else { return };
        effects.extend(cleared);
        // Its profile went while the bind was under way: it waits for one of its name.
        if self.profile_of(pod).is_none() {
            self.tell_profile_gone(pod);
            return;
        }
        self.queue.restore(pod, entry);
        match outcome {
            // The watch will tell what is true; a condition would be news to nobody.
            BindOutcome::Bound
            | BindOutcome::Conflict(_)
            | BindOutcome::Gone
            | BindOutcome::Replaced => {
                self.retreat(pod, now, probe);
            }
            // More writes do not help a server that asks for fewer.
            BindOutcome::Throttled(_) => self.retreat(pod, now, probe),
            BindOutcome::Denied(text) | BindOutcome::Unavailable(text) => {
                let message = format!("running Bind plugin \"DefaultBinder\": {text}");
                self.fail(pod, &message, now, effects, probe);
            }
            BindOutcome::NotBound { message, resource_version, is_told } => {
                self.cache.note_version(pod, resource_version);
                if is_told {
                    self.retreat(pod, now, probe);
                    self.publish(pod, message, effects);
                } else {
                    self.fail(pod, &message, now, effects, probe);
                }
            }
        }
    }

    /// Tells the PostBind plugins of a pod that is bound.
    fn post_bind(&self, pod: PodIdx) {
        let Some(profile) = self.profile_of(pod) else { return };
        let hearers = profile.at(Point::PostBind);
        let Some(node) = self.cache.pods().get(pod).map(|row| row.node) else { return };
        let Some(view) = self.cache.view(pod).filter(|_| !hearers.is_empty()) else { return };
        for plugin in hearers.iter().filter_map(|w| profile.plugin(w.plugin)) {
            if let Some(point) = plugin.as_post_bind() {
                // The pod is bound whatever becomes of the call.
                let _ = guarded(plugin.name(), || point.post_bind(&view, node));
            }
        }
    }

    /// The event of an error whose condition the shell has written already.
    fn publish(&mut self, pod: PodIdx, message: String, effects: &mut Vec<Effect>) {
        let Some(profile) = self.profile_of(pod).cloned() else { return };
        let shown = ScheduledCondition {
            status: "False".into(),
            reason: FailureReason::SchedulerError.as_str().into(),
            message: message.as_str().into(),
            observed_generation: self.cache.pending(pod).map_or(0, |p| p.generation),
        };
        self.cache.show_condition(pod, shown);
        effects.push(self.event(pod, &profile, PodEvent::FailedScheduling { note: message }));
    }
}
