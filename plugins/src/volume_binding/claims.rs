//! What a pod's claims are and what could serve them, found once for all nodes.

use std::sync::Arc;

use berth_engine::base::Symbols;
use berth_engine::cache::Objects;
use berth_engine::framework::{Context, Fault, Reason, Verdict};
use berth_engine::model::{Dims, NodeTerm};
use berth_engine::record::{ClaimRecord, ObjectKey, VolumeBindingMode, VolumeRecord, VolumeSource};

use crate::csi_migration::{self, MigrationError, csi_affinity, migrated_driver, plugin_name};
use crate::pod_claims::{ClaimError, ClaimVolume, claim_volumes, is_for_pod};

use super::REASON_IMMEDIATE;
use super::affinity::compile;
use super::matching::Candidates;
use super::provisioning::Provisioning;

/// Set by the PersistentVolume controller once claim and volume name each other.
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";

/// The claims of a pod, sorted out.
#[derive(Debug, Default)]
pub(crate) struct PodClaims {
    pub(super) bound: Vec<Bound>,
    /// To be provisioned for a node that is chosen, in the pod's order.
    pub(super) selected: Vec<(Unbound, Box<str>)>,
    /// The smallest first, so that each finds the smallest volume that fits.
    pub(super) unbound: Vec<Unbound>,
}

/// A volume that a claim is bound to.
#[derive(Debug)]
pub(super) enum Bound {
    /// It is gone; its name.
    Missing(Arc<str>),
    /// It is there.
    There(Reach),
}

/// From which nodes a bound volume can be reached.
#[derive(Debug)]
pub(super) struct Reach {
    /// The volume's name.
    pub(super) volume: Arc<str>,
    pub(super) terms: Option<Vec<NodeTerm>>,
    pub(super) migrated: Option<Migrated>,
}

/// The volume as the CSI driver that took its kind over has it: on nodes that say so.
#[derive(Debug)]
pub(super) struct Migrated {
    pub(super) plugin: &'static str,
    /// Or why it cannot be translated.
    pub(super) terms: Result<Option<Vec<NodeTerm>>, Fault>,
}

/// A volume of old that its CSI driver does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not translate pv: {0}")]
struct NotTranslated(MigrationError);

/// A claim that waits for its first consumer.
#[derive(Debug)]
pub(super) struct Unbound {
    /// The claim's name, for reasons.
    pub(super) name: Arc<str>,
    pub(super) key: ObjectKey,
    pub(super) uid: Box<str>,
    pub(super) class: Box<str>,
    /// Bytes asked for.
    pub(super) request: i64,
    pub(super) candidates: Candidates,
    pub(super) provisioning: Provisioning,
}

/// Why no node can serve the pod's claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unserved {
    /// The pod waits for what the reason says.
    Rejected(Reason),
    /// The attempt fails.
    Broken(Fault),
}

impl Unserved {
    /// Why the attempt fails, where the pod was let through before.
    pub(super) fn into_fault(self, dims: &Dims) -> Fault {
        match self {
            Self::Rejected(reason) => Fault::new(reason.words(dims)),
            Self::Broken(fault) => fault,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Rejected(reason) => Verdict::unresolvable(reason.clone()),
            Self::Broken(fault) => Verdict::Broken(fault.clone()),
        }
    }
}

impl PodClaims {
    /// Sorts out the claims of the pod (`podHasPVCs`, `GetPodVolumeClaims`).
    ///
    /// # Errors
    /// No node can serve them.
    pub(crate) fn of_pod(cx: &Context<'_>) -> Result<Self, Unserved> {
        let class = cx.pod.class;
        let namespace = cx.symbols().text(class.namespace);
        let objects = cx.cache.objects();
        let mut claims = Vec::new();
        for volume in claim_volumes(&class.spec.volumes) {
            let claim = usable(cx, namespace, volume);
            claims.push(claim.map_err(|error| Unserved::Rejected(Reason::own(error)))?);
        }
        let mut own = Self::default();
        let mut waits = false;
        let mut unbound = Vec::new();
        for claim in claims {
            if is_bound(claim) {
                own.bound.push(Bound::of(claim, objects, cx.symbols()));
            } else if is_delayed(claim, objects).map_err(|e| Unserved::Broken(Fault::new(e)))?
                && claim.volume_name.is_empty()
            {
                unbound.push(claim);
            } else {
                waits = true;
            }
        }
        if waits {
            return Err(Unserved::Rejected(REASON_IMMEDIATE.into()));
        }
        for claim in unbound {
            let unbound = Unbound::of(claim, cx);
            match cx.cache.volume_holds().node_of(claim) {
                Some(node) => own.selected.push((unbound, node.into())),
                None => own.unbound.push(unbound),
            }
        }
        own.unbound.sort_by_key(|claim| claim.candidates.request());
        Ok(own)
    }

    /// Whether all pods of the class mount the same claims, and there is nothing to bind: no claim
    /// is one that is made for a pod and asked for its owner.
    pub(crate) fn are_shared_and_bound(cx: &Context<'_>) -> bool {
        let shared = claim_volumes(&cx.pod.class.spec.volumes).all(|claim| !claim.ephemeral);
        shared && Self::of_pod(cx).is_ok_and(|claims| claims.all_bound())
    }

    /// Whether there is nothing to bind.
    pub(crate) fn all_bound(&self) -> bool {
        self.first_unbound().is_none()
    }

    /// A claim to bind.
    pub(crate) fn first_unbound(&self) -> Option<&ObjectKey> {
        let selected = self.selected.iter().map(|(claim, _)| claim);
        selected.chain(&self.unbound).next().map(|claim| &claim.key)
    }
}

/// # Errors
/// The claim is missing or on its way out.
fn usable<'a>(
    cx: &Context<'a>,
    namespace: &str,
    volume: ClaimVolume<'_>,
) -> Result<&'a ClaimRecord, ClaimError> {
    let name = volume.claim;
    let Some(claim) = cx.cache.objects().claim(namespace, name) else {
        return Err(match volume.ephemeral {
            true => ClaimError::NotMade(name.into()),
            false => ClaimError::not_found("persistentvolumeclaim", name),
        });
    };
    if claim.phase.as_ref() == "Lost" {
        return Err(ClaimError::Lost { claim: name.into(), volume: claim.volume_name.clone() });
    }
    if claim.terminating {
        return Err(ClaimError::Deleted(name.into()));
    }
    if volume.ephemeral {
        is_for_pod(claim, cx.cache, cx.pod.idx)?;
    }
    Ok(claim)
}

fn is_bound(claim: &ClaimRecord) -> bool {
    !claim.volume_name.is_empty() && claim.annotations.get(BIND_COMPLETED).is_some()
}

/// Whether the claim's class waits for the first consumer (`IsDelayBindingMode`).
fn is_delayed(claim: &ClaimRecord, objects: &Objects) -> Result<bool, ClaimError> {
    let name = claim.storage_class.as_deref().unwrap_or_default();
    let Some(class) = objects.storage_class(name) else { return Ok(false) };
    match class.binding_mode {
        Some(mode) => Ok(mode == VolumeBindingMode::WaitForFirstConsumer),
        None => Err(ClaimError::NoMode(name.into())),
    }
}

impl Bound {
    fn of(claim: &ClaimRecord, objects: &Objects, symbols: &Symbols) -> Self {
        let name = Arc::from(claim.volume_name.as_ref());
        let Some(volume) = objects.volume(&claim.volume_name) else { return Self::Missing(name) };
        Self::There(Reach {
            volume: name,
            terms: volume.node_affinity.as_ref().map(|affinity| compile(affinity, symbols)),
            migrated: Migrated::of(volume, symbols),
        })
    }
}

impl Migrated {
    /// `None` for kinds that stay as they are (`tryTranslatePVToCSI`).
    fn of(volume: &VolumeRecord, symbols: &Symbols) -> Option<Self> {
        let VolumeSource::InTree(source) = &volume.source else { return None };
        migrated_driver(source.kind)?;
        let terms = csi_migration::handle(source, &volume.labels)
            .map(|_| csi_affinity(source.kind, volume).map(|a| compile(&a, symbols)))
            .map_err(|error| Fault::new(NotTranslated(error)));
        Some(Self { plugin: plugin_name(source.kind), terms })
    }
}

impl Unbound {
    fn of(claim: &ClaimRecord, cx: &Context<'_>) -> Self {
        Self {
            name: claim.key.name.as_ref().into(),
            key: claim.key.clone(),
            uid: claim.uid.clone(),
            class: claim.storage_class.clone().unwrap_or_default(),
            request: claim.request.unwrap_or_default().value(),
            candidates: Candidates::of(claim, cx),
            provisioning: Provisioning::of(claim, cx),
        }
    }
}
