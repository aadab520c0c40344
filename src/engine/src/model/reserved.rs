//! What is booked for a pod beside the room on its node.

use crate::record::ObjectKey;
use crate::stored::stored;

/// What a Reserve books for a pod: held by the cache until the watch shows the object otherwise or
/// the pod goes without (`PodVolumes`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reserved {
    /// Volumes that claims of the pod take.
    pub volumes: Vec<TakenVolume>,
    /// Claims whose volume is to be made for the pod's node.
    pub claims: Vec<ObjectKey>,
}

/// A PersistentVolume with the claim that takes it (`BindingInfo`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenVolume {
    /// Name of the PersistentVolume.
    pub volume: Box<str>,
    /// The claim.
    pub claim: ObjectKey,
    /// `metadata.uid` of the claim.
    pub claim_uid: Box<str>,
}

stored! { struct Reserved { volumes, claims } }
stored! { struct TakenVolume { volume, claim, claim_uid } }
