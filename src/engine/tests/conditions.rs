//! What pods say of why they wait.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;

use berth_engine::record::{
    Container, NodeRecord, PodRecord, PodSpec, Quantity, ScheduledCondition,
};
use berth_engine::{BindOutcome, Control, Effect, Engine, Input};
use support::plugins::config;
use support::sound::assert_sound;

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
    assert_sound(engine, now);
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
    let refused = answer(&engine, outcome);
    step(&mut engine, 3_000, vec![gone, refused]);
    assert_eq!(step(&mut engine, 60_000, Vec::new()), (first, 0));
}

/// The versions that binds of the pod presuppose.
fn versions(engine: &mut Engine, now: u64, inputs: Vec<Input>) -> Vec<u64> {
    let (mut inputs, mut effects) = (Some(inputs), Vec::new());
    while engine.step(inputs.take().unwrap_or_default(), now, &mut effects, &mut ()).more {}
    let version = |effect: &Effect| match effect {
        Effect::Bind { resource_version, .. } => Some(*resource_version),
        _ => None,
    };
    effects.iter().filter_map(version).collect()
}

fn at_version(version: u64) -> Input {
    let Input::PodApplied(mut pod) = pod() else { unreachable!("it is a pod") };
    pod.resource_version = version;
    Input::PodApplied(pod)
}

fn answer(engine: &Engine, outcome: BindOutcome) -> Input {
    Input::BindOutcome { cycle: engine.cycle_of("p").unwrap(), outcome }
}

#[test]
fn a_bind_presupposes_the_version_seen_last() {
    let mut engine = Engine::new(None);
    let config = Input::Config(config(Vec::new()));
    assert_eq!(versions(&mut engine, 0, vec![config, node("a", 1_000), at_version(5)]), [5]);
    // What the watch shows while the bind is under way counts for the next.
    let failed = answer(&engine, BindOutcome::Unavailable("503".into()));
    assert_eq!(versions(&mut engine, 1_000, vec![at_version(6), failed]), []);
    assert_eq!(versions(&mut engine, 10_000, Vec::new()), [6]);
    // And what a write of our own has made of it.
    let lost =
        |is_told| BindOutcome::NotBound { message: "lost".into(), resource_version: 8, is_told };
    let answered = answer(&engine, lost(true));
    assert_eq!(versions(&mut engine, 11_000, vec![answered]), []);
    assert_eq!(versions(&mut engine, 30_000, Vec::new()), [8]);
    // The condition that has been written is not asked for again, another's is.
    let answered = answer(&engine, lost(true));
    let (said, _) = step(&mut engine, 31_000, vec![answered]);
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(step(&mut engine, 60_000, Vec::new()).1, 1);
    let answered = answer(&engine, lost(false));
    let (said, _) = step(&mut engine, 61_000, vec![answered]);
    assert_eq!(said, ["lost"]);
}

#[test]
fn a_pod_that_another_has_replaced_is_let_go_whatever_the_watch_says() {
    let mut engine = Engine::new(None);
    let config = Input::Config(config(Vec::new()));
    assert_eq!(versions(&mut engine, 0, vec![config, node("a", 1_000), at_version(5)]), [5]);
    let replaced = answer(&engine, BindOutcome::Replaced);
    assert_eq!(versions(&mut engine, 1_000, vec![replaced]), []);
    assert_eq!(versions(&mut engine, 600_000, Vec::new()), [], "it is not tried again");
    assert_eq!(engine.cache().pods().count(), 0);
    let gone =
        Input::PodDeleted { key: berth_engine::record::ObjectKey::new("d", "p"), uid: "p".into() };
    assert_eq!(versions(&mut engine, 601_000, vec![gone]), []);
}

/// A node that takes nobody.
fn closed(name: &str) -> Input {
    let Input::NodeApplied(open) = node(name, 8_000) else { unreachable!("it is a node") };
    Input::NodeApplied(Arc::new(NodeRecord { unschedulable: true, ..NodeRecord::clone(&open) }))
}

/// A pod that waits on a small node, and what it is told.
fn waiting() -> (Engine, String) {
    let mut engine = Engine::new(None);
    step(&mut engine, 0, vec![Input::Config(config(Vec::new()))]);
    let (first, _) = step(&mut engine, 1_000, vec![node("a", 500), pod()]);
    let [first] = first.as_slice() else { panic!("{first:?}") };
    (engine, first.clone())
}

#[test]
fn a_reason_of_another_kind_is_told_within_seconds() {
    let (mut engine, first) = waiting();
    let gone = Input::NodeDeleted { name: "a".into() };
    let news = vec![closed("b"), closed("c"), gone];
    assert_eq!(step(&mut engine, 10_000, news).0, Vec::<String>::new(), "nobody attempts it");
    let (said, _) = step(&mut engine, 12_000, Vec::new());
    let [now] = said.as_slice() else { panic!("{said:?}") };
    assert!(now.starts_with("0/2 nodes") && *now != first, "{now}");
    assert_eq!(step(&mut engine, 250_000, Vec::new()).0, Vec::<String>::new(), "told once");
    // The watch has never shown it.
    assert_eq!(step(&mut engine, 350_000, Vec::new()).0, said, "what is lost is said again");
}

#[test]
fn a_pod_that_met_no_node_is_told_of_the_nodes_that_came() {
    let mut engine = Engine::new(None);
    step(&mut engine, 0, vec![Input::Config(config(Vec::new()))]);
    let (first, _) = step(&mut engine, 1_000, vec![pod()]);
    assert_eq!(first, ["no nodes available to schedule pods"]);
    step(&mut engine, 20_000, vec![node("a", 500)]);
    let (said, _) = step(&mut engine, 22_000, Vec::new());
    assert!(said.len() == 1 && said[0].starts_with("0/1 nodes are available"), "{said:?}");
}

#[test]
fn a_text_that_differs_in_numbers_alone_is_told_once_a_minute() {
    let (mut engine, first) = waiting();
    for second in 2..60 {
        let news = vec![node(&format!("n{second}"), 500)];
        assert_eq!(step(&mut engine, second * 1_000, news).0, Vec::<String>::new());
    }
    let (said, _) = step(&mut engine, 62_000, Vec::new());
    assert_eq!(said, [first.replace("0/1", "0/59").replace(" 1 ", " 59 ")]);
}

#[test]
fn a_condition_that_somebody_takes_away_is_written_again() {
    let (mut engine, first) = waiting();
    let Input::PodApplied(bare) = pod() else { unreachable!("it is a pod") };
    let shown = ScheduledCondition {
        status: "False".into(),
        reason: "Unschedulable".into(),
        message: first.as_str().into(),
        ..ScheduledCondition::default()
    };
    let mut told = bare.clone();
    told.scheduled = Some(shown);
    let is = |pod: &PodRecord| vec![Input::PodApplied(Box::new(pod.clone()))];
    let none = Vec::<String>::new();
    // An older state while ours is under way, ours, and then neither.
    assert_eq!(step(&mut engine, 2_000, is(&bare)).0, none);
    assert_eq!(step(&mut engine, 3_000, is(&told)).0, none);
    assert_eq!(step(&mut engine, 4_000, is(&bare)).0, [first.as_str()]);
    assert_eq!(step(&mut engine, 5_000, is(&told)).0, none);
    let mut other = told.clone();
    other.scheduled.as_mut().unwrap().message = "somebody else's words".into();
    assert_eq!(step(&mut engine, 6_000, is(&other)).0, [first.as_str()]);
}

#[test]
fn no_more_is_asked_for_than_the_writer_takes_and_nothing_is_lost() {
    let mut engine = Engine::new(None);
    step(&mut engine, 0, vec![Input::Config(config(Vec::new()))]);
    let pods = (0..100).map(|at| {
        let Input::PodApplied(mut pod) = pod() else { unreachable!("it is a pod") };
        (pod.name, pod.uid) = (format!("p{at}").into(), format!("u{at}").into());
        Input::PodApplied(pod)
    });
    let room = |all, again| Input::Control(Control::ConditionRoom { all, again });
    let inputs = [room(30, 0), node("a", 500)].into_iter().chain(pods).collect();
    assert_eq!(step(&mut engine, 1_000, inputs).0.len(), 30);
    assert_eq!(engine.owed_conditions(), 70);
    // A pod that gets a node owes nothing any more.
    let (said, binds) = step(&mut engine, 2_000, vec![node("b", 1_000)]);
    assert_eq!((said.len(), binds), (0, 1));
    assert!(engine.owed_conditions() >= 69);
    let (said, _) = step(&mut engine, 3_000, vec![room(500, 0)]);
    assert!(said.len() >= 69 && engine.owed_conditions() == 0, "{} said", said.len());
}
