//! One pod's attempt: decide, then assume and bind, or park with the reasons.

use std::sync::Arc;

use crate::base::{ClassIdx, Millis, PodIdx, internal_error, missing};
use crate::cycle::{CycleError, Filtered, PostFilterSaid, Stop, Wording, fit_error};
use crate::effect::{Effect, FailureReason, PodEvent};
use crate::framework::{Profile, Reads};
use crate::model::Alike;
use crate::probe::{AttemptResult, Probe, QueueName};
use crate::queue::Blocked;

use super::Engine;
use super::choose::{Decided, Found};

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
        let Some(profile) = self.profile_of(pod).cloned() else {
            missing("profile of pod", pod.at());
            return self.leave(pod);
        };
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
            Found::Nowhere(filtered) => {
                self.reject(pod, &filtered, &profile, now, effects, probe);
                AttemptResult::Unschedulable
            }
            Found::Scanned(Decided::Reject { filtered }) => {
                self.reject(pod, &filtered, &profile, now, effects, probe);
                AttemptResult::Unschedulable
            }
            found => {
                // A plan of one pod.
                let mut plan = self.begin_plan();
                let mut chooser = self.chooser();
                let placed = chooser
                    .placement(pod, found, attempt, &profile, probe)
                    .and_then(|placement| chooser.add_to_plan(&mut plan, placement, &profile));
                self.commit_plan(plan, now, effects, probe);
                self.end_of(pod, placed, now, effects, probe)
            }
        };
        probe.attempt_ends(profile.scheduler_name(), result, attempt);
    }

    /// What an attempt came to that had a node, or failed on its way.
    fn end_of(
        &mut self,
        pod: PodIdx,
        placed: Result<(), CycleError>,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) -> AttemptResult {
        match placed {
            Ok(()) => AttemptResult::Scheduled,
            Err(error) => {
                if error.is_internal() {
                    let name = self.cache.pod_name(pod);
                    internal_error(format_args!("attempt of pod {name}: {error}"));
                }
                self.fail(pod, &error.to_string(), now, effects, probe);
                AttemptResult::Error
            }
        }
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
        let post_filter = self.post_filter(pod, filtered, profile);
        let wording = Wording::Live { post_filter };
        let message = fit_error(filtered, &self.cache, profile, wording);
        let rejectors = filtered.rejectors();
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
            Some((class, alike)) if !by_hints => {
                let blocked = self.blocked_anew(pod, class, &alike, filtered, profile);
                self.queue.park(pod, (class, alike), key);
                // One that is refused is told the same until what it is refused for changes.
                if !is_refused {
                    self.note_diagnosis(class, now);
                }
                if let Some(blocked) = blocked {
                    self.queue.block(class, blocked);
                }
            }
            _ => self.queue.park_alone(pod),
        }
        probe.incoming(QueueName::Unschedulable, "ScheduleAttemptFailure");
        self.tell(pod, profile, FailureReason::Unschedulable, message, effects);
    }

    /// What a rejected pod waits for, where the pods that are parked on its class do not wait for
    /// it already. Pods that are alike get equal verdicts, promised nodes aside: 100,000 of them
    /// are asked about once.
    fn blocked_anew(
        &self,
        pod: PodIdx,
        class: ClassIdx,
        alike: &Alike,
        filtered: &Filtered,
        profile: &Profile,
    ) -> Option<Blocked> {
        let rejectors = filtered.rejectors();
        if let Some(Stop::Refused { until, .. }) = &filtered.stop {
            return Some(Self::blocked_until(&rejectors, *until));
        }
        let plugins = rejectors.iter().copied().collect();
        let is_known =
            self.cache.nominations().is_empty() && self.queue.is_blocked(class, alike, plugins);
        (!is_known).then(|| self.awaiting(pod, profile, &rejectors, true))
    }

    /// What kube-scheduler's PostFilter plugins add to the text, as far as `run` carries them out:
    /// nothing of preemption yet.
    pub(super) fn post_filter(
        &self,
        pod: PodIdx,
        filtered: &Filtered,
        profile: &Profile,
    ) -> PostFilterSaid {
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
