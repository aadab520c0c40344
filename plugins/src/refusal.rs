//! Refuses pods whose needs Berth cannot meet yet, so that none is bound where kube-scheduler would
//! not bind it: devices, groups, and claims that the scheduler has to bind.
//!
//! Such a pod is unschedulable until the configuration, the pod or its claims change. No node helps
//! it, nor does time, so nothing is spent on it meanwhile.
//!
//! No plugin of kube-scheduler: it has no name in configurations, the shell adds it to each
//! profile that it runs. It goes once [`crate::later`] names no filter any more and VolumeBinding
//! binds.

use berth_engine::framework::{Context, Keeps, Plugin, PreFilter, PreFiltered, Reads, State};
use berth_engine::record::PodSpec;

use crate::pod_claims::claim_volumes;
use crate::volume_binding::PodClaims;

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

    fn keeps(&self, cx: &Context<'_>) -> Keeps {
        let spec = &cx.pod.class.spec;
        if missing(spec).is_some() {
            Keeps::Nothing
        } else if claim_volumes(&spec.volumes).next().is_none() {
            Keeps::Aside
        } else if PodClaims::are_shared_and_bound(cx) {
            // For as long as they are.
            Keeps::Node(Reads::CLAIMS)
        } else {
            Keeps::Nothing
        }
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }
}

impl PreFilter for Refusal {
    fn pre_filter(&self, cx: &Context<'_>, _state: &mut State) -> PreFiltered {
        // The spec is the pod's own; claims come to be bound by somebody else, or their class to
        // bind at once.
        let lasting = missing(&cx.pod.class.spec).map(|what| (what, Reads::NOTHING));
        let refused =
            lasting.or_else(|| Some((unbound(cx)?, Reads::CLAIMS | Reads::STORAGE_CLASSES)));
        match refused {
            None => PreFiltered::Skip,
            Some((what, until)) => {
                let reason = format!("{what}, use kube-scheduler for this pod").into();
                PreFiltered::Refuse { until, reason }
            }
        }
    }
}

/// What the pod needs of a plugin that is not there.
fn missing(spec: &PodSpec) -> Option<String> {
    let (field, plugin) = if spec.resource_claims > 0 {
        ("spec.resourceClaims", "DynamicResources")
    } else if spec.scheduling_group {
        ("spec.schedulingGroup", "GangScheduling")
    } else {
        return None;
    };
    Some(format!("pod has {field}: {plugin} is not supported yet"))
}

/// A claim of the pod that has to be bound with it. What stands in the way of claims, VolumeBinding
/// tells.
fn unbound(cx: &Context<'_>) -> Option<String> {
    claim_volumes(&cx.pod.class.spec.volumes).next()?;
    let claims = PodClaims::of_pod(cx).ok()?;
    let claim = claims.first_unbound()?;
    Some(format!(
        "pod has the unbound PersistentVolumeClaim {claim} of a StorageClass with \
         WaitForFirstConsumer: binding claims is not supported yet"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scene;

    fn check(edit: impl FnOnce(&mut PodSpec), refused: Option<&str>) {
        let scene = Scene::with("pod cpu=1 / node a cpu=1", edit);
        check_scene(&scene, refused);
    }

    fn check_scene(scene: &Scene, refused: Option<&str>) {
        let expected = refused.map_or(PreFiltered::Skip, |what| {
            let until = if what.contains("PersistentVolumeClaim") {
                Reads::CLAIMS | Reads::STORAGE_CLASSES
            } else {
                Reads::NOTHING
            };
            let reason = format!("{what}, use kube-scheduler for this pod").into();
            PreFiltered::Refuse { until, reason }
        });
        scene.check_pre_filter(&Refusal, &expected);
    }

    #[test]
    fn needs_of_missing_plugins_are_refused() {
        check(|_| {}, None);
        check(
            |s| s.resource_claims = 1,
            Some("pod has spec.resourceClaims: DynamicResources is not supported yet"),
        );
        check(
            |s| s.scheduling_group = true,
            Some("pod has spec.schedulingGroup: GangScheduling is not supported yet"),
        );
        check(|s| s.required_features = [Box::from("F")].into(), None);
    }

    #[test]
    fn claims_to_bind_are_refused_and_named() {
        let unbound = "pod has the unbound PersistentVolumeClaim default/data of a StorageClass \
                       with WaitForFirstConsumer: binding claims is not supported yet";
        for (objects, refused) in [
            ("class fast wait / claim data class=fast", Some(unbound)),
            ("class fast wait / claim data class=fast selected=a", Some(unbound)),
            ("class fast wait / claim data class=fast volume=v bound", None),
            // These VolumeBinding rejects, in kube-scheduler's words.
            ("class fast wait / claim data class=fast terminating", None),
            ("class fast / claim data class=fast", None),
            ("claim data", None),
            ("", None),
        ] {
            let mut scene = Scene::parse("pod volume=claim:data / node a");
            scene.store(objects);
            check_scene(&scene, refused);
        }
        let mut scene = Scene::parse("pod volume=gce:disk volume=csi:driver / node a");
        scene.store("class fast wait / claim data class=fast");
        check_scene(&scene, None);
    }
}
