//! New configurations between steps: who changes sides, who is looked at again, and that nobody is
//! lost.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use berth_engine::base::NodeIdx;
use berth_engine::framework::{Context, Filter, Plugin, Reads, State, Verdict, Verdicts};
use berth_engine::record::{Container, NodeRecord, PodRecord, PodSpec, Quantity};
use berth_engine::{BindOutcome, Effect, Engine, FailureReason, Input, Probe};
use support::plugins::{config, config_named};
use support::sound::assert_sound;

/// Steps until there is nothing to do now.
fn run(engine: &mut Engine, now: u64, mut inputs: Vec<Input>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for _ in 0..10_000 {
        let turn = engine.step(std::mem::take(&mut inputs), now, &mut effects, &mut ());
        if !turn.more {
            assert_sound(engine, now);
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

fn answer(engine: &Engine, uid: &str, outcome: BindOutcome) -> Input {
    Input::BindOutcome { cycle: engine.cycle_of(uid).unwrap(), outcome }
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
    let failed = vec![answer(&engine, "a", BindOutcome::Unavailable("503".to_owned()))];
    assert!(bound(&run(&mut engine, 3_000, failed)).is_empty());
    let counts = engine.queue().counts();
    assert_eq!((counts.active, counts.backoff, counts.unschedulable), (0, 0, 0));
    assert_eq!(engine.binding_cycles(), 0);
    let back = vec![Input::Config(config(Vec::new()))];
    assert_eq!(bound(&run(&mut engine, 4_000, back)), ["a"]);
}

#[test]
fn a_bind_under_way_ends_as_it_was_decided() {
    let mut engine = Engine::new(None);
    let start = vec![Input::Config(config(Vec::new())), node("n"), pod("a", &template("berth"))];
    run(&mut engine, 1_000, start);
    let gone = Input::Config(config_named("batch", Vec::new()));
    let bound = answer(&engine, "a", BindOutcome::Bound);
    let effects = run(&mut engine, 2_000, vec![gone, bound]);
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

/// What pods are told in conditions: name, reason, message.
fn told(effects: &[Effect]) -> Vec<(&str, FailureReason, &str)> {
    let condition = |effect| match effect {
        &Effect::Condition { ref pod, reason, ref message, .. } => {
            Some((pod.key.name.as_ref(), reason, message.as_str()))
        }
        _ => None,
    };
    effects.iter().filter_map(condition).collect()
}

/// Hears which profiles go.
#[derive(Default)]
struct Gone(Vec<(String, usize, usize)>);

impl Probe for Gone {
    fn profile_gone(&mut self, profile: &str, pods: usize, told: usize) {
        self.0.push((profile.to_owned(), pods, told));
    }
}

#[test]
fn pods_of_a_profile_that_goes_are_told_and_taken_up_again_when_it_returns() {
    let mut engine = Engine::new(None);
    let spec = template("berth");
    let mut gated = PodRecord::new("d", "gated", "gated", Arc::clone(&spec));
    gated.scheduling_gates = ["g".into()].into();
    let start = vec![
        Input::Config(config(Vec::new())),
        pod("a", &spec),
        pod("b", &spec),
        pod("other", &template("other")),
        Input::PodApplied(Box::new(gated)),
    ];
    run(&mut engine, 1_000, start);
    let mut gone = Gone::default();
    let mut effects = Vec::new();
    let other = Input::Config(config_named("batch", Vec::new()));
    engine.step([other], 2_000, &mut effects, &mut gone);
    // Neither a gated pod nor that of somebody else, and no event for each.
    assert_eq!(gone.0, [("berth".to_owned(), 3, 2)]);
    let said = told(&effects);
    assert_eq!(said.len(), effects.len(), "{effects:?}");
    assert_eq!(said.iter().map(|(pod, ..)| *pod).collect::<Vec<_>>(), ["a", "b"]);
    for (_, reason, message) in said {
        assert_eq!(reason, FailureReason::ProfileGone);
        assert!(message.contains("profile \"berth\" is no longer in"), "{message}");
        assert!(message.contains("add a profile with schedulerName \"berth\" again"), "{message}");
    }
    // It says so once, whatever happens to it meanwhile.
    let again = Input::Config(config_named("third", Vec::new()));
    assert!(run(&mut engine, 3_000, vec![again, node("n")]).is_empty());
    let back = run(&mut engine, 4_000, vec![Input::Config(config(Vec::new()))]);
    assert_eq!(bound(&back), ["a", "b"]);
}

#[test]
fn what_pods_of_a_profile_that_goes_are_told_has_a_bound() {
    const MANY: usize = 16_384;
    let mut engine = Engine::new(None);
    let spec = template("berth");
    let mut start = vec![Input::Config(config(Vec::new()))];
    start.extend((0..MANY + 10).map(|i| pod(&format!("p{i}"), &spec)));
    let mut effects = Vec::new();
    engine.step(start, 1_000, &mut effects, &mut ());
    let mut gone = Gone::default();
    effects.clear();
    let other = Input::Config(config_named("batch", Vec::new()));
    engine.step([other], 2_000, &mut effects, &mut gone);
    assert_eq!(gone.0, [("berth".to_owned(), MANY + 10, MANY)]);
    assert_eq!(told(&effects).len(), MANY);
}

#[test]
fn a_pod_whose_bind_fails_after_its_profile_has_gone_is_told() {
    let mut engine = Engine::new(None);
    let start = vec![Input::Config(config(Vec::new())), node("n"), pod("a", &template("berth"))];
    run(&mut engine, 1_000, start);
    run(&mut engine, 2_000, vec![Input::Config(config_named("batch", Vec::new()))]);
    let failed = answer(&engine, "a", BindOutcome::Unavailable("503".to_owned()));
    let effects = run(&mut engine, 3_000, vec![failed]);
    assert!(matches!(told(&effects).as_slice(), [("a", FailureReason::ProfileGone, _)]));
}
