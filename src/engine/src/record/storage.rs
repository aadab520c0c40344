//! The other kinds that kube-scheduler watches: storage, namespaces, budgets, selector owners.
//!
//! The cache keeps them as they are; plugins that read them find them by key.

use crate::stored::stored;

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
    /// `spec.volumeAttributesClassName`, empty where absent.
    pub attributes_class: Box<str>,
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
    /// Where its bytes are.
    pub source: VolumeSource,
    /// `metadata.deletionTimestamp` is set.
    pub terminating: bool,
}

/// Where the bytes of a PersistentVolume are, as far as scheduling reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum VolumeSource {
    /// `csi`.
    Csi {
        /// `csi.driver`.
        driver: Box<str>,
        /// `csi.volumeHandle`.
        handle: Box<str>,
    },
    /// A kind that a CSI driver took over.
    InTree(InTreeVolume),
    /// Any other kind: `local`, `hostPath`, `nfs`, ….
    #[default]
    Other,
}

/// Kinds of volumes that were built into Kubernetes once, and that CSI drivers took over
/// (`inTreePlugins` in `staging/src/k8s.io/csi-translation-lib/translate.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InTreeKind {
    /// `awsElasticBlockStore`.
    AwsElasticBlockStore,
    /// `azureDisk`.
    AzureDisk,
    /// `azureFile`.
    AzureFile,
    /// `cinder`.
    Cinder,
    /// `gcePersistentDisk`.
    GcePersistentDisk,
    /// `portworxVolume`.
    PortworxVolume,
    /// `vsphereVolume`.
    VsphereVolume,
}

/// A volume of such a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InTreeVolume {
    /// Which.
    pub kind: InTreeKind,
    /// What tells it from others of its kind: volume id, disk name, URI. Empty for `azureFile` and
    /// `vsphereVolume`, which count against no limit.
    pub id: Box<str>,
    /// `azureDisk.kind`, where it is set: only managed disks have a CSI driver.
    pub disk_kind: Option<Box<str>>,
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
    /// `spec.volumeAttributesClassName`, empty where absent.
    pub attributes_class: Box<str>,
    /// `spec.resources.requests.storage`.
    pub request: Option<Quantity>,
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

/// `storage.k8s.io/v1.VolumeBindingMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeBindingMode {
    /// Claims are bound or provisioned at once, by the PersistentVolume controller.
    Immediate,
    /// Claims wait for a pod, and the scheduler says where.
    WaitForFirstConsumer,
}

/// `storage.k8s.io/v1.StorageClass`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageClassRecord {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `provisioner`.
    pub provisioner: Box<str>,
    /// `volumeBindingMode`; the API server defaults it to `Immediate`.
    pub binding_mode: Option<VolumeBindingMode>,
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

stored! { struct NamespaceRecord { name, labels } }
stored! { struct SelectorOwnerRecord { key, uid, selector } }
stored! { struct DisruptionBudgetRecord { key, selector, disruptions_allowed, disrupted_pods } }
stored! { struct VolumeRecord {
    name, resource_version, labels, storage_class, attributes_class, capacity, access_modes, block,
    claim, node_affinity, phase, source, terminating,
} }
stored! { enum VolumeSource { 0 = Csi { driver, handle }, 1 = InTree(volume), 2 = Other } }
stored! { enum InTreeKind {
    0 = AwsElasticBlockStore,
    1 = AzureDisk,
    2 = AzureFile,
    3 = Cinder,
    4 = GcePersistentDisk,
    5 = PortworxVolume,
    6 = VsphereVolume,
} }
stored! { struct InTreeVolume { kind, id, disk_kind } }
stored! { struct ClaimRecord {
    key, uid, resource_version, annotations, labels, owner_uid, storage_class, volume_name,
    attributes_class, request, access_modes, block, selector, phase, terminating,
} }
stored! { enum VolumeBindingMode { 0 = Immediate, 1 = WaitForFirstConsumer } }
stored! { struct StorageClassRecord {
    name, provisioner, binding_mode, allowed_topologies, is_default,
} }
stored! { struct CsiNodeRecord { name, drivers, migrated_plugins } }
stored! { struct CsiDriverRecord { name, storage_capacity, prevent_if_missing } }
stored! { struct StorageCapacityRecord {
    key, storage_class, topology, capacity, maximum_volume_size,
} }
stored! { struct VolumeAttachmentRecord { name, attacher, node, volume } }
