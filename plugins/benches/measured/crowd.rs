//! Pods that wait beside pods that are placed: 100,000 of one indexed Job, of 1,000 and of 20,000
//! classes, which fit nowhere for one kind of reason each.
//!
//! Plain pods are placed by an engine without the crowd and by one with it, in turn, so that a slow
//! moment of the machine is both's. Then single events are timed: one that nobody waits for, one
//! that helps one class, one that all classes wait for and that helps none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use berth_engine::record::WhenUnsatisfiable::DoNotSchedule;
use berth_engine::record::{NodeRecord, ObjectKey, PodRecord, Quantity, StringMap};
use berth_engine::{BindOutcome, Effect, Engine, Input};
use serde::{Deserialize, Serialize};

use super::result::Measurement;
use super::run::blank;
use crate::scene::cluster::{NodeState, POOL, ZONE, ZONES, engine, node, node_name};
use crate::scene::job::{Job, uid};
use crate::scene::resident;
use crate::scene::workload::Workload;

/// Pods that wait.
const WAITING: usize = 100_000;
/// Pods that run on each node, all of one app.
const RUNNING: usize = 2;
/// Plain pods placed in one turn, and turns.
const PLACED: usize = 2_048;
const TURNS: usize = 8;
/// Events that nobody waits for.
const EVENTS: usize = 500;
/// What the waiting pods ask for that ask for CPU: more than any node has.
const LARGE_MILLI: i64 = 100_000;
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Why the crowd fits nowhere, and how large it is.
#[derive(Debug, Clone, Copy)]
pub struct CrowdCase {
    pub name: &'static str,
    shape: Shape,
    classes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Cpu,
    NodeAffinity,
    Affinity,
    AntiAffinity,
    ZoneSpread,
}

const fn case(name: &'static str, shape: Shape, classes: usize) -> CrowdCase {
    CrowdCase { name, shape, classes }
}

pub const CROWDS: [CrowdCase; 15] = [
    case("crowd-cpu-1", Shape::Cpu, 1),
    case("crowd-cpu-1000", Shape::Cpu, 1_000),
    case("crowd-cpu-20000", Shape::Cpu, 20_000),
    case("crowd-node-1", Shape::NodeAffinity, 1),
    case("crowd-node-1000", Shape::NodeAffinity, 1_000),
    case("crowd-node-20000", Shape::NodeAffinity, 20_000),
    case("crowd-near-1", Shape::Affinity, 1),
    case("crowd-near-1000", Shape::Affinity, 1_000),
    case("crowd-near-20000", Shape::Affinity, 20_000),
    case("crowd-apart-1", Shape::AntiAffinity, 1),
    case("crowd-apart-1000", Shape::AntiAffinity, 1_000),
    case("crowd-apart-20000", Shape::AntiAffinity, 20_000),
    case("crowd-spread-1", Shape::ZoneSpread, 1),
    case("crowd-spread-1000", Shape::ZoneSpread, 1_000),
    case("crowd-spread-20000", Shape::ZoneSpread, 20_000),
];

/// The case of that name.
pub fn find(name: &str) -> Option<CrowdCase> {
    CROWDS.iter().find(|case| case.name == name).copied()
}

/// What a crowd costs.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct CrowdCosts {
    /// Rate of plain placements against that without the crowd.
    pub ratio: f64,
    /// An event that nobody waits for, less the same without the crowd, in microseconds.
    pub idle_us: f64,
    /// The step after an event that helps one class in which its head is placed: 1 is the next.
    pub helped_in_steps: usize,
    /// The longest step after an event that all classes wait for, in milliseconds.
    pub longest_step_ms: f64,
    /// From that event until nobody is due, in seconds, and the steps of it.
    pub worst_s: f64,
    pub worst_steps: usize,
    /// What a waiting pod and its class take, in bytes.
    pub bytes_per_waiting: f64,
}

/// An engine whose binds are answered at once and confirmed as the watch would.
struct World {
    engine: Engine,
    apps: Vec<Job>,
    now: u64,
}

impl World {
    fn new(nodes: usize) -> Self {
        let mut world = Self { engine: engine(1), apps: Vec::new(), now: 0 };
        let mut inputs: Vec<Input> = (0..nodes)
            .map(|i| Input::NodeApplied(Arc::new(node(i, NodeState::default()))))
            .collect();
        // A zone without pods that takes none: whatever spreads over zones has a minimum of 0.
        let mut empty = node(nodes, NodeState::default());
        empty.unschedulable = true;
        empty.labels = with(&empty.labels, ZONE, "zone-empty");
        inputs.push(Input::NodeApplied(Arc::new(empty)));
        let job = resident_job();
        inputs.extend((0..RUNNING * nodes).map(|i| {
            let mut record = record(&job, "resident", i);
            record.node_name = Some(node_name(i % nodes).into());
            Input::PodApplied(Box::new(record))
        }));
        world.run(inputs);
        world
    }

    /// Steps until there is nothing to do; the pods that were bound, and each step's time.
    fn run(&mut self, inputs: Vec<Input>) -> (usize, Vec<Duration>) {
        let (mut inputs, mut effects) = (inputs, Vec::new());
        let (mut bound, mut times) = (0, Vec::new());
        loop {
            let began = Instant::now();
            let turn = self.engine.step(inputs.drain(..), self.now, &mut effects, &mut ());
            times.push(began.elapsed());
            for effect in effects.drain(..) {
                if let Effect::Bind { cycle, pod, node, .. } = effect {
                    bound += 1;
                    inputs.push(Input::BindOutcome { cycle, outcome: BindOutcome::Bound });
                    let kind = pod.key.name.split('-').next().unwrap().to_owned();
                    let job = self.apps.iter().find(|job| job.app == kind);
                    let Some(job) = job else { continue };
                    let mut record = job.pod(0);
                    record.name = pod.key.name.clone();
                    record.uid = pod.uid.clone();
                    record.node_name = Some(node.as_ref().into());
                    inputs.push(Input::PodApplied(Box::new(record)));
                }
            }
            if !turn.more && inputs.is_empty() {
                return (bound, times);
            }
        }
    }
}

fn with(labels: &StringMap, key: &str, value: &str) -> StringMap {
    let others = labels.iter().filter(|(known, _)| *known != key);
    others.chain([(key, value)]).collect()
}

fn resident_job() -> Job {
    Job::plain("resident", 10, 10)
}

fn record(job: &Job, kind: &str, number: usize) -> PodRecord {
    let mut record = job.pod(number);
    record.name = format!("{kind}-{number}").into();
    // Kinds have numbers far from one another.
    let far = kind.bytes().map(usize::from).sum::<usize>() << 32;
    record.uid = uid(far + number).into();
    record
}

/// Class `class` of the crowd. All but the first wait for what the worst event touches.
fn waiting(shape: Shape, class: usize) -> Job {
    let memory = 100 + i64::try_from(class).unwrap();
    let app = format!("crowd-{class}");
    let other = if class == 0 { "only" } else { "resident" };
    match shape {
        Shape::Cpu => Job::plain(&app, LARGE_MILLI + 10 * i64::try_from(class).unwrap(), 100),
        Shape::NodeAffinity => Job::plain(&app, 100, 100).in_pools(&[1_000_000 + class]),
        Shape::Affinity => Job::plain(&app, 100, memory).near(&format!("friend-{class}"), ZONE),
        Shape::AntiAffinity => Job::plain(&app, 100, memory).apart(other, ZONE),
        Shape::ZoneSpread => Job { app: other.to_owned(), ..Job::plain(&app, 100, memory) }.spread(
            ZONE,
            1,
            DoNotSchedule,
        ),
    }
}

fn gone(kind: &str, job: &Job, number: usize) -> Input {
    let record = record(job, kind, number);
    Input::PodDeleted { key: ObjectKey::new("default", &record.name), uid: record.uid.clone() }
}

/// Pods of the app that the first class keeps away from, or spreads with: one in each zone, and two
/// where one more would not be too many.
fn only(shape: Shape, nodes: usize) -> Vec<Input> {
    let each = if shape == Shape::ZoneSpread { 2 } else { 1 };
    let job = Job::plain("only", 10, 10);
    let pod = |zone: usize| {
        let mut record = record(&job, "only", zone);
        record.node_name = Some(node_name(zone).into());
        Input::PodApplied(Box::new(record))
    };
    (0..each * ZONES.min(nodes)).map(pod).collect()
}

/// The event that helps the first class and no other.
fn helping(shape: Shape, nodes: usize) -> Vec<Input> {
    let large = |cpu: i64, pool: usize| {
        let mut large = node(nodes + 1, NodeState::default());
        let own = [("cpu", cpu)].map(|(name, cpu)| (name, Quantity::from_milli(cpu)));
        let rest =
            [("memory", Quantity::from_units(32 << 30)), ("pods", Quantity::from_units(110))];
        large.allocatable = own.into_iter().chain(rest).collect();
        large.labels = with(&large.labels, POOL, &format!("pool-{pool}"));
        vec![Input::NodeApplied(Arc::new(large))]
    };
    match shape {
        Shape::Cpu => large(LARGE_MILLI + 5, 0),
        Shape::NodeAffinity => large(4_000, 1_000_000),
        Shape::Affinity => {
            let mut friend = record(&Job::plain("friend-0", 10, 10), "friend", 0);
            friend.node_name = Some(node_name(0).into());
            vec![Input::PodApplied(Box::new(friend))]
        }
        Shape::AntiAffinity | Shape::ZoneSpread => {
            vec![gone("only", &Job::plain("only", 10, 10), 0)]
        }
    }
}

/// An event that all wait for, and that helps none.
fn read_by_all(shape: Shape, nodes: usize) -> Vec<Input> {
    let mut changed: NodeRecord = node(nodes, NodeState::default());
    changed.unschedulable = true;
    changed.labels = with(&changed.labels, ZONE, "zone-empty");
    match shape {
        // There is room for any of them, on a node that takes none.
        Shape::Cpu => {
            let all = changed.allocatable.iter().map(|(name, amount)| match name {
                "cpu" => (name, Quantity::from_milli(LARGE_MILLI * 10)),
                _ => (name, amount),
            });
            changed.allocatable = all.collect();
        }
        Shape::NodeAffinity | Shape::Affinity => {
            changed.labels = with(&changed.labels, POOL, "pool-other");
        }
        Shape::AntiAffinity | Shape::ZoneSpread => {
            return vec![gone("resident", &resident_job(), 7)];
        }
    }
    vec![Input::NodeApplied(Arc::new(changed))]
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Parks the crowd and measures.
///
/// # Panics
/// Pods are placed that must not be, or are not that must be.
pub fn measure(case: CrowdCase, nodes: usize) -> Measurement {
    let plain = Job::plain("plain", 10, 10);
    let mut worlds = [World::new(nodes), World::new(nodes)];
    for world in &mut worlds {
        world.apps.push(plain.clone());
        world.run(only(case.shape, nodes));
    }
    let before = resident::now();
    let began = Instant::now();
    let jobs: Vec<Job> = (0..case.classes).map(|class| waiting(case.shape, class)).collect();
    for chunk in (0..WAITING).collect::<Vec<_>>().chunks(4_096) {
        let pod = |number: &usize| {
            let mut record = record(&jobs[number % jobs.len()], "crowd", *number);
            record.labels = with(&record.labels, INDEX, &number.to_string());
            Input::PodApplied(Box::new(record))
        };
        assert_eq!(worlds[1].run(chunk.iter().map(pod).collect()).0, 0, "nobody fits");
    }
    let parking = began.elapsed();
    let grown = resident::now().saturating_sub(before);
    let mut costs =
        CrowdCosts { bytes_per_waiting: grown as f64 / WAITING as f64, ..CrowdCosts::default() };
    let mut spent = [Duration::ZERO; 2];
    for turn in 0..TURNS + 1 {
        for (world, spent) in worlds.iter_mut().zip(&mut spent) {
            let pods = (0..PLACED)
                .map(|i| Input::PodApplied(Box::new(record(&plain, "plain", turn * PLACED + i))));
            let (bound, times) = world.run(pods.collect());
            assert_eq!(bound, PLACED, "all plain pods fit");
            // The first turn makes rankings.
            *spent += times.iter().sum::<Duration>() * u32::from(turn > 0);
        }
    }
    costs.ratio = spent[0].as_secs_f64() / spent[1].as_secs_f64();
    let idle = worlds.each_mut().map(|world| {
        let event = |i: usize| vec![gone("plain", &plain, i)];
        median((0..EVENTS).map(|i| world.run(event(i)).1.iter().sum()).collect())
    });
    costs.idle_us = idle[1] - idle[0];
    helped(&mut worlds[1], case.shape, nodes, &mut costs);
    let began = Instant::now();
    let (bound, times) = worlds[1].run(read_by_all(case.shape, nodes));
    assert_eq!(bound, 0, "it helps nobody");
    costs.worst_s = began.elapsed().as_secs_f64();
    costs.worst_steps = times.len();
    costs.longest_step_ms = times.iter().max().map_or(0.0, |longest| longest.as_secs_f64() * 1e3);
    println!(
        "{:<18} parked in {:.1} s; {:.0} B a waiting pod; plain pods at {:.0} % of their rate; an \
         event that nobody waits for +{:.1} µs ({:.1}); one that helps in step {}; one that all \
         wait for {:.2} s in {} steps of at most {:.1} ms",
        case.name,
        parking.as_secs_f64(),
        costs.bytes_per_waiting,
        costs.ratio * 100.0,
        costs.idle_us,
        idle[1],
        costs.helped_in_steps,
        costs.worst_s,
        costs.worst_steps,
        costs.longest_step_ms,
    );
    let workload = Workload::new(jobs, WAITING);
    let mut measured = blank(case.name, &workload, nodes, 1);
    measured.pods = TURNS * PLACED;
    measured.refused = WAITING;
    measured.ns_per_decision = spent[1].as_secs_f64() * 1e9 / measured.pods as f64;
    measured.decisions_per_s = 1e9 / measured.ns_per_decision;
    measured.peak_bytes = resident::peak();
    measured.crowd = Some(costs);
    measured
}

/// Lets the first class be helped and looks when its head is placed.
fn helped(world: &mut World, shape: Shape, nodes: usize, costs: &mut CrowdCosts) {
    let (mut effects, mut inputs) = (Vec::new(), helping(shape, nodes));
    for step in 1..=1_000 {
        world.engine.step(inputs.drain(..), world.now, &mut effects, &mut ());
        if effects.drain(..).any(|effect| matches!(effect, Effect::Bind { .. })) {
            costs.helped_in_steps = step;
            break;
        }
    }
    assert!(costs.helped_in_steps > 0, "the first class is helped");
    world.run(Vec::new());
}
