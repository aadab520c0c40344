//! The other kinds that kube-scheduler watches: storage, namespaces, budgets, selector owners.
//!
//! The cache keeps them as they are; plugins that read them find them by key.

use super::{LabelSelector, NodeSelector, ObjectKey, Quantity, StringMap};

/// `v1.Namespace`: its labels, read by namespace selectors of affinity terms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceRecord {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.labels`.
    pub labels: StringMap,
}

/// Something that selects pods: Service, ReplicationController, ReplicaSet or StatefulSet
/// (default spread constraints, `helper.DefaultSelector`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SelectorOwnerRecord {
    /// Where it is.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Box<str>,
    /// `spec.selector`; a map selector (Service, ReplicationController) is `match_labels` only.
    pub selector: Option<LabelSelector>,
}

/// `policy/v1.PodDisruptionBudget`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DisruptionBudgetRecord {
    /// Where it is.
    pub key: ObjectKey,
    /// `spec.selector`.
    pub selector: Option<LabelSelector>,
    /// `status.disruptionsAllowed`.
    pub disruptions_allowed: i32,
    /// Names in `status.disruptedPods`.
    pub disrupted_pods: Box<[Box<str>]>,
}

/// `v1.PersistentVolume`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeRecord {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.resourceVersion`: bindings are written against it.
    pub resource_version: Box<str>,
    /// `metadata.labels`: zone labels.
    pub labels: StringMap,
    /// `spec.storageClassName`.
    pub storage_class: Box<str>,
    /// `spec.capacity.storage`.
    pub capacity: Quantity,
    /// `spec.accessModes`.
    pub access_modes: Box<[Box<str>]>,
    /// `spec.volumeMode`, `Filesystem` where absent.
    pub block: bool,
    /// `spec.claimRef` as (claim, uid).
    pub claim: Option<(ObjectKey, Box<str>)>,
    /// `spec.nodeAffinity.required`.
    pub node_affinity: Option<NodeSelector>,
    /// `status.phase`.
    pub phase: Box<str>,
    /// (CSI driver, volume handle), in-tree kinds translated.
    pub csi: Option<(Box<str>, Box<str>)>,
    /// `metadata.deletionTimestamp` is set.
    pub terminating: bool,
}

/// `v1.PersistentVolumeClaim`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimRecord {
    /// Where it is.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Box<str>,
    /// `metadata.resourceVersion`.
    pub resource_version: Box<str>,
    /// `metadata.annotations` of the volume binder: selected node, bind-completed.
    pub annotations: StringMap,
    /// `metadata.labels`.
    pub labels: StringMap,
    /// The controlling owner's uid (ephemeral volumes).
    pub owner_uid: Option<Box<str>>,
    /// `spec.storageClassName`; `None` where absent.
    pub storage_class: Option<Box<str>>,
    /// `spec.volumeName`.
    pub volume_name: Box<str>,
    /// `spec.resources.requests.storage`.
    pub request: Quantity,
    /// `spec.accessModes`.
    pub access_modes: Box<[Box<str>]>,
    /// `spec.volumeMode` is `Block`.
    pub block: bool,
    /// `spec.selector`.
    pub selector: Option<LabelSelector>,
    /// `status.phase`.
    pub phase: Box<str>,
    /// `metadata.deletionTimestamp` is set.
    pub terminating: bool,
}

/// `storage.k8s.io/v1.StorageClass`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageClassRecord {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `provisioner`.
    pub provisioner: Box<str>,
    /// `volumeBindingMode` is `WaitForFirstConsumer`.
    pub wait_for_first_consumer: bool,
    /// `allowedTopologies`: alternatives of (key, values).
    pub allowed_topologies: NodeSelector,
    /// It is the default class.
    pub is_default: bool,
}

/// `storage.k8s.io/v1.CSINode`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsiNodeRecord {
    /// The node's name.
    pub name: Box<str>,
    /// Drivers as (name, attachable volumes, if limited).
    pub drivers: Vec<(Box<str>, Option<i32>)>,
    /// Annotation `storage.alpha.kubernetes.io/migrated-plugins`, split.
    pub migrated_plugins: Box<[Box<str>]>,
}

/// `storage.k8s.io/v1.CSIDriver`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsiDriverRecord {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `spec.storageCapacity`.
    pub storage_capacity: bool,
    /// The driver opted in to limit scaling (`spec.preventPodSchedulingIfMissing`).
    pub prevent_if_missing: bool,
}

/// `storage.k8s.io/v1.CSIStorageCapacity`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageCapacityRecord {
    /// Where it is.
    pub key: ObjectKey,
    /// `storageClassName`.
    pub storage_class: Box<str>,
    /// `nodeTopology`; absent matches no node.
    pub topology: Option<LabelSelector>,
    /// `capacity`.
    pub capacity: Option<Quantity>,
    /// `maximumVolumeSize`.
    pub maximum_volume_size: Option<Quantity>,
}

/// `storage.k8s.io/v1.VolumeAttachment`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeAttachmentRecord {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `spec.attacher`.
    pub attacher: Box<str>,
    /// `spec.nodeName`.
    pub node: Box<str>,
    /// `spec.source.persistentVolumeName`.
    pub volume: Option<Box<str>>,
}
