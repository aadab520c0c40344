//! The claims that a pod's volumes go by.

use berth_engine::base::PodIdx;
use berth_engine::cache::Cache;
use berth_engine::record::{ClaimRecord, ObjectKey, Volume};

/// A volume that goes by a claim.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClaimVolume<'a> {
    /// The claim's name in the pod's namespace.
    pub(crate) claim: &'a str,
    /// The claim is made for the pod, and has to be owned by it.
    pub(crate) ephemeral: bool,
}

/// The volume, if it goes by a claim.
pub(crate) fn claim_volume(volume: &Volume) -> Option<ClaimVolume<'_>> {
    match volume {
        Volume::Claim { name, .. } => Some(ClaimVolume { claim: name, ephemeral: false }),
        Volume::Ephemeral { claim } => Some(ClaimVolume { claim, ephemeral: true }),
        _ => None,
    }
}

/// The volumes that go by claims, in order.
pub(crate) fn claim_volumes(volumes: &[Volume]) -> impl Iterator<Item = ClaimVolume<'_>> {
    volumes.iter().filter_map(claim_volume)
}

/// Why a claim of a pod, or what it is bound to, does not serve it. The texts are the reference's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// A lister does not know the object.
    #[error("{resource} {name:?} not found")]
    NotFound {
        /// What is looked for, as Go's listers call it.
        resource: &'static str,
        /// Its name.
        name: Box<str>,
    },
    /// The claim of a generic ephemeral volume is not made yet.
    #[error("waiting for ephemeral volume controller to create the persistentvolumeclaim {0:?}")]
    NotMade(Box<str>),
    /// It has lost its volume.
    #[error("persistentvolumeclaim {claim:?} bound to non-existent persistentvolume {volume:?}")]
    Lost {
        /// The claim's name.
        claim: Box<str>,
        /// The volume's.
        volume: Box<str>,
    },
    /// It is on its way out.
    #[error("persistentvolumeclaim {0:?} is being deleted")]
    Deleted(Box<str>),
    /// It was made for another pod.
    #[error("PVC {claim} was not created for pod {pod} (pod is not owner)")]
    NotOwned {
        /// Namespace and name of the claim.
        claim: ObjectKey,
        /// Namespace and name of the pod.
        pod: String,
    },
    /// The pod's volume names no claim.
    #[error("PersistentVolumeClaim had no name")]
    NoName,
    /// The claim has neither a volume nor a class that could make one.
    #[error("PersistentVolumeClaim had no pv name and storageClass name")]
    NoVolume,
    /// It waits for a volume that is made at once.
    #[error("PersistentVolume had no name")]
    NotBound,
    /// The class does not say when its claims are bound.
    #[error("VolumeBindingMode not set for StorageClass {0:?}")]
    NoMode(Box<str>),
}

impl ClaimError {
    /// What a lister says of an object that is not there.
    pub(crate) fn not_found(resource: &'static str, name: &str) -> Self {
        Self::NotFound { resource, name: name.into() }
    }
}

/// Whether the claim of a generic ephemeral volume is controlled by its pod
/// (`ephemeral.VolumeIsForPod`).
///
/// # Errors
/// It is not.
pub(crate) fn is_for_pod(
    claim: &ClaimRecord,
    cache: &Cache,
    pod: PodIdx,
) -> Result<(), ClaimError> {
    let uid = cache.pods().get(pod).map(|row| cache.pods().uid_text(row.uid));
    if uid.is_some() && uid.as_deref() == claim.owner_uid.as_deref() {
        return Ok(());
    }
    let pod = cache.pod_name(pod);
    Err(ClaimError::NotOwned { claim: claim.key.clone(), pod })
}
