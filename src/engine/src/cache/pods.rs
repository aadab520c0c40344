//! Pod objects.

use std::sync::Arc;

use crate::base::{PodIdx, Sym, missing};
use crate::model::{Extent, Footprint, NODE_NONE, Pod, SelectingOwner, Stage};
use crate::record::{Owner, PodRecord, PreemptionPolicy, ScheduledCondition};

use super::Cache;
use super::entry::Told;

/// What an unassigned pod has beyond its row; dropped when it is assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Scheduling gates that are still there.
    pub gates: Box<[Box<str>]>,
    /// `spec.nodeName`, in evaluations of single pods only.
    pub node_name: Option<Sym>,
    /// `status.nominatedNodeName`.
    pub nominated: Option<Sym>,
    /// The `PodScheduled` condition as the API server last showed it.
    pub scheduled: Option<ScheduledCondition>,
    /// What it is to show instead, until the API server shows it.
    pub desired: Option<Box<ScheduledCondition>>,
    /// `metadata.creationTimestamp` in milliseconds.
    pub created_ms: u64,
    /// `metadata.generation`; 0 where unknown.
    pub generation: i64,
    /// `metadata.resourceVersion` as last seen; 0 where unknown.
    pub resource_version: u64,
    /// Its controller, where that selects pods.
    pub owner: Option<SelectingOwner>,
    /// Its controller, whatever it is: for events.
    pub controller: Option<Arc<Owner>>,
}

/// What a pod object meant to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodApplied {
    /// Nothing: the pod is another scheduler's, or nothing about it is different.
    Nothing,
    /// A pod of ours is new to the queue.
    Queued(PodIdx),
    /// A pod of ours that the queue holds has changed.
    Updated {
        /// The pod.
        pod: PodIdx,
        /// Something that filters read is different: template, labels, gates, owner.
        matters: bool,
        /// Its condition, written by us, was changed or taken away by somebody else.
        retell: bool,
    },
    /// A pod of ours that the queue held is assigned, ended, or being deleted.
    Left(PodIdx),
    /// An assumed pod of ours is where the API server says.
    Confirmed(PodIdx),
}

impl Cache {
    /// A pod was added or changed.
    pub fn apply_pod(&mut self, record: &PodRecord) -> PodApplied {
        if record.phase.is_terminal() {
            return self.delete_pod(&record.uid);
        }
        let known = self.pods.find(&record.uid);
        match (&record.node_name, known) {
            (Some(node), _) => self.apply_assigned(record, node, known),
            (None, Some(pod)) => self.update_unassigned(record, pod),
            (None, None) => self.add_unassigned(record, None),
        }
    }

    /// A pod is gone or has ended.
    pub fn delete_pod(&mut self, uid: &str) -> PodApplied {
        // Never heard of, or gone already: a list and a watch may both say so.
        let Some(pod) = self.pods.find(uid) else { return PodApplied::Nothing };
        let Some(row) = self.pods.get(pod) else {
            missing("pod", pod.at());
            return PodApplied::Nothing;
        };
        let (stage, node, class, labels) = (row.stage, row.node, row.class, row.labels);
        if node != NODE_NONE {
            self.announce_pod(pod, -1, Told::PodLeft);
            self.unplace(pod);
        }
        self.assumed -= usize::from(stage == Stage::Assumed);
        self.drop_nomination(pod);
        self.release_holds(pod);
        self.pending.remove(pod);
        self.resized.remove(pod);
        self.pods.remove(pod);
        self.labels.release(labels);
        self.classes.release(class);
        match stage {
            Stage::Queued | Stage::Assumed => PodApplied::Left(pod),
            Stage::Foreign | Stage::Bound => PodApplied::Nothing,
        }
    }

    fn apply_assigned(
        &mut self,
        record: &PodRecord,
        node: &str,
        known: Option<PodIdx>,
    ) -> PodApplied {
        let name = self.symbols.intern(node);
        let Some(pod) = known else {
            let pod = self.insert(record, Stage::Bound);
            self.set_resize(pod, record);
            let node = self.nodes.row(name, &self.symbols);
            self.place(pod, node, Stage::Bound);
            self.announce_pod(pod, 1, Told::PodCame(pod));
            return PodApplied::Nothing;
        };
        let stage = self.pods.get(pod).map_or(Stage::Foreign, |p| p.stage);
        let stays = self.pods.get(pod).is_some_and(|p| self.nodes.name(p.node) == Some(name));
        self.update_row(pod, record, stays);
        let node = self.nodes.row(name, &self.symbols);
        self.confirm(pod, node);
        match stage {
            Stage::Queued => PodApplied::Left(pod),
            Stage::Assumed => PodApplied::Confirmed(pod),
            Stage::Foreign | Stage::Bound => PodApplied::Nothing,
        }
    }

    /// Adds a pod as if it had no node; plugins see its `spec.nodeName` all the same.
    pub(crate) fn add_pending(&mut self, record: &PodRecord) -> PodApplied {
        let node_name = record.node_name.as_deref().map(|n| self.symbols.intern(n));
        let applied = self.add_unassigned(record, node_name);
        if let Some(pod) = self.pods.find(&record.uid) {
            self.complete(pod);
        }
        applied
    }

    fn add_unassigned(&mut self, record: &PodRecord, node_name: Option<Sym>) -> PodApplied {
        let pod = self.insert(record, Stage::Foreign);
        let pending = self.pending_of(record, node_name);
        let nominated = pending.nominated;
        self.pending.insert(pod, pending);
        if !self.is_ours(pod) {
            return PodApplied::Nothing;
        }
        if let Some(row) = self.pods.get_mut(pod) {
            row.stage = Stage::Queued;
        }
        if let Some(name) = nominated {
            self.nominate(pod, name);
        }
        PodApplied::Queued(pod)
    }

    fn update_unassigned(&mut self, record: &PodRecord, pod: PodIdx) -> PodApplied {
        let stage = self.pods.get(pod).map_or(Stage::Bound, |p| p.stage);
        // An assumed pod's update without a node was on its way before the bind; a bound pod's is
        // older than what is known. Neither takes a node away.
        if matches!(stage, Stage::Assumed | Stage::Bound) {
            self.note_version(pod, record.resource_version);
            let ends = self.pods.get(pod).is_some_and(|p| record.terminating && !p.terminating);
            if ends {
                self.announce_pod(pod, -1, Told::PodWas);
            }
            if let Some(row) = self.pods.get_mut(pod).filter(|_| ends) {
                row.terminating = true;
                self.announce_pod(pod, 1, Told::PodChanged { pod, labels: false, smaller: false });
            }
            return PodApplied::Nothing;
        }
        let class = self.pods.get(pod).map(|p| p.class);
        let priority = self.pods.get(pod).map(|p| p.priority);
        let labels = self.update_row(pod, record, false);
        let same_class = self.pods.get(pod).map(|p| p.class) == class;
        let pending = self.pending_of(record, None);
        let nominated = pending.nominated;
        let old = self.pending.insert(pod, pending);
        let was = old.as_ref().map(|old| (old.scheduled.clone(), old.desired.clone()));
        let gates = self.pending.get(pod).map(|p| &p.gates);
        let same_gates = old.as_ref().map(|p| &p.gates) == gates;
        let owner = self.pending.get(pod).map(|p| &p.owner);
        let same_owner = old.as_ref().map(|p| &p.owner) == owner;
        // Another template may name another scheduler.
        match (stage, self.is_ours(pod)) {
            (Stage::Foreign, false) => return PodApplied::Nothing,
            (Stage::Foreign, true) => return self.take_over(pod, nominated),
            (_, false) => return self.hand_over(pod),
            (_, true) => {}
        }
        // An in-memory nomination stays where neither object carries one (UpdateNominatedPod).
        if old.and_then(|p| p.nominated) != nominated {
            match nominated {
                Some(name) => self.nominate(pod, name),
                None => self.drop_nomination(pod),
            }
        }
        let same_priority = self.pods.get(pod).map(|p| p.priority) == priority;
        if labels || !same_class || !same_priority {
            self.update_nominated_pod(pod);
        }
        let same = same_class && same_gates && same_owner && same_priority;
        let retell = was.is_some_and(|was| self.follow_condition(pod, was));
        PodApplied::Updated { pod, matters: labels || !same, retell }
    }

    /// A waiting pod of another scheduler is ours from now on.
    fn take_over(&mut self, pod: PodIdx, nominated: Option<Sym>) -> PodApplied {
        if let Some(row) = self.pods.get_mut(pod) {
            row.stage = Stage::Queued;
        }
        if let Some(name) = nominated {
            self.nominate(pod, name);
        }
        PodApplied::Queued(pod)
    }

    /// A waiting pod of ours is another scheduler's from now on; only ours hold room by a promise.
    fn hand_over(&mut self, pod: PodIdx) -> PodApplied {
        if let Some(row) = self.pods.get_mut(pod) {
            row.stage = Stage::Foreign;
        }
        self.drop_nomination(pod);
        PodApplied::Left(pod)
    }

    fn pending_of(&mut self, record: &PodRecord, node_name: Option<Sym>) -> Pending {
        let nominated = record.nominated_node_name.as_deref().filter(|n| !n.is_empty());
        Pending {
            gates: record.scheduling_gates.clone(),
            node_name,
            nominated: nominated.map(|n| self.symbols.intern(n)),
            scheduled: record.scheduled.clone(),
            desired: None,
            created_ms: record.created_ms,
            generation: record.generation,
            resource_version: record.resource_version,
            owner: record.owner.as_deref().and_then(SelectingOwner::of),
            controller: record.owner.clone(),
        }
    }

    fn insert(&mut self, record: &PodRecord, stage: Stage) -> PodIdx {
        let namespace = self.symbols.intern(&record.namespace);
        let extent = self.extent_of(record);
        let class = self.classes.acquire(
            &record.spec,
            extent,
            namespace,
            &mut self.dims,
            &mut self.symbols,
        );
        let labels = self.labels.acquire(&record.labels, &mut self.symbols);
        let uid = self.pods.uid(&record.uid);
        self.pods.insert(Pod {
            uid,
            name: record.name.clone(),
            started_ms: record.started_ms.unwrap_or(u64::MAX),
            class,
            labels,
            node: NODE_NONE,
            slot: 0,
            priority: record.priority,
            stage,
            terminating: record.terminating,
            preempted: record.terminating && record.preempted,
            never_preempts: record.preemption_policy == PreemptionPolicy::Never,
        })
    }

    /// Brings a row up to date; tells whether its labels are others. Waiting pods are told of what
    /// is different where the pod stays on its node.
    fn update_row(&mut self, pod: PodIdx, record: &PodRecord, stays: bool) -> bool {
        let Some(row) = self.pods.get(pod) else {
            missing("pod", pod.at());
            return false;
        };
        let ends = record.terminating && !row.terminating;
        let (old_class, old_labels, node, stage) = (row.class, row.labels, row.node, row.stage);
        let relabelled = !self.labels.equals(old_labels, &record.labels, &self.symbols);
        let namespace = self.classes.get(old_class).map(|c| c.namespace);
        let namespace = namespace.unwrap_or_else(|| self.symbols.intern(&record.namespace));
        let extent = self.extent_of(record);
        let class = self.classes.acquire(
            &record.spec,
            extent,
            namespace,
            &mut self.dims,
            &mut self.symbols,
        );
        let (before, named) = (self.footprint(pod).cloned(), self.nodes.name(node));
        let resizes = record.resize.is_some() || self.resized.get(pod).is_some();
        let recount = class != old_class || (resizes && node != NODE_NONE);
        let moves = recount || relabelled || ends;
        if moves {
            self.announce_pod(pod, -1, if stays { Told::PodWas } else { Told::Nobody });
        }
        if relabelled {
            let labels = self.labels.acquire(&record.labels, &mut self.symbols);
            self.labels.release(old_labels);
            if let Some(row) = self.pods.get_mut(pod) {
                row.labels = labels;
            }
        }
        if recount && node != NODE_NONE {
            self.unplace(pod);
        }
        if let Some(row) = self.pods.get_mut(pod) {
            row.class = class;
            row.started_ms = record.started_ms.unwrap_or(u64::MAX);
            row.priority = record.priority;
            row.terminating |= record.terminating;
            row.preempted = row.terminating && record.preempted;
        }
        self.classes.release(old_class);
        let mut smaller = false;
        if recount {
            self.set_resize(pod, record);
            // Another template may free a port or a disk, whatever its amounts. The API server lets
            // no such change through; a confirmation may bring one all the same.
            smaller = class != old_class
                || before.is_some_and(|b| self.footprint(pod).is_some_and(|a| shrank(&b, a)));
            if node != NODE_NONE {
                // The row may have been freed with its last pod: find it again by name.
                match named {
                    Some(name) => {
                        let node = self.nodes.row(name, &self.symbols);
                        self.place(pod, node, stage);
                    }
                    None => missing("node", node.at()),
                }
            }
        }
        if moves {
            let tells = stays && (relabelled || smaller || ends);
            let changed = Told::PodChanged { pod, labels: relabelled, smaller };
            self.announce_pod(pod, 1, if tells { changed } else { Told::Nobody });
        }
        relabelled
    }

    /// What is compiled of a pod's template.
    fn extent_of(&self, record: &PodRecord) -> Extent {
        // A cache that serves no scheduler is one by itself, in a plugin's tests: every pod counts.
        if record.node_name.is_some() || self.schedulers.is_empty() {
            return Extent::Whole;
        }
        let scheduler = self.symbols.get(&record.spec.scheduler_name);
        match scheduler.is_some_and(|scheduler| self.schedulers.contains(&scheduler)) {
            true => Extent::Whole,
            false => Extent::Scheduler,
        }
    }

    /// The template of a waiting pod that becomes ours without news of it is compiled whole.
    pub(super) fn complete(&mut self, pod: PodIdx) {
        let Some(row) = self.pods.get(pod) else { return };
        let old = row.class;
        let Some(class) = self.classes.get(old) else { return };
        let (spec, namespace) = (Arc::clone(&class.spec), class.namespace);
        let (dims, symbols) = (&mut self.dims, &mut self.symbols);
        let whole = self.classes.acquire(&spec, Extent::Whole, namespace, dims, symbols);
        if let Some(row) = self.pods.get_mut(pod) {
            row.class = whole;
        }
        self.classes.release(old);
    }

    fn set_resize(&mut self, pod: PodIdx, record: &PodRecord) {
        self.resized.remove(pod);
        let Some(resize) = record.resize.as_deref() else { return };
        let own = Footprint::of(&record.spec, Some(resize), &mut self.dims, &mut self.symbols);
        let shared = self.class_of(pod).map(|(_, class)| class.footprint.as_ref());
        if shared != Some(&own) {
            self.resized.insert(pod, own);
        }
    }
}

/// Whether any amount is smaller than it was.
fn shrank(before: &Footprint, after: &Footprint) -> bool {
    before.request.iter().any(|(dim, amount)| after.request.get(dim) < amount)
}
