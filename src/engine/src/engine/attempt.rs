//! One pod's attempt: decide, then assume and bind, or park with the reasons.

use std::sync::Arc;

use crate::base::{Millis, NodeIdx, PodIdx};
use crate::cycle::{Filtered, Pick, PostFilterSaid, Scores, Stop, Wording, fit_error};
use crate::effect::{Decision, Effect, FailureReason, PodEvent};
use crate::framework::{Point, Profile, Reads, Reserved};
use crate::probe::{AttemptResult, Probe, QueueName};

use super::Engine;
use super::binding::{BindingCycle, Middle};
use super::choose::Found;

/// What a cycle decides for a pod.
#[derive(Debug)]
pub enum Decided {
    /// A node.
    Place {
        /// The draw.
        pick: Pick,
        /// What the filters said.
        filtered: Filtered,
        /// The scores; `None` where the only feasible node was taken unscored.
        scores: Option<Scores>,
    },
    /// No node fits.
    Reject {
        /// What the filters said.
        filtered: Filtered,
    },
    /// The attempt failed with this text.
    Broken(String),
}

/// A node that was found for a pod.
#[derive(Debug)]
struct Placement {
    pod: PodIdx,
    node: NodeIdx,
    /// What Reserve plugins booked.
    reserved: Reserved,
    decision: Decision,
    /// No plugin acts at Permit or PreBind.
    is_direct: bool,
}

impl Engine {
    /// Runs the cycle for a pod and changes nothing but the generator. With `score_one` a single
    /// feasible node is scored too, which a scheduler has no need of but a reader may.
    pub fn decide(
        &mut self,
        pod: PodIdx,
        profile: &Arc<Profile>,
        score_one: bool,
        probe: &mut dyn Probe,
    ) -> Decided {
        self.chooser().decide(pod, profile, score_one, probe)
    }

    pub(super) fn attempt(
        &mut self,
        pod: PodIdx,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let Some(profile) = self.profile_of(pod).cloned() else { return self.leave(pod) };
        if self.cache.pods().get(pod).is_none_or(|p| p.terminating) {
            let note = format!("skip schedule deleting pod: {}", self.cache.pod_name(pod));
            let event = PodEvent::FailedScheduling { note };
            effects.push(self.event(pod, &profile, event));
            return self.leave(pod);
        }
        let entry = self.queue.entry(pod).map(|e| (e.attempts, e.active_ms));
        let (attempt, active_ms) = entry.unwrap_or((1, now));
        probe.attempt_begins(now.saturating_sub(active_ms));
        let result = match self.chooser().find(pod, &profile, probe) {
            Found::Ranked(choice) => {
                let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                let decision = Decision {
                    evaluated: count(self.cache.nodes().live().len()),
                    feasible: count(choice.feasible),
                    best: count(choice.best),
                    score: choice.total.unwrap_or(0),
                    attempt,
                };
                let placement = Placement {
                    pod,
                    node: choice.node,
                    reserved: Reserved::default(),
                    decision,
                    // No plugin of a profile that ranks a pod acts for it before the bind.
                    is_direct: true,
                };
                let placed = self.place(placement, &profile, now, effects, probe);
                self.end_of(pod, placed, now, effects, probe)
            }
            Found::Nowhere(filtered) => {
                self.reject(pod, &filtered, &profile, now, effects, probe);
                AttemptResult::Unschedulable
            }
            Found::Scanned(Decided::Place { pick, filtered, scores }) => {
                let decision = Decision {
                    evaluated: u32::try_from(filtered.evaluated).unwrap_or(u32::MAX),
                    feasible: u32::try_from(filtered.feasible.len()).unwrap_or(u32::MAX),
                    best: u32::try_from(pick.best.len()).unwrap_or(u32::MAX),
                    score: if scores.is_some() { pick.total } else { 0 },
                    attempt,
                };
                let reserved = self.scan(&profile).reserve(pod, pick.node, &filtered, probe);
                let is_direct =
                    profile.at(Point::Permit).is_empty() && profile.at(Point::PreBind).is_empty();
                let placed = reserved.and_then(|reserved| {
                    let node = pick.node;
                    let placement = Placement { pod, node, reserved, decision, is_direct };
                    self.place(placement, &profile, now, effects, probe)
                });
                self.end_of(pod, placed, now, effects, probe)
            }
            Found::Scanned(Decided::Reject { filtered }) => {
                self.reject(pod, &filtered, &profile, now, effects, probe);
                AttemptResult::Unschedulable
            }
            Found::Scanned(Decided::Broken(text)) => {
                self.end_of(pod, Err(text), now, effects, probe)
            }
        };
        probe.attempt_ends(profile.scheduler_name(), result, attempt);
    }

    /// What an attempt came to that had a node, or failed on its way.
    fn end_of(
        &mut self,
        pod: PodIdx,
        placed: Result<(), String>,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) -> AttemptResult {
        match placed {
            Ok(()) => AttemptResult::Scheduled,
            Err(text) => {
                self.fail(pod, &text, now, effects, probe);
                AttemptResult::Error
            }
        }
    }

    /// Assumes the pod on the node with what was reserved for it, and begins its binding cycle.
    ///
    /// # Errors
    /// Nobody binds it.
    fn place(
        &mut self,
        placement: Placement,
        profile: &Arc<Profile>,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) -> Result<(), String> {
        let Placement { pod, node, reserved, decision, is_direct } = placement;
        // Shared by the bind, by what is remembered of it, and by the event of its outcome.
        let name = Arc::new(self.pod_name(pod));
        let node_name = self.cache.nodes().shared_name(node);
        let pending = self.cache.pending(pod);
        let controller = pending.and_then(|p| p.controller.clone());
        let resource_version = pending.map_or(0, |p| p.resource_version);
        if !self.is_taken(pod, node, profile) {
            return Err("no Bind plugin of the profile takes the pod".to_owned());
        }
        // Out of the queue first: what fails then leaves nothing assumed and nothing held.
        self.recheck.extend(self.queue.release_head(pod));
        let Some(entry) = self.queue.remove(pod) else {
            debug_assert!(false, "{name:?} is attempted and not in the queue");
            return Err("the pod left the queue during its attempt".to_owned());
        };
        if !self.cache.assume(pod, node) {
            self.queue.restore(pod, entry);
            return Err(format!("the pod cannot be assumed on node {node_name}"));
        }
        self.cache.hold(pod, reserved);
        let middle = (!is_direct).then(|| Box::new(Middle::new(pod, node, profile, decision)));
        let cycle = self.cycles.begin(BindingCycle {
            pod: Arc::clone(&name),
            node: node_name.clone(),
            profile: profile.shared_name(),
            controller,
            entry,
            middle,
        });
        probe.cycle_begins(cycle);
        if !is_direct {
            self.begin_cycle(cycle, now, effects, probe);
            return Ok(());
        }
        self.cache.forget_condition(pod);
        effects.push(Effect::Bind {
            cycle,
            pod: name,
            resource_version,
            node: node_name,
            profile: profile.shared_name(),
            decision,
        });
        Ok(())
    }

    /// Whether one of the profile's Bind plugins takes the pod.
    fn is_taken(&self, pod: PodIdx, node: NodeIdx, profile: &Profile) -> bool {
        let Some(view) = self.cache.view(pod) else { return false };
        let mut plugins = profile.at(Point::Bind).iter().filter_map(|w| profile.plugin(w.plugin));
        plugins.any(|p| p.as_bind().is_some_and(|b| b.bind(&view, node)))
    }

    /// No node fits: the pod is parked until something that its rejectors read has changed.
    fn reject(
        &mut self,
        pod: PodIdx,
        filtered: &Filtered,
        profile: &Arc<Profile>,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let nodes = self.cache.nodes().live().len();
        let post_filter = self.post_filter(pod, filtered, profile);
        let wording = Wording::Live { post_filter };
        let message = fit_error(filtered, nodes, profile, wording);
        let rejectors = filtered.rejectors();
        let reads = match &filtered.stop {
            // No node can help, so none is looked at when one comes or changes.
            Some(Stop::Refused { until, .. }) => *until,
            _ => Reads::NODE_EXISTS | rejectors.iter().map(|p| profile.reads(*p)).sum(),
        };
        let is_refused = matches!(filtered.stop, Some(Stop::Refused { .. }));
        let asks_hints = |place: &usize| {
            let plugin = profile.plugin(*place);
            plugin.is_some_and(|p| p.reads() == Reads::EVERYTHING && p.as_hints().is_some())
        };
        let by_hints = !is_refused && rejectors.iter().any(asks_hints);
        self.recheck.extend(self.queue.release_head(pod));
        if let Some(entry) = self.queue.entry_mut(pod) {
            entry.failures = entry.failures.saturating_add(1);
            entry.errors = 0;
            entry.queued_ms = now;
            entry.rejectors = rejectors;
        }
        let key = self.sort_key(pod);
        let class = self.cache.pods().get(pod).map(|p| p.class);
        match class.zip(self.cache.alike(pod)) {
            Some(place) if !by_hints => self.queue.park(pod, place, key, reads),
            _ => self.queue.park_alone(pod),
        }
        probe.incoming(QueueName::Unschedulable, "ScheduleAttemptFailure");
        self.tell(pod, profile, FailureReason::Unschedulable, message, effects);
    }

    /// What kube-scheduler's PostFilter plugins add to the text, as far as `run` carries them out:
    /// nothing of preemption yet.
    fn post_filter(&self, pod: PodIdx, filtered: &Filtered, profile: &Profile) -> PostFilterSaid {
        if matches!(filtered.stop, Some(Stop::Refused { .. })) {
            return PostFilterSaid::Nothing;
        }
        let fails = profile.failing_post_filter().filter(|one| {
            let cut = matches!(filtered.stop, Some(Stop::PreFilter { resolvable: false, .. }));
            one.has_no_state(cut, filtered.pre_filters_asked)
        });
        let Some(failing) = fails else { return PostFilterSaid::Nothing };
        // A preemption that succeeds ends PostFilter before the failing plugin is asked.
        let preempts = failing.preempts_first
            && self.preempt(pod, profile, filtered).is_ok_and(|p| !p.candidates.is_empty());
        if preempts { PostFilterSaid::Nothing } else { PostFilterSaid::NotFound }
    }

    /// The attempt itself failed: the pod backs off.
    pub(super) fn fail(
        &mut self,
        pod: PodIdx,
        message: &str,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let profile = self.profile_of(pod).cloned();
        self.retreat(pod, now, probe);
        if let Some(profile) = profile {
            let reason = FailureReason::SchedulerError;
            self.tell(pod, &profile, reason, message.to_owned(), effects);
        }
    }

    /// Puts a pod into backoff after an error.
    pub(super) fn retreat(&mut self, pod: PodIdx, now: Millis, probe: &mut dyn Probe) {
        self.recheck.extend(self.queue.release_head(pod));
        if let Some(entry) = self.queue.entry_mut(pod) {
            entry.errors = entry.errors.saturating_add(1);
            entry.queued_ms = now;
            entry.rejectors.clear();
        }
        let key = self.sort_key(pod);
        if self.queue.back_off(pod, key, now) {
            probe.incoming(QueueName::Backoff, "ScheduleAttemptFailure");
        } else {
            self.enqueue(pod, now, "ScheduleAttemptFailure", probe);
        }
    }
}
