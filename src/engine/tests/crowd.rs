//! Pods of one Job that wait: what no selector asks for does not tell them apart.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;

use berth_engine::record::{
    Container, LabelSelector, NodeRecord, ObjectKey, PodRecord, PodSpec, Quantity,
    SelectorOwnerRecord,
};
use berth_engine::{Change, Control, Effect, Engine, Input, Object};
use support::plugins::config;
use support::sound::assert_sound;

const PODS: usize = 500;
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

fn node(cpu: i64) -> Input {
    Input::NodeApplied(Arc::new(NodeRecord {
        name: "n".into(),
        allocatable: [("cpu", Quantity::from_milli(cpu)), ("pods", Quantity::from_units(10_000))]
            .into_iter()
            .collect(),
        ..NodeRecord::default()
    }))
}

/// An engine with a node that is full for the pods of an indexed Job, all of which have had their
/// attempt.
fn crowded() -> Engine {
    let mut engine = Engine::new(None);
    let spec = Arc::new(PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(100))])],
        ..PodSpec::default()
    });
    let mut inputs = vec![Input::Config(config(Vec::new())), node(10)];
    inputs.extend((0..PODS).map(|index| {
        let name = format!("p{index}");
        let mut pod = PodRecord::new("d", &name, &name, Arc::clone(&spec));
        pod.labels =
            [("job-name", "big".to_owned()), (INDEX, index.to_string())].into_iter().collect();
        Input::PodApplied(Box::new(pod))
    }));
    assert!(run(&mut engine, inputs).is_empty());
    engine
}

/// The pods that are bound until there is nothing to do.
fn run(engine: &mut Engine, inputs: Vec<Input>) -> Vec<String> {
    let (mut inputs, mut effects) = (Some(inputs), Vec::new());
    while engine.step(inputs.take().unwrap_or_default(), 1_000, &mut effects, &mut ()).more {}
    assert_sound(engine, "at rest");
    let bound = |effect: &Effect| match effect {
        Effect::Bind { pod, .. } => Some(pod.key.name.to_string()),
        _ => None,
    };
    effects.iter().filter_map(bound).collect()
}

fn groups(engine: &Engine) -> usize {
    engine.queue().parked().map(|(_, parked)| parked.firsts().len()).sum()
}

fn service(key: &str) -> Input {
    let selector = LabelSelector {
        match_labels: [(key, "7")].into_iter().collect(),
        match_expressions: Vec::new(),
    };
    let service = SelectorOwnerRecord {
        key: ObjectKey::new("d", "s"),
        uid: "s".into(),
        selector: Some(selector),
    };
    Input::Object(Box::new(Object::Service(service)), Change::Applied)
}

#[test]
fn an_indexed_job_waits_as_one() {
    let mut engine = crowded();
    assert_eq!((engine.queue().counts().unschedulable, groups(&engine)), (PODS, 1));
    let bound = run(&mut engine, vec![node(350)]);
    assert_eq!(bound, ["p0", "p1", "p2"], "in their order, and no more than fit");
    assert_eq!((engine.queue().counts().unschedulable, groups(&engine)), (PODS - 3, 1));
}

#[test]
fn a_selector_that_asks_for_the_index_tells_them_apart() {
    let mut engine = crowded();
    assert!(run(&mut engine, vec![service("app")]).is_empty());
    assert_eq!(groups(&engine), 1, "no pod has this label");
    assert!(run(&mut engine, vec![service(INDEX)]).is_empty());
    assert_eq!((engine.queue().counts().unschedulable, groups(&engine)), (PODS, PODS));
    // Each is where its entry says: whoever is deleted leaves.
    let gone = |at: usize| {
        let name = format!("p{at}");
        Input::PodDeleted { key: ObjectKey::new("d", &name), uid: name.into() }
    };
    run(&mut engine, (0..PODS).step_by(2).map(gone).collect());
    assert_eq!((engine.queue().counts().unschedulable, groups(&engine)), (PODS / 2, PODS / 2));
    assert_eq!(run(&mut engine, vec![node(250)]), ["p1", "p3"]);
}

fn requesting(scheduler: &str, cpu: i64) -> Arc<PodSpec> {
    Arc::new(PodSpec {
        scheduler_name: scheduler.into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(cpu))])],
        ..PodSpec::default()
    })
}

fn pod(name: &str, spec: &Arc<PodSpec>) -> Input {
    Input::PodApplied(Box::new(PodRecord::new("d", name, name, Arc::clone(spec))))
}

/// Two pods of one class, parked and paused, with their queue.
fn two_parked(spec: &Arc<PodSpec>) -> Engine {
    let mut engine = Engine::new(None);
    let inputs = vec![Input::Config(config(Vec::new())), node(10), pod("a", spec), pod("b", spec)];
    assert!(run(&mut engine, inputs).is_empty());
    assert_eq!(engine.queue().counts().unschedulable, 2);
    run(&mut engine, vec![Input::Control(Control::Pause(true))]);
    engine
}

#[test]
fn a_woken_head_with_another_template_holds_its_old_class_back_no_longer() {
    let mut engine = two_parked(&requesting("berth", 100));
    run(&mut engine, vec![node(1_000)]);
    assert_eq!(engine.queue().counts().active, 1, "one head at a time");
    run(&mut engine, vec![pod("a", &requesting("berth", 200))]);
    assert_eq!(engine.queue().counts().active, 2, "b is looked at by itself");
}

#[test]
fn a_template_that_names_another_scheduler_takes_the_pod_along() {
    let mut engine = two_parked(&requesting("berth", 100));
    run(&mut engine, vec![pod("a", &requesting("other", 100))]);
    assert_eq!(engine.queue().len(), 1);
    run(&mut engine, vec![pod("a", &requesting("berth", 5)), pod("c", &requesting("other", 5))]);
    assert_eq!(engine.queue().len(), 2);
    run(&mut engine, vec![pod("c", &requesting("berth", 5))]);
    assert_eq!(engine.queue().counts().active, 2);
}
