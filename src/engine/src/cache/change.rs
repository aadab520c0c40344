//! What changed, as the wake-up of parked pods needs it.

use crate::base::{NodeIdx, PodIdx};
use crate::framework::{Action, Reads, Resource};
use crate::object::Object;

/// One change of the cache.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Facts that are different now, in a way that may make a pod fit.
    pub reads: Reads,
    /// The node they are about, where they are about one.
    pub node: Option<NodeIdx>,
    /// The event in kube-scheduler's terms, for hints.
    pub resource: Resource,
    /// What happened.
    pub actions: Action,
    /// The object.
    pub object: ChangedObject,
}

/// The object of a change.
#[derive(Debug, Clone)]
pub enum ChangedObject {
    /// A pod; `None` where it is gone, or only gives up a promise.
    Pod(Option<PodIdx>),
    /// A node; `None` where it is gone.
    Node(Option<NodeIdx>),
    /// Any other object.
    Other(Box<Object>),
}

impl Changed {
    /// A pod came to a node: it takes room, which helps nobody, but affinity may look for it.
    pub(super) fn pod_added(pod: PodIdx, node: NodeIdx) -> Self {
        Self {
            reads: Reads::PODS,
            node: Some(node),
            resource: Resource::AssignedPod,
            actions: Action::ADD,
            object: ChangedObject::Pod(Some(pod)),
        }
    }

    /// A pod left a node, or no longer claims room there.
    pub(super) fn pod_removed(node: NodeIdx) -> Self {
        Self {
            reads: Reads::PODS | Reads::NODE_ROOM,
            node: Some(node),
            resource: Resource::AssignedPod,
            actions: Action::DELETE,
            object: ChangedObject::Pod(None),
        }
    }

    /// A pod that was assumed on a node is not any more.
    pub(super) fn pod_forgotten(pod: PodIdx, node: NodeIdx) -> Self {
        Self { object: ChangedObject::Pod(Some(pod)), ..Self::pod_removed(node) }
    }

    /// Whether this pod, which waits again, has left a node.
    pub(crate) fn is_left_by(&self, pod: PodIdx) -> bool {
        self.actions == Action::DELETE
            && matches!(self.object, ChangedObject::Pod(Some(p)) if p == pod)
    }

    /// A pod on a node changed.
    pub(super) fn pod_updated(pod: PodIdx, node: NodeIdx, labels: bool, smaller: bool) -> Self {
        let mut change = Self::pod_added(pod, node);
        change.actions = Action::NONE;
        if labels {
            change.actions = change.actions.or(Action::UPDATE_POD_LABEL);
        }
        if smaller {
            change.reads |= Reads::NODE_ROOM;
            change.actions = change.actions.or(Action::UPDATE_POD_SCALE_DOWN);
        }
        if change.actions.is_empty() {
            change.actions = Action::UPDATE;
        }
        change
    }
}
