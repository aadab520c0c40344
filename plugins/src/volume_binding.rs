//! Keeps pods where their claims can be served: bound volumes are reachable, unbound ones find a
//! volume or can be provisioned. Prefers nodes by how full the storage of unbound claims would be.
//!
//! Reserve holds the volumes that were chosen, so that the next pod is not offered the same ones
//! (`AssumePodVolumes`). PreBind, which binds claims, is not there yet: [`crate::refusal`] keeps
//! pods with claims to bind pending.
//!
//! Source: `pkg/scheduler/framework/plugins/volumebinding/{volume_binding.go,binder.go,scorer.go}`.

mod affinity;
mod args;
mod claims;
mod matching;
mod provisioning;
mod selector;
mod serving;
#[cfg(test)]
mod tests;

pub use args::VolumeBindingArgs;
pub(crate) use claims::{PodClaims, Unserved};

use std::collections::BTreeMap;
use std::sync::Arc;

use berth_engine::base::NodeIdx;
use berth_engine::framework::{
    Context, Fault, Filter, Keeps, Plugin, PreFilter, PreFiltered, PreScore, PreScored, Reads,
    Reserve, Reserved, Score, State, TakenVolume, Verdict, Verdicts,
};

use crate::node_resources::Shape;
use crate::pod_claims::claim_volumes;
use serving::Serving;

/// The name in configurations.
pub const NAME: &str = "VolumeBinding";
/// A bound volume is not reachable from the node.
pub const REASON_NODE: &str = "node(s) didn't match PersistentVolume's node affinity";
/// A claim finds no volume, and none can be provisioned for it.
pub const REASON_BIND: &str = "node(s) didn't find available persistent volumes to bind";
/// The node's storage has no room for a claim.
pub const REASON_SPACE: &str = "node(s) did not have enough free storage";
/// A claim's volume is gone.
pub const REASON_GONE: &str =
    "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";
/// A claim waits for the PersistentVolume controller.
pub const REASON_IMMEDIATE: &str = "pod has unbound immediate PersistentVolumeClaims";

/// The plugin, with the score's shape.
#[derive(Debug, Clone)]
pub struct VolumeBinding {
    shape: Shape,
}

impl VolumeBinding {
    /// The plugin with its arguments.
    pub fn new(args: VolumeBindingArgs) -> Self {
        let VolumeBindingArgs { shape, .. } = args;
        Self { shape: Shape::new(&shape) }
    }

    /// The mean over the storage classes (`buildScorerFunction`).
    fn score_of(&self, serving: &Serving<'_>) -> i64 {
        let mut classes: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        if serving.volumes.is_empty() {
            for provision in &serving.provisions {
                let Some(capacity) = provision.capacity else { continue };
                let class = classes.entry(provision.class).or_default();
                // Several claims draw on one capacity.
                *class = (class.0.wrapping_add(provision.request), capacity);
            }
        } else {
            for volume in &serving.volumes {
                let class = classes.entry(volume.class).or_default();
                class.0 = class.0.wrapping_add(volume.request);
                class.1 = class.1.wrapping_add(volume.capacity);
            }
        }
        if classes.is_empty() {
            return 0;
        }
        let sum: i64 =
            classes.values().map(|(asked, there)| self.class_score(*asked, *there)).sum();
        (sum as f64 / classes.len() as f64).round() as i64
    }

    fn class_score(&self, requested: i64, capacity: i64) -> i64 {
        if capacity == 0 || requested > capacity {
            return self.shape.at(100);
        }
        self.shape.at(requested.wrapping_mul(100).wrapping_div(capacity))
    }
}

impl Plugin for VolumeBinding {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NODE_LABELS
            | Reads::CLAIMS
            | Reads::VOLUMES
            | Reads::STORAGE_CLASSES
            | Reads::CSI_NODES
            | Reads::CSI_DRIVERS
            | Reads::STORAGE_CAPACITIES
    }

    fn keeps(&self, cx: &Context<'_>) -> Keeps {
        if claim_volumes(&cx.pod.class.spec.volumes).next().is_none() {
            return Keeps::Aside;
        }
        if PodClaims::are_shared_and_bound(cx) {
            let storage = Reads::CLAIMS | Reads::VOLUMES | Reads::CSI_NODES;
            return Keeps::Node(Reads::NODE_LABELS | storage);
        }
        Keeps::Nothing
    }

    /// Where all claims are bound there is nothing to take.
    fn acts(&self, _cx: &Context<'_>) -> bool {
        false
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }

    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }

    fn as_pre_score(&self) -> Option<&dyn PreScore> {
        Some(self)
    }

    fn as_score(&self) -> Option<&dyn Score> {
        Some(self)
    }

    fn as_reserve(&self) -> Option<&dyn Reserve> {
        Some(self)
    }
}

impl PreFilter for VolumeBinding {
    fn pre_filter(&self, cx: &Context<'_>, state: &mut State) -> PreFiltered {
        if claim_volumes(&cx.pod.class.spec.volumes).next().is_none() {
            return PreFiltered::Skip;
        }
        match PodClaims::of_pod(cx) {
            Ok(claims) => {
                state.put(Arc::new(claims));
                PreFiltered::Proceed
            }
            Err(Unserved::Rejected(reason)) => PreFiltered::unresolvable(reason),
            Err(Unserved::Broken(fault)) => PreFiltered::Broken(fault),
        }
    }
}

impl Filter for VolumeBinding {
    fn filter(
        &self,
        cx: &Context<'_>,
        state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        let own;
        let claims = match state.get::<Arc<PodClaims>>() {
            Some(claims) => claims,
            None => match PodClaims::of_pod(cx) {
                Ok(claims) => {
                    own = claims;
                    &own
                }
                Err(unserved) => {
                    for at in 0..nodes.len() {
                        verdicts.set(at, unserved.verdict());
                    }
                    return;
                }
            },
        };
        for (at, node) in nodes.iter().enumerate() {
            match claims.on(cx, *node) {
                Ok(serving) if serving.reasons.is_empty() => {}
                Ok(Serving { reasons, .. }) => {
                    verdicts.set(at, Verdict::Reject { resolvable: false, reasons });
                }
                Err(fault) => verdicts.set(at, Verdict::Broken(fault)),
            }
        }
    }
}

impl PreScore for VolumeBinding {
    /// With StorageCapacityScoring, on by default in 1.37, pods without claims are scored as well:
    /// 0 for every node.
    fn pre_score(&self, _cx: &Context<'_>, _nodes: &[NodeIdx], _state: &mut State) -> PreScored {
        PreScored::Proceed
    }
}

impl Score for VolumeBinding {
    fn score(&self, cx: &Context<'_>, state: &State, nodes: &[NodeIdx], scores: &mut [i64]) {
        if claim_volumes(&cx.pod.class.spec.volumes).next().is_none() {
            return;
        }
        let own;
        let claims = match state.get::<Arc<PodClaims>>() {
            Some(claims) => claims,
            None => {
                let Ok(claims) = PodClaims::of_pod(cx) else { return };
                own = claims;
                &own
            }
        };
        if claims.all_bound() {
            return;
        }
        for (score, node) in scores.iter_mut().zip(nodes) {
            *score = claims.on(cx, *node).map_or(0, |serving| self.score_of(&serving));
        }
    }
}

impl Reserve for VolumeBinding {
    fn reserve(&self, cx: &Context<'_>, state: &State, node: NodeIdx) -> Result<Reserved, Fault> {
        if claim_volumes(&cx.pod.class.spec.volumes).next().is_none() {
            return Ok(Reserved::default());
        }
        let own;
        let claims = match state.get::<Arc<PodClaims>>() {
            Some(claims) => claims,
            None => {
                let claims = PodClaims::of_pod(cx);
                own = claims.map_err(|unserved| unserved.into_fault(cx.cache.dims()))?;
                &own
            }
        };
        if claims.all_bound() {
            return Ok(Reserved::default());
        }
        let serving = claims.on(cx, node)?;
        let taken = serving.volumes.iter().map(|taken| TakenVolume {
            volume: taken.volume.into(),
            claim: taken.claim.key.clone(),
            claim_uid: taken.claim.uid.clone(),
        });
        let made = serving.provisions.iter().map(|made| made.claim.key.clone());
        Ok(Reserved { volumes: taken.collect(), claims: made.collect() })
    }
}
