//! What became of binds.

use crate::base::Millis;
use crate::effect::{Effect, PodEvent};
use crate::input::BindOutcome;
use crate::model::Stage;
use crate::probe::Probe;

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
        let pod = self.cache.pods().find(uid);
        if outcome == BindOutcome::Bound {
            let entry = pod.and_then(|pod| self.queue.remove(pod));
            if let Some(entry) = entry {
                let waited = now.saturating_sub(entry.first_active_ms.unwrap_or(now));
                probe.bound(&flight.profile, entry.attempts, waited);
                if entry.flushed {
                    probe.scheduled_after_flush();
                }
            }
            let Flight { pod, node, profile } = flight;
            effects.push(Effect::Event { pod, profile, event: PodEvent::Scheduled { node } });
            return;
        }
        let Some(pod) = pod else { return };
        if self.cache.pods().get(pod).is_none_or(|p| p.stage != Stage::Assumed) {
            // The watch was faster: the pod is on a node, whoever put it there.
            self.queue.remove(pod);
            return;
        }
        self.cache.forget(pod);
        match outcome {
            // The watch will tell what is true; a condition would be news to nobody.
            BindOutcome::Bound | BindOutcome::Conflict(_) | BindOutcome::Gone => {
                self.retreat(pod, now, probe);
            }
            // More writes do not help a server that asks for fewer.
            BindOutcome::Throttled(_) => self.retreat(pod, now, probe),
            BindOutcome::Denied(text)
            | BindOutcome::Unavailable(text)
            | BindOutcome::NotBound(text) => {
                let message = format!("running Bind plugin \"DefaultBinder\": {text}");
                self.fail(pod, &message, now, effects, probe);
            }
        }
    }
}
