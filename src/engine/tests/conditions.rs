//! What pods say of why they wait.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;

use berth_engine::record::{Container, NodeRecord, PodRecord, PodSpec, Quantity};
use berth_engine::{BindOutcome, Effect, Engine, Input};
use support::plugins::config;

fn node(name: &str, cpu: i64) -> Input {
    let allocatable = [("cpu", Quantity::from_milli(cpu)), ("pods", Quantity::from_units(10))];
    Input::NodeApplied(Arc::new(NodeRecord {
        name: name.into(),
        allocatable: allocatable.into_iter().collect(),
        ..NodeRecord::default()
    }))
}

/// A pod that asks for a core.
fn pod() -> Input {
    let spec = PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(1_000))])],
        ..PodSpec::default()
    };
    Input::PodApplied(Box::new(PodRecord::new("d", "p", "p", Arc::new(spec))))
}

/// The messages of all conditions asked for until there is nothing to do at this time, and how
/// many binds.
fn step(engine: &mut Engine, now: u64, inputs: Vec<Input>) -> (Vec<String>, usize) {
    let (mut inputs, mut effects) = (Some(inputs), Vec::new());
    while engine.step(inputs.take().unwrap_or_default(), now, &mut effects, &mut ()).more {}
    let message = |effect: &Effect| match effect {
        Effect::Condition { message, .. } => Some(message.clone()),
        _ => None,
    };
    let binds = effects.iter().filter(|effect| matches!(effect, Effect::Bind { .. })).count();
    (effects.iter().filter_map(message).collect(), binds)
}

#[test]
fn a_bind_that_fails_lets_a_pod_say_again_why_it_waits() {
    let mut engine = Engine::new(None);
    step(&mut engine, 0, vec![Input::Config(config(Vec::new()))]);
    let (first, _) = step(&mut engine, 1_000, vec![node("a", 500), pod()]);
    assert_eq!(first.len(), 1);
    assert_eq!(step(&mut engine, 2_000, vec![node("b", 1_000)]), (Vec::new(), 1));
    // Whoever writes conditions may have dropped that one at the bind, unwritten.
    let gone = Input::NodeDeleted { name: "b".into() };
    let outcome = BindOutcome::Throttled("slow down".into());
    let refused = Input::BindOutcome { uid: "p".into(), outcome };
    step(&mut engine, 3_000, vec![gone, refused]);
    assert_eq!(step(&mut engine, 60_000, Vec::new()), (first, 0));
}
