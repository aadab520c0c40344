//! Where effects go: binds first, conditions and events in write_queues of their own.

use std::time::Instant;

use berth_engine::{Effect, FailureReason, Input, WriteOutcome};

use crate::bind::DECISION;
use crate::bind::{Bind, BinderHandle};
use crate::events::EventHandle;
use crate::metrics::{EngineMetrics, Tally};
use crate::status::StatusHandle;

/// Takes the effects of each step.
#[derive(Debug)]
pub(super) struct WriteQueues {
    pub(super) binds: BinderHandle,
    pub(super) status: StatusHandle,
    pub(super) events: EventHandle,
    pub(super) metrics: EngineMetrics,
    /// Binds that the binder's queue had no room for. The queue holds as many as the engine leaves
    /// open, so there are none unless the binder is draining.
    pub(super) waiting: Vec<Bind>,
    /// Answers to effects that are refused.
    pub(super) answers: Vec<Input>,
}

impl WriteQueues {
    /// Carries out what it can and refuses the rest loudly.
    pub(super) fn carry_out(&mut self, effects: &mut Vec<Effect>, tally: &mut Tally) {
        for bind in std::mem::take(&mut self.waiting) {
            self.hand_in(bind);
        }
        for effect in effects.drain(..) {
            match effect {
                Effect::Bind { cycle, pod, resource_version, node, profile, decision } => {
                    tracing::debug!(pod = %pod.key, node = %node, "Attempting to bind pod to node");
                    self.status.withdraw_condition(&pod);
                    let started = tally.take_start(cycle);
                    let decided = Instant::now();
                    self.hand_in(Bind {
                        cycle,
                        pod,
                        resource_version,
                        node,
                        profile,
                        decision,
                        started,
                        decided,
                    });
                }
                effect @ Effect::Condition { .. } => {
                    tell_failure(&effect);
                    self.or_refuse(|write_queues| write_queues.status.take(effect));
                }
                effect @ Effect::Nominate { .. } => {
                    self.or_refuse(|write_queues| write_queues.status.take(effect));
                }
                effect @ Effect::Event { .. } => {
                    self.or_refuse(|write_queues| write_queues.events.take(effect))
                }
                Effect::Write { id, .. } => {
                    self.or_refuse(|_| Err(Box::new(effect)));
                    let text = "Berth carries out no writes before a bind yet".to_owned();
                    let outcome = WriteOutcome::Failed(text);
                    self.answers.push(Input::WriteOutcome { id, outcome });
                }
                effect @ Effect::Evict { .. } => self.or_refuse(|_| Err(Box::new(effect))),
            }
        }
    }

    fn hand_in(&mut self, bind: Bind) {
        if let Err(bind) = self.binds.try_send(bind) {
            self.waiting.push(bind);
        }
    }

    fn or_refuse(&self, take: impl FnOnce(&Self) -> Result<(), Box<Effect>>) {
        let Err(effect) = take(self) else { return };
        let name = match *effect {
            Effect::Bind { .. } => "Bind",
            Effect::Condition { .. } => "Condition",
            Effect::Nominate { .. } => "Nominate",
            Effect::Event { .. } => "Event",
            Effect::Evict { .. } => "Evict",
            Effect::Write { .. } => "Write",
        };
        self.metrics.refused.with(&[name]).inc();
        tracing::error!(?effect, "an effect that Berth does not carry out yet");
    }
}

/// One line for a pod that goes on waiting, in kube-scheduler's words (`handleSchedulingFailure` in
/// `pkg/scheduler/schedule_one.go`). That its profile is gone is told once for all its pods.
fn tell_failure(effect: &Effect) {
    let Effect::Condition { pod, reason, message, .. } = effect else { return };
    let (pod, word, err) = (&pod.key, reason.as_str(), message);
    match reason {
        FailureReason::Unschedulable => tracing::info!(
            target: DECISION, %pod, reason = word, %err, "Unable to schedule pod; no fit; waiting"
        ),
        FailureReason::SchedulerError => tracing::info!(
            target: DECISION, %pod, reason = word, %err, "Error scheduling pod; retrying"
        ),
        FailureReason::ProfileGone => tracing::debug!(
            target: DECISION, %pod, reason = word, %err, "The pod's profile is gone; waiting"
        ),
    }
}
