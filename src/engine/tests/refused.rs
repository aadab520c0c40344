//! Pods that a plugin refuses: unschedulable, and nothing is spent on them until what the refusal
//! depends on changes.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use berth_engine::framework::{Context, Plugin, PreFilter, PreFiltered, Reads, State};
use berth_engine::record::{
    ClaimRecord, Container, NodeRecord, ObjectKey, PodRecord, PodSpec, Quantity,
};
use berth_engine::{AttemptResult, Change, Effect, Engine, FailureReason, Input, Object, Probe};
use support::plugins::config;
use support::sound::assert_sound;

/// Refuses pods until a claim exists, or for good, and counts how often it is asked.
#[derive(Debug)]
struct Refuser {
    until: Reads,
    asked: Arc<AtomicUsize>,
}

impl Plugin for Refuser {
    fn name(&self) -> &str {
        "Refuser"
    }
    fn reads(&self) -> Reads {
        Reads::NOTHING
    }
    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }
}

impl PreFilter for Refuser {
    fn pre_filter(&self, cx: &Context<'_>, _: &mut State) -> PreFiltered {
        self.asked.fetch_add(1, Relaxed);
        if cx.cache.objects().claim("d", "c").is_some() {
            return PreFiltered::Skip;
        }
        PreFiltered::Refuse { until: self.until, reason: "not here".into() }
    }
}

/// Results of attempts.
#[derive(Default)]
struct Results(Vec<AttemptResult>);

impl Probe for Results {
    fn attempt_ends(&mut self, _: &str, result: AttemptResult, _: u32) {
        self.0.push(result);
    }
}

struct Bench {
    engine: Engine,
    asked: Arc<AtomicUsize>,
    results: Results,
    now: u64,
}

impl Bench {
    fn new(until: Reads) -> Self {
        let asked = Arc::default();
        let refuser: Arc<dyn Plugin> = Arc::new(Refuser { until, asked: Arc::clone(&asked) });
        let mut bench =
            Self { engine: Engine::new(None), asked, results: Results::default(), now: 1_000 };
        bench.run(vec![Input::Config(config(vec![refuser]))]);
        bench
    }

    fn run(&mut self, inputs: Vec<Input>) -> Vec<Effect> {
        let (mut inputs, mut effects) = (Some(inputs), Vec::new());
        let mut step = |engine: &mut Engine, results: &mut Results| {
            engine.step(inputs.take().unwrap_or_default(), self.now, &mut effects, results).more
        };
        while step(&mut self.engine, &mut self.results) {}
        assert_sound(&self.engine, self.now);
        effects
    }

    fn asked(&self) -> usize {
        self.asked.load(Relaxed)
    }
}

fn node(name: &str) -> Input {
    let allocatable = [("cpu", Quantity::from_milli(9_000)), ("pods", Quantity::from_units(9))];
    Input::NodeApplied(Arc::new(NodeRecord {
        name: name.into(),
        allocatable: allocatable.into_iter().collect(),
        ..NodeRecord::default()
    }))
}

fn pods(n: usize) -> Vec<Input> {
    let spec = Arc::new(PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(1))])],
        ..PodSpec::default()
    });
    let pod = |i: usize| PodRecord::new("d", &format!("p{i}"), &format!("p{i}"), Arc::clone(&spec));
    (0..n).map(|i| Input::PodApplied(Box::new(pod(i)))).collect()
}

fn claim(change: Change) -> Input {
    let key = ObjectKey::new("d", "c");
    Input::Object(Box::new(Object::Claim(ClaimRecord { key, ..ClaimRecord::default() })), change)
}

fn binds(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Bind { .. })).count()
}

#[test]
fn a_refused_pod_is_unschedulable_and_costs_nothing_until_the_configuration_changes() {
    let mut bench = Bench::new(Reads::NOTHING);
    let mut inputs = pods(3);
    inputs.push(node("a"));
    let effects = bench.run(inputs);
    let told = |effect: &Effect| {
        matches!(effect, Effect::Condition { reason: FailureReason::Unschedulable, message, .. }
            if message == "not here")
    };
    assert_eq!(effects.iter().filter(|effect| told(effect)).count(), 3, "{effects:?}");
    assert_eq!(bench.results.0, [AttemptResult::Unschedulable; 3]);
    let counts = bench.engine.queue().counts();
    assert_eq!((counts.unschedulable, counts.backoff, counts.active), (3, 0, 0));

    let before = bench.asked();
    for minute in 0..60 {
        bench.now += 60_000;
        let effects = bench.run(vec![
            node(&format!("n{minute}")),
            Input::NodeDeleted { name: "a".into() },
            claim(Change::Applied),
            claim(Change::Deleted),
        ]);
        assert!(effects.is_empty(), "{effects:?}");
    }
    assert_eq!(bench.asked(), before, "nodes, claims and an hour are not what it waits for");
    assert_eq!(bench.results.0.len(), 3);

    // Pods of the class are looked at once.
    let after = bench.run(vec![Input::Config(config(Vec::new()))]);
    assert_eq!(binds(&after), 3, "a configuration without the plugin places them");
}

#[test]
fn a_refused_pod_is_placed_when_what_it_waits_for_comes() {
    let mut bench = Bench::new(Reads::CLAIMS);
    let mut inputs = pods(3);
    inputs.push(node("a"));
    assert_eq!(binds(&bench.run(inputs)), 0);
    let before = bench.asked();
    assert_eq!(binds(&bench.run(vec![node("b")])), 0);
    assert_eq!(bench.asked(), before, "a node is not what it waits for");
    assert_eq!(binds(&bench.run(vec![claim(Change::Applied)])), 3);
}

#[test]
fn a_refused_pod_is_looked_at_again_when_it_changes() {
    let mut bench = Bench::new(Reads::NOTHING);
    let mut inputs = pods(1);
    inputs.push(node("a"));
    assert_eq!(binds(&bench.run(inputs)), 0);
    let before = bench.asked();
    let spec = Arc::new(PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(1))])],
        ..PodSpec::default()
    });
    let mut changed = PodRecord::new("d", "p0", "p0", spec);
    changed.labels = [("a", "b")].into_iter().collect();
    bench.run(vec![Input::PodApplied(Box::new(changed))]);
    assert_eq!(bench.asked(), before + 1);
}
