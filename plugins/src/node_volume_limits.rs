//! Keeps pods off nodes whose CSI drivers can attach no more volumes, and off nodes without a
//! driver that asks for it.
//!
//! Volumes of kinds that CSI drivers took over count as theirs on nodes with a CSINode. Claims
//! without a volume yet count by the provisioner of their class.
//!
//! Source: `pkg/scheduler/framework/plugins/nodevolumelimits/csi.go`.

mod attached;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use berth_engine::base::NodeIdx;
use berth_engine::framework::{
    Cause, Context, Filter, Keeps, Plugin, PreFilter, PreFiltered, Reads, Reason, State, Verdict,
    Verdicts,
};
use berth_engine::record::{CsiNodeRecord, Volume};

use crate::csi_migration;
use crate::pod_claims::{claim_volume, claim_volumes};
use attached::{Attached, Failure, PodVolumes};

/// The name in configurations.
pub const NAME: &str = "NodeVolumeLimits";
/// A driver has no room for the pod's volumes.
pub const REASON: &str = "node(s) exceed max volume count";

/// A driver that the pod's volumes need, and that asks to be there first, is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{driver} CSI driver is not installed on the node")]
pub struct NotInstalled {
    /// The driver's name.
    pub driver: Box<str>,
}

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct NodeVolumeLimits;

impl NodeVolumeLimits {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

/// What the pod wants attached, on nodes with and without a CSINode.
#[derive(Debug)]
struct Wanted {
    on_csi: Result<Attached<'static>, Failure>,
    on_others: Result<Attached<'static>, Failure>,
}

impl Plugin for NodeVolumeLimits {
    fn name(&self) -> &str {
        NAME
    }

    /// Pods that come may help as well: a volume that is attached already is not a new one.
    fn reads(&self) -> Reads {
        Reads::PODS
            | Reads::NODE_ROOM
            | Reads::CLAIMS
            | Reads::VOLUMES
            | Reads::STORAGE_CLASSES
            | Reads::CSI_NODES
            | Reads::CSI_DRIVERS
            | Reads::VOLUME_ATTACHMENTS
    }

    fn keeps(&self, cx: &Context<'_>) -> Keeps {
        let volumes = &cx.pod.class.spec.volumes;
        if !counts(volumes) {
            return Keeps::Aside;
        }
        // One that is made for a pod is asked for its owner. Which pods are elsewhere is nothing to
        // a node.
        match claim_volumes(volumes).any(|claim| claim.ephemeral) {
            true => Keeps::Nothing,
            false => Keeps::Node(self.reads().without(Reads::PODS)),
        }
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }

    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }
}

impl PreFilter for NodeVolumeLimits {
    fn pre_filter(&self, cx: &Context<'_>, state: &mut State) -> PreFiltered {
        if !counts(&cx.pod.class.spec.volumes) {
            return PreFiltered::Skip;
        }
        state.put(Arc::new(Wanted::of_pod(cx)));
        PreFiltered::Proceed
    }
}

/// Whether any of a pod's volumes may count.
fn counts(volumes: &[Volume]) -> bool {
    volumes.iter().any(|v| claim_volume(v).is_some() || csi_migration::inline(v).is_some())
}

impl Filter for NodeVolumeLimits {
    fn filter(
        &self,
        cx: &Context<'_>,
        state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        let own;
        let wanted = match state.get::<Arc<Wanted>>() {
            Some(wanted) => wanted,
            None => {
                own = Wanted::of_pod(cx);
                &own
            }
        };
        for (at, node) in nodes.iter().enumerate() {
            match judge(cx, wanted, *node) {
                Ok(()) => {}
                Err(verdict) => verdicts.set(at, verdict),
            }
        }
    }
}

impl Wanted {
    fn of_pod(cx: &Context<'_>) -> Self {
        let pod = PodVolumes::of_new(cx);
        let owned = |on_csi| pod.attached(on_csi).map(Attached::into_owned);
        Self { on_csi: owned(true), on_others: owned(false) }
    }
}

/// # Errors
/// The node's verdict, where the pod does not fit.
fn judge(cx: &Context<'_>, wanted: &Wanted, node: NodeIdx) -> Result<(), Verdict> {
    let csi_node =
        cx.nodes.name(node).and_then(|name| cx.cache.objects().csi_node(cx.symbols().text(name)));
    let wanted = if csi_node.is_some() { &wanted.on_csi } else { &wanted.on_others };
    let wanted = wanted.as_ref().map_err(Failure::verdict)?;
    if wanted.is_empty() {
        return Ok(());
    }
    if let Some(driver) = wanted.drivers().find(|driver| !is_installed(cx, driver, csi_node)) {
        let reason = Reason::own(NotInstalled { driver: driver.into() });
        return Err(Verdict::unschedulable(reason));
    }
    let Some(csi_node) = csi_node.filter(|c| c.drivers.iter().any(|(_, limit)| limit.is_some()))
    else {
        return Ok(());
    };
    let attached = Attached::by_pods(cx, node).map_err(|failure| failure.verdict())?;
    let others = Attached::by_attachments(cx, &csi_node.name);
    for (driver, limit) in limits(csi_node) {
        let new = wanted.of_driver(driver).filter(|volume| !attached.has(volume)).count();
        if new == 0 {
            continue;
        }
        let uncounted = others.of_driver(driver).filter(|volume| !attached.has(volume)).count();
        let there = attached.of_driver(driver).count() + uncounted;
        if there + new > limit {
            let [new, attached, limit] =
                [new, there, limit].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
            let cause = Cause::Attachments { new, attached, limit };
            return Err(Verdict::unschedulable(Reason::new(&REASON, cause)));
        }
    }
    Ok(())
}

/// The drivers with a limit (`getVolumeLimits`).
fn limits(csi_node: &CsiNodeRecord) -> impl Iterator<Item = (&str, usize)> {
    let limited = csi_node.drivers.iter().filter_map(|(driver, limit)| Some((driver, (*limit)?)));
    limited.map(|(driver, limit)| (driver.as_ref(), usize::try_from(limit).unwrap_or(0)))
}

/// Whether the node has the driver, for drivers that ask for it (`checkCSIDriverOnNode`).
fn is_installed(cx: &Context<'_>, driver: &str, csi_node: Option<&CsiNodeRecord>) -> bool {
    let asks = cx.cache.objects().csi_driver(driver).is_some_and(|d| d.prevent_if_missing);
    let has = |node: &CsiNodeRecord| node.drivers.iter().any(|(name, _)| name.as_ref() == driver);
    !asks || csi_node.is_some_and(has)
}
