//! Storage classes, CSI drivers and what they say of nodes, capacity and attachments.

use berth_engine::record::{
    CsiDriverRecord, CsiNodeRecord, NodeSelector, NodeSelectorTerm, Requirement, SelectorOp,
    StorageCapacityRecord, StorageClassRecord, VolumeAttachmentRecord, VolumeBindingMode,
};
use k8s_openapi::api::storage::v1 as storage;
use serde::Deserialize;

use super::meta::ObjectMeta;
use super::nullable;
use super::object::WireObject;
use super::scalar::{Quantity, boxed, non_empty, text};
use super::selector::LabelSelector;
use crate::watch::error::{FieldError, Within};
use crate::watch::templates::Templates;

/// Marks the default class; the beta one counts too (`IsDefaultAnnotation`).
const DEFAULT_CLASS: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];
/// In-tree plugins whose volumes a node's CSI drivers took over, separated by commas.
const MIGRATED_PLUGINS: &str = "storage.alpha.kubernetes.io/migrated-plugins";

/// `storage.k8s.io/v1.StorageClass`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StorageClass {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(string, optional, tag = "2")]
    pub(crate) provisioner: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub(crate) volume_binding_mode: Option<String>,
    #[prost(message, repeated, tag = "8")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) allowed_topologies: Vec<TopologyTerm>,
}

/// `v1.TopologySelectorTerm`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TopologyTerm {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) match_label_expressions: Vec<TopologyRequirement>,
}

/// `v1.TopologySelectorLabelRequirement`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct TopologyRequirement {
    #[prost(string, optional, tag = "1")]
    pub(crate) key: Option<String>,
    #[prost(string, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) values: Vec<String>,
}

/// `storage.k8s.io/v1.CSINode`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct CsiNode {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<CsiNodeSpec>,
}

/// `storage.k8s.io/v1.CSINodeSpec`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct CsiNodeSpec {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) drivers: Vec<CsiNodeDriver>,
}

/// `storage.k8s.io/v1.CSINodeDriver`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct CsiNodeDriver {
    #[prost(string, optional, tag = "1")]
    pub(crate) name: Option<String>,
    #[prost(message, optional, tag = "4")]
    pub(crate) allocatable: Option<VolumeNodeResources>,
}

/// `storage.k8s.io/v1.VolumeNodeResources`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct VolumeNodeResources {
    #[prost(int32, optional, tag = "1")]
    pub(crate) count: Option<i32>,
}

/// `storage.k8s.io/v1.CSIDriver`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct CsiDriver {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<CsiDriverSpec>,
}

/// `storage.k8s.io/v1.CSIDriverSpec`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CsiDriverSpec {
    #[prost(bool, optional, tag = "4")]
    pub(crate) storage_capacity: Option<bool>,
    #[prost(bool, optional, tag = "11")]
    pub(crate) prevent_pod_scheduling_if_missing: Option<bool>,
}

/// `storage.k8s.io/v1.CSIStorageCapacity`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StorageCapacity {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) node_topology: Option<LabelSelector>,
    #[prost(string, optional, tag = "3")]
    pub(crate) storage_class_name: Option<String>,
    #[prost(message, optional, tag = "4")]
    pub(crate) capacity: Option<Quantity>,
    #[prost(message, optional, tag = "5")]
    pub(crate) maximum_volume_size: Option<Quantity>,
}

/// `storage.k8s.io/v1.VolumeAttachment`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct VolumeAttachment {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<VolumeAttachmentSpec>,
}

/// `storage.k8s.io/v1.VolumeAttachmentSpec`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct VolumeAttachmentSpec {
    #[prost(string, optional, tag = "1")]
    pub(crate) attacher: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub(crate) source: Option<VolumeAttachmentSource>,
    #[prost(string, optional, tag = "3")]
    pub(crate) node_name: Option<String>,
}

/// `storage.k8s.io/v1.VolumeAttachmentSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct VolumeAttachmentSource {
    #[prost(string, optional, tag = "1")]
    pub(crate) persistent_volume_name: Option<String>,
}

impl WireObject for StorageClass {
    type Record = StorageClassRecord;
    type Schema = storage::StorageClass;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    fn record(self, _: &mut Templates) -> Result<StorageClassRecord, FieldError> {
        let meta = self.metadata.unwrap_or_default();
        Ok(StorageClassRecord {
            is_default: DEFAULT_CLASS.iter().any(|key| meta.annotation(key) == Some("true")),
            name: text(meta.name),
            provisioner: text(self.provisioner),
            binding_mode: self.volume_binding_mode.as_deref().map(|mode| match mode {
                "WaitForFirstConsumer" => VolumeBindingMode::WaitForFirstConsumer,
                _ => VolumeBindingMode::Immediate,
            }),
            allowed_topologies: NodeSelector {
                terms: self.allowed_topologies.into_iter().map(Into::into).collect(),
            },
        })
    }
}

impl From<TopologyTerm> for NodeSelectorTerm {
    fn from(wire: TopologyTerm) -> Self {
        let requirement = |r: TopologyRequirement| Requirement {
            key: text(r.key),
            op: SelectorOp::In,
            values: boxed(r.values),
        };
        Self {
            match_expressions: wire.match_label_expressions.into_iter().map(requirement).collect(),
            match_fields: Vec::new(),
        }
    }
}

impl WireObject for CsiNode {
    type Record = CsiNodeRecord;
    type Schema = storage::CSINode;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    fn record(self, _: &mut Templates) -> Result<CsiNodeRecord, FieldError> {
        let meta = self.metadata.unwrap_or_default();
        let migrated = meta.annotation(MIGRATED_PLUGINS).unwrap_or_default();
        let drivers = self.spec.unwrap_or_default().drivers.into_iter();
        Ok(CsiNodeRecord {
            migrated_plugins: migrated
                .split(',')
                .filter(|name| !name.is_empty())
                .map(Into::into)
                .collect(),
            name: text(meta.name),
            drivers: drivers
                .map(|driver| (text(driver.name), driver.allocatable.and_then(|a| a.count)))
                .collect(),
        })
    }
}

impl WireObject for CsiDriver {
    type Record = CsiDriverRecord;
    type Schema = storage::CSIDriver;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    fn record(self, _: &mut Templates) -> Result<CsiDriverRecord, FieldError> {
        let spec = self.spec.unwrap_or_default();
        Ok(CsiDriverRecord {
            name: text(self.metadata.unwrap_or_default().name),
            storage_capacity: spec.storage_capacity.unwrap_or_default(),
            prevent_if_missing: spec.prevent_pod_scheduling_if_missing.unwrap_or_default(),
        })
    }
}

impl WireObject for StorageCapacity {
    type Record = StorageCapacityRecord;
    type Schema = storage::CSIStorageCapacity;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    fn record(self, _: &mut Templates) -> Result<StorageCapacityRecord, FieldError> {
        let amount = |q: Option<Quantity>| q.map(|q| q.amount()).transpose();
        Ok(StorageCapacityRecord {
            key: self.metadata.unwrap_or_default().key(),
            storage_class: text(self.storage_class_name),
            topology: self.node_topology.map(Into::into),
            capacity: amount(self.capacity).within("capacity")?,
            maximum_volume_size: amount(self.maximum_volume_size).within("maximumVolumeSize")?,
        })
    }
}

impl WireObject for VolumeAttachment {
    type Record = VolumeAttachmentRecord;
    type Schema = storage::VolumeAttachment;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    fn record(self, _: &mut Templates) -> Result<VolumeAttachmentRecord, FieldError> {
        let spec = self.spec.unwrap_or_default();
        Ok(VolumeAttachmentRecord {
            name: text(self.metadata.unwrap_or_default().name),
            attacher: text(spec.attacher),
            node: text(spec.node_name),
            volume: non_empty(spec.source.unwrap_or_default().persistent_volume_name),
        })
    }
}
