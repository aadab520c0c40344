//! The plugins of kube-scheduler that Berth does not act on yet. Configurations may name them, so
//! their extension points and arguments are known; [`crate::refusal`] keeps pods that need them
//! from being bound wrongly.
//!
//! Source: `pkg/scheduler/framework/plugins/{registry.go,names/names.go}`.

mod args;
#[cfg(test)]
mod tests;

pub use args::{DefaultPreemptionArgs, DynamicResourcesArgs};

use crate::ArgsKind;

/// A plugin that is known by name only.
#[derive(Debug, Clone, Copy)]
pub struct Later {
    /// The name in configurations.
    pub name: &'static str,
    /// The extension points it has in kube-scheduler, by their names there, such as `PreFilter`.
    pub points: &'static [&'static str],
    /// Its arguments, where it has any.
    pub args: Option<ArgsKind>,
}

impl Later {
    const fn new(name: &'static str, points: &'static [&'static str]) -> Self {
        Self { name, points, args: None }
    }

    const fn with(mut self, args: ArgsKind) -> Self {
        self.args = Some(args);
        self
    }
}

/// The plugins not acted on yet: two that kube-scheduler enables by default, four that it does not.
pub fn later() -> &'static [Later] {
    static LATER: [Later; 6] = [
        Later::new(
            "DynamicResources",
            &[
                "PreEnqueue",
                "PreFilter",
                "Filter",
                "PostFilter",
                "PodGroupPostFilter",
                "Score",
                "Reserve",
                "PreBind",
            ],
        )
        .with(ArgsKind::of::<DynamicResourcesArgs>()),
        Later::new("DefaultPreemption", &["PreEnqueue", "PostFilter", "PodGroupPostFilter"])
            .with(ArgsKind::of::<DefaultPreemptionArgs>()),
        Later::new("GangScheduling", &["PreEnqueue", "Permit"]),
        Later::new("TopologyPlacementGenerator", &["PlacementGenerate"]),
        Later::new("PodGroupPodsCount", &["PlacementScore"]),
        Later::new("DeferredPodScheduling", &["PreFilter", "Filter", "Permit"]),
    ];
    &LATER
}

/// The extension points of a plugin in the tree that it has in kube-scheduler and not here yet, in
/// the notation of [`Later::points`].
pub fn later_points(name: &str) -> &'static [&'static str] {
    match name {
        crate::node_resources::fit::NAME => &["PlacementScore"],
        crate::volume_binding::NAME => &["PreBind"],
        _ => &[],
    }
}

/// What kube-scheduler 1.37 enables at MultiPoint, in its order: names and weights, 0 where none
/// is given, which counts as 1 where the plugin scores.
///
/// Source: `getDefaultPlugins` in `pkg/scheduler/apis/config/v1/default_plugins.go`, with the
/// feature gates at their defaults.
pub fn default_plugins() -> &'static [(&'static str, i64)] {
    &[
        ("SchedulingGates", 0),
        ("PrioritySort", 0),
        ("NodeName", 0),
        ("NodeUnschedulable", 0),
        ("TaintToleration", 3),
        ("NodeAffinity", 2),
        ("NodePorts", 0),
        ("NodeResourcesFit", 1),
        ("VolumeRestrictions", 0),
        ("NodeVolumeLimits", 0),
        ("VolumeBinding", 0),
        ("VolumeZone", 0),
        ("PodTopologySpread", 2),
        ("InterPodAffinity", 2),
        ("DynamicResources", 2),
        ("DefaultPreemption", 0),
        ("NodeResourcesBalancedAllocation", 1),
        ("ImageLocality", 1),
        ("DefaultBinder", 0),
        ("NodeDeclaredFeatures", 0),
    ]
}
