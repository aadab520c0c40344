//! Keeps pods off nodes where a disk that they name inline is in use, and off all nodes while a
//! claim of theirs that is for one pod alone has one.
//!
//! Source: `pkg/scheduler/framework/plugins/volumerestrictions/volume_restrictions.go`.

#[cfg(test)]
mod tests;

use berth_engine::base::{NodeIdx, PodIdx};
use berth_engine::framework::{
    Cause, Context, Filter, Keeps, Plugin, PreFilter, PreFiltered, Reads, Reason, State, Verdict,
    Verdicts,
};
use berth_engine::record::Volume;

use crate::pod_claims::{ClaimError, claim_volumes};

/// The name in configurations.
pub const NAME: &str = "VolumeRestrictions";
/// A disk that the pod names is mounted on the node.
pub const REASON_DISK: &str = "node(s) had no available disk";
/// A claim that one pod alone may use has one.
pub const REASON_ONE_POD: &str = "node(s) unavailable due to PersistentVolumeClaim with \
                                  ReadWriteOncePod access mode already in-use by another pod";

const READ_WRITE_ONCE_POD: &str = "ReadWriteOncePod";

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct VolumeRestrictions;

impl VolumeRestrictions {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

/// The pod's claims that are for one pod alone, and how often pods use them.
#[derive(Debug, Clone, Default)]
struct OnePodClaims {
    names: Vec<Box<str>>,
    users: i64,
}

impl OnePodClaims {
    /// Why the pod has to wait, where one of its claims is in use.
    fn used(&self) -> Option<Reason> {
        let reason = match self.names.as_slice() {
            [one] => Reason::new(&REASON_ONE_POD, Cause::Volume(one.as_ref().into())),
            _ => REASON_ONE_POD.into(),
        };
        (self.users > 0).then_some(reason)
    }
}

impl Plugin for VolumeRestrictions {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NODE_ROOM | Reads::PODS | Reads::CLAIMS
    }

    fn keeps(&self, cx: &Context<'_>) -> Keeps {
        let volumes = &cx.pod.class.spec.volumes;
        if volumes.iter().any(is_exclusive) {
            return Keeps::Nothing;
        }
        if claim_volumes(volumes).next().is_none() {
            return Keeps::Aside;
        }
        // Without a claim for one pod alone it passes every node.
        match one_pod_claims(cx) {
            Ok(claims) if claims.names.is_empty() => Keeps::Node(Reads::CLAIMS),
            _ => Keeps::Nothing,
        }
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }

    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }
}

impl PreFilter for VolumeRestrictions {
    fn pre_filter(&self, cx: &Context<'_>, state: &mut State) -> PreFiltered {
        let volumes = &cx.pod.class.spec.volumes;
        if volumes.is_empty() {
            return PreFiltered::Skip;
        }
        let claims = match one_pod_claims(cx) {
            Ok(claims) => claims,
            Err(error) => return PreFiltered::unresolvable(Reason::own(error)),
        };
        if claims.users == 0 && !volumes.iter().any(is_exclusive) {
            return PreFiltered::Skip;
        }
        state.put(claims);
        PreFiltered::Proceed
    }

    fn add_pod(&self, cx: &Context<'_>, state: &mut State, pod: PodIdx, _node: NodeIdx) {
        count(cx, state, pod, 1);
    }

    fn remove_pod(&self, cx: &Context<'_>, state: &mut State, pod: PodIdx, _node: NodeIdx) {
        count(cx, state, pod, -1);
    }
}

impl Filter for VolumeRestrictions {
    fn filter(
        &self,
        cx: &Context<'_>,
        state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        let used = match state.get::<OnePodClaims>() {
            Some(claims) => claims.used(),
            None => one_pod_claims(cx).ok().and_then(|claims| claims.used()),
        };
        let wanted: Vec<&Volume> =
            cx.pod.class.spec.volumes.iter().filter(|v| is_exclusive(v)).collect();
        for (at, node) in nodes.iter().enumerate() {
            if let Some(disk) = conflict(cx, &wanted, *node) {
                let cause = Cause::Volume(disk_name(disk).into());
                verdicts.set(at, Verdict::unschedulable(Reason::new(&REASON_DISK, cause)));
            } else if let Some(reason) = &used {
                verdicts.set(at, Verdict::unschedulable(reason.clone()));
            }
        }
    }
}

/// # Errors
/// A claim is not there.
fn one_pod_claims(cx: &Context<'_>) -> Result<OnePodClaims, ClaimError> {
    let class = cx.pod.class;
    let namespace = cx.symbols().text(class.namespace);
    let mut claims = OnePodClaims::default();
    for volume in &class.spec.volumes {
        let Volume::Claim { name, .. } = volume else { continue };
        let claim = cx
            .cache
            .objects()
            .claim(namespace, name)
            .ok_or_else(|| ClaimError::not_found("persistentvolumeclaim", name))?;
        let one_pod = claim.access_modes.iter().any(|mode| mode.as_ref() == READ_WRITE_ONCE_POD);
        if one_pod && !claims.names.contains(name) {
            claims.users += i64::from(cx.cache.is_claim_used(class.namespace, name));
            claims.names.push(name.clone());
        }
    }
    Ok(claims)
}

/// Follows a pod that comes or goes. As in the reference, claims are compared by name only, the
/// namespace of that pod does not count.
fn count(cx: &Context<'_>, state: &mut State, pod: PodIdx, sign: i64) {
    let Some(claims) = state.get_mut::<OnePodClaims>() else { return };
    let Some((_, class)) = cx.cache.class_of(pod) else { return };
    for volume in &class.spec.volumes {
        if let Volume::Claim { name, .. } = volume {
            claims.users += sign * i64::from(claims.names.contains(name));
        }
    }
}

/// Whether the volume is of a kind that may exclude others (`needsRestrictionsCheck`).
fn is_exclusive(volume: &Volume) -> bool {
    matches!(
        volume,
        Volume::GcePersistentDisk { .. }
            | Volume::AwsElasticBlockStore { .. }
            | Volume::Iscsi { .. }
            | Volume::Rbd { .. }
    )
}

/// The first disk that the pod wants and a pod on the node has.
fn conflict<'a>(cx: &Context<'_>, wanted: &[&'a Volume], node: NodeIdx) -> Option<&'a Volume> {
    if wanted.is_empty() {
        return None;
    }
    let classes = cx.nodes.pods(node).iter().filter_map(|pod| cx.cache.class_of(*pod));
    let mut mounted = classes.flat_map(|(_, class)| &class.spec.volumes);
    mounted.find_map(|mounted| wanted.iter().find(|wanted| excludes(wanted, mounted))).copied()
}

/// What the kind of disk is known by.
fn disk_name(disk: &Volume) -> &str {
    match disk {
        Volume::GcePersistentDisk { name, .. } => name,
        Volume::AwsElasticBlockStore { id, .. } => id,
        Volume::Iscsi { iqn, .. } => iqn,
        Volume::Rbd { image, .. } => image,
        _ => "",
    }
}

/// Whether two volumes are one disk that both cannot have (`isVolumeConflict`): GCE, iSCSI and RBD
/// disks may be mounted several times read-only, EBS disks once.
fn excludes(a: &Volume, b: &Volume) -> bool {
    match (a, b) {
        (
            Volume::GcePersistentDisk { name: a, read_only: a_ro },
            Volume::GcePersistentDisk { name: b, read_only: b_ro },
        )
        | (Volume::Iscsi { iqn: a, read_only: a_ro }, Volume::Iscsi { iqn: b, read_only: b_ro }) => {
            a == b && !(*a_ro && *b_ro)
        }
        (
            Volume::AwsElasticBlockStore { id: a, .. },
            Volume::AwsElasticBlockStore { id: b, .. },
        ) => a == b,
        (
            Volume::Rbd { monitors: a_monitors, pool: a_pool, image: a, read_only: a_ro },
            Volume::Rbd { monitors: b_monitors, pool: b_pool, image: b, read_only: b_ro },
        ) => {
            a_monitors.iter().any(|monitor| b_monitors.contains(monitor))
                && a_pool == b_pool
                && a == b
                && !(*a_ro && *b_ro)
        }
        _ => false,
    }
}
