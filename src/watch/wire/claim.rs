//! PersistentVolumes and their claims.

use berth_engine::Object;
use berth_engine::record::{ClaimRecord, ObjectKey, Quantity, StringMap, VolumeRecord};
use serde::Deserialize;

use super::container::Resources;
use super::meta::ObjectMeta;
use super::scalar::{Resource, boxed, non_empty, resource_list, string_map, text};
use super::selector::{LabelSelector, NodeSelector};
use super::volume_source::{
    AwsElasticBlockStore, AzureDisk, AzureFile, CsiVolume, GcePersistentDisk, VolumeId, VolumePath,
};
use crate::watch::error::{FieldError, Within};
use crate::watch::nullable;

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
}

/// `v1.PersistentVolumeSource`, the kinds with attach limits.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct VolumeSource {
    #[prost(message, optional, tag = "1")]
    pub(crate) gce_persistent_disk: Option<GcePersistentDisk>,
    #[prost(message, optional, tag = "2")]
    pub(crate) aws_elastic_block_store: Option<AwsElasticBlockStore>,
    #[prost(message, optional, tag = "8")]
    pub(crate) cinder: Option<VolumeId>,
    #[prost(message, optional, tag = "13")]
    pub(crate) azure_file: Option<AzureFile>,
    #[prost(message, optional, tag = "14")]
    pub(crate) vsphere_volume: Option<VolumePath>,
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
    gce_persistent_disk: Option<GcePersistentDisk>,
    aws_elastic_block_store: Option<AwsElasticBlockStore>,
    cinder: Option<VolumeId>,
    azure_file: Option<AzureFile>,
    vsphere_volume: Option<VolumePath>,
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
        }
    }
}

impl Claim {
    /// The record.
    pub(crate) fn object(self) -> Result<Object, FieldError> {
        let mut meta = self.metadata.unwrap_or_default();
        let spec = self.spec.unwrap_or_default();
        let class = meta.annotation(CLASS_ANNOTATION).map(Into::into);
        let owner_uid = meta.controller().map(|owner| owner.uid);
        let request = storage(spec.resources.unwrap_or_default().requests)
            .within("requests")
            .within("resources")
            .within("spec")?;
        Ok(Object::Claim(ClaimRecord {
            key: meta.key(),
            uid: text(meta.uid),
            resource_version: text(meta.resource_version),
            annotations: binder_annotations(&string_map(meta.annotations)),
            labels: string_map(meta.labels),
            owner_uid,
            storage_class: class.or(spec.storage_class_name.map(String::into_boxed_str)),
            volume_name: text(spec.volume_name),
            request,
            access_modes: boxed(spec.access_modes),
            block: spec.volume_mode.as_deref() == Some("Block"),
            selector: spec.selector.map(Into::into),
            phase: text(self.status.unwrap_or_default().phase),
            terminating: meta.deletion_timestamp.is_some(),
        }))
    }
}

impl Volume {
    /// The record.
    pub(crate) fn object(self) -> Result<Object, FieldError> {
        let meta = self.metadata.unwrap_or_default();
        let spec = self.spec.unwrap_or_default();
        let class = meta.annotation(CLASS_ANNOTATION).map(Into::into);
        let labels = string_map(meta.labels);
        let csi = spec.source.and_then(|source| source.csi_handle(&labels));
        let node_affinity = spec.node_affinity.and_then(|affinity| affinity.required);
        Ok(Object::Volume(VolumeRecord {
            name: text(meta.name),
            resource_version: text(meta.resource_version),
            labels,
            storage_class: class.unwrap_or_else(|| text(spec.storage_class_name)),
            capacity: storage(spec.capacity).within("capacity").within("spec")?,
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
            csi,
            terminating: meta.deletion_timestamp.is_some(),
        }))
    }
}

/// The amount of `storage` in a list.
fn storage(entries: Vec<Resource>) -> Result<Quantity, FieldError> {
    Ok(resource_list(entries)?.get("storage").unwrap_or(Quantity::ZERO))
}

fn binder_annotations(all: &StringMap) -> StringMap {
    all.iter().filter(|(key, _)| BINDER_ANNOTATIONS.contains(key)).collect()
}

impl VolumeSource {
    /// The CSI driver and the volume's handle, in-tree kinds as csi-translation-lib names them.
    fn csi_handle(self, labels: &StringMap) -> Option<(Box<str>, Box<str>)> {
        if let Some(csi) = self.csi {
            return non_empty(csi.driver).map(|driver| (driver, text(csi.volume_handle)));
        }
        let (driver, handle) = if let Some(disk) = self.gce_persistent_disk {
            ("pd.csi.storage.gke.io", gce_handle(&text(disk.pd_name), labels))
        } else if let Some(disk) = self.aws_elastic_block_store {
            ("ebs.csi.aws.com", ebs_handle(&text(disk.volume_id)).into())
        } else if let Some(disk) = self.azure_disk {
            ("disk.csi.azure.com", text(disk.disk_uri).into())
        } else if let Some(file) = self.azure_file {
            let secret = text(file.secret_name);
            let namespace = text(file.secret_namespace);
            ("file.csi.azure.com", format!("#{secret}#{}#{namespace}", text(file.share_name)))
        } else if let Some(disk) = self.cinder {
            ("cinder.csi.openstack.org", text(disk.volume_id).into())
        } else if let Some(disk) = self.portworx_volume {
            ("pxd.portworx.com", text(disk.volume_id).into())
        } else {
            ("csi.vsphere.vmware.com", text(self.vsphere_volume?.volume_path).into())
        };
        Some((driver.into(), handle.into()))
    }
}

/// `aws://zone/vol-1` or `vol-1` as `vol-1` (`KubernetesVolumeIDToEBSVolumeID`).
fn ebs_handle(id: &str) -> &str {
    match id.strip_prefix("aws://") {
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path.trim_matches('/')),
        None => id,
    }
}

/// `projects/UNSPECIFIED/zones/ZONE/disks/NAME`; a disk of several zones (`a__b`) by its region.
fn gce_handle(name: &str, labels: &StringMap) -> String {
    let zones = labels
        .get("failure-domain.beta.kubernetes.io/zone")
        .filter(|zone| !zone.is_empty())
        .or_else(|| labels.get("topology.kubernetes.io/zone"))
        .unwrap_or_default();
    match zones.split_once("__") {
        Some((first, _)) => {
            let region = first.rsplit_once('-').map_or(first, |(region, _)| region);
            format!("projects/UNSPECIFIED/regions/{region}/disks/{name}")
        }
        None => {
            let zone = if zones.is_empty() { "UNSPECIFIED" } else { zones };
            format!("projects/UNSPECIFIED/zones/{zone}/disks/{name}")
        }
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
