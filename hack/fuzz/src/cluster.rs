//! A small cluster that takes in whatever was decoded, and judges pods by every plugin.

use std::sync::{Arc, LazyLock};

use berth_engine::framework::Profile;
use berth_engine::record::{NodeRecord, PodRecord, PodSpec, Quantity};
use berth_engine::{Config, Control, Engine, Input};

/// The default plugins with their weights.
static PROFILE: LazyLock<Arc<Profile>> = LazyLock::new(|| {
    let profile = berth_plugins::default_profile("berth");
    Arc::new(profile.expect("the default plugins make a profile"))
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
    let mut engine = Engine::new(None);
    let pause = std::iter::once(Input::Control(Control::Pause(true)));
    engine.step(pause.chain(inputs), 0, &mut Vec::new(), &mut ());
    assert_sound(&engine);
    for pod in pods {
        let admitted = Input::PodAdmitted(Box::new(pod.clone()));
        engine.step([admitted], 0, &mut Vec::new(), &mut ());
        if let Some(pod) = engine.cache().pods().find(&pod.uid) {
            engine.decide(pod, &PROFILE, true, &mut ());
        }
        assert_sound(&engine);
    }
}

/// Whatever was taken in, nothing that always holds is broken.
fn assert_sound(engine: &Engine) {
    let broken = engine.check();
    assert!(broken.is_empty(), "{broken:#?}");
}

pub(crate) fn config() -> Arc<Config> {
    Arc::new(Config { profiles: vec![Arc::clone(&PROFILE)], ..Config::default() })
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
