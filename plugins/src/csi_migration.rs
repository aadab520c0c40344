//! Volume kinds of old and the CSI drivers that took them over.
//!
//! Source: `staging/src/k8s.io/csi-translation-lib/{translate.go,plugins/}`; which kinds count as
//! migrated: `isCSIMigrationOn` in `pkg/scheduler/framework/plugins/nodevolumelimits/utils.go`.

#[cfg(test)]
mod tests;
mod topology;

pub(crate) use topology::csi_affinity;

use std::borrow::Cow;

use berth_engine::record::{InTreeKind, InTreeVolume, StringMap, Volume};

/// Why a volume of old is none that its CSI driver could know. The texts are the reference's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    /// An Azure disk of another kind than `Managed`.
    #[error("kind({0}) is not supported in csi migration")]
    DiskKind(Box<str>),
    /// An AWS volume whose id is none.
    #[error(
        "failed to translate Kubernetes ID to EBS Volume ID Invalid format for AWS volume ({0})"
    )]
    EbsId(Box<str>),
    /// A zone that does not say its region.
    #[error(
        "failed to get region from zones: zone in unexpected format, expected: \
         {{locale}}-{{region}}-{{zone}}, got: {0}"
    )]
    Zone(Box<str>),
    /// Zones of several regions.
    #[error(
        "failed to get region from zones: multiple or no regions gotten from zones, got: {}",
        .0.join(" ")
    )]
    Regions(Vec<String>),
}

const UNSPECIFIED: &str = "UNSPECIFIED";

/// All kinds with their names as plugins in the tree, which storage classes give as provisioners.
const PLUGINS: [(InTreeKind, &str); 7] = [
    (InTreeKind::AwsElasticBlockStore, "kubernetes.io/aws-ebs"),
    (InTreeKind::AzureDisk, "kubernetes.io/azure-disk"),
    (InTreeKind::AzureFile, "kubernetes.io/azure-file"),
    (InTreeKind::Cinder, "kubernetes.io/cinder"),
    (InTreeKind::GcePersistentDisk, "kubernetes.io/gce-pd"),
    (InTreeKind::PortworxVolume, "kubernetes.io/portworx-volume"),
    (InTreeKind::VsphereVolume, "kubernetes.io/vsphere-volume"),
];

/// The kind's name as a plugin in the tree.
pub(crate) fn plugin_name(kind: InTreeKind) -> &'static str {
    PLUGINS.iter().find(|(k, _)| *k == kind).map_or("", |(_, name)| name)
}

/// The kind that goes by this name of a provisioner.
pub(crate) fn by_provisioner(provisioner: &str) -> Option<InTreeKind> {
    PLUGINS.iter().find(|(_, name)| *name == provisioner).map(|(kind, _)| *kind)
}

/// The driver that took the kind over, for kinds whose volumes count as that driver's.
pub(crate) fn migrated_driver(kind: InTreeKind) -> Option<&'static str> {
    match kind {
        InTreeKind::AwsElasticBlockStore => Some("ebs.csi.aws.com"),
        InTreeKind::AzureDisk => Some("disk.csi.azure.com"),
        InTreeKind::Cinder => Some("cinder.csi.openstack.org"),
        InTreeKind::GcePersistentDisk => Some("pd.csi.storage.gke.io"),
        InTreeKind::PortworxVolume => Some("pxd.portworx.com"),
        InTreeKind::AzureFile | InTreeKind::VsphereVolume => None,
    }
}

/// A pod's inline volume as one of a kind of old; `None` for all other volumes
/// (`IsInlineMigratable`).
pub(crate) fn inline(volume: &Volume) -> Option<Cow<'_, InTreeVolume>> {
    let of =
        |kind, id: &str| Some(Cow::Owned(InTreeVolume { kind, id: id.into(), disk_kind: None }));
    match volume {
        Volume::GcePersistentDisk { name, .. } => of(InTreeKind::GcePersistentDisk, name),
        Volume::AwsElasticBlockStore { id, .. } => of(InTreeKind::AwsElasticBlockStore, id),
        Volume::InTree(volume) => Some(Cow::Borrowed(volume)),
        _ => None,
    }
}

/// The handle by which the CSI driver knows the volume. `labels` are those of a PersistentVolume:
/// they tell where a GCE disk is.
///
/// # Errors
/// The volume is none that the driver could know.
pub(crate) fn handle(
    volume: &InTreeVolume,
    labels: &StringMap,
) -> Result<Box<str>, MigrationError> {
    match volume.kind {
        InTreeKind::AwsElasticBlockStore => ebs_handle(&volume.id),
        InTreeKind::GcePersistentDisk => gce_handle(&volume.id, labels),
        InTreeKind::AzureDisk => match volume.disk_kind.as_deref() {
            Some(kind) if !kind.eq_ignore_ascii_case("Managed") => {
                Err(MigrationError::DiskKind(kind.into()))
            }
            _ => Ok(volume.id.clone()),
        },
        _ => Ok(volume.id.clone()),
    }
}

/// `aws://zone/vol-1`, `aws:///vol-1` or any id without `aws://` (`KubernetesVolumeIDToEBSVolumeID`).
fn ebs_handle(id: &str) -> Result<Box<str>, MigrationError> {
    let Some(rest) = id.strip_prefix("aws://") else { return Ok(id.into()) };
    let name = rest.split_once('/').map_or("", |(_, path)| path.trim_matches('/'));
    if name.starts_with("vol-") && !name.contains('/') {
        return Ok(name.into());
    }
    Err(MigrationError::EbsId(id.into()))
}

/// By zone, or by region for a disk of several zones (`a__b`).
fn gce_handle(name: &str, labels: &StringMap) -> Result<Box<str>, MigrationError> {
    let zones = labels
        .get("failure-domain.beta.kubernetes.io/zone")
        .filter(|zones| !zones.is_empty())
        .or_else(|| labels.get("topology.kubernetes.io/zone"))
        .unwrap_or_default();
    let place = if zones.contains("__") {
        format!("regions/{}", gce_region(zones)?)
    } else {
        format!("zones/{}", if zones.is_empty() { UNSPECIFIED } else { zones })
    };
    Ok(format!("projects/{UNSPECIFIED}/{place}/disks/{name}").into())
}

/// The one region of zones such as `us-central1-a__us-central1-b` (`gceGetRegionFromZones`).
fn gce_region(zones: &str) -> Result<String, MigrationError> {
    let mut regions: Vec<String> = Vec::new();
    for zone in zones.split("__") {
        let parts: Vec<&str> = zone.split('-').collect();
        let [locale, region, _] = parts.as_slice() else {
            return Err(MigrationError::Zone(zone.into()));
        };
        regions.push(format!("{locale}-{region}"));
    }
    regions.sort_unstable();
    regions.dedup();
    match <[String; 1]>::try_from(regions) {
        Ok([region]) => Ok(region),
        Err(regions) => Err(MigrationError::Regions(regions)),
    }
}
