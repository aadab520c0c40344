//! An entry of the log: what happened, and what waiting pods are told of it.

use crate::base::{ClassIdx, LabelSetIdx, NodeIdx, PodIdx};
use crate::model::{Action, Reads};

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logged {
    /// A pod that counts on `node` came there (`amount` 1) or went from there (-1).
    Pod {
        /// The node, with an object or without.
        node: NodeIdx,
        /// The pod's class, held as long as the entry is here.
        class: ClassIdx,
        /// Its labels, held as well.
        labels: LabelSetIdx,
        /// 1 or -1.
        amount: i8,
        /// Whether it is being deleted.
        terminating: bool,
        /// Whether its class has affinity terms of any kind.
        terms: bool,
        /// The number of its kind: pods of one count alike wherever pods are counted.
        kind: u64,
    },
    /// These facts about a node are different.
    Node(NodeIdx, Reads),
    /// These facts about other objects are different.
    World(Reads),
}

/// What waiting pods are told of an entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing: it can help no pod, or another entry tells of it.
    Nobody,
    /// A pod came to the node: it takes room, which helps nobody, but affinity may look for it.
    PodCame(PodIdx),
    /// A pod left the node, or no longer claims room there.
    PodLeft,
    /// A pod that was assumed on the node is not any more.
    PodForgotten(PodIdx),
    /// What a pod was before it changes: the next entry tells of the change.
    PodWas,
    /// A pod on the node changed.
    PodChanged {
        /// The pod.
        pod: PodIdx,
        /// Its labels are others.
        labels: bool,
        /// It may take less of something.
        smaller: bool,
    },
    /// A node object is new, other than it was, or gone.
    Node(Action),
    /// Another object is: the next one that the log keeps.
    Object(Action),
}

/// One entry: the fact, and what waiting pods are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) fact: Logged,
    pub(super) told: Told,
}

impl Entry {
    /// The class and labels of the pod that it is about.
    pub(super) fn like(&self) -> Option<(ClassIdx, LabelSetIdx)> {
        match self.fact {
            Logged::Pod { class, labels, .. } => Some((class, labels)),
            Logged::Node(..) | Logged::World(_) => None,
        }
    }
}
