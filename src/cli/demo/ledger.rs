//! What the demo's watch has seen of every pod. Pure: times come with the sightings.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::inventory::{Amounts, Inventory};
use super::latency::Latency;
use super::sighting::{Phase, PodSeen, Sighting};
use super::workload::Group;

/// Different messages kept of pods that wait. kube-scheduler's messages count nodes by reason, so
/// that they change while the cluster fills; of 1,000 each is at most 1 KiB.
const MESSAGES_MAX: usize = 1_000;

/// One pod.
#[derive(Debug)]
struct Track {
    group: usize,
    created: Instant,
    /// Index of its node.
    node: Option<usize>,
    phase: Phase,
    /// Index into [`Ledger::messages`].
    message: Option<usize>,
    latency: Option<Duration>,
    /// Its name, as long as it waits.
    name: Box<str>,
}

/// How many pods of a group are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Not bound.
    pub(super) pending: usize,
    /// Bound and not ended.
    pub(super) running: usize,
    /// Ended well.
    pub(super) done: usize,
    /// Ended badly.
    pub(super) failed: usize,
}

impl Counts {
    /// Pods that were given a node.
    pub(super) fn bound(&self) -> usize {
        self.running + self.done + self.failed
    }

    /// The count that a pod is in.
    fn of(&mut self, track: &Track) -> &mut usize {
        match (track.phase, track.node) {
            (Phase::Succeeded, _) => &mut self.done,
            (Phase::Failed, _) => &mut self.failed,
            (_, Some(_)) => &mut self.running,
            (_, None) => &mut self.pending,
        }
    }
}

/// Pods of a group that wait for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) group: usize,
    pub(super) pods: usize,
    /// Name of one of them.
    pub(super) example: String,
    /// Of its condition PodScheduled; `None` where no scheduler has written one.
    pub(super) message: Option<String>,
}

/// All pods of the demo.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pods: HashMap<Box<str>, Track>,
    /// By group.
    counts: Vec<Counts>,
    messages: Vec<String>,
    /// When each bind was seen, in order.
    binds: Vec<Instant>,
    first_created: Option<Instant>,
    moved: usize,
}

impl Ledger {
    /// No pods of so many groups.
    pub(super) fn new(groups: usize) -> Self {
        Self { counts: vec![Counts::default(); groups], ..Self::default() }
    }

    /// Takes in what was seen.
    pub(super) fn apply(
        &mut self,
        sighting: Sighting,
        groups: &[Group],
        inventory: &Inventory,
        now: Instant,
    ) {
        match sighting {
            Sighting::Pod(pod) => self.observe(pod, groups, inventory, now),
            Sighting::Gone(uid) => self.forget(&uid),
            Sighting::All(pods) => {
                let there: HashSet<&str> = pods.iter().map(|pod| pod.uid.as_str()).collect();
                let known = self.pods.keys();
                let gone: Vec<_> = known.filter(|uid| !there.contains(&***uid)).cloned().collect();
                gone.iter().for_each(|uid| self.forget(uid));
                pods.into_iter().for_each(|pod| self.observe(pod, groups, inventory, now));
            }
        }
    }

    fn forget(&mut self, uid: &str) {
        if let Some(track) = self.pods.remove(uid) {
            *self.counts[track.group].of(&track) -= 1;
        }
    }

    fn observe(&mut self, pod: PodSeen, groups: &[Group], inventory: &Inventory, now: Instant) {
        let Some(group) = groups.iter().position(|group| group.owns(&pod.job)) else { return };
        let node = pod.node.as_deref().and_then(|name| inventory.index(name));
        let message = pod.message.filter(|_| node.is_none()).map(|text| self.intern(text));
        let fresh = !self.pods.contains_key(pod.uid.as_str());
        let track = self.pods.entry(pod.uid.into_boxed_str()).or_insert_with(|| Track {
            group,
            created: now,
            node: None,
            phase: Phase::Pending,
            message: None,
            latency: None,
            name: pod.name.into_boxed_str(),
        });
        self.first_created.get_or_insert(now);
        if !fresh {
            *self.counts[track.group].of(track) -= 1;
        }
        match (track.node, node) {
            (None, Some(_)) => {
                // A pod first seen bound, after a break of the watch, tells nothing of its wait.
                track.latency = (!fresh).then(|| now - track.created);
                track.name = Box::default();
                self.binds.push(now);
            }
            (Some(before), after) if after != Some(before) => self.moved += 1,
            _ => {}
        }
        track.node = node;
        track.phase = pod.phase;
        track.message = message;
        *self.counts[track.group].of(track) += 1;
    }

    fn intern(&mut self, text: String) -> usize {
        if let Some(known) = self.messages.iter().rposition(|message| *message == text) {
            return known;
        }
        if self.messages.len() == MESSAGES_MAX {
            return MESSAGES_MAX - 1;
        }
        self.messages.push(text);
        self.messages.len() - 1
    }

    /// Where the pods of each group are.
    pub(super) fn counts(&self) -> &[Counts] {
        &self.counts
    }

    /// From creation to binding, of the pods of the groups that satisfy `which`.
    pub(super) fn latency(
        &self,
        groups: &[Group],
        which: impl Fn(&Group) -> bool,
    ) -> Option<Latency> {
        let tracks = self.pods.values().filter(|track| which(&groups[track.group]));
        Latency::of(tracks.filter_map(|track| track.latency).collect())
    }

    /// When each bind was seen, in order.
    pub(super) fn binds(&self) -> &[Instant] {
        &self.binds
    }

    /// When the first pod was seen.
    pub(super) fn first_created(&self) -> Option<Instant> {
        self.first_created
    }

    /// Pods whose node changed after they were bound. The API server never allows that.
    pub(super) fn moved(&self) -> usize {
        self.moved
    }

    /// What the pods on each node request; pods that have ended request nothing.
    pub(super) fn requested(&self, groups: &[Group], inventory: &Inventory) -> Vec<Amounts> {
        let mut requested = vec![Amounts::default(); inventory.machines.len()];
        for track in self.pods.values() {
            let ended = matches!(track.phase, Phase::Succeeded | Phase::Failed);
            if let Some(node) = track.node.filter(|_| !ended) {
                requested[node] += groups[track.group].request;
            }
        }
        requested
    }

    /// Pods that wait, by group and message, in the order of the groups; most pods first.
    pub(super) fn waiting(&self) -> Vec<Waiting> {
        let mut by_reason: HashMap<(usize, Option<usize>), (usize, &str)> = HashMap::new();
        for track in self.pods.values().filter(|t| t.node.is_none() && t.phase == Phase::Pending) {
            let (pods, example) =
                by_reason.entry((track.group, track.message)).or_insert((0, &track.name));
            *pods += 1;
            *example = (*example).min(&track.name);
        }
        let mut waiting: Vec<Waiting> = by_reason
            .into_iter()
            .map(|((group, message), (pods, example))| Waiting {
                group,
                pods,
                example: example.to_owned(),
                message: message.and_then(|index| self.messages.get(index).cloned()),
            })
            .collect();
        waiting.sort_by(|a, b| {
            let key = |w: &Waiting| (w.group, std::cmp::Reverse(w.pods), w.example.clone());
            key(a).cmp(&key(b))
        });
        waiting
    }
}

#[cfg(test)]
mod tests;
