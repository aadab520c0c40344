//! The pod's volumes that scheduling reads.

use berth_engine::record::{InTreeKind, InTreeVolume, Volume as VolumeRecord};
use serde::Deserialize;

use super::scalar::{Present, boxed, non_empty, text};
use super::volume_source::{
    AwsElasticBlockStore, AzureDisk, ClaimSource, CsiSource, GcePersistentDisk, ImageSource, Iscsi,
    Rbd, VolumeId,
};

/// `v1.Volume`: protobuf has the source as a message of its own, JSON beside the name.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(from = "InlineVolume")]
#[cfg_attr(test, serde(into = "InlineVolume"))]
pub(crate) struct Volume {
    #[prost(string, optional, tag = "1")]
    pub(crate) name: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub(crate) source: Option<VolumeSource>,
}

/// `v1.VolumeSource`. configMap, secret, projected and the like are skipped.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct VolumeSource {
    #[prost(message, optional, tag = "3")]
    pub(crate) gce_persistent_disk: Option<GcePersistentDisk>,
    #[prost(message, optional, tag = "4")]
    pub(crate) aws_elastic_block_store: Option<AwsElasticBlockStore>,
    #[prost(message, optional, tag = "8")]
    pub(crate) iscsi: Option<Iscsi>,
    #[prost(message, optional, tag = "10")]
    pub(crate) persistent_volume_claim: Option<ClaimSource>,
    #[prost(message, optional, tag = "11")]
    pub(crate) rbd: Option<Rbd>,
    #[prost(message, optional, tag = "13")]
    pub(crate) cinder: Option<VolumeId>,
    #[prost(message, optional, tag = "18")]
    pub(crate) azure_file: Option<Present>,
    #[prost(message, optional, tag = "20")]
    pub(crate) vsphere_volume: Option<Present>,
    #[prost(message, optional, tag = "22")]
    pub(crate) azure_disk: Option<AzureDisk>,
    #[prost(message, optional, tag = "24")]
    pub(crate) portworx_volume: Option<VolumeId>,
    #[prost(message, optional, tag = "28")]
    pub(crate) csi: Option<CsiSource>,
    #[prost(message, optional, tag = "29")]
    pub(crate) ephemeral: Option<Present>,
    #[prost(message, optional, tag = "30")]
    pub(crate) image: Option<ImageSource>,
}

/// The JSON form. (serde's `flatten` would buffer every volume.)
#[derive(Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
struct InlineVolume {
    name: Option<String>,
    gce_persistent_disk: Option<GcePersistentDisk>,
    aws_elastic_block_store: Option<AwsElasticBlockStore>,
    iscsi: Option<Iscsi>,
    persistent_volume_claim: Option<ClaimSource>,
    rbd: Option<Rbd>,
    cinder: Option<VolumeId>,
    azure_file: Option<Present>,
    vsphere_volume: Option<Present>,
    azure_disk: Option<AzureDisk>,
    portworx_volume: Option<VolumeId>,
    csi: Option<CsiSource>,
    ephemeral: Option<Present>,
    image: Option<ImageSource>,
}

impl From<InlineVolume> for Volume {
    fn from(json: InlineVolume) -> Self {
        Self {
            name: json.name,
            source: Some(VolumeSource {
                gce_persistent_disk: json.gce_persistent_disk,
                aws_elastic_block_store: json.aws_elastic_block_store,
                iscsi: json.iscsi,
                persistent_volume_claim: json.persistent_volume_claim,
                rbd: json.rbd,
                cinder: json.cinder,
                azure_file: json.azure_file,
                vsphere_volume: json.vsphere_volume,
                azure_disk: json.azure_disk,
                portworx_volume: json.portworx_volume,
                csi: json.csi,
                ephemeral: json.ephemeral,
                image: json.image,
            }),
        }
    }
}

impl Volume {
    /// The record, where scheduling reads the volume; `pod` is the pod's name. The volume's name is
    /// part of it only where it makes the claim's name: the random name of a projected token volume
    /// must not set siblings apart.
    pub(crate) fn record(self, pod: &str) -> Option<VolumeRecord> {
        let source = self.source?;
        if let Some(claim) = source.persistent_volume_claim {
            return Some(VolumeRecord::Claim {
                name: text(claim.claim_name),
                read_only: claim.read_only.unwrap_or_default(),
            });
        }
        if source.ephemeral.is_some() {
            let name = self.name.unwrap_or_default();
            return Some(VolumeRecord::Ephemeral { claim: format!("{pod}-{name}").into() });
        }
        if let Some(image) = source.image {
            return Some(VolumeRecord::Image { reference: text(image.reference) });
        }
        if let Some(csi) = source.csi {
            return Some(VolumeRecord::Csi { driver: text(csi.driver) });
        }
        source.in_tree()
    }
}

impl VolumeSource {
    /// Kinds built into Kubernetes once: disks that exclude each other, and those counted by the
    /// CSI driver that took them over.
    fn in_tree(self) -> Option<VolumeRecord> {
        if let Some(disk) = self.gce_persistent_disk {
            return Some(VolumeRecord::GcePersistentDisk {
                name: text(disk.pd_name),
                read_only: disk.read_only.unwrap_or_default(),
            });
        }
        if let Some(disk) = self.aws_elastic_block_store {
            return Some(VolumeRecord::AwsElasticBlockStore {
                id: text(disk.volume_id),
                read_only: disk.read_only.unwrap_or_default(),
            });
        }
        if let Some(disk) = self.iscsi {
            return Some(VolumeRecord::Iscsi {
                iqn: text(disk.iqn),
                read_only: disk.read_only.unwrap_or_default(),
            });
        }
        if let Some(disk) = self.rbd {
            return Some(VolumeRecord::Rbd {
                monitors: boxed(disk.monitors),
                pool: non_empty(disk.pool).unwrap_or_else(|| "rbd".into()),
                image: text(disk.image),
                read_only: disk.read_only.unwrap_or_default(),
            });
        }
        self.migrated()
    }

    /// Kinds that only count against the limits of the CSI driver that took them over.
    fn migrated(self) -> Option<VolumeRecord> {
        if let Some(disk) = self.azure_disk {
            return Some(VolumeRecord::InTree(disk.record()));
        }
        let (kind, id) = if let Some(disk) = self.cinder {
            (InTreeKind::Cinder, disk.volume_id)
        } else if let Some(disk) = self.portworx_volume {
            (InTreeKind::PortworxVolume, disk.volume_id)
        } else if self.azure_file.is_some() {
            (InTreeKind::AzureFile, None)
        } else {
            self.vsphere_volume?;
            (InTreeKind::VsphereVolume, None)
        };
        Some(VolumeRecord::InTree(InTreeVolume { kind, id: text(id), disk_kind: None }))
    }
}

/// The way back, for tests that write JSON.
#[cfg(test)]
impl From<Volume> for InlineVolume {
    fn from(volume: Volume) -> Self {
        let source = volume.source.unwrap_or_default();
        Self {
            name: volume.name,
            gce_persistent_disk: source.gce_persistent_disk,
            aws_elastic_block_store: source.aws_elastic_block_store,
            iscsi: source.iscsi,
            persistent_volume_claim: source.persistent_volume_claim,
            rbd: source.rbd,
            cinder: source.cinder,
            azure_file: source.azure_file,
            vsphere_volume: source.vsphere_volume,
            azure_disk: source.azure_disk,
            portworx_volume: source.portworx_volume,
            csi: source.csi,
            ephemeral: source.ephemeral,
            image: source.image,
        }
    }
}
