//! kube-scheduler's plugins for Berth, one module each, and their registry.

mod csi_migration;
mod default_profile;
mod duration;
mod factory;
mod go_json;
mod normalize;
mod pod_claims;
#[cfg(test)]
mod testing;

pub mod default_binder;
pub mod image_locality;
pub mod inter_pod_affinity;
pub mod later;
pub mod node_affinity;
pub mod node_declared_features;
pub mod node_name;
pub mod node_ports;
pub mod node_resources;
pub mod node_unschedulable;
pub mod node_volume_limits;
pub mod pod_topology_spread;
pub mod priority_sort;
pub mod refusal;
pub mod scheduling_gates;
pub mod taint_toleration;
pub mod volume_binding;
pub mod volume_restrictions;
pub mod volume_zone;

pub use csi_migration::MigrationError;
pub use default_profile::{DefaultProfileError, default_profile};
pub use duration::{DurationError, GO_DURATION, GoDuration};
pub use factory::{ArgsKind, Factory, FieldError, PluginArgs};
pub use later::{Later, default_plugins, later, later_points};
pub use pod_claims::ClaimError;

use berth_engine::framework::{Registry, RegistryError};

/// Plugins by name, as a configuration finds them.
pub type PluginRegistry = Registry<Factory>;

/// The registry of the plugins in the tree. A program with plugins of its own starts from it:
/// `in_tree()?.with("Mine", Factory::with_args(Mine::new))?`.
///
/// # Errors
/// Two plugins of the tree share a name; does not happen.
pub fn in_tree() -> Result<PluginRegistry, RegistryError> {
    use node_resources::{balanced, fit};
    Registry::default()
        .with(scheduling_gates::NAME, Factory::plain(scheduling_gates::SchedulingGates::new))?
        .with(priority_sort::NAME, Factory::plain(priority_sort::PrioritySort::new))?
        .with(node_name::NAME, Factory::plain(node_name::NodeName::new))?
        .with(node_unschedulable::NAME, Factory::plain(node_unschedulable::NodeUnschedulable::new))?
        .with(taint_toleration::NAME, Factory::plain(taint_toleration::TaintToleration::new))?
        .with(node_affinity::NAME, Factory::with_args(node_affinity::NodeAffinity::new))?
        .with(node_ports::NAME, Factory::plain(node_ports::NodePorts::new))?
        .with(fit::NAME, Factory::with_args(fit::NodeResourcesFit::new))?
        .with(
            volume_restrictions::NAME,
            Factory::plain(volume_restrictions::VolumeRestrictions::new),
        )?
        .with(node_volume_limits::NAME, Factory::plain(node_volume_limits::NodeVolumeLimits::new))?
        .with(volume_binding::NAME, Factory::with_args(volume_binding::VolumeBinding::new))?
        .with(volume_zone::NAME, Factory::plain(volume_zone::VolumeZone::new))?
        .with(
            pod_topology_spread::NAME,
            Factory::with_args(pod_topology_spread::PodTopologySpread::new),
        )?
        .with(
            inter_pod_affinity::NAME,
            Factory::with_args(inter_pod_affinity::InterPodAffinity::new),
        )?
        .with(balanced::NAME, Factory::with_args(balanced::NodeResourcesBalancedAllocation::new))?
        .with(image_locality::NAME, Factory::plain(image_locality::ImageLocality::new))?
        .with(default_binder::NAME, Factory::plain(default_binder::DefaultBinder::new))?
        .with(
            node_declared_features::NAME,
            Factory::plain(node_declared_features::NodeDeclaredFeatures::new),
        )
}
