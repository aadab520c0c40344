//! What can happen to which kind of object, in kube-scheduler's terms.
//!
//! Source: `EventResource` and `ActionType` in
//! `staging/src/k8s.io/kube-scheduler/framework/types.go`.

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
