//! Features of the node that a pod's template needs (NodeDeclaredFeatures).
//!
//! Source: `InferForScheduling` of the features in
//! `staging/src/k8s.io/component-helpers/nodedeclaredfeatures/features/`, version 1.37. None has
//! a last version yet (`MaxVersion`). The others there are never needed for scheduling.

use super::PodSpec;
use crate::watch::wire::container::VolumeMount;

const RESTART_ALL_CONTAINERS: &str = "RestartAllContainersOnContainerExits";
const USER_NAMESPACES_HOST_NETWORK: &str = "UserNamespacesHostNetworkSupport";
const VOLUME_BIND_MOUNT_OPTIONS: &str = "VolumeBindMountOptions";

/// The features, sorted by name.
pub(super) fn required(spec: &PodSpec) -> Box<[Box<str>]> {
    [
        (RESTART_ALL_CONTAINERS, restarts_all_containers(spec)),
        (
            USER_NAMESPACES_HOST_NETWORK,
            spec.host_network == Some(true) && spec.host_users == Some(false),
        ),
        (VOLUME_BIND_MOUNT_OPTIONS, mounts_with_options(spec)),
    ]
    .into_iter()
    .filter(|(_, needed)| *needed)
    .map(|(name, _)| name.into())
    .collect()
}

fn restarts_all_containers(spec: &PodSpec) -> bool {
    let containers = spec.containers.iter().chain(&spec.init_containers);
    let mut rules = containers.flat_map(|c| &c.restart_policy_rules);
    rules.any(|rule| rule.action.as_deref() == Some("RestartAllContainers"))
}

fn mounts_with_options(spec: &PodSpec) -> bool {
    let any = |mounts: &[VolumeMount]| mounts.iter().any(|m| !m.bind_mount_options.is_empty());
    spec.containers.iter().chain(&spec.init_containers).any(|c| any(&c.volume_mounts))
        || spec
            .ephemeral_containers
            .iter()
            .filter_map(|c| c.common.as_ref())
            .any(|c| any(&c.volume_mounts))
}
