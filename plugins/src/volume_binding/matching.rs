//! Volumes that are there for a claim to take.
//!
//! Source: `FindMatchingVolume` in
//! `staging/src/k8s.io/component-helpers/storage/volume/pv_helpers.go`.

use berth_engine::framework::{Context, Fault};
use berth_engine::model::NodeTerm;
use berth_engine::record::{ClaimRecord, ObjectKey, Quantity, VolumeRecord};

use super::affinity::compile;
use super::selector::{self, BadRequirement};

/// The volumes that suit a claim, apart from where they can be reached. What does not depend on
/// the node is decided here, once.
#[derive(Debug)]
pub(super) struct Candidates {
    request: Quantity,
    /// Those that name the claim, by name: the first of them is the one, wherever it is.
    own: Vec<Candidate>,
    /// Those that are free, the smallest first, then by name.
    free: Vec<Candidate>,
    /// Why the claim's selector cannot be read.
    broken: Option<Fault>,
}

/// A volume.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) name: Box<str>,
    /// `spec.storageClassName`.
    pub(super) class: Box<str>,
    pub(super) capacity: Quantity,
    terms: Option<Vec<NodeTerm>>,
}

/// A claim's selector that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error creating internal label selector for claim: {claim}: {source}")]
struct BadSelector {
    claim: ObjectKey,
    source: BadRequirement,
}

impl Candidates {
    pub(super) fn of(claim: &ClaimRecord, cx: &Context<'_>) -> Self {
        let request = claim.request.unwrap_or_default();
        let class = claim.storage_class.as_deref().unwrap_or_default();
        let mut candidates = Self { request, own: Vec::new(), free: Vec::new(), broken: None };
        if let Some(Err(source)) = claim.selector.as_ref().map(selector::check) {
            let claim = claim.key.clone();
            candidates.broken = Some(Fault::new(BadSelector { claim, source }));
            return candidates;
        }
        let holds = cx.cache.volume_holds();
        for volume in cx.cache.objects().volumes_of_class(class) {
            let owner = holds.claim_of(volume);
            if !may_serve(volume, owner, claim, request) {
                continue;
            }
            let list = match owner {
                Some(_) => &mut candidates.own,
                None if is_free(volume, claim) => &mut candidates.free,
                None => continue,
            };
            list.push(Candidate {
                name: volume.name.clone(),
                class: volume.storage_class.clone(),
                capacity: volume.capacity,
                terms: volume.node_affinity.as_ref().map(|a| compile(a, cx.symbols())),
            });
        }
        candidates.free.sort_by_key(|volume| volume.capacity);
        candidates
    }

    pub(super) fn request(&self) -> Quantity {
        self.request
    }

    /// The volume for the claim on the node that `reaches` tells of, none of those in `chosen`.
    ///
    /// # Errors
    /// The claim's selector cannot be read.
    pub(super) fn find(
        &self,
        chosen: &[&str],
        reaches: impl Fn(&[NodeTerm]) -> bool,
    ) -> Result<Option<&Candidate>, Fault> {
        if let Some(fault) = &self.broken {
            return Err(fault.clone());
        }
        let left = |volume: &&Candidate| !chosen.contains(&volume.name.as_ref());
        let reached = |volume: &&Candidate| volume.terms.as_deref().is_none_or(&reaches);
        if let Some(own) = self.own.iter().find(left) {
            return Ok(Some(own).filter(reached));
        }
        Ok(self.free.iter().filter(left).find(reached))
    }
}

/// What has to hold of any volume, one that is the claim's included. `owner` is the claim whose it
/// is, with its uid.
fn may_serve(
    volume: &VolumeRecord,
    owner: Option<&(ObjectKey, Box<str>)>,
    claim: &ClaimRecord,
    request: Quantity,
) -> bool {
    let is_for_claim =
        owner.is_none_or(|(key, uid)| *key == claim.key && (uid.is_empty() || *uid == claim.uid));
    is_for_claim
        && volume.capacity >= request
        && volume.block == claim.block
        && volume.attributes_class == claim.attributes_class
        && !volume.terminating
}

/// What has to hold of a volume that names no claim.
fn is_free(volume: &VolumeRecord, claim: &ClaimRecord) -> bool {
    volume.phase.as_ref() == "Available"
        && claim.selector.as_ref().is_none_or(|s| selector::matches(s, &volume.labels))
        && claim.access_modes.iter().all(|mode| volume.access_modes.contains(mode))
}
