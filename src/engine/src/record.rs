//! What the world looks like from outside: Kubernetes objects, slimmed to what scheduling reads.
//!
//! Records own their strings, know nothing of the engine's indexes and symbols, and can therefore
//! be decoded on several tasks and journaled. Only [`crate::cache`] turns them into the model.
//! A field is here because a scheduling rule reads it; a decoder skips everything else.

mod affinity;
mod node;
mod pod;
mod quantity;
mod storage;
mod strings;

pub use affinity::{
    Affinity, LabelSelector, NodeSelector, NodeSelectorTerm, PodAffinityTerm, Preferred,
    Requirement, SelectorOp, TopologySpreadConstraint, WhenUnsatisfiable,
};
pub use node::{Image, NodeRecord, Taint, TaintEffect};
pub use pod::{
    Container, ContainerStatus, HostPort, Owner, Phase, PodRecord, PodSpec, PreemptionPolicy,
    Resize, ResizePending, ScheduledCondition, Toleration, TolerationOp, Volume,
};
pub use quantity::{ParseQuantityError, Quantity};
pub use storage::{
    ClaimRecord, CsiDriverRecord, CsiNodeRecord, DisruptionBudgetRecord, InTreeKind, InTreeVolume,
    NamespaceRecord, SelectorOwnerRecord, StorageCapacityRecord, StorageClassRecord,
    VolumeAttachmentRecord, VolumeBindingMode, VolumeRecord, VolumeSource,
};
pub use strings::{ObjectKey, ResourceList, StringMap};
