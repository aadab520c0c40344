//! Where a volume's bytes are. A source used by pods and by PersistentVolumes has the same tags in
//! both.

use berth_engine::record::{InTreeKind, InTreeVolume};
use serde::Deserialize;

use super::nullable;
use super::scalar::text;

/// `v1.GCEPersistentDiskVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct GcePersistentDisk {
    #[prost(string, optional, tag = "1")]
    pub(crate) pd_name: Option<String>,
    #[prost(bool, optional, tag = "4")]
    pub(crate) read_only: Option<bool>,
}

/// `v1.AWSElasticBlockStoreVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct AwsElasticBlockStore {
    #[prost(string, optional, tag = "1")]
    #[serde(rename = "volumeID")]
    pub(crate) volume_id: Option<String>,
    #[prost(bool, optional, tag = "4")]
    pub(crate) read_only: Option<bool>,
}

/// `v1.ISCSIVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Iscsi {
    #[prost(string, optional, tag = "2")]
    pub(crate) iqn: Option<String>,
    #[prost(bool, optional, tag = "6")]
    pub(crate) read_only: Option<bool>,
}

/// `v1.RBDVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Rbd {
    #[prost(string, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) monitors: Vec<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) image: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) pool: Option<String>,
    #[prost(bool, optional, tag = "8")]
    pub(crate) read_only: Option<bool>,
}

/// `v1.PersistentVolumeClaimVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ClaimSource {
    #[prost(string, optional, tag = "1")]
    pub(crate) claim_name: Option<String>,
    #[prost(bool, optional, tag = "2")]
    pub(crate) read_only: Option<bool>,
}

/// `v1.CinderVolumeSource`, `v1.PortworxVolumeSource`: the id only.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct VolumeId {
    #[prost(string, optional, tag = "1")]
    #[serde(rename = "volumeID")]
    pub(crate) volume_id: Option<String>,
}

/// `v1.AzureDiskVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct AzureDisk {
    #[prost(string, optional, tag = "2")]
    #[serde(rename = "diskURI")]
    pub(crate) disk_uri: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) kind: Option<String>,
}

impl AzureDisk {
    /// The volume.
    pub(crate) fn record(self) -> InTreeVolume {
        InTreeVolume {
            kind: InTreeKind::AzureDisk,
            id: text(self.disk_uri),
            disk_kind: self.kind.map(Into::into),
        }
    }
}

/// `v1.CSIVolumeSource` (inline: driver only) and `v1.CSIPersistentVolumeSource`. Tag 2 is
/// `readOnly` in the one and `volumeHandle` in the other, so they are two types.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct CsiSource {
    #[prost(string, optional, tag = "1")]
    pub(crate) driver: Option<String>,
}

/// `v1.CSIPersistentVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CsiVolume {
    #[prost(string, optional, tag = "1")]
    pub(crate) driver: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) volume_handle: Option<String>,
}

/// `v1.ImageVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct ImageSource {
    #[prost(string, optional, tag = "1")]
    pub(crate) reference: Option<String>,
}
