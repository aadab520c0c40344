//! The claims that a pod's volumes go by.

use berth_engine::base::PodIdx;
use berth_engine::cache::Cache;
use berth_engine::record::{ClaimRecord, Volume};

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

/// What a lister says of an object that is not there.
pub(crate) fn not_found(resource: &str, name: &str) -> String {
    format!("{resource} {name:?} not found")
}

/// Whether the claim of a generic ephemeral volume is controlled by its pod
/// (`ephemeral.VolumeIsForPod`).
///
/// # Errors
/// It is not; the text is the reference's.
pub(crate) fn is_for_pod(claim: &ClaimRecord, cache: &Cache, pod: PodIdx) -> Result<(), String> {
    let uid = cache.pods().get(pod).map(|row| cache.pods().uid_text(row.uid));
    if uid.is_some() && uid.as_deref() == claim.owner_uid.as_deref() {
        return Ok(());
    }
    let pod = cache.pod_name(pod);
    Err(format!("PVC {} was not created for pod {pod} (pod is not owner)", claim.key))
}
