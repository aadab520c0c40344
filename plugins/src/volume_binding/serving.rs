//! How a node would serve a pod's claims.
//!
//! Source: `FindPodVolumes` in `pkg/scheduler/framework/plugins/volumebinding/binder.go`.

use std::sync::Arc;

use berth_engine::base::NodeIdx;
use berth_engine::framework::{Cause, Context, Fault, Reason, Reasons};
use berth_engine::model::NodeTerm;

use super::claims::{Bound, PodClaims, Reach, Unbound};
use super::provisioning::{Provisioned, matches};
use super::{REASON_BIND, REASON_GONE, REASON_NODE, REASON_SPACE};

/// What a node has for the claims, and why it does not do.
#[derive(Debug, Default)]
pub(super) struct Serving<'a> {
    /// In the reference's order; none where the node does.
    pub(super) reasons: Reasons,
    /// Volumes that claims would take.
    pub(super) volumes: Vec<Taken<'a>>,
    /// Volumes that would be made.
    pub(super) provisions: Vec<Provision<'a>>,
}

/// Why a claim is not served.
type Unmet<'a> = (&'static &'static str, &'a Unbound);

/// A volume that a claim would take; amounts in bytes.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    pub(super) volume: &'a str,
    pub(super) claim: &'a Unbound,
    pub(super) class: &'a str,
    pub(super) request: i64,
    pub(super) capacity: i64,
}

/// A volume that would be made; amounts in bytes.
#[derive(Debug)]
pub(super) struct Provision<'a> {
    pub(super) claim: &'a Unbound,
    pub(super) class: &'a str,
    pub(super) request: i64,
    /// Of the storage that would hold it, where that was asked.
    pub(super) capacity: Option<i64>,
}

impl PodClaims {
    /// How the node would serve the claims.
    ///
    /// # Errors
    /// It cannot be told, and the attempt fails.
    pub(super) fn on<'a>(&'a self, cx: &Context<'_>, node: NodeIdx) -> Result<Serving<'a>, Fault> {
        let bound = self.bound_on(cx, node)?;
        let mut serving = Serving::default();
        let unbound = self.unbound_on(cx, node, &mut serving)?;
        let of = |words: &'static &'static str, volume: &Arc<str>| {
            Reason::new(words, Cause::Volume(Arc::clone(volume)))
        };
        let (unreached, gone) = match bound {
            Some(Bound::There(reach)) => (Some(of(&REASON_NODE, &reach.volume)), None),
            Some(Bound::Missing(volume)) => (None, Some(of(&REASON_GONE, volume))),
            None => (None, None),
        };
        let unbound = unbound.map(|(words, claim)| of(words, &claim.name));
        serving.reasons = [unreached, unbound, gone].into_iter().flatten().collect();
        Ok(serving)
    }

    /// The first bound volume that is gone or out of reach (`checkBoundClaims`).
    fn bound_on(&self, cx: &Context<'_>, node: NodeIdx) -> Result<Option<&Bound>, Fault> {
        for bound in &self.bound {
            match bound {
                Bound::There(reach) if reach.includes(cx, node)? => {}
                Bound::There(_) | Bound::Missing(_) => return Ok(Some(bound)),
            }
        }
        Ok(None)
    }

    /// Serves unbound claims by volumes that are there, then by new ones. The first that is not
    /// served, and why.
    fn unbound_on<'a>(
        &'a self,
        cx: &Context<'_>,
        node: NodeIdx,
        serving: &mut Serving<'a>,
    ) -> Result<Option<Unmet<'a>>, Fault> {
        let name = cx.nodes.name(node).map_or("", |name| cx.symbols().text(name));
        let elsewhere = self.selected.iter().find(|(_, node)| node.as_ref() != name);
        if let Some((claim, _)) = elsewhere {
            return Ok(Some((&REASON_BIND, claim)));
        }
        let mut provision: Vec<&Unbound> = self.selected.iter().map(|(claim, _)| claim).collect();
        let mut chosen: Vec<&str> = Vec::new();
        for claim in &self.unbound {
            let reaches = |terms: &[NodeTerm]| any_matches(terms, cx, node);
            let Some(volume) = claim.candidates.find(&chosen, reaches)? else {
                provision.push(claim);
                continue;
            };
            chosen.push(&volume.name);
            serving.volumes.push(Taken {
                volume: &volume.name,
                claim,
                class: &volume.class,
                request: claim.request,
                capacity: volume.capacity.value(),
            });
        }
        for claim in provision {
            match claim.provisioning.on(cx, node) {
                Provisioned::Refused => return Ok(Some((&REASON_BIND, claim))),
                Provisioned::NoRoom => return Ok(Some((&REASON_SPACE, claim))),
                Provisioned::Possible(capacity) => serving.provisions.push(Provision {
                    claim,
                    class: &claim.class,
                    request: claim.request,
                    capacity,
                }),
            }
        }
        Ok(None)
    }
}

impl Reach {
    fn includes(&self, cx: &Context<'_>, node: NodeIdx) -> Result<bool, Fault> {
        let terms = match &self.migrated {
            Some(migrated) if is_migrated(migrated.plugin, cx, node) => {
                migrated.terms.as_ref().map_err(Clone::clone)?
            }
            _ => &self.terms,
        };
        Ok(terms.as_deref().is_none_or(|terms| any_matches(terms, cx, node)))
    }
}

/// Whether the node's CSINode says that the plugin's volumes are served by CSI there
/// (`isPluginMigratedToCSIOnNode`).
fn is_migrated(plugin: &str, cx: &Context<'_>, node: NodeIdx) -> bool {
    let name = cx.nodes.name(node).map(|name| cx.symbols().text(name));
    let csi_node = name.and_then(|name| cx.cache.objects().csi_node(name));
    csi_node.is_some_and(|c| c.migrated_plugins.iter().any(|name| name.as_ref() == plugin))
}

fn any_matches(terms: &[NodeTerm], cx: &Context<'_>, node: NodeIdx) -> bool {
    terms.iter().any(|term| matches(term, cx, node))
}
