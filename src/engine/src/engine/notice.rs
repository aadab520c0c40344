//! What a pod is told of why it waits: its condition, and mostly an event.

use std::sync::Arc;

use crate::base::PodIdx;
use crate::effect::{Effect, FailureReason, PodEvent};
use crate::framework::Profile;
use crate::record::ScheduledCondition;

use super::Engine;

impl Engine {
    /// Writes the condition and the event, where they are not what the pod shows already.
    pub(super) fn tell(
        &mut self,
        pod: PodIdx,
        profile: &Profile,
        reason: FailureReason,
        message: String,
        effects: &mut Vec<Effect>,
    ) {
        let Some(condition) = self.condition(pod, reason, message.clone()) else { return };
        effects.push(self.event(pod, profile, PodEvent::FailedScheduling { note: message }));
        effects.push(condition);
    }

    /// Says by its condition that a pod's profile is gone, and to whoever reads it what to do;
    /// false where nothing is written. One that a gate holds goes on showing the gate. There is no
    /// event: a profile may leave 100,000 pods, and an event costs the API server more than a bind.
    pub(super) fn tell_profile_gone(&mut self, pod: PodIdx, effects: &mut Vec<Effect>) -> bool {
        let is_gated = self.cache.pending(pod).is_none_or(|pending| !pending.gates.is_empty());
        if is_gated || self.cache.pods().get(pod).is_none_or(|row| row.terminating) {
            return false;
        }
        let name = self.scheduler_name(pod);
        let message = format!(
            "profile {name:?} is no longer in the scheduler's configuration: add a profile with \
             schedulerName {name:?} again, or create the pod anew with another \
             spec.schedulerName"
        );
        let condition = self.condition(pod, FailureReason::ProfileGone, message);
        let is_news = condition.is_some();
        effects.extend(condition);
        is_news
    }

    /// The write of a condition; `None` where the pod shows it already.
    fn condition(&mut self, pod: PodIdx, reason: FailureReason, message: String) -> Option<Effect> {
        let generation = self.cache.pending(pod).map_or(0, |p| p.generation);
        let shown = ScheduledCondition {
            status: "False".into(),
            reason: reason.as_str().into(),
            message: message.as_str().into(),
            observed_generation: generation,
        };
        if !self.cache.show_condition(pod, shown) {
            return None;
        }
        let pod = self.pod_name(pod);
        Some(Effect::Condition { pod, reason, message, generation })
    }

    pub(super) fn event(&self, pod: PodIdx, profile: &Profile, event: PodEvent) -> Effect {
        let profile = profile.shared_name();
        Effect::Event { pod: Arc::new(self.pod_name(pod)), profile, event }
    }
}
