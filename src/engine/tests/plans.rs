//! Plans that are committed, and those that cannot be made.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;

use berth_engine::record::{Container, NodeRecord, PodRecord, PodSpec, Quantity};
use berth_engine::{Control, Effect, Engine, Input};
use support::plugins::config;

/// A paused engine with a node of two cores and pods of one core each.
fn paused(pods: &[&str]) -> Engine {
    let mut engine = Engine::new(None);
    let room = [("cpu", Quantity::from_milli(2_000)), ("pods", Quantity::from_units(10))];
    let node = NodeRecord {
        name: "n".into(),
        allocatable: room.into_iter().collect(),
        ..NodeRecord::default()
    };
    let spec = Arc::new(PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(1_000))])],
        ..PodSpec::default()
    });
    let pod = |name: &&str| {
        Input::PodApplied(Box::new(PodRecord::new("d", name, name, Arc::clone(&spec))))
    };
    let start = [
        Input::Control(Control::Pause(true)),
        Input::Config(config(Vec::new())),
        Input::NodeApplied(Arc::new(node)),
    ];
    let inputs: Vec<Input> = start.into_iter().chain(pods.iter().map(pod)).collect();
    engine.step(inputs, 1_000, &mut Vec::new(), &mut ());
    engine
}

fn binds(effects: &[Effect]) -> Vec<String> {
    let bind = |effect: &Effect| match effect {
        Effect::Bind { pod, node, decision, .. } => {
            Some(format!("{}>{node} attempt {}", pod.key.name, decision.attempt))
        }
        _ => None,
    };
    effects.iter().filter_map(bind).collect()
}

fn resume(engine: &mut Engine) -> Vec<Effect> {
    let mut effects = Vec::new();
    let resume = Input::Control(Control::Pause(false));
    engine.step([resume], 2_000, &mut effects, &mut ());
    effects
}

#[test]
fn effects_come_with_the_commit_alone_and_in_the_order_of_the_plan() {
    let mut engine = paused(&["a", "b", "c"]);
    let find = |engine: &Engine, uid| engine.cache().pods().find(uid).unwrap();
    let mut plan = engine.begin_plan();
    for (uid, fits) in [("c", true), ("a", true), ("b", false)] {
        let pod = find(&engine, uid);
        assert_eq!(engine.plan_pod(&mut plan, pod, &mut ()), Ok(fits), "{uid}");
    }
    let (mut effects, planned) = (Vec::new(), plan.steps().len());
    assert_eq!((planned, engine.cache().assumed_count(), engine.queue().len()), (2, 2, 3));
    engine.commit_plan(plan, 1_000, &mut effects, &mut ());
    assert_eq!(binds(&effects), Vec::<String>::new(), "the engine is paused");
    assert_eq!((engine.queue().len(), engine.waiting_cycles()), (1, 2));
    assert_eq!(engine.check(), Vec::<String>::new());
    // The other is told why it waits, as ever.
    assert_eq!(binds(&resume(&mut engine)), ["c>n attempt 1", "a>n attempt 1"]);
    assert_eq!((engine.open_binds(), engine.waiting_cycles()), (2, 0));
    assert_eq!(engine.queue().counts().unschedulable, 1);
}

#[test]
fn a_plan_that_is_taken_back_leaves_the_room_to_others() {
    let mut engine = paused(&["a", "b", "c"]);
    let mut plan = engine.begin_plan();
    for uid in ["b", "c"] {
        let pod = engine.cache().pods().find(uid).unwrap();
        assert_eq!(engine.plan_pod(&mut plan, pod, &mut ()), Ok(true));
    }
    engine.take_back_plan(plan);
    assert_eq!(engine.check(), Vec::<String>::new());
    assert_eq!(binds(&resume(&mut engine)), ["a>n attempt 1", "b>n attempt 1"]);
}

#[test]
fn a_pod_is_planned_once() {
    let mut engine = paused(&["a"]);
    let pod = engine.cache().pods().find("a").unwrap();
    let mut plan = engine.begin_plan();
    assert_eq!(engine.plan_pod(&mut plan, pod, &mut ()), Ok(true));
    assert!(engine.plan_pod(&mut plan, pod, &mut ()).is_err());
    assert_eq!(plan.steps().len(), 1);
    engine.take_back_plan(plan);
    assert_eq!(engine.check(), Vec::<String>::new());
}
