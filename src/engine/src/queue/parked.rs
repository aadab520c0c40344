//! Pods that wait for their class to fit somewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Millis, NodeIdx, PodIdx, Sweep, missing};
use crate::model::Alike;

use super::{Blocked, Ordered};

/// The pods parked on one class, in queue order, and what keeps them there.
///
/// Pods that are alike ([`Alike`]) wait together: they get equal verdicts, so that 100,000 pods of
/// an indexed Job are one group. Groups are told apart only where a plugin marks them differently
/// ([`crate::framework::Plugin::mark`]).
///
/// Invariant: either no node fits any pod here, or `head` is the pod that was woken.
#[derive(Debug, Default)]
pub struct ParkedClass {
    // By number. At most as many as pods.
    groups: BTreeMap<u32, Group>,
    numbers: BTreeMap<Alike, u32>,
    made: u32,
    len: usize,
    number: u64,
    /// What keeps the class where it is. An event that is none of its triggers leaves it fitting
    /// nowhere.
    pub blocked: Blocked,
    /// What had happened when all nodes were looked at last for all its pods.
    pub(super) looked: u64,
    /// When it was last looked at for no other reason than that it has waited for long.
    pub flushed_ms: Millis,
    /// The pod woken because it fits; nobody else is woken until its attempt has ended.
    pub head: Option<PodIdx>,
    /// Where the class was last seen to fit: looked at first when the head has ended.
    pub last_fit: Option<NodeIdx>,
}

#[derive(Debug)]
struct Group {
    alike: Alike,
    pods: BTreeSet<Ordered>,
}

impl ParkedClass {
    /// The class that is parked on as the `number`th, and was looked at just now.
    pub(super) fn new(number: u64, looked: u64) -> Self {
        Self { number, looked, ..Self::default() }
    }

    /// Its number in the order in which classes were first parked on.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The number that it had when it was saved.
    pub(super) fn renumber(&mut self, number: u64) {
        self.number = number;
    }

    /// Whether pods like this wait here.
    pub(super) fn has(&self, alike: &Alike) -> bool {
        self.numbers.contains_key(alike)
    }

    /// Number of pods parked.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The parked pods, those that are alike together in queue order.
    pub fn pods(&self) -> impl Iterator<Item = PodIdx> + '_ {
        self.groups.values().flat_map(|group| &group.pods).map(|(_, _, pod)| *pod)
    }

    /// The first pod of each group, in queue order.
    pub fn firsts(&self) -> Vec<PodIdx> {
        let mut firsts: Vec<Ordered> =
            self.groups.values().filter_map(|group| group.pods.first()).copied().collect();
        firsts.sort_unstable();
        firsts.into_iter().map(|(_, _, pod)| pod).collect()
    }

    /// What the pods of a group have in common; `None` where there is no such group.
    pub(crate) fn alike(&self, group: u32) -> Option<&Alike> {
        self.groups.get(&group).map(|group| &group.alike)
    }

    /// Whether the pod is in the group.
    pub(super) fn contains(&self, pod: &Ordered, group: u32) -> bool {
        self.groups.get(&group).is_some_and(|group| group.pods.contains(pod))
    }

    /// Looks for what is broken: groups, their numbers and their pods.
    pub(super) fn check(&self, sweep: &mut Sweep) {
        let pods = self.groups.values().map(|group| group.pods.len()).sum();
        sweep.equal(self.len, pods, || "parked pods of a class".to_owned());
        sweep.equal(self.numbers.len(), self.groups.len(), || "numbers of groups".to_owned());
        for (number, group) in &self.groups {
            let found = self.numbers.get(&group.alike);
            sweep.equal(found, Some(number), || format!("number of {:?}", group.alike));
            sweep.expect(!group.pods.is_empty(), || format!("group {number} is empty"));
        }
    }

    /// Takes a pod in; the number of its group.
    pub(super) fn insert(&mut self, pod: Ordered, alike: Alike) -> u32 {
        let (groups, made) = (&mut self.groups, &mut self.made);
        let number = *self.numbers.entry(alike).or_insert_with_key(|alike| {
            // A number is free again long before 2^32 others have been made.
            *made = made.wrapping_add(1);
            let group = Group { alike: alike.clone(), pods: BTreeSet::new() };
            let before = groups.insert(*made, group);
            debug_assert!(before.is_none(), "two groups have one number");
            *made
        });
        let group = self.groups.get_mut(&number);
        self.len += usize::from(group.is_some_and(|group| group.pods.insert(pod)));
        number
    }

    pub(super) fn remove(&mut self, pod: &Ordered, group: u32) {
        let Some(Group { alike, pods }) = self.groups.get_mut(&group) else {
            return missing("group of parked pods", group as usize);
        };
        self.len -= usize::from(pods.remove(pod));
        if pods.is_empty() {
            self.numbers.remove(alike);
            self.groups.remove(&group);
        }
    }

    /// Takes all pods out, in queue order.
    pub(super) fn drain(&mut self) -> Vec<Ordered> {
        self.len = 0;
        self.numbers.clear();
        let groups = std::mem::take(&mut self.groups);
        let mut pods: Vec<Ordered> = groups.into_values().flat_map(|group| group.pods).collect();
        pods.sort_unstable();
        pods
    }
}
