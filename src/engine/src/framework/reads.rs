//! What a plugin's verdicts depend on, and what an event changes: the same set.

use std::ops::{BitOr, BitOrAssign};

/// A set of kinds of facts.
///
/// A class that fits nowhere is evaluated again when an event changes something that the plugins
/// which reject it read, and at no other time. Declaring too little loses wake-ups; declaring too
/// much costs evaluations, never correctness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Reads(u32);

macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident = $bit:expr;)*) => {
        impl Reads {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*
        }
    };
}

reads! {
    /// That the node exists. Every filter reads it.
    NODE_EXISTS = 0;
    /// Labels of a node.
    NODE_LABELS = 1;
    /// Taints of a node.
    NODE_TAINTS = 2;
    /// `spec.unschedulable` of a node.
    NODE_UNSCHEDULABLE = 3;
    /// Allocatable amounts of a node.
    NODE_ALLOCATABLE = 4;
    /// Images on a node.
    NODE_IMAGES = 5;
    /// `status.declaredFeatures` of a node.
    NODE_FEATURES = 6;
    /// Conditions and annotations of a node.
    NODE_STATUS = 7;
    /// What the pods on the node take of it, amounts and host ports, nominated pods included.
    NODE_ROOM = 8;
    /// What makes domains of nodes: labels of any node, and which nodes there are.
    DOMAINS = 9;
    /// Which pods are where: labels and terms of assigned pods on any node.
    PODS = 10;
    /// Labels of namespaces.
    NAMESPACES = 11;
    /// Selectors of Services, ReplicationControllers, ReplicaSets and StatefulSets.
    SELECTOR_OWNERS = 12;
    /// PersistentVolumes.
    VOLUMES = 13;
    /// PersistentVolumeClaims.
    CLAIMS = 14;
    /// StorageClasses.
    STORAGE_CLASSES = 15;
    /// CSINodes.
    CSI_NODES = 16;
    /// CSIDrivers.
    CSI_DRIVERS = 17;
    /// CSIStorageCapacities.
    STORAGE_CAPACITIES = 18;
    /// VolumeAttachments.
    VOLUME_ATTACHMENTS = 19;
    /// PodDisruptionBudgets.
    DISRUPTION_BUDGETS = 20;
    /// Taints of any node, for what counts over all nodes that the pod tolerates.
    DOMAIN_TAINTS = 21;
}

impl Reads {
    /// Nothing.
    pub const NOTHING: Self = Self(0);
    /// Anything: for a plugin that does not declare what it reads.
    pub const EVERYTHING: Self = Self(u32::MAX);
    /// What a node is, as counts over nodes read it: that it exists, its labels and taints.
    pub const NODE_OBJECT: Self = Self::NODE_EXISTS
        .or(Self::NODE_LABELS)
        .or(Self::NODE_TAINTS)
        .or(Self::DOMAINS)
        .or(Self::DOMAIN_TAINTS);
    /// What storage is, besides what is attached where.
    pub const STORAGE: Self = Self::VOLUMES
        .or(Self::CLAIMS)
        .or(Self::STORAGE_CLASSES)
        .or(Self::CSI_NODES)
        .or(Self::CSI_DRIVERS);
    /// Facts about one node, which can only change the verdict on that node.
    const OF_ONE_NODE: u32 = 0x1FF;

    /// Whether the two have a kind in common.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The kinds that either has, in constants.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The kinds that both have.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The kinds that `other` has not.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all kinds are facts about one node, so that a change on one node can only change
    /// the verdict on that node.
    pub fn is_of_one_node(self) -> bool {
        self.0 & !Self::OF_ONE_NODE == 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Reads {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl BitOrAssign for Reads {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl std::iter::Sum for Reads {
    fn sum<I: Iterator<Item = Self>>(sets: I) -> Self {
        sets.fold(Self::NOTHING, BitOr::bitor)
    }
}
