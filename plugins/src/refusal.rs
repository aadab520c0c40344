//! Refuses pods whose needs belong to plugins that do not exist yet, so that none is bound where
//! kube-scheduler would not bind it.
//!
//! No plugin of kube-scheduler: it has no name in configurations, the shell adds it to each
//! profile that it runs. It goes once [`crate::later`] names no filter any more.

use berth_engine::framework::{Context, Plugin, PreFilter, PreFiltered, Reads, State};
use berth_engine::record::{PodSpec, Volume};

/// The name in metrics and messages.
pub const NAME: &str = "Refusal";

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct Refusal;

impl Refusal {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

impl Plugin for Refusal {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NOTHING
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }
}

impl PreFilter for Refusal {
    fn pre_filter(&self, cx: &Context<'_>, _state: &mut State) -> PreFiltered {
        match missing(&cx.pod.class.spec) {
            None => PreFiltered::Skip,
            Some((field, plugin)) => PreFiltered::Broken(format!(
                "pod has {field}: {plugin} is not supported yet, use kube-scheduler for this pod"
            )),
        }
    }
}

/// The first field of the pod that a missing filter would read, and that filter.
fn missing(spec: &PodSpec) -> Option<(&'static str, &'static str)> {
    if spec.resource_claims > 0 {
        return Some(("spec.resourceClaims", "DynamicResources"));
    }
    if spec.scheduling_group {
        return Some(("spec.schedulingGroup", "GangScheduling"));
    }
    if let Some(found) = spec.volumes.iter().find_map(volume) {
        return Some(found);
    }
    (!spec.required_features.is_empty())
        .then_some(("a spec that needs node features", "NodeDeclaredFeatures"))
}

/// Image volumes are read by ImageLocality only, which exists.
fn volume(volume: &Volume) -> Option<(&'static str, &'static str)> {
    Some(match volume {
        Volume::Image { .. } => return None,
        Volume::Claim { .. } => ("spec.volumes[].persistentVolumeClaim", "VolumeBinding"),
        Volume::Ephemeral { .. } => ("spec.volumes[].ephemeral", "VolumeBinding"),
        Volume::Csi { .. } => ("spec.volumes[].csi", "NodeVolumeLimits"),
        Volume::GcePersistentDisk { .. } => {
            ("spec.volumes[].gcePersistentDisk", "VolumeRestrictions")
        }
        Volume::AwsElasticBlockStore { .. } => {
            ("spec.volumes[].awsElasticBlockStore", "VolumeRestrictions")
        }
        Volume::Iscsi { .. } => ("spec.volumes[].iscsi", "VolumeRestrictions"),
        Volume::Rbd { .. } => ("spec.volumes[].rbd", "VolumeRestrictions"),
        Volume::InTree(_) => ("spec.volumes[] of an in-tree kind", "NodeVolumeLimits"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scene;

    fn check(edit: impl FnOnce(&mut PodSpec), refused: Option<&str>) {
        let expected = refused.map_or(PreFiltered::Skip, |what| {
            PreFiltered::Broken(format!(
                "pod has {what} is not supported yet, use kube-scheduler for this pod"
            ))
        });
        Scene::with("pod cpu=1 / node a cpu=1", edit).check_pre_filter(&Refusal, &expected);
    }

    #[test]
    fn needs_of_missing_filters_are_refused() {
        check(|_| {}, None);
        check(|s| s.resource_claims = 1, Some("spec.resourceClaims: DynamicResources"));
        check(|s| s.scheduling_group = true, Some("spec.schedulingGroup: GangScheduling"));
        check(
            |s| s.volumes.push(Volume::Claim { name: "c".into(), read_only: false }),
            Some("spec.volumes[].persistentVolumeClaim: VolumeBinding"),
        );
        check(
            |s| s.required_features = [Box::from("F")].into(),
            Some("a spec that needs node features: NodeDeclaredFeatures"),
        );
    }

    #[test]
    fn what_only_scores_is_let_through() {
        check(|s| s.volumes.push(Volume::Image { reference: "i".into() }), None);
    }
}
