//! Queueing hints in kube-scheduler's form, for plugins that do not declare what they read.
//!
//! Source: `EnqueueExtensions`, `ClusterEvent` and `QueueingHint` in
//! `staging/src/k8s.io/kube-scheduler/framework/types.go`.

use crate::base::{NodeIdx, PodIdx};
use crate::object::Object;

use super::{Context, Plugin};

/// A kind of object that events are about (`fwk.EventResource`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A pod with a node, assumed and nominated ones included.
    AssignedPod,
    /// The waiting pod itself.
    TargetPod,
    /// A node.
    Node,
    /// A PersistentVolume.
    PersistentVolume,
    /// A PersistentVolumeClaim.
    PersistentVolumeClaim,
    /// A StorageClass.
    StorageClass,
    /// A CSINode.
    CsiNode,
    /// A CSIDriver.
    CsiDriver,
    /// A CSIStorageCapacity.
    CsiStorageCapacity,
    /// A VolumeAttachment.
    VolumeAttachment,
    /// A kind that kube-scheduler watches without waking anyone: namespaces, services, owners,
    /// budgets.
    Other,
}

/// A set of things that can happen to an object (`fwk.ActionType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Action(u32);

impl Action {
    /// It is new.
    pub const ADD: Self = Self(1);
    /// It is gone.
    pub const DELETE: Self = Self(1 << 1);
    /// Allocatable amounts of a node changed.
    pub const UPDATE_NODE_ALLOCATABLE: Self = Self(1 << 2);
    /// Labels of a node changed.
    pub const UPDATE_NODE_LABEL: Self = Self(1 << 3);
    /// Taints of a node changed, or it was uncordoned.
    pub const UPDATE_NODE_TAINT: Self = Self(1 << 4);
    /// Conditions of a node changed.
    pub const UPDATE_NODE_CONDITION: Self = Self(1 << 5);
    /// Annotations of a node changed.
    pub const UPDATE_NODE_ANNOTATION: Self = Self(1 << 6);
    /// Declared features of a node changed.
    pub const UPDATE_NODE_DECLARED_FEATURE: Self = Self(1 << 7);
    /// Labels of a pod changed.
    pub const UPDATE_POD_LABEL: Self = Self(1 << 8);
    /// A request of a pod became smaller.
    pub const UPDATE_POD_SCALE_DOWN: Self = Self(1 << 9);
    /// Tolerations of a pod changed.
    pub const UPDATE_POD_TOLERATION: Self = Self(1 << 10);
    /// The last scheduling gate of a pod went.
    pub const UPDATE_POD_SCHEDULING_GATES_ELIMINATED: Self = Self(1 << 11);
    /// Anything else changed.
    pub const UPDATE: Self = Self(1 << 12);

    /// Both sets together.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the two have something in common.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether nothing happened.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Nothing.
    pub const NONE: Self = Self(0);
}

/// Events a plugin wants to be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration {
    /// About what.
    pub resource: Resource,
    /// Which.
    pub actions: Action,
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct ClusterEvent<'a> {
    /// About what.
    pub resource: Resource,
    /// What happened.
    pub actions: Action,
    /// The object as it now is; a deleted one as it was.
    pub subject: Subject<'a>,
}

/// The object of an event.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A pod; a deleted one is already out of the cache.
    Pod(Option<PodIdx>),
    /// A node; a deleted one is already out of the cache.
    Node(Option<NodeIdx>),
    /// Any other object.
    Object(&'a Object),
}

/// What a plugin makes of an event for a pod that it rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// The pod may fit now.
    Queue,
    /// The event changes nothing for it.
    Skip,
}

/// Hints of a plugin whose [`Plugin::reads`] is undeclared.
pub trait Hints: Plugin {
    /// The events it wants to be asked about.
    fn events(&self) -> Vec<Registration>;

    /// Whether `event` may help the pod of `cx`.
    fn hint(&self, cx: &Context<'_>, event: &ClusterEvent<'_>) -> Hint;
}
