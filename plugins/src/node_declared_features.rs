//! Keeps pods off nodes that do not declare a feature which the pod's template needs.
//!
//! Which features a template needs is told by its decoder
//! ([`berth_engine::record::PodSpec::required_features`]).
//!
//! Source: `pkg/scheduler/framework/plugins/nodedeclaredfeatures/nodedeclaredfeatures.go` and
//! `FeatureMapper` in `staging/src/k8s.io/component-helpers/nodedeclaredfeatures/featureset.go`.

use berth_engine::base::NodeIdx;
use berth_engine::framework::{
    Context, Filter, Keeps, Plugin, PreFilter, PreFiltered, Reads, State, Verdict, Verdicts,
};

/// The name in configurations.
pub const NAME: &str = "NodeDeclaredFeatures";
/// Why a node does not do.
pub const REASON: &str = "node(s) didn't match Pod's required features";

/// The features known to 1.37, sorted.
const KNOWN: [&str; 9] = [
    "DRANodeAllocatableResources",
    "DRAOptionalNodeOperations",
    "ExtendWebSocketsToKubelet",
    "InPlacePodLevelResourcesVerticalScaling",
    "InPlacePodVerticalScalingInitContainers",
    "InPlacePodVerticalScalingMemoryBackedVolumes",
    "RestartAllContainersOnContainerExits",
    "UserNamespacesHostNetworkSupport",
    "VolumeBindMountOptions",
];

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct NodeDeclaredFeatures;

impl NodeDeclaredFeatures {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

impl Plugin for NodeDeclaredFeatures {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NODE_FEATURES
    }

    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        Keeps::Node(self.reads())
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }

    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }
}

impl PreFilter for NodeDeclaredFeatures {
    fn pre_filter(&self, cx: &Context<'_>, _state: &mut State) -> PreFiltered {
        if cx.pod.class.spec.required_features.is_empty() {
            PreFiltered::Skip
        } else {
            PreFiltered::Proceed
        }
    }
}

impl Filter for NodeDeclaredFeatures {
    fn filter(
        &self,
        cx: &Context<'_>,
        _state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        let required = &cx.pod.class.spec.required_features;
        for (at, node) in nodes.iter().enumerate() {
            let declared = cx.nodes.record(*node).map_or(0, |r| mapped(&r.declared_features));
            if !required.iter().all(|name| declared & bit(name) != 0) {
                verdicts.set(at, Verdict::unresolvable(REASON));
            }
        }
    }
}

/// The feature's bit; 0 for an unknown one, which no node has.
fn bit(name: &str) -> u16 {
    KNOWN.iter().position(|known| *known == name).map_or(0, |at| 1 << at)
}

/// What a node declares, as the reference takes it (`TryMap`): unknown names do not count, nor does
/// one that comes after a greater one, as the API server keeps the list sorted.
fn mapped(declared: &[Box<str>]) -> u16 {
    let mut known = KNOWN.iter().enumerate().peekable();
    let mut bits = 0;
    for name in declared {
        while known.next_if(|(_, known)| **known < name.as_ref()).is_some() {}
        if let Some((at, _)) = known.next_if(|(_, known)| **known == name.as_ref()) {
            bits |= 1 << at;
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::Scene;

    #[test]
    fn every_needed_feature_has_to_be_declared() {
        let refused = format!("a unresolvable {REASON}");
        let (restart, mounts) = (KNOWN[6], KNOWN[8]);
        for (needed, declared, expected) in [
            (&[][..], &[][..], "skip"),
            (&[restart], &[restart], "a fits"),
            (&[restart], &["Alien", restart], "a fits"),
            (&[restart], &[mounts], &refused),
            (&[restart], &[], &refused),
            (&[restart, mounts], &[restart, mounts], "a fits"),
            (&[restart, mounts], &[mounts], &refused),
            // Not sorted: the second name is lost, as in the reference.
            (&[restart], &[mounts, restart], &refused),
        ] {
            let mut scene = Scene::with("pod / node a", |spec| {
                spec.required_features = needed.iter().map(|n| Box::from(*n)).collect();
            });
            scene.edit_node("a", |node| {
                node.declared_features = declared.iter().map(|n| Box::from(*n)).collect();
            });
            scene.check_filter(&NodeDeclaredFeatures, expected);
        }
        assert!(KNOWN.is_sorted());
    }
}
