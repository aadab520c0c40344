//! Pods that wait for their class to fit somewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{LabelSetIdx, NodeIdx, PodIdx};
use crate::framework::Reads;

use super::Ordered;

/// The pods parked on one class, in queue order, and what keeps them there.
///
/// Pods with equal labels wait together: they get equal verdicts. A Job's pods share their labels;
/// those of an indexed Job are told apart only where a plugin marks them differently
/// ([`crate::framework::Plugin::mark`]).
///
/// Invariant: either no node fits any pod here, or `head` is the pod that was woken.
#[derive(Debug, Default)]
pub struct ParkedClass {
    pods: BTreeMap<LabelSetIdx, BTreeSet<Ordered>>,
    len: usize,
    /// What the plugins read that reject the class, node by node. An event that changes none of it
    /// leaves every one of those rejections standing, so the class still fits nowhere.
    pub reads: Reads,
    /// The pod woken because it fits; nobody else is woken until its attempt has ended.
    pub head: Option<PodIdx>,
    /// Where the class was last seen to fit: looked at first when the head has ended.
    pub last_fit: Option<NodeIdx>,
}

impl ParkedClass {
    /// Number of pods parked.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The parked pods, those with equal labels together in queue order.
    pub fn pods(&self) -> impl Iterator<Item = PodIdx> + '_ {
        self.pods.values().flatten().map(|(_, _, pod)| *pod)
    }

    /// The first pod of each set of labels, in queue order.
    pub fn firsts(&self) -> Vec<PodIdx> {
        let mut firsts: Vec<Ordered> =
            self.pods.values().filter_map(|pods| pods.first()).copied().collect();
        firsts.sort_unstable();
        firsts.into_iter().map(|(_, _, pod)| pod).collect()
    }

    pub(super) fn insert(&mut self, pod: Ordered, labels: LabelSetIdx, reads: Reads) {
        // Pods of one class may be rejected for different reasons where nominated pods count for
        // some of them; the next full look at the class starts the set anew.
        self.reads |= reads;
        self.len += usize::from(self.pods.entry(labels).or_default().insert(pod));
    }

    pub(super) fn remove(&mut self, pod: &Ordered, labels: LabelSetIdx) {
        let Some(pods) = self.pods.get_mut(&labels) else { return };
        self.len -= usize::from(pods.remove(pod));
        if pods.is_empty() {
            self.pods.remove(&labels);
        }
    }
}
