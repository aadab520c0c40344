//! What pods have taken of storage before the API server shows it, so that no other pod is offered
//! the same volume.
//!
//! A hold is laid over the object as the watch has it, and lasts until the object changes or goes,
//! or until no pod that holds it is left. There is at most one for each PersistentVolume and
//! PersistentVolumeClaim of the cluster, since one is taken only of an object that is there.
//!
//! Source: `pkg/scheduler/framework/plugins/volumebinding/passive_assume_cache.go`. There a hold is
//! gone with the first pod that gives it back, even where another one uses the same claim; here it
//! stays for the other.

mod check;
mod saved;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::base::{HashKey, KeyedMap, PodIdx, missing};
use crate::model::{Action, Reads, Reserved};
use crate::object::Object;
use crate::record::{ClaimRecord, ObjectKey, VolumeRecord};

use super::Cache;

/// `volume.kubernetes.io/selected-node`: where a claim's volume is to be made.
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// What is held, and by whom.
#[derive(Debug, Clone)]
pub struct VolumeHolds {
    volumes: KeyedMap<Box<str>, Hold<(ObjectKey, Box<str>)>>,
    claims: KeyedMap<ObjectKey, Hold<Box<str>>>,
    by_pod: HashMap<PodIdx, Reserved, FxBuildHasher>,
}

/// What is laid over an object, and the pods that want it so.
#[derive(Debug, Clone)]
struct Hold<T> {
    laid: T,
    by: SmallVec<[PodIdx; 1]>,
}

impl VolumeHolds {
    pub(super) fn new(key: HashKey) -> Self {
        Self {
            volumes: KeyedMap::with_hasher(key),
            claims: KeyedMap::with_hasher(key),
            by_pod: HashMap::default(),
        }
    }

    /// The claim that has the volume, and its uid: the one that took it, or `spec.claimRef`.
    pub fn claim_of<'a>(&'a self, volume: &'a VolumeRecord) -> Option<&'a (ObjectKey, Box<str>)> {
        match self.volumes.get(&volume.name) {
            Some(hold) => Some(&hold.laid),
            None => volume.claim.as_ref(),
        }
    }

    /// The node that the claim's volume is to be made for: that of the pod that took it, or the one
    /// its annotation names.
    pub fn node_of<'a>(&'a self, claim: &'a ClaimRecord) -> Option<&'a str> {
        match self.claims.get(&claim.key) {
            Some(hold) => Some(&hold.laid),
            None => claim.annotations.get(SELECTED_NODE),
        }
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.volumes.is_empty() && self.claims.is_empty()
    }

    /// The object is no longer as it was when it was taken: what the watch says counts.
    pub(super) fn drop_of(&mut self, object: &Object) {
        let by = match object {
            Object::Volume(volume) => self.volumes.remove(&volume.name).map(|hold| hold.by),
            Object::Claim(claim) => self.claims.remove(&claim.key).map(|hold| hold.by),
            _ => None,
        };
        for pod in by.unwrap_or_default() {
            let Some(reserved) = self.by_pod.get_mut(&pod) else {
                missing("pod that holds volumes", pod.at());
                continue;
            };
            match object {
                Object::Volume(volume) => reserved.volumes.retain(|t| t.volume != volume.name),
                Object::Claim(claim) => reserved.claims.retain(|key| *key != claim.key),
                _ => {}
            }
            if *reserved == Reserved::default() {
                self.by_pod.remove(&pod);
            }
        }
    }
}

/// Enters `pod` into the hold of `key`. What others laid there already stays.
fn take<K: std::hash::Hash + Eq, T>(
    holds: &mut KeyedMap<K, Hold<T>>,
    key: K,
    pod: PodIdx,
    laid: T,
) {
    let hold = holds.entry(key).or_insert_with(|| Hold { laid, by: SmallVec::new() });
    if !hold.by.contains(&pod) {
        hold.by.push(pod);
    }
}

/// Takes `pod` out of the hold of `key`; true where that was the last one.
fn give_back<K, Q, T>(holds: &mut KeyedMap<K, Hold<T>>, key: &Q, pod: PodIdx) -> bool
where
    K: std::hash::Hash + Eq + std::borrow::Borrow<Q>,
    Q: std::hash::Hash + Eq + ?Sized,
{
    // The watch has shown the object otherwise since: `drop_of`.
    let Some(hold) = holds.get_mut(key) else { return false };
    hold.by.retain(|holder| *holder != pod);
    let free = hold.by.is_empty();
    if free {
        holds.remove(key);
    }
    free
}

impl Cache {
    /// What pods hold of storage.
    pub fn volume_holds(&self) -> &VolumeHolds {
        &self.holds
    }

    /// Holds for a pod that is on a node what its Reserve plugins have booked
    /// (`AssumePodVolumes`). Objects that are gone are passed over.
    pub fn hold(&mut self, pod: PodIdx, mut reserved: Reserved) {
        if reserved == Reserved::default() {
            return;
        }
        let Some(row) = self.pods.get(pod).filter(|row| self.nodes.name(row.node).is_some()) else {
            // It counts on no node: whatever is held ends with the node's row.
            return;
        };
        let node: Box<str> = self.node_name(row.node).into();
        reserved.volumes.retain(|taken| self.objects.volume(&taken.volume).is_some());
        reserved.claims.retain(|key| self.objects.claims.contains_key(key));
        for taken in &reserved.volumes {
            if let Some(volume) = self.objects.volume(&taken.volume).cloned() {
                let claim = (taken.claim.clone(), taken.claim_uid.clone());
                take(&mut self.holds.volumes, taken.volume.clone(), pod, claim);
                self.note_hold(Object::Volume(volume));
            }
        }
        for key in &reserved.claims {
            if let Some(claim) = self.objects.claims.get(key).cloned() {
                take(&mut self.holds.claims, key.clone(), pod, node.clone());
                self.note_hold(Object::Claim(claim));
            }
        }
        if reserved != Reserved::default() {
            self.holds.by_pod.insert(pod, reserved);
        }
    }

    /// Gives back what the pod holds, the last first (`RevertAssumedPodVolumes`).
    pub(super) fn release_holds(&mut self, pod: PodIdx) {
        let Some(reserved) = self.holds.by_pod.remove(&pod) else { return };
        self.release_claims(pod, &reserved);
        for taken in reserved.volumes.iter().rev() {
            if give_back(&mut self.holds.volumes, &taken.volume, pod)
                && let Some(volume) = self.objects.volume(&taken.volume).cloned()
            {
                self.note_hold(Object::Volume(volume));
            }
        }
    }

    fn release_claims(&mut self, pod: PodIdx, reserved: &Reserved) {
        for key in reserved.claims.iter().rev() {
            if give_back(&mut self.holds.claims, key, pod)
                && let Some(claim) = self.objects.claims.get(key).cloned()
            {
                self.note_hold(Object::Claim(claim));
            }
        }
    }

    /// A hold changes what the object says to filters, so those that read it look again.
    fn note_hold(&mut self, object: Object) {
        // Rankings keep no answer that depends on one.
        self.announce_object(object, Reads::NOTHING, Action::UPDATE);
    }
}

#[cfg(test)]
mod tests;
