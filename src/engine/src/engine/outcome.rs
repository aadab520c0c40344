//! What became of binds.

use crate::base::{Millis, PodIdx};
use crate::effect::{Effect, FailureReason, PodEvent};
use crate::input::BindOutcome;
use crate::probe::Probe;
use crate::record::ScheduledCondition;

use super::{Engine, Flight};

impl Engine {
    pub(super) fn take_outcome(
        &mut self,
        uid: &str,
        outcome: BindOutcome,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let Some(flight) = self.flights.remove(uid) else { return };
        if outcome == BindOutcome::Replaced {
            let applied = self.cache.delete_pod(uid);
            return self.follow(applied, now, probe);
        }
        let pod = self.cache.pods().find(uid);
        let Flight { pod: name, node, profile, controller, entry } = flight;
        if outcome == BindOutcome::Bound {
            let waited = now.saturating_sub(entry.first_active_ms.unwrap_or(now));
            probe.bound(&profile, entry.attempts, waited);
            if entry.flushed {
                probe.scheduled_after_flush();
            }
            let event = PodEvent::Scheduled { node, controller };
            effects.push(Effect::Event { pod: name, profile, event });
            return;
        }
        // Where it is no longer assumed the watch was faster: the pod is gone, or on a node,
        // whoever put it there.
        let Some(pod) = pod.filter(|pod| self.cache.forget(*pod)) else { return };
        // Its profile went while the bind was under way: it waits for one of its name.
        if self.profile_of(pod).is_none() {
            self.tell_profile_gone(pod, effects);
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
