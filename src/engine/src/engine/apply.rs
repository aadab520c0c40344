//! Inputs come in.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::{ClassIdx, Millis, PodIdx, missing};
use crate::cache::PodApplied;
use crate::cycle::NoFit;
use crate::effect::Effect;
use crate::framework::{Plugin, Point, Profile};
use crate::input::{Config, Input};
use crate::model::{Alike, Stage};
use crate::probe::{Probe, QueueName};
use crate::queue::{Backoff, Place};
use crate::record::PodRecord;

use super::{Engine, PROFILE_GONE_TOLD_MAX};

/// Which filters reject pods alike, and what they read. Alike are pods of one class and
/// priority that no selector tells apart: 10,000 parked pods of a Job are looked at once.
type Unfit = HashMap<(ClassIdx, Alike, i32), NoFit, FxBuildHasher>;

/// A pod of ours came to the queue (`EventUnscheduledPodAdd` in `framework/events.go`).
const UNSCHEDULED_ADD: &str = "UnscheduledPodAdd";
/// It is gone.
const UNSCHEDULED_DELETE: &str = "UnscheduledPodDelete";

/// kube-scheduler's event for a pod that was added or changed, without the part of the pod that
/// did: `None` for waiting pods of other schedulers, of which it hears nothing.
/// `stage` is that of an assigned pod before.
///
/// Source: `addPod` and `updatePod` in `pkg/scheduler/eventhandlers.go`.
fn event_of(record: &PodRecord, stage: Option<Stage>, applied: PodApplied) -> Option<&'static str> {
    if record.node_name.is_some() {
        let is_known = stage == Some(Stage::Bound);
        return Some(if is_known { "AssignedPodUpdate" } else { "AssignedPodAdd" });
    }
    match applied {
        PodApplied::Queued(_) => Some(UNSCHEDULED_ADD),
        PodApplied::Updated { .. } => Some("UnscheduledPodUpdate"),
        PodApplied::Left(_) => Some(UNSCHEDULED_DELETE),
        PodApplied::Nothing | PodApplied::Confirmed(_) => None,
    }
}

/// How long pods back off by a configuration.
pub(super) fn timing(config: &Config) -> Backoff {
    Backoff { initial_ms: config.backoff_initial_ms, max_ms: config.backoff_max_ms }
}

impl Engine {
    pub(super) fn apply(
        &mut self,
        input: Input,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        match input {
            Input::PodApplied(record) => {
                probe.input_begins();
                let stage = record.node_name.as_ref().and_then(|_| self.stage(&record.uid));
                let applied = self.cache.apply_pod(&record);
                self.follow(applied, now, probe);
                if let Some(event) = event_of(&record, stage, applied) {
                    probe.input_ends(event);
                }
            }
            Input::PodDeleted { uid, .. } => {
                probe.input_begins();
                let stage = self.stage(&uid);
                let applied = self.cache.delete_pod(&uid);
                self.follow(applied, now, probe);
                match stage {
                    Some(Stage::Queued | Stage::Assumed) => probe.input_ends(UNSCHEDULED_DELETE),
                    Some(Stage::Bound) => probe.input_ends("AssignedPodDelete"),
                    Some(Stage::Foreign) | None => {}
                }
            }
            Input::NodeApplied(record) => {
                probe.input_begins();
                let before = self.cache.nodes().live().len();
                let differs = self.cache.apply_node(&record);
                let is_new = self.cache.nodes().live().len() != before;
                if differs {
                    probe.input_ends(if is_new { "NodeAdd" } else { "NodeUpdate" });
                }
            }
            Input::NodeDeleted { name } => {
                probe.input_begins();
                self.cache.delete_node(&name);
                probe.input_ends("NodeDelete");
            }
            Input::Object(object, change) => {
                self.cache.apply_object(&object, change);
            }
            Input::BindOutcome { cycle, outcome } => {
                self.take_outcome(cycle, outcome, now, effects, probe);
            }
            Input::WriteOutcome { id, outcome } => {
                self.take_write_outcome(id, outcome, now, effects, probe);
            }
            Input::Config(config) => self.configure(config, now, effects, probe),
            Input::Control(control) => self.control(control),
            Input::PodAdmitted(record) => self.admit(&record),
            Input::PodAssigned { uid, node, started_ms } => self.assign(&uid, &node, started_ms),
            Input::Tick => {}
        }
    }

    /// Where a known pod is on its way.
    fn stage(&self, uid: &str) -> Option<Stage> {
        let pods = self.cache.pods();
        pods.get(pods.find(uid)?).map(|pod| pod.stage)
    }

    /// Keeps the queue in step with what became of a pod.
    pub(super) fn follow(&mut self, applied: PodApplied, now: Millis, probe: &mut dyn Probe) {
        match applied {
            PodApplied::Nothing => {}
            PodApplied::Confirmed(pod) => self.end_cycle_of(pod, probe),
            PodApplied::Queued(pod) => {
                self.queue.add(pod, now);
                self.enqueue(pod, now, UNSCHEDULED_ADD, probe);
            }
            PodApplied::Updated { pod, matters, retell } => {
                if retell && self.queue.entry(pod).is_some() {
                    self.owe_again(pod);
                }
                if matters {
                    if let Some((class, _)) = self.cache.class_of(pod) {
                        self.conditions.change_class(pod, class);
                    }
                    self.renew(pod, now, probe);
                }
            }
            PodApplied::Left(pod) => {
                self.end_cycle_of(pod, probe);
                self.leave(pod);
            }
        }
    }

    /// Takes a pod out of the queue for good.
    pub(super) fn leave(&mut self, pod: PodIdx) {
        self.recheck.extend(self.queue.release_head(pod));
        self.queue.remove(pod);
        self.conditions.drop_pod(pod);
    }

    /// Brings a pod to the active part, or behind its gate.
    pub(super) fn enqueue(&mut self, pod: PodIdx, now: Millis, event: &str, probe: &mut dyn Probe) {
        if let Some(gate) = self.gate_of(pod) {
            self.recheck.extend(self.queue.release_head(pod));
            self.queue.hold(pod, gate);
            probe.incoming(QueueName::Unschedulable, event);
            return;
        }
        let key = self.sort_key(pod);
        self.queue.activate(pod, key, now);
        probe.incoming(QueueName::Active, event);
    }

    /// The plugin that keeps the pod out of the queue.
    fn gate_of(&self, pod: PodIdx) -> Option<usize> {
        let profile = self.profile_of(pod)?;
        let view = self.cache.view(pod)?;
        let closed = |place: usize| {
            let gate = profile.plugin(place).and_then(Plugin::as_pre_enqueue);
            gate.is_some_and(|gate| gate.pre_enqueue(&view).is_err())
        };
        let mut gates = profile.at(Point::PreEnqueue).iter().map(|w| w.plugin);
        gates.find(|place| closed(*place))
    }

    /// A queued pod has changed in a way that filters read.
    fn renew(&mut self, pod: PodIdx, now: Millis, probe: &mut dyn Probe) {
        match self.queue.entry(pod).map(|e| e.place) {
            None | Some(Place::InFlight) => {}
            Some(Place::Gated) => self.enqueue(pod, now, "TargetPodUpdate", probe),
            Some(Place::Active) => {
                self.end_headship(pod);
                let key = self.sort_key(pod);
                self.queue.activate(pod, key, now);
            }
            Some(Place::Backoff { .. }) => {
                let key = self.sort_key(pod);
                if !self.queue.back_off(pod, key, now) {
                    self.enqueue(pod, now, "BackoffComplete", probe);
                }
            }
            Some(Place::Parked(..) | Place::Alone) => {
                self.renew_parked(pod, now, "TargetPodUpdate", &mut Unfit::default(), probe);
            }
        }
    }

    /// A woken head whose template has changed tells nothing any more of those that are parked on
    /// the class it had: they are looked at by themselves.
    fn end_headship(&mut self, pod: PodIdx) {
        let class = self.cache.pods().get(pod).map(|row| row.class);
        if self.queue.entry(pod).is_some_and(|e| e.head_of.is_some() && e.head_of != class) {
            self.recheck.extend(self.queue.release_head(pod));
        }
    }

    /// Looks at a parked pod again: it stays where it is known to fit nowhere.
    fn renew_parked(
        &mut self,
        pod: PodIdx,
        now: Millis,
        event: &str,
        unfit: &mut Unfit,
        probe: &mut dyn Probe,
    ) {
        let known = self.profile_of(pod).cloned().and_then(|profile| {
            Some((profile, self.cache.pods().get(pod)?, self.cache.alike(pod)?))
        });
        let Some((profile, row, alike)) = known else { return missing("parked pod", pod.at()) };
        let kin = (row.class, alike, row.priority);
        let known = unfit.get(&kin).cloned();
        let no_fit = known.or_else(|| {
            let scan = self.scan(&profile);
            scan.first_fit(pod, &mut self.cache.nodes().live().iter()).err()
        });
        match no_fit {
            Some(no_fit) => {
                if let Some(entry) = self.queue.entry_mut(pod) {
                    entry.rejectors.clone_from(&no_fit.rejectors);
                }
                let key = self.sort_key(pod);
                let blocked = self.blocked_by(pod, &profile, &no_fit);
                self.queue.park(pod, (kin.0, kin.1.clone()), key);
                self.queue.block(kin.0, blocked);
                unfit.entry(kin).or_insert(no_fit);
            }
            None => self.enqueue(pod, now, event, probe),
        }
    }

    /// Pods whose profile has gone leave the queue. They wait on for one of its name, and say so.
    fn let_go(&mut self, pods: Vec<PodIdx>, probe: &mut dyn Probe) {
        let mut counts: BTreeMap<Box<str>, (usize, usize)> = BTreeMap::new();
        for pod in pods {
            self.leave(pod);
            let (left, told) = counts.entry(self.scheduler_name(pod).into()).or_default();
            *left += 1;
            if *told < PROFILE_GONE_TOLD_MAX && self.tell_profile_gone(pod) {
                *told += 1;
            }
        }
        for (profile, (left, told)) in counts {
            probe.profile_gone(&profile, left, told);
        }
    }

    /// Finds the profiles in force by the symbols of their names.
    pub(super) fn index_profiles(&mut self) {
        let (cache, config) = (&self.cache, &self.config);
        let named =
            |p: &Arc<Profile>| Some((cache.symbols().get(p.scheduler_name())?, Arc::clone(p)));
        self.profiles = config.profiles.iter().filter_map(named).collect();
    }

    /// New profiles: pods change sides with their names, and whoever waits is looked at again.
    fn configure(
        &mut self,
        config: Arc<Config>,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        self.rankings.clear(&mut self.cache);
        self.queue.timing = timing(&config);
        let names: Vec<&str> = config.profiles.iter().map(|p| p.scheduler_name()).collect();
        let (come, go) = self.cache.set_schedulers(names.iter().copied());
        self.config = config;
        self.index_profiles();
        let mut go = go;
        go.extend(self.follow_profiles(now, effects, probe));
        self.let_go(go, probe);
        let mut waiting: Vec<(u64, PodIdx, Place)> =
            self.queue.iter().map(|(pod, e)| (e.arrival, pod, e.place)).collect();
        waiting.sort_unstable_by_key(|(arrival, pod, _)| (*arrival, *pod));
        let mut unfit = Unfit::default();
        for (_, pod, place) in waiting {
            if let Some(entry) = self.queue.entry_mut(pod) {
                entry.rejectors.clear();
            }
            match place {
                Place::InFlight => {}
                // By the new timing: a backoff that was too long by mistake ends with it.
                Place::Backoff { .. } => self.renew(pod, now, probe),
                Place::Active | Place::Gated => self.enqueue(pod, now, "ConfigUpdate", probe),
                Place::Parked(..) | Place::Alone => {
                    self.renew_parked(pod, now, "ConfigUpdate", &mut unfit, probe);
                }
            }
        }
        for pod in come {
            self.queue.add(pod, now);
            self.enqueue(pod, now, UNSCHEDULED_ADD, probe);
        }
    }
}
