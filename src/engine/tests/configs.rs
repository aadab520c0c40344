//! New configurations between steps: who changes sides, who is looked at again, and that nobody is
//! lost.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use berth_engine::base::NodeIdx;
use berth_engine::framework::{Context, Filter, Plugin, Reads, State, Verdict, Verdicts};
use berth_engine::record::{Container, NodeRecord, PodRecord, PodSpec, Quantity};
use berth_engine::{BindOutcome, Effect, Engine, Input};
use support::plugins::{config, config_named};

/// Steps until there is nothing to do now.
fn run(engine: &mut Engine, now: u64, mut inputs: Vec<Input>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for _ in 0..10_000 {
        let turn = engine.step(std::mem::take(&mut inputs), now, &mut effects, &mut ());
        if !turn.more {
            return effects;
        }
    }
    panic!("the engine does not come to rest");
}

fn node(name: &str) -> Input {
    let room = [("cpu", Quantity::from_milli(4_000)), ("pods", Quantity::from_units(1_000))];
    Input::NodeApplied(Arc::new(NodeRecord {
        name: name.into(),
        allocatable: room.into_iter().collect(),
        ..NodeRecord::default()
    }))
}

fn template(scheduler: &str) -> Arc<PodSpec> {
    Arc::new(PodSpec {
        scheduler_name: scheduler.into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(10))])],
        ..PodSpec::default()
    })
}

fn pod(name: &str, spec: &Arc<PodSpec>) -> Input {
    Input::PodApplied(Box::new(PodRecord::new("d", name, name, Arc::clone(spec))))
}

fn bound(effects: &[Effect]) -> Vec<&str> {
    let mut names = Vec::new();
    for effect in effects {
        if let Effect::Bind { pod, .. } = effect {
            names.push(pod.key.name.as_ref());
        }
    }
    names
}

fn answer(uid: &str, outcome: BindOutcome) -> Input {
    Input::BindOutcome { uid: uid.into(), outcome }
}

#[test]
fn pods_change_sides_with_the_names() {
    let mut engine = Engine::new(None);
    let (old, new) = (template("berth"), template("batch"));
    let start = vec![Input::Config(config(Vec::new())), pod("a", &old), pod("b", &new)];
    assert!(bound(&run(&mut engine, 1_000, start)).is_empty(), "no node yet");
    let renamed = Input::Config(config_named("batch", Vec::new()));
    assert_eq!(bound(&run(&mut engine, 2_000, vec![renamed, node("n")])), ["b"]);
    assert_eq!(engine.queue().counts().unschedulable, 0, "the pod of the old name is left");
    let both = run(&mut engine, 3_000, vec![Input::Config(config(Vec::new()))]);
    assert_eq!(bound(&both), ["a"]);
}

#[test]
fn a_bind_that_fails_after_its_profile_has_gone_loses_nobody() {
    let mut engine = Engine::new(None);
    let start = vec![Input::Config(config(Vec::new())), node("n"), pod("a", &template("berth"))];
    assert_eq!(bound(&run(&mut engine, 1_000, start)), ["a"]);
    let gone = vec![Input::Config(config_named("batch", Vec::new()))];
    run(&mut engine, 2_000, gone);
    let failed = vec![answer("a", BindOutcome::Unavailable("503".to_owned()))];
    assert!(bound(&run(&mut engine, 3_000, failed)).is_empty());
    let counts = engine.queue().counts();
    assert_eq!((counts.active, counts.backoff, counts.unschedulable), (0, 0, 0));
    assert_eq!(engine.flights(), 0);
    let back = vec![Input::Config(config(Vec::new()))];
    assert_eq!(bound(&run(&mut engine, 4_000, back)), ["a"]);
}

#[test]
fn a_bind_under_way_ends_as_it_was_decided() {
    let mut engine = Engine::new(None);
    let start = vec![Input::Config(config(Vec::new())), node("n"), pod("a", &template("berth"))];
    run(&mut engine, 1_000, start);
    let gone = Input::Config(config_named("batch", Vec::new()));
    let effects = run(&mut engine, 2_000, vec![gone, answer("a", BindOutcome::Bound)]);
    let profile = effects.iter().find_map(|effect| match effect {
        Effect::Event { profile, .. } => Some(profile.as_ref()),
        _ => None,
    });
    assert_eq!(profile, Some("berth"));
}

/// Rejects every node while it is closed, and counts how often it is asked.
#[derive(Debug)]
struct Door {
    open: bool,
    asked: Arc<AtomicUsize>,
}

impl Plugin for Door {
    fn name(&self) -> &str {
        "Door"
    }
    fn reads(&self) -> Reads {
        Reads::NOTHING
    }
    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }
}

impl Filter for Door {
    fn filter(&self, _: &Context<'_>, _: &State, nodes: &[NodeIdx], verdicts: &mut Verdicts<'_>) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        for place in 0..nodes.len() {
            if !self.open {
                verdicts.set(place, Verdict::unschedulable("closed"));
            }
        }
    }
}

#[test]
fn parked_pods_of_a_kind_are_looked_at_once_and_all_go_when_they_fit() {
    let asked = Arc::new(AtomicUsize::new(0));
    let door = |open| -> Input {
        let door: Arc<dyn Plugin> = Arc::new(Door { open, asked: Arc::clone(&asked) });
        Input::Config(config(vec![door]))
    };
    let mut engine = Engine::new(None);
    let spec = template("berth");
    let mut start = vec![door(false), node("n")];
    start.extend((0..100).map(|i| pod(&format!("p{i}"), &spec)));
    assert!(bound(&run(&mut engine, 1_000, start)).is_empty());
    let before = asked.load(Ordering::Relaxed);
    assert!(bound(&run(&mut engine, 2_000, vec![door(false)])).is_empty());
    assert_eq!(asked.load(Ordering::Relaxed) - before, 1);
    assert_eq!(engine.queue().counts().unschedulable, 100);
    assert_eq!(bound(&run(&mut engine, 3_000, vec![door(true)])).len(), 100);
}
