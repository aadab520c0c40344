//! Who is woken, when, and at what cost.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use berth_engine::base::NodeIdx;
use berth_engine::framework::{
    Action, ClusterEvent, Context, Filter, GroupKey, Grouped, Groups, Hint, Hints, Keeps, Plugin,
    PodMoved, Reads, Registration, Resource, State, Touched, Verdict, Verdicts,
};
use berth_engine::record::{Container, NodeRecord, ObjectKey, PodRecord, PodSpec, Quantity};
use berth_engine::{BindOutcome, Effect, Engine, FailureReason, Input, PodEvent};
use support::plugins::config;
use support::probes::Counts;
use support::sound::assert_sound;

struct Bench {
    engine: Engine,
    now: u64,
    counts: Counts,
}

fn node(name: &str, cpu: i64) -> Input {
    Input::NodeApplied(Arc::new(NodeRecord {
        name: name.into(),
        allocatable: [("cpu", Quantity::from_milli(cpu)), ("pods", Quantity::from_units(10_000))]
            .into_iter()
            .collect(),
        ..NodeRecord::default()
    }))
}

fn template(cpu: i64) -> Arc<PodSpec> {
    Arc::new(PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(cpu))])],
        ..PodSpec::default()
    })
}

fn pod(name: &str, spec: &Arc<PodSpec>) -> PodRecord {
    PodRecord::new("d", name, name, Arc::clone(spec))
}

fn applied(pod: PodRecord) -> Input {
    Input::PodApplied(Box::new(pod))
}

impl Bench {
    fn new(more: Vec<Arc<dyn Plugin>>) -> Self {
        let mut engine = Engine::new(None);
        engine.step([Input::Config(config(more))], 0, &mut Vec::new(), &mut ());
        Self { engine, now: 10_000, counts: Counts::default() }
    }

    /// Steps until there is nothing to do now; binds are left unanswered.
    fn run(&mut self, inputs: Vec<Input>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut inputs = Some(inputs);
        for _ in 0..10_000 {
            let new = inputs.take().unwrap_or_default();
            let turn = self.engine.step(new, self.now, &mut effects, &mut self.counts);
            if !turn.more {
                assert_sound(&self.engine, self.now);
                return effects;
            }
        }
        panic!("the engine does not come to rest");
    }

    fn attempts(&self, result: &str) -> usize {
        self.counts.attempts.get(result).copied().unwrap_or(0)
    }
}

fn binds(effects: &[Effect]) -> Vec<(String, String)> {
    let of = |e: &Effect| match e {
        Effect::Bind { pod, node, .. } => Some((pod.key.name.to_string(), node.to_string())),
        _ => None,
    };
    effects.iter().filter_map(of).collect()
}

#[test]
fn a_class_is_woken_pod_by_pod_as_long_as_it_fits() {
    let mut bench = Bench::new(Vec::new());
    let spec = template(1_000);
    let mut inputs = vec![node("small", 500)];
    inputs.extend((0..100).map(|i| applied(pod(&format!("p{i:03}"), &spec))));
    assert_eq!(binds(&bench.run(inputs)), []);
    assert_eq!(bench.attempts("unschedulable"), 100);
    // Room for three: the first three in queue order are woken, and nobody else.
    let effects = bench.run(vec![node("large", 3_500)]);
    let names: Vec<String> = binds(&effects).into_iter().map(|(pod, _)| pod).collect();
    assert_eq!(names, ["p000", "p001", "p002"]);
    assert_eq!((bench.attempts("unschedulable"), bench.attempts("scheduled")), (100, 3));
    assert_eq!(bench.engine.queue().counts().unschedulable, 97);
}

#[test]
fn an_event_costs_one_look_per_parked_class_and_node() {
    #[derive(Debug)]
    struct Looks(Arc<AtomicUsize>);
    impl Plugin for Looks {
        fn name(&self) -> &str {
            "Looks"
        }
        fn reads(&self) -> Reads {
            Reads::NODE_ROOM
        }
        fn as_filter(&self) -> Option<&dyn Filter> {
            Some(self)
        }
    }
    impl Filter for Looks {
        fn filter(&self, _: &Context<'_>, _: &State, nodes: &[NodeIdx], _: &mut Verdicts<'_>) {
            self.0.fetch_add(nodes.len(), Ordering::Relaxed);
        }
    }
    // Looks runs behind Room, which rejects every node: so count at Room's side through cordons.
    let looks = Arc::new(AtomicUsize::new(0));
    let mut bench = Bench::new(vec![Arc::new(Looks(Arc::clone(&looks)))]);
    let mut inputs: Vec<Input> = (0..50).map(|i| node(&format!("n{i}"), 100)).collect();
    for class in 0..100 {
        let spec = template(1_000 + class);
        inputs.extend((0..100).map(|i| applied(pod(&format!("c{class}-{i}"), &spec))));
    }
    bench.run(inputs);
    assert_eq!(bench.engine.queue().parked().count(), 100);
    assert_eq!(bench.engine.queue().counts().unschedulable, 10_000);
    let attempts = bench.attempts("unschedulable");
    // The node grows so that it passes Room for every class but is taken by the first pod: each
    // class looks at that one node once, and 10,000 pods cost no attempt but one.
    let effects = bench.run(vec![node("n7", 1_500)]);
    assert_eq!(binds(&effects).len(), 1);
    assert!(bench.attempts("unschedulable") - attempts <= 99, "a class is woken once at most");
    let seen = looks.load(Ordering::Relaxed);
    assert!(seen <= 400, "{seen} looks for 100 classes and one node");
}

#[test]
fn an_event_that_no_rejector_reads_wakes_nobody() {
    let mut bench = Bench::new(Vec::new());
    bench.run(vec![node("n", 500), applied(pod("p", &template(1_000)))]);
    let mut labelled = NodeRecord { name: "n".into(), ..NodeRecord::default() };
    labelled.allocatable =
        [("cpu", Quantity::from_milli(500)), ("pods", Quantity::from_units(10_000))]
            .into_iter()
            .collect();
    labelled.labels = [("zone", "a")].into_iter().collect();
    bench.run(vec![Input::NodeApplied(Arc::new(labelled))]);
    assert_eq!(bench.attempts("unschedulable"), 1);
    // A pod that leaves makes room: it is read, but 500 is still not 1,000.
    let mut guest = pod("guest", &template(100));
    guest.node_name = Some("n".into());
    let key = ObjectKey::new("d", "guest");
    bench.run(vec![applied(guest), Input::PodDeleted { key, uid: "guest".into() }]);
    assert_eq!(bench.attempts("unschedulable"), 1);
}

#[test]
fn a_gate_holds_a_pod_until_it_is_gone() {
    let mut bench = Bench::new(Vec::new());
    let mut gated = pod("p", &template(100));
    gated.scheduling_gates = Box::new(["wait".into()]);
    assert_eq!(binds(&bench.run(vec![node("n", 500), applied(gated)])), []);
    assert_eq!(bench.engine.queue().counts().gated, 1);
    let open = pod("p", &template(100));
    assert_eq!(binds(&bench.run(vec![applied(open)])), [("p".into(), "n".into())]);
}

#[test]
fn failures_are_told_once_and_in_full() {
    let mut bench = Bench::new(Vec::new());
    let effects = bench.run(vec![node("n", 500), applied(pod("p", &template(1_000)))]);
    let message = "0/1 nodes are available: 1 no room.".to_owned();
    let note = PodEvent::FailedScheduling { note: message.clone() };
    assert!(effects.iter().any(|e| matches!(e, Effect::Event { event, .. } if *event == note)));
    assert!(effects.iter().any(|e| matches!(e,
        Effect::Condition { reason: FailureReason::Unschedulable, message: m, .. } if *m == message)));
    // The same verdict again: nothing to write. Another one: written.
    let again = bench.run(vec![applied({
        let mut p = pod("p", &template(2_000));
        p.scheduled = Some(berth_engine::record::ScheduledCondition {
            status: "False".into(),
            reason: "Unschedulable".into(),
            message: message.as_str().into(),
            observed_generation: 0,
        });
        p
    })]);
    assert_eq!(again, []);
    let effects = bench.run(vec![node("m", 100), applied(pod("q", &template(9_000)))]);
    assert_eq!(effects.len(), 2, "{effects:?}");
}

#[test]
fn a_panicking_plugin_breaks_the_pod_only() {
    #[derive(Debug)]
    struct Panics;
    impl Plugin for Panics {
        fn name(&self) -> &str {
            "Panics"
        }
        fn as_filter(&self) -> Option<&dyn Filter> {
            Some(self)
        }
    }
    impl Filter for Panics {
        fn filter(&self, cx: &Context<'_>, _: &State, _: &[NodeIdx], _: &mut Verdicts<'_>) {
            assert_ne!(cx.pod.name, "bad", "on purpose");
        }
    }
    let mut bench = Bench::new(vec![Arc::new(Panics)]);
    let spec = template(100);
    let inputs = vec![node("n", 500), applied(pod("bad", &spec)), applied(pod("good", &spec))];
    let effects = bench.run(inputs);
    assert_eq!(binds(&effects), [("good".into(), "n".into())]);
    assert!(effects.iter().any(|e| matches!(e,
        Effect::Condition { reason: FailureReason::SchedulerError, message, .. }
            if message.contains("plugin \"Panics\" panicked"))));
    assert_eq!(bench.engine.queue().counts().backoff, 1);
}

/// What panics in a ranking sends the pod to the plain scan, which has the last word.
#[test]
fn a_panic_while_counts_are_kept_costs_the_ranking_only() {
    #[derive(Debug)]
    struct Follower;
    impl Plugin for Follower {
        fn name(&self) -> &str {
            "Follower"
        }
        fn reads(&self) -> Reads {
            Reads::PODS
        }
        fn keeps(&self, _: &Context<'_>) -> Keeps {
            Keeps::Groups
        }
        fn as_filter(&self) -> Option<&dyn Filter> {
            Some(self)
        }
        fn as_grouped(&self) -> Option<&dyn Grouped> {
            Some(self)
        }
    }
    impl Filter for Follower {
        fn filter(&self, _: &Context<'_>, _: &State, _: &[NodeIdx], _: &mut Verdicts<'_>) {}
    }
    impl Grouped for Follower {
        fn open(&self, _: &Context<'_>) -> Option<Box<dyn Groups>> {
            Some(Box::new(Kept))
        }
    }
    #[derive(Debug)]
    struct Kept;
    impl Groups for Kept {
        fn reads(&self) -> Reads {
            Reads::NOTHING
        }
        fn follows_all(&self) -> bool {
            true
        }
        fn follow(&mut self, _: &Context<'_>, _: &PodMoved<'_>, _: &mut Touched) {
            panic!("on purpose");
        }
        fn key(&self, _: &Context<'_>, _: NodeIdx, _: &mut GroupKey) {}
    }
    let mut bench = Bench::new(vec![Arc::new(Follower)]);
    let spec = template(100);
    let mut inputs = vec![node("n", 500)];
    inputs.extend((0..4).map(|i| applied(pod(&format!("p{i}"), &spec))));
    assert_eq!(binds(&bench.run(inputs)).len(), 4);
    // The second and the fourth pod had to be told of the one before.
    assert_eq!(bench.engine.rankings().answers(), 2);
}

#[test]
fn a_failed_bind_frees_the_room_and_backs_off() {
    let mut bench = Bench::new(Vec::new());
    let spec = template(500);
    let effects =
        bench.run(vec![node("n", 500), applied(pod("a", &spec)), applied(pod("b", &spec))]);
    assert_eq!(binds(&effects), [("a".into(), "n".into())]);
    let outcome = BindOutcome::Unavailable("etcdserver: no leader".into());
    let cycle = bench.engine.cycle_of("a").unwrap();
    let effects = bench.run(vec![Input::BindOutcome { cycle, outcome }]);
    // b, parked for room, has it now; a says why it failed.
    assert_eq!(binds(&effects), [("b".into(), "n".into())]);
    let text = "running Bind plugin \"DefaultBinder\": etcdserver: no leader";
    assert!(effects.iter().any(|e| matches!(e,
        Effect::Condition { reason: FailureReason::SchedulerError, message, .. } if message == text)));
    assert_eq!(bench.engine.queue().counts().backoff, 1);
    let outcome = BindOutcome::Bound;
    let cycle = bench.engine.cycle_of("b").unwrap();
    let effects = bench.run(vec![Input::BindOutcome { cycle, outcome }]);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Event { event: PodEvent::Scheduled { .. }, .. }]
    ));
}

#[test]
fn a_plugin_without_reads_is_asked_by_its_hints() {
    #[derive(Debug)]
    struct Lamp;
    impl Plugin for Lamp {
        fn name(&self) -> &str {
            "Lamp"
        }
        fn as_filter(&self) -> Option<&dyn Filter> {
            Some(self)
        }
        fn as_hints(&self) -> Option<&dyn Hints> {
            Some(self)
        }
    }
    impl Filter for Lamp {
        fn filter(&self, cx: &Context<'_>, _: &State, nodes: &[NodeIdx], out: &mut Verdicts<'_>) {
            for (at, node) in nodes.iter().enumerate() {
                if cx.nodes.record(*node).is_some_and(|r| r.annotations.get("lamp") != Some("on")) {
                    out.set(at, Verdict::unschedulable("dark"));
                }
            }
        }
    }
    impl Hints for Lamp {
        fn events(&self) -> Vec<Registration> {
            vec![Registration { resource: Resource::Node, actions: Action::UPDATE_NODE_ANNOTATION }]
        }
        fn hint(&self, _: &Context<'_>, _: &ClusterEvent<'_>) -> Hint {
            Hint::Queue
        }
    }
    let mut bench = Bench::new(vec![Arc::new(Lamp)]);
    bench.run(vec![node("n", 500), applied(pod("p", &template(100)))]);
    assert_eq!(bench.engine.queue().alone().len(), 1);
    bench.run(vec![node("m", 500)]);
    assert_eq!(bench.attempts("unschedulable"), 1, "a new node is not what Lamp asked for");
    let lit = NodeRecord {
        name: "n".into(),
        annotations: [("lamp", "on")].into_iter().collect(),
        allocatable: [("cpu", Quantity::from_milli(500)), ("pods", Quantity::from_units(9))]
            .into_iter()
            .collect(),
        ..NodeRecord::default()
    };
    let mut effects = bench.run(vec![Input::NodeApplied(Arc::new(lit))]);
    bench.now += 5_000;
    effects.extend(bench.run(Vec::new()));
    assert_eq!(binds(&effects), [("p".into(), "n".into())]);
}

#[test]
fn higher_priority_goes_first_then_arrival() {
    let mut bench = Bench::new(Vec::new());
    let spec = template(100);
    let mut urgent = pod("urgent", &spec);
    urgent.priority = 100;
    let inputs = vec![
        applied(pod("first", &spec)),
        applied(pod("second", &spec)),
        applied(urgent),
        node("n", 500),
    ];
    let order: Vec<String> = binds(&bench.run(inputs)).into_iter().map(|(pod, _)| pod).collect();
    assert_eq!(order, ["urgent", "first", "second"]);
}

#[test]
fn threads_change_nothing() {
    let run = |pool: Option<Arc<rayon::ThreadPool>>| {
        let mut engine = Engine::new(pool);
        let mut inputs = vec![Input::Config(config(Vec::new()))];
        // Enough nodes for the pool to be used.
        let nodes = berth_engine::ranking::PARALLEL_NODES_MIN + 2_000;
        inputs.extend((0..nodes).map(|i| node(&format!("n{i}"), 1_000)));
        let spec = template(400);
        inputs.extend((0..60).map(|i| applied(pod(&format!("p{i}"), &spec))));
        let mut effects = Vec::new();
        while engine.step(std::mem::take(&mut inputs), 0, &mut effects, &mut ()).more {}
        effects
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let (one, three) = (run(None), run(Some(Arc::new(pool))));
    assert_eq!(binds(&one).len(), 60);
    assert_eq!(one, three);
}
