//! A state in which everything is that can be, saved and loaded.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;

use berth_engine::base::HashKey;
use berth_engine::framework::{
    Action, ClusterEvent, Context, Filter, Hint, Hints, Plugin, Registration, Resource, State,
    Verdict, Verdicts,
};
use berth_engine::queue::Place;
use berth_engine::record::{
    Container, ContainerStatus, NodeRecord, Owner, PodRecord, PodSpec, Quantity, Resize,
};
use berth_engine::stored::LoadError;
use berth_engine::{BindOutcome, Config, Control, Effect, Engine, Input};
use support::plugins::config;

/// Rejects pods that are named `shy`, and does not say what it reads: they wait for a hint.
#[derive(Debug)]
struct Shy;

impl Plugin for Shy {
    fn name(&self) -> &str {
        "Shy"
    }
    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }
    fn as_hints(&self) -> Option<&dyn Hints> {
        Some(self)
    }
}

impl Filter for Shy {
    fn filter(
        &self,
        cx: &Context<'_>,
        _: &State,
        nodes: &[berth_engine::base::NodeIdx],
        out: &mut Verdicts<'_>,
    ) {
        let alone = cx.nodes.live().len() < 3;
        for at in (0..nodes.len()).filter(|_| cx.pod.name == "shy" && alone) {
            out.set(at, Verdict::unschedulable("too few nodes"));
        }
    }
}

impl Hints for Shy {
    fn events(&self) -> Vec<Registration> {
        vec![Registration { resource: Resource::Node, actions: Action::ADD }]
    }
    fn hint(&self, _: &Context<'_>, _: &ClusterEvent<'_>) -> Hint {
        Hint::Queue
    }
}

fn configuration() -> Arc<Config> {
    config(vec![Arc::new(Shy)])
}

fn node(name: &str, cpu: i64) -> Input {
    let amounts = [
        ("cpu", Quantity::from_milli(cpu)),
        ("pods", Quantity::from_units(10)),
        ("example.com/gpu", Quantity::from_units(8)),
    ];
    Input::NodeApplied(Arc::new(NodeRecord {
        name: name.into(),
        allocatable: amounts.into_iter().collect(),
        ..NodeRecord::default()
    }))
}

fn pod(name: &str, cpu: i64) -> PodRecord {
    let spec = PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(cpu))])],
        ..PodSpec::default()
    };
    let mut pod = PodRecord::new("d", name, name, Arc::new(spec));
    pod.labels = [("app", name)].into_iter().collect();
    pod.owner = Some(Arc::new(Owner {
        api_version: "batch/v1".into(),
        kind: "Job".into(),
        name: "job".into(),
        uid: "job".into(),
    }));
    pod
}

fn applied(pod: PodRecord) -> Input {
    Input::PodApplied(Box::new(pod))
}

fn step(engine: &mut Engine, inputs: Vec<Input>, now: u64) -> Vec<Effect> {
    let mut effects = Vec::new();
    engine.step(inputs, now, &mut effects, &mut ());
    effects
}

fn load(state: &[u8]) -> Result<Engine, LoadError> {
    Engine::load(state, None, HashKey::new([3, 4]), |_| Ok::<_, String>(configuration()))
}

/// Pods in every part of the queue, binds under way, promised nodes, a resize, rows that are free.
fn all_at_once() -> Engine {
    let mut engine = Engine::new(None);
    let nodes = [node("gone", 1_000), node("a", 1_000), node("also-gone", 1_000)];
    let mut inputs = vec![Input::Config(configuration())];
    inputs.extend(nodes);
    step(&mut engine, inputs, 1_000);
    let drop = |name: &str| Input::NodeDeleted { name: name.into() };
    step(&mut engine, vec![drop("gone"), drop("also-gone")], 1_000);
    let mut bound = pod("0b8f5f3e-7d2c-4a6b-9c1d-123456789abc", 300);
    bound.node_name = Some("a".into());
    let status = ContainerStatus {
        name: "main".into(),
        allocated: Some([("cpu", Quantity::from_milli(400))].into_iter().collect()),
        requests: None,
    };
    bound.resize = Some(Box::new(Resize { statuses: vec![status], ..Resize::default() }));
    let mut ended = bound.clone();
    (ended.uid, ended.node_name) = ("ended".into(), Some("nowhere".into()));
    let mut gated = pod("gated", 10);
    gated.scheduling_gates = ["wait".into()].into();
    let mut promised = pod("promised", 5_000);
    // It counts for nobody before it.
    promised.priority = -5;
    promised.nominated_node_name = Some("a".into());
    let failing = pod("failing", 100);
    let waiting = vec![
        applied(bound),
        applied(ended),
        applied(gated),
        applied(promised),
        applied(pod("shy", 10)),
        applied(failing),
        applied(pod("parked-1", 1_500)),
        applied(pod("parked-2", 1_500)),
    ];
    step(&mut engine, waiting, 2_000);
    let outcome = BindOutcome::Unavailable("no".into());
    let cycle = engine.cycle_of("failing").unwrap();
    step(&mut engine, vec![Input::BindOutcome { cycle, outcome }], 3_000);
    step(&mut engine, vec![applied(pod("flying", 100))], 3_000);
    let pause = Input::Control(Control::Pause(true));
    // One of the parked is woken and stays in the active part.
    step(&mut engine, vec![pause, node("a", 2_600), applied(pod("active", 10))], 3_500);
    engine
}

fn place(engine: &Engine, name: &str) -> Place {
    engine.queue().entry(engine.cache().pods().find(name).unwrap()).unwrap().place
}

#[test]
fn every_place_in_the_queue_comes_back() {
    let engine = all_at_once();
    assert!(matches!(place(&engine, "active"), Place::Active));
    assert!(matches!(place(&engine, "parked-1"), Place::Active));
    assert!(matches!(place(&engine, "parked-2"), Place::Parked(..)));
    assert!(matches!(place(&engine, "shy"), Place::Alone));
    assert!(matches!(place(&engine, "gated"), Place::Gated));
    assert!(matches!(place(&engine, "failing"), Place::Backoff { .. }));
    assert!(!engine.cache().nominations().is_empty());
    assert_eq!((engine.open_binds(), engine.cache().assumed_count()), (1, 1));

    let flying = engine.cycle_of("flying").unwrap();
    let state = engine.save();
    let mut engines = [engine, load(&state).unwrap()];
    let [_, loaded] = &engines;
    assert!(loaded.save() == state);
    for name in ["active", "parked-1", "parked-2", "shy", "gated", "failing", "promised"] {
        let [a, b] = [0, 1].map(|at| {
            let engine: &Engine = &engines[at];
            let mut entry =
                engine.queue().entry(engine.cache().pods().find(name).unwrap()).unwrap().clone();
            // Rows of classes are others.
            if let Place::Parked(..) = entry.place {
                entry.place = Place::Alone;
            }
            entry.head_of = entry.head_of.map(|_| berth_engine::base::ClassIdx::NONE);
            entry
        });
        assert_eq!(a, b, "{name}");
    }
    assert_eq!(engines[0].queue().counts(), engines[1].queue().counts());
    let mut ungated = pod("gated", 10);
    ungated.generation = 2;
    let later = [
        vec![Input::Control(Control::Pause(false))],
        vec![Input::BindOutcome { cycle: flying, outcome: BindOutcome::Bound }],
        vec![node("b", 500), node("c", 9_000), applied(ungated)],
        vec![Input::Tick],
        vec![Input::Tick],
    ];
    let mut binds = 0;
    for (at, inputs) in later.into_iter().enumerate() {
        let now = 4_000 + 3_000 * at as u64;
        let [a, b] = engines.each_mut().map(|engine| step(engine, inputs.clone(), now));
        assert_eq!(a, b, "step {at}");
        assert!(engines[0].save() == engines[1].save(), "step {at}");
        binds += a.iter().filter(|e| matches!(e, Effect::Bind { .. })).count();
    }
    assert_eq!(binds, 7, "all but the one that is bound already");
}

#[test]
fn nothing_at_all_is_a_state_too() {
    let empty = Engine::new(None);
    let nobody = |_: &str| Err("nobody is asked for a configuration where none was");
    let loaded = Engine::load(&empty.save(), None, HashKey::PUBLIC, nobody).unwrap();
    assert!(loaded.save() == empty.save());
    assert!(loaded.cache().is_empty());
}

#[test]
fn a_state_that_ends_anywhere_is_refused() {
    let state = all_at_once().save();
    let content = berth_engine::stored::unseal(&state).unwrap();
    for cut in 0..content.len() {
        let told = load(&berth_engine::stored::seal(&content[..cut])).unwrap_err();
        assert!(
            matches!(told, LoadError::Malformed { at, .. } if at <= cut)
                || matches!(told, LoadError::OtherPlugins { .. }),
            "{cut}: {told:?}"
        );
    }
    let longer = berth_engine::stored::seal(&[content, &[0]].concat());
    assert!(matches!(load(&longer), Err(LoadError::Malformed { .. })));
}
