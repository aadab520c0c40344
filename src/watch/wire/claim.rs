//! PersistentVolumes and their claims.

use berth_engine::record::{
    ClaimRecord, InTreeKind, InTreeVolume, ObjectKey, Quantity, StringMap, VolumeRecord,
    VolumeSource as VolumeSourceRecord,
};
use k8s_openapi::api::core::v1 as core;
use serde::Deserialize;

use super::container::Resources;
use super::meta::ObjectMeta;
use super::nullable;
use super::object::WireObject;
use super::scalar::{Present, Resource, boxed, resource_list, string_map, text};
use super::selector::{LabelSelector, NodeSelector};
use super::volume_source::{
    AwsElasticBlockStore, AzureDisk, CsiVolume, GcePersistentDisk, VolumeId,
};
use crate::watch::error::{FieldError, Within};
use crate::watch::templates::Templates;

/// The storage class's annotation of old, which beats the field
/// (`GetPersistentVolumeClaimClass`, `GetPersistentVolumeClass`).
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
/// Annotations that the volume binder reads.
const BINDER_ANNOTATIONS: [&str; 5] = [
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
];

/// `v1.PersistentVolumeClaim`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Claim {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<ClaimSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<PhaseStatus>,
}

/// `v1.PersistentVolumeClaimSpec`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ClaimSpec {
    #[prost(string, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) access_modes: Vec<String>,
    #[prost(message, optional, tag = "2")]
    pub(crate) resources: Option<Resources>,
    #[prost(string, optional, tag = "3")]
    pub(crate) volume_name: Option<String>,
    #[prost(message, optional, tag = "4")]
    pub(crate) selector: Option<LabelSelector>,
    #[prost(string, optional, tag = "5")]
    pub(crate) storage_class_name: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) volume_mode: Option<String>,
    #[prost(string, optional, tag = "9")]
    pub(crate) volume_attributes_class_name: Option<String>,
}

/// `v1.PersistentVolumeClaimStatus` and `v1.PersistentVolumeStatus`: the phase.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct PhaseStatus {
    #[prost(string, optional, tag = "1")]
    pub(crate) phase: Option<String>,
}

/// `v1.PersistentVolume`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Volume {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<VolumeSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<PhaseStatus>,
}

/// `v1.PersistentVolumeSpec`: protobuf has the source as a message of its own, JSON inline.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(from = "InlineVolumeSpec")]
#[cfg_attr(test, serde(into = "InlineVolumeSpec"))]
pub(crate) struct VolumeSpec {
    #[prost(message, repeated, tag = "1")]
    pub(crate) capacity: Vec<Resource>,
    #[prost(message, optional, tag = "2")]
    pub(crate) source: Option<VolumeSource>,
    #[prost(string, repeated, tag = "3")]
    pub(crate) access_modes: Vec<String>,
    #[prost(message, optional, tag = "4")]
    pub(crate) claim_ref: Option<ClaimReference>,
    #[prost(string, optional, tag = "6")]
    pub(crate) storage_class_name: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub(crate) volume_mode: Option<String>,
    #[prost(message, optional, tag = "9")]
    pub(crate) node_affinity: Option<VolumeNodeAffinity>,
    #[prost(string, optional, tag = "10")]
    pub(crate) volume_attributes_class_name: Option<String>,
}

/// `v1.PersistentVolumeSource`: CSI, and the kinds that CSI drivers took over.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct VolumeSource {
    #[prost(message, optional, tag = "1")]
    pub(crate) gce_persistent_disk: Option<GcePersistentDisk>,
    #[prost(message, optional, tag = "2")]
    pub(crate) aws_elastic_block_store: Option<AwsElasticBlockStore>,
    #[prost(message, optional, tag = "8")]
    pub(crate) cinder: Option<VolumeId>,
    #[prost(message, optional, tag = "13")]
    pub(crate) azure_file: Option<Present>,
    #[prost(message, optional, tag = "14")]
    pub(crate) vsphere_volume: Option<Present>,
    #[prost(message, optional, tag = "16")]
    pub(crate) azure_disk: Option<AzureDisk>,
    #[prost(message, optional, tag = "18")]
    pub(crate) portworx_volume: Option<VolumeId>,
    #[prost(message, optional, tag = "22")]
    pub(crate) csi: Option<CsiVolume>,
}

/// The JSON form. (serde's `flatten` would buffer.)
#[derive(Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
struct InlineVolumeSpec {
    #[serde(with = "nullable::map")]
    capacity: Vec<Resource>,
    #[serde(deserialize_with = "nullable::list")]
    access_modes: Vec<String>,
    claim_ref: Option<ClaimReference>,
    storage_class_name: Option<String>,
    volume_mode: Option<String>,
    node_affinity: Option<VolumeNodeAffinity>,
    volume_attributes_class_name: Option<String>,
    gce_persistent_disk: Option<GcePersistentDisk>,
    aws_elastic_block_store: Option<AwsElasticBlockStore>,
    cinder: Option<VolumeId>,
    azure_file: Option<Present>,
    vsphere_volume: Option<Present>,
    azure_disk: Option<AzureDisk>,
    portworx_volume: Option<VolumeId>,
    csi: Option<CsiVolume>,
}

/// `v1.ObjectReference`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct ClaimReference {
    #[prost(string, optional, tag = "2")]
    pub(crate) namespace: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) name: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) uid: Option<String>,
}

/// `v1.VolumeNodeAffinity`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct VolumeNodeAffinity {
    #[prost(message, optional, tag = "1")]
    pub(crate) required: Option<NodeSelector>,
}

impl From<InlineVolumeSpec> for VolumeSpec {
    fn from(json: InlineVolumeSpec) -> Self {
        Self {
            capacity: json.capacity,
            source: Some(VolumeSource {
                gce_persistent_disk: json.gce_persistent_disk,
                aws_elastic_block_store: json.aws_elastic_block_store,
                cinder: json.cinder,
                azure_file: json.azure_file,
                vsphere_volume: json.vsphere_volume,
                azure_disk: json.azure_disk,
                portworx_volume: json.portworx_volume,
                csi: json.csi,
            }),
            access_modes: json.access_modes,
            claim_ref: json.claim_ref,
            storage_class_name: json.storage_class_name,
            volume_mode: json.volume_mode,
            node_affinity: json.node_affinity,
            volume_attributes_class_name: json.volume_attributes_class_name,
        }
    }
}

impl WireObject for Claim {
    type Record = ClaimRecord;
    type Schema = core::PersistentVolumeClaim;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    fn record(self, _: &mut Templates) -> Result<ClaimRecord, FieldError> {
        let mut meta = self.metadata.unwrap_or_default();
        let spec = self.spec.unwrap_or_default();
        let class = meta.annotation(CLASS_ANNOTATION).map(Into::into);
        let owner_uid = meta.controller().map(|owner| owner.uid);
        let request = storage(spec.resources.unwrap_or_default().requests)
            .within("requests")
            .within("resources")
            .within("spec")?;
        Ok(ClaimRecord {
            key: meta.key(),
            uid: text(meta.uid),
            resource_version: text(meta.resource_version),
            annotations: binder_annotations(&string_map(meta.annotations)),
            labels: string_map(meta.labels),
            owner_uid,
            storage_class: class.or(spec.storage_class_name.map(String::into_boxed_str)),
            volume_name: text(spec.volume_name),
            attributes_class: text(spec.volume_attributes_class_name),
            request,
            access_modes: boxed(spec.access_modes),
            block: spec.volume_mode.as_deref() == Some("Block"),
            selector: spec.selector.map(Into::into),
            phase: text(self.status.unwrap_or_default().phase),
            terminating: meta.deletion_timestamp.is_some(),
        })
    }
}

impl WireObject for Volume {
    type Record = VolumeRecord;
    type Schema = core::PersistentVolume;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    fn record(self, _: &mut Templates) -> Result<VolumeRecord, FieldError> {
        let meta = self.metadata.unwrap_or_default();
        let spec = self.spec.unwrap_or_default();
        let class = meta.annotation(CLASS_ANNOTATION).map(Into::into);
        let node_affinity = spec.node_affinity.and_then(|affinity| affinity.required);
        Ok(VolumeRecord {
            name: text(meta.name),
            resource_version: text(meta.resource_version),
            labels: string_map(meta.labels),
            storage_class: class.unwrap_or_else(|| text(spec.storage_class_name)),
            attributes_class: text(spec.volume_attributes_class_name),
            capacity: storage(spec.capacity)
                .within("capacity")
                .within("spec")?
                .unwrap_or(Quantity::ZERO),
            access_modes: boxed(spec.access_modes),
            block: spec.volume_mode.as_deref() == Some("Block"),
            claim: spec.claim_ref.map(|claim| {
                (
                    ObjectKey { namespace: text(claim.namespace), name: text(claim.name) },
                    text(claim.uid),
                )
            }),
            node_affinity: node_affinity.map(Into::into),
            phase: text(self.status.unwrap_or_default().phase),
            source: spec.source.map(VolumeSource::record).unwrap_or_default(),
            terminating: meta.deletion_timestamp.is_some(),
        })
    }
}

/// The amount of `storage` in a list.
fn storage(entries: Vec<Resource>) -> Result<Option<Quantity>, FieldError> {
    Ok(resource_list(entries)?.get("storage"))
}

fn binder_annotations(all: &StringMap) -> StringMap {
    all.iter().filter(|(key, _)| BINDER_ANNOTATIONS.contains(key)).collect()
}

impl VolumeSource {
    fn record(self) -> VolumeSourceRecord {
        if let Some(csi) = self.csi {
            return VolumeSourceRecord::Csi {
                driver: text(csi.driver),
                handle: text(csi.volume_handle),
            };
        }
        self.in_tree().map_or(VolumeSourceRecord::Other, VolumeSourceRecord::InTree)
    }

    fn in_tree(self) -> Option<InTreeVolume> {
        if let Some(disk) = self.azure_disk {
            return Some(disk.record());
        }
        let (kind, id) = if let Some(disk) = self.gce_persistent_disk {
            (InTreeKind::GcePersistentDisk, disk.pd_name)
        } else if let Some(disk) = self.aws_elastic_block_store {
            (InTreeKind::AwsElasticBlockStore, disk.volume_id)
        } else if let Some(disk) = self.cinder {
            (InTreeKind::Cinder, disk.volume_id)
        } else if let Some(disk) = self.portworx_volume {
            (InTreeKind::PortworxVolume, disk.volume_id)
        } else if self.azure_file.is_some() {
            (InTreeKind::AzureFile, None)
        } else {
            self.vsphere_volume?;
            (InTreeKind::VsphereVolume, None)
        };
        Some(InTreeVolume { kind, id: text(id), disk_kind: None })
    }
}

/// The way back, for tests that write JSON.
#[cfg(test)]
impl From<VolumeSpec> for InlineVolumeSpec {
    fn from(spec: VolumeSpec) -> Self {
        let source = spec.source.unwrap_or_default();
        Self {
            capacity: spec.capacity,
            access_modes: spec.access_modes,
            claim_ref: spec.claim_ref,
            storage_class_name: spec.storage_class_name,
            volume_mode: spec.volume_mode,
            node_affinity: spec.node_affinity,
            volume_attributes_class_name: spec.volume_attributes_class_name,
            gce_persistent_disk: source.gce_persistent_disk,
            aws_elastic_block_store: source.aws_elastic_block_store,
            cinder: source.cinder,
            azure_file: source.azure_file,
            vsphere_volume: source.vsphere_volume,
            azure_disk: source.azure_disk,
            portworx_volume: source.portworx_volume,
            csi: source.csi,
        }
    }
}
