//! A small cluster that takes in whatever was decoded, and judges pods by every plugin.

use std::sync::{Arc, LazyLock};

use berth_engine::framework::{Point, Profile, ProfileBuilder};
use berth_engine::record::{NodeRecord, PodRecord, PodSpec, Quantity};
use berth_engine::{Config, Engine, Input};

/// The default plugins with their weights.
static PROFILE: LazyLock<Arc<Profile>> = LazyLock::new(|| {
    let registry = berth_plugins::in_tree().expect("the plugins have different names");
    let mut builder = ProfileBuilder::new("berth");
    for (name, weight) in berth_plugins::default_plugins() {
        let Ok(factory) = registry.get(name) else { continue };
        let plugin = factory.build(None).expect("a default plugin needs no arguments");
        let points = Point::ALL.into_iter().filter(|p| p.is_run());
        for point in points.filter(|p| p.is_implemented_by(plugin.as_ref())) {
            builder.add(point, &plugin, (*weight).max(1)).expect("each is added once");
        }
    }
    Arc::new(builder.build().expect("the default plugins make a profile"))
});

/// Takes the objects in; every pod among them is judged, where it has no node as ours, and so is a
/// plain pod beside them.
pub(crate) fn take_in(inputs: impl Iterator<Item = Input>) {
    let mut ours = vec![plain()];
    let mut all = vec![Input::Config(config()), Input::NodeApplied(Arc::new(node()))];
    for input in inputs {
        if let Input::PodApplied(pod) = &input {
            let mut pod = PodRecord::clone(pod);
            let mut spec = PodSpec::clone(&pod.spec);
            spec.scheduler_name = "berth".into();
            pod.spec = Arc::new(spec);
            pod.uid = format!("{}-ours", pod.uid).into();
            ours.push(pod);
        }
        all.push(input);
    }
    judge(all, &ours);
}

/// Judges pods in the cluster that the inputs bring about.
pub(crate) fn judge(inputs: Vec<Input>, pods: &[PodRecord]) {
    let mut engine = Engine::new(0, None);
    engine.pause(true);
    engine.step(inputs, 0, &mut Vec::new(), &mut ());
    for pod in pods {
        if let Some(pod) = engine.admit(pod) {
            engine.decide(pod, &PROFILE, true, &mut ());
        }
    }
}

pub(crate) fn config() -> Arc<Config> {
    Arc::new(Config {
        hash: 0,
        profiles: vec![Arc::clone(&PROFILE)],
        backoff_initial_ms: 1_000,
        backoff_max_ms: 10_000,
        parked_max_ms: 300_000,
    })
}

fn node() -> NodeRecord {
    let amount = Quantity::from_units(100 << 30);
    let resources = ["cpu", "memory", "pods", "ephemeral-storage"];
    NodeRecord {
        name: "plain".into(),
        labels: [("topology.kubernetes.io/zone", "zone")].into_iter().collect(),
        allocatable: resources.into_iter().map(|name| (name, amount)).collect(),
        ..NodeRecord::default()
    }
}

fn plain() -> PodRecord {
    let spec = PodSpec { scheduler_name: "berth".into(), ..PodSpec::default() };
    PodRecord::new("default", "plain", "plain-uid", Arc::new(spec))
}
