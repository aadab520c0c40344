//! A cycle fails before its bind: what was reserved goes back, and the pod to the queue.
//!
//! Source: `handleBindingCycleError` and `handleSchedulingFailure` in
//! `pkg/scheduler/schedule_one.go`.

use crate::base::{CycleId, Millis, internal_error};
use crate::cycle::CycleError;
use crate::effect::{Effect, FailureReason};
use crate::framework::{Code, Reads, Reason};
use crate::probe::{AttemptResult, Probe, QueueName};

use super::super::Engine;

/// Why a cycle fails.
#[derive(Debug)]
pub(super) enum Failure {
    /// Refused at Permit, by the plugin at this place: the pod waits until something that it reads
    /// has changed.
    Refused { plugin: usize, reason: Reason },
    /// Rejected at PreBind: the pod backs off.
    Rejected(Reason),
    /// The pod backs off.
    Broken(CycleError),
    /// The pod is tried again at once, and told nothing.
    NodeGone,
}

impl Failure {
    /// In kube-scheduler's terms.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Refused { .. } | Self::Rejected(_) => Code::Unschedulable,
            Self::Broken(_) | Self::NodeGone => Code::Error,
        }
    }

    pub(super) fn result(&self) -> AttemptResult {
        match self {
            Self::Refused { .. } | Self::Rejected(_) => AttemptResult::Unschedulable,
            Self::Broken(_) | Self::NodeGone => AttemptResult::Error,
        }
    }
}

impl Engine {
    /// Ends the cycle of a pod whose bind has not been asked for.
    pub(super) fn fail_cycle(
        &mut self,
        id: CycleId,
        failure: Failure,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let Some(cycle) = self.cycles.end(id) else {
            return internal_error(format_args!("{id:?} fails twice"));
        };
        let cleared = cycle.clear_nomination();
        let Some(middle) = cycle.middle else {
            return internal_error(format_args!("{id:?} fails after it has asked for its bind"));
        };
        probe.cycle_fails(id, &cycle.profile, Some(failure.result()));
        let (pod, profile) = (middle.pod, middle.profile);
        effects.extend(cleared);
        if !self.cache.forget(pod) {
            return internal_error(format_args!("{:?} is in its cycle and not assumed", cycle.pod));
        }
        self.queue.restore(pod, cycle.entry);
        match failure {
            Failure::Refused { plugin, reason } => {
                let reads = profile.plugin(plugin).map_or(Reads::EVERYTHING, |p| p.reads());
                self.set_aside(pod, plugin, middle.seen.intersects(reads), now, probe);
                let text =
                    format!("0/1 nodes are available: 1 {}.", reason.words(self.cache.dims()));
                self.tell(pod, &profile, FailureReason::Unschedulable, text, effects);
            }
            Failure::Rejected(reason) => {
                self.retreat(pod, now, probe);
                let text = reason.words(self.cache.dims()).into_owned();
                self.tell(pod, &profile, FailureReason::Unschedulable, text, effects);
            }
            Failure::Broken(error) => self.fail(pod, &error.to_string(), now, effects, probe),
            Failure::NodeGone => self.enqueue(pod, now, "NodeDelete", probe),
        }
    }

    /// Parks a pod that a plugin has refused until that plugin may change its mind; `missed` where
    /// something that it reads has changed since the pod was popped.
    fn set_aside(
        &mut self,
        pod: crate::base::PodIdx,
        plugin: usize,
        missed: bool,
        now: Millis,
        probe: &mut dyn Probe,
    ) {
        if let Some(entry) = self.queue.entry_mut(pod) {
            entry.failures = entry.failures.saturating_add(1);
            entry.errors = 0;
            entry.queued_ms = now;
            entry.rejectors = vec![plugin];
        }
        if missed {
            self.return_alone(pod, now, "ScheduleAttemptFailure", probe);
            return;
        }
        self.queue.park_alone(pod);
        probe.incoming(QueueName::Unschedulable, "ScheduleAttemptFailure");
    }
}
