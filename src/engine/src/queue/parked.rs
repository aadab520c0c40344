//! Pods that wait for their class to fit somewhere.

use std::collections::BTreeSet;

use crate::base::{NodeIdx, PodIdx};
use crate::framework::Reads;

use super::Ordered;

/// The pods parked on one class, in queue order, and what keeps them there.
///
/// Invariant: either no node fits the class, or `head` is the pod that was woken for it.
#[derive(Debug, Default)]
pub struct ParkedClass {
    pods: BTreeSet<Ordered>,
    /// What the plugins read that reject the class, node by node. An event that changes none of it
    /// leaves every one of those rejections standing, so the class still fits nowhere.
    pub reads: Reads,
    /// The pod woken because the class fits; nobody else is woken until its attempt has ended.
    pub head: Option<PodIdx>,
    /// Where the class was last seen to fit: looked at first when the head has ended.
    pub last_fit: Option<NodeIdx>,
}

impl ParkedClass {
    /// Number of pods parked.
    pub fn len(&self) -> usize {
        self.pods.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    /// The parked pods in queue order.
    pub fn pods(&self) -> impl Iterator<Item = PodIdx> + '_ {
        self.pods.iter().map(|(_, _, pod)| *pod)
    }

    pub(super) fn insert(&mut self, pod: Ordered, reads: Reads) {
        // Pods of one class may be rejected for different reasons where nominated pods count for
        // some of them; the next full look at the class starts the set anew.
        self.reads |= reads;
        self.pods.insert(pod);
    }

    pub(super) fn remove(&mut self, pod: &Ordered) {
        self.pods.remove(pod);
    }

    pub(super) fn first(&self) -> Option<Ordered> {
        self.pods.first().copied()
    }
}
