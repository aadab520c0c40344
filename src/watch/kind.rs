//! The kinds that are watched.

use berth_engine::record::{
    ClaimRecord, CsiDriverRecord, CsiNodeRecord, DisruptionBudgetRecord, NamespaceRecord,
    ObjectKey, SelectorOwnerRecord, StorageCapacityRecord, StorageClassRecord,
    VolumeAttachmentRecord, VolumeRecord,
};
use berth_engine::{Change, Input, Object};

use super::wire::pod;

/// A kind of object that kube-scheduler 1.37 watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `v1.Pod`.
    Pod,
    /// `v1.Node`.
    Node,
    /// `v1.Namespace`.
    Namespace,
    /// `v1.Service`.
    Service,
    /// `v1.ReplicationController`.
    ReplicationController,
    /// `apps/v1.ReplicaSet`.
    ReplicaSet,
    /// `apps/v1.StatefulSet`.
    StatefulSet,
    /// `policy/v1.PodDisruptionBudget`.
    PodDisruptionBudget,
    /// `v1.PersistentVolume`.
    PersistentVolume,
    /// `v1.PersistentVolumeClaim`.
    PersistentVolumeClaim,
    /// `storage.k8s.io/v1.StorageClass`.
    StorageClass,
    /// `storage.k8s.io/v1.CSINode`.
    CsiNode,
    /// `storage.k8s.io/v1.CSIDriver`.
    CsiDriver,
    /// `storage.k8s.io/v1.CSIStorageCapacity`.
    CsiStorageCapacity,
    /// `storage.k8s.io/v1.VolumeAttachment`.
    VolumeAttachment,
}

impl Kind {
    /// All kinds; nodes and pods first, as they take longest to list.
    pub const ALL: [Self; 15] = [
        Self::Node,
        Self::Pod,
        Self::Namespace,
        Self::Service,
        Self::ReplicationController,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::PodDisruptionBudget,
        Self::PersistentVolume,
        Self::PersistentVolumeClaim,
        Self::StorageClass,
        Self::CsiNode,
        Self::CsiDriver,
        Self::CsiStorageCapacity,
        Self::VolumeAttachment,
    ];

    /// `kind` as objects carry it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Node => "Node",
            Self::Namespace => "Namespace",
            Self::Service => "Service",
            Self::ReplicationController => "ReplicationController",
            Self::ReplicaSet => "ReplicaSet",
            Self::StatefulSet => "StatefulSet",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::PersistentVolume => "PersistentVolume",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::StorageClass => "StorageClass",
            Self::CsiNode => "CSINode",
            Self::CsiDriver => "CSIDriver",
            Self::CsiStorageCapacity => "CSIStorageCapacity",
            Self::VolumeAttachment => "VolumeAttachment",
        }
    }

    /// Name of the resource in paths and RBAC rules; also the metrics label.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Pod => "pods",
            Self::Node => "nodes",
            Self::Namespace => "namespaces",
            Self::Service => "services",
            Self::ReplicationController => "replicationcontrollers",
            Self::ReplicaSet => "replicasets",
            Self::StatefulSet => "statefulsets",
            Self::PodDisruptionBudget => "poddisruptionbudgets",
            Self::PersistentVolume => "persistentvolumes",
            Self::PersistentVolumeClaim => "persistentvolumeclaims",
            Self::StorageClass => "storageclasses",
            Self::CsiNode => "csinodes",
            Self::CsiDriver => "csidrivers",
            Self::CsiStorageCapacity => "csistoragecapacities",
            Self::VolumeAttachment => "volumeattachments",
        }
    }

    /// API group, empty for the core group.
    pub fn group(self) -> &'static str {
        match self {
            Self::ReplicaSet | Self::StatefulSet => "apps",
            Self::PodDisruptionBudget => "policy",
            Self::StorageClass
            | Self::CsiNode
            | Self::CsiDriver
            | Self::CsiStorageCapacity
            | Self::VolumeAttachment => "storage.k8s.io",
            _ => "",
        }
    }

    /// `apiVersion` as objects carry it; all are `v1` of their group.
    pub fn api_version(self) -> String {
        match self.group() {
            "" => "v1".into(),
            group => format!("{group}/v1"),
        }
    }

    /// Path of the collection over all namespaces.
    pub fn path(self) -> String {
        match self.group() {
            "" => format!("/api/v1/{}", self.resource()),
            group => format!("/apis/{group}/v1/{}", self.resource()),
        }
    }

    /// Server-side filter. Finished pods take no room: kube-scheduler does not watch them either.
    pub fn field_selector(self) -> Option<&'static str> {
        (self == Self::Pod).then_some("status.phase!=Succeeded,status.phase!=Failed")
    }

    /// Whether the scheduler can work where the server does not serve this kind.
    pub fn is_optional(self) -> bool {
        !matches!(self, Self::Pod | Self::Node)
    }

    /// The kind that objects name so.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == kind && k.api_version() == api_version)
    }

    /// Position in tables that have one entry per kind.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// That the object `key` is gone. Besides pods and nodes, such objects carry only their key.
    pub(crate) fn deleted(self, key: ObjectKey, uid: Option<Box<str>>) -> Input {
        let owner = |key| SelectorOwnerRecord { key, ..SelectorOwnerRecord::default() };
        let name = key.name.clone();
        let object = match self {
            Self::Pod => return pod::deleted(key, uid),
            Self::Node => return Input::NodeDeleted { name },
            Self::Namespace => {
                Object::Namespace(NamespaceRecord { name, ..NamespaceRecord::default() })
            }
            Self::Service => Object::Service(owner(key)),
            Self::ReplicationController => Object::ReplicationController(owner(key)),
            Self::ReplicaSet => Object::ReplicaSet(owner(key)),
            Self::StatefulSet => Object::StatefulSet(owner(key)),
            Self::PodDisruptionBudget => Object::DisruptionBudget(DisruptionBudgetRecord {
                key,
                ..DisruptionBudgetRecord::default()
            }),
            Self::PersistentVolume => {
                Object::Volume(VolumeRecord { name, ..VolumeRecord::default() })
            }
            Self::PersistentVolumeClaim => {
                Object::Claim(ClaimRecord { key, ..ClaimRecord::default() })
            }
            Self::StorageClass => {
                Object::StorageClass(StorageClassRecord { name, ..StorageClassRecord::default() })
            }
            Self::CsiNode => Object::CsiNode(CsiNodeRecord { name, ..CsiNodeRecord::default() }),
            Self::CsiDriver => {
                Object::CsiDriver(CsiDriverRecord { name, ..CsiDriverRecord::default() })
            }
            Self::CsiStorageCapacity => Object::StorageCapacity(StorageCapacityRecord {
                key,
                ..StorageCapacityRecord::default()
            }),
            Self::VolumeAttachment => Object::VolumeAttachment(VolumeAttachmentRecord {
                name,
                ..VolumeAttachmentRecord::default()
            }),
        };
        Input::Object(Box::new(object), Change::Deleted)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
