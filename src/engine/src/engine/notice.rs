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
        if self.owe(pod, reason, &message, true) {
            effects.push(self.event(pod, profile, PodEvent::FailedScheduling { note: message }));
        }
    }

    /// Says by its condition that a pod's profile is gone, and to whoever reads it what to do;
    /// false where nothing is written. One that a gate holds goes on showing the gate. There is no
    /// event: a profile may leave 100,000 pods, and an event costs the API server more than a bind.
    pub(super) fn tell_profile_gone(&mut self, pod: PodIdx) -> bool {
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
        self.owe(pod, FailureReason::ProfileGone, &message, true)
    }

    /// A condition is to be written; false where the pod shows it already. What an attempt says is
    /// written before what is said again.
    pub(super) fn owe(
        &mut self,
        pod: PodIdx,
        reason: FailureReason,
        message: &str,
        is_first: bool,
    ) -> bool {
        let shown = ScheduledCondition {
            status: "False".into(),
            reason: reason.as_str().into(),
            message: message.into(),
            observed_generation: self.cache.pending(pod).map_or(0, |p| p.generation),
        };
        let is_news = self.cache.show_condition(pod, shown);
        if is_news && let Some((class, _)) = self.cache.class_of(pod) {
            self.conditions.owe(pod, class, reason, is_first);
        }
        is_news
    }

    /// What the pod is to show is written again: somebody else has changed it.
    pub(super) fn owe_again(&mut self, pod: PodIdx) {
        let desired = self.cache.pending(pod).and_then(|pending| pending.desired.as_ref());
        let all = [FailureReason::Unschedulable, FailureReason::SchedulerError];
        let reason = desired.and_then(|c| all.into_iter().find(|r| r.as_str() == &*c.reason));
        if let (Some(reason), Some((class, _))) = (reason, self.cache.class_of(pod)) {
            self.conditions.owe(pod, class, reason, false);
        }
    }

    /// The pod is being bound: that it waits is not written any more. If it waits again it says so
    /// again.
    pub(super) fn forget_condition(&mut self, pod: PodIdx) {
        self.cache.forget_condition(pod);
        self.conditions.drop_pod(pod);
    }

    /// Asks for as many conditions to be written as the writer takes. One that no attempt has just
    /// said comes with its event.
    pub(super) fn write_conditions(&mut self, effects: &mut Vec<Effect>) {
        while let Some(turn) = self.conditions.next() {
            let Some(pending) = self.cache.pending(turn.pod) else { continue };
            // What the watch shows already is not written again.
            let is_shown = pending.desired.is_none();
            let told = pending.desired.as_deref().or(pending.scheduled.as_ref());
            let told = told.filter(|told| !is_shown || told.is_ours()).cloned();
            let Some(ScheduledCondition { message, observed_generation, .. }) = told else {
                continue;
            };
            let message = message.into_string();
            if !turn.is_first
                && let Some(profile) = self.profile_of(turn.pod)
            {
                let note = message.clone();
                effects.push(self.event(turn.pod, profile, PodEvent::FailedScheduling { note }));
            }
            if is_shown {
                continue;
            }
            let (pod, generation) = (self.pod_name(turn.pod), observed_generation);
            effects.push(Effect::Condition { pod, reason: turn.reason, message, generation });
        }
    }

    pub(super) fn event(&self, pod: PodIdx, profile: &Profile, event: PodEvent) -> Effect {
        let profile = profile.shared_name();
        Effect::Event { pod: Arc::new(self.pod_name(pod)), profile, event }
    }
}
