//! Which volumes of which drivers a pod or a node has.

use std::borrow::Cow;

use berth_engine::base::{NodeIdx, PodIdx};
use berth_engine::cache::Objects;
use berth_engine::framework::{Context, Fault, Reason, Verdict};
use berth_engine::model::Class;
use berth_engine::record::{self, ClaimRecord, InTreeVolume, ObjectKey, StringMap, VolumeSource};

use crate::csi_migration::{self, MigrationError, by_provisioner, migrated_driver};
use crate::pod_claims::{ClaimError, ClaimVolume, claim_volume, is_for_pod};

/// Volumes as (driver, handle), each once, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attached<'a>(Vec<Volume<'a>>);

/// Driver and handle.
pub(super) type Volume<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Why volumes cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// A claim of a new pod is not there: the pod waits for it.
    NoClaim(NoClaim),
    /// The attempt fails.
    Broken(Fault),
}

/// A claim of a new pod that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("looking up PVC {claim}: {source}")]
pub(super) struct NoClaim {
    claim: ObjectKey,
    source: ClaimError,
}

impl Failure {
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::NoClaim(error) => Verdict::unresolvable(Reason::own(error.clone())),
            Self::Broken(fault) => Verdict::Broken(fault.clone()),
        }
    }
}

/// A pod whose volumes are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct PodVolumes<'a> {
    cx: &'a Context<'a>,
    pod: PodIdx,
    class: &'a Class,
    is_new: bool,
}

impl<'a> PodVolumes<'a> {
    /// The pod of the cycle.
    pub(super) fn of_new(cx: &'a Context<'a>) -> Self {
        Self { cx, pod: cx.pod.idx, class: cx.pod.class, is_new: true }
    }

    /// What the pod has or wants attached on a node, `on_csi` where the node has a CSINode
    /// (`filterAttachableVolumes`).
    pub(super) fn attached(&self, on_csi: bool) -> Result<Attached<'a>, Failure> {
        let mut volumes = Vec::new();
        self.attach(on_csi, &mut volumes)?;
        Ok(Attached::of(volumes))
    }

    fn attach(&self, on_csi: bool, attached: &mut Vec<Volume<'a>>) -> Result<(), Failure> {
        for volume in &self.class.spec.volumes {
            let found = match claim_volume(volume) {
                Some(claim) => self.of_claim(claim, on_csi)?,
                None if on_csi => of_inline(volume).map_err(|e| Failure::Broken(Fault::new(e)))?,
                None => None,
            };
            attached.extend(found);
        }
        Ok(())
    }

    fn of_claim(
        &self,
        volume: ClaimVolume<'_>,
        on_csi: bool,
    ) -> Result<Option<Volume<'a>>, Failure> {
        if volume.claim.is_empty() {
            return Err(Failure::Broken(Fault::new(ClaimError::NoName)));
        }
        let objects = self.cx.cache.objects();
        let namespace = self.cx.symbols().text(self.class.namespace);
        let Some(claim) = objects.claim(namespace, volume.claim) else {
            if !self.is_new {
                return Ok(None);
            }
            let source = ClaimError::not_found("persistentvolumeclaim", volume.claim);
            let claim = ObjectKey::new(namespace, volume.claim);
            return Err(Failure::NoClaim(NoClaim { claim, source }));
        };
        if volume.ephemeral {
            is_for_pod(claim, self.cx.cache, self.pod)
                .map_err(|e| Failure::Broken(Fault::new(e)))?;
        }
        let found = of_volume(objects, claim, on_csi);
        Ok(found.filter(|(driver, handle)| !driver.is_empty() && !handle.is_empty()))
    }
}

/// An inline volume of a kind of old (`checkAttachableInlineVolume`).
fn of_inline<'a>(volume: &record::Volume) -> Result<Option<Volume<'a>>, NotConverted> {
    let Some(volume) = csi_migration::inline(volume) else { return Ok(None) };
    Ok(of_in_tree(&volume, &StringMap::default())?)
}

/// An inline volume that its CSI driver does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("converting volume from inline to csi: {0}")]
struct NotConverted(#[from] MigrationError);

fn of_in_tree<'a>(
    volume: &InTreeVolume,
    labels: &StringMap,
) -> Result<Option<Volume<'a>>, MigrationError> {
    let Some(driver) = migrated_driver(volume.kind) else { return Ok(None) };
    let handle = csi_migration::handle(volume, labels)?;
    Ok(Some((driver.into(), handle.into_string().into())))
}

/// The volume that the claim is bound to, or will be (`getCSIDriverInfo`).
fn of_volume<'a>(objects: &'a Objects, claim: &'a ClaimRecord, on_csi: bool) -> Option<Volume<'a>> {
    let Some(volume) = objects.volume(&claim.volume_name) else {
        return of_class(objects, claim, on_csi);
    };
    match &volume.source {
        VolumeSource::Csi { driver, handle } => {
            Some((driver.as_ref().into(), handle.as_ref().into()))
        }
        VolumeSource::InTree(source) if on_csi => of_in_tree(source, &volume.labels).ok().flatten(),
        VolumeSource::InTree(_) | VolumeSource::Other => None,
    }
}

/// A claim without a volume counts for the provisioner of its class, by its own name: no handle
/// begins with a zero character (`getCSIDriverInfoFromSC`, which draws a random prefix).
fn of_class<'a>(objects: &'a Objects, claim: &ClaimRecord, on_csi: bool) -> Option<Volume<'a>> {
    let class = objects.storage_class(claim.storage_class.as_deref()?)?;
    let driver = match by_provisioner(&class.provisioner) {
        None => class.provisioner.as_ref(),
        Some(kind) if on_csi => migrated_driver(kind)?,
        Some(_) => return None,
    };
    Some((driver.into(), format!("\0{}", claim.key).into()))
}

impl<'a> Attached<'a> {
    fn of(mut volumes: Vec<Volume<'a>>) -> Self {
        volumes.sort_unstable();
        volumes.dedup();
        Self(volumes)
    }

    /// What the pods on a node with a CSINode have attached.
    pub(super) fn by_pods(cx: &'a Context<'a>, node: NodeIdx) -> Result<Self, Failure> {
        let mut volumes = Vec::new();
        for pod in cx.nodes.pods(node) {
            let Some((_, class)) = cx.cache.class_of(*pod) else { continue };
            if !class.spec.volumes.is_empty() {
                let pod = PodVolumes { cx, pod: *pod, class, is_new: false };
                pod.attach(true, &mut volumes)?;
            }
        }
        Ok(Self::of(volumes))
    }

    /// What VolumeAttachments say of a node: volumes of CSI only (`getNodeVolumeAttachmentInfo`).
    pub(super) fn by_attachments(cx: &'a Context<'a>, node: &str) -> Self {
        let objects = cx.cache.objects();
        let volumes = objects.attachments_on(node).filter_map(|attachment| {
            let volume = objects.volume(attachment.volume.as_deref()?)?;
            let VolumeSource::Csi { handle, .. } = &volume.source else { return None };
            let attacher = attachment.attacher.as_ref();
            (!attacher.is_empty()).then(|| (attacher.into(), handle.as_ref().into()))
        });
        Self::of(volumes.collect())
    }

    /// The same with strings of its own.
    pub(super) fn into_owned(self) -> Attached<'static> {
        let owned = |(driver, handle): Volume<'a>| {
            (Cow::Owned(driver.into_owned()), Cow::Owned(handle.into_owned()))
        };
        Attached(self.0.into_iter().map(owned).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, volume: &Volume<'_>) -> bool {
        self.0.binary_search_by(|own| own.cmp(volume)).is_ok()
    }

    /// Drivers with repeats.
    pub(super) fn drivers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(driver, _)| driver.as_ref())
    }

    pub(super) fn of_driver(&self, driver: &str) -> impl Iterator<Item = &Volume<'a>> {
        self.0.iter().filter(move |(d, _)| d.as_ref() == driver)
    }
}
