//! What a decision costs by the plain scan: `cargo bench -p berth-plugins --bench scan`.
//!
//! One row per cluster size: decisions a second and microseconds each, on the caller's thread and
//! on a pool of all cores, with the default plugins. This is the measurement behind
//! `berth_engine::cycle::PARALLEL_NODES_MIN`: where the second column wins, threads pay.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::Instant;

use berth_engine::framework::{Point, Profile, ProfileBuilder};
use berth_engine::record::{Container, NodeRecord, PodRecord, PodSpec, Quantity};
use berth_engine::{Config, Engine, Input};

fn profile() -> Profile {
    let registry = berth_plugins::in_tree().unwrap();
    let mut builder = ProfileBuilder::new("berth");
    for (name, weight) in berth_plugins::default_plugins() {
        let Ok(factory) = registry.get(name) else { continue };
        let plugin = factory.build(None).unwrap();
        let points = Point::ALL.into_iter().filter(|p| p.is_run());
        for point in points.filter(|p| p.is_implemented_by(plugin.as_ref())) {
            builder.add(point, &plugin, (*weight).max(1)).unwrap();
        }
    }
    builder.build().unwrap()
}

fn node(i: usize) -> Input {
    let zone = format!("zone-{}", i % 3);
    let name = format!("node-{i:06}");
    Input::NodeApplied(Arc::new(NodeRecord {
        name: name.as_str().into(),
        labels: [("kubernetes.io/hostname", name.as_str()), ("topology.kubernetes.io/zone", &zone)]
            .into_iter()
            .collect(),
        allocatable: [
            ("cpu", Quantity::from_units(4)),
            ("memory", Quantity::from_units(32 << 30)),
            ("pods", Quantity::from_units(110)),
        ]
        .into_iter()
        .collect(),
        ..NodeRecord::default()
    }))
}

fn engine(nodes: usize, pods: usize, threads: usize) -> Engine {
    let pool = (threads > 1)
        .then(|| Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()));
    let mut engine = Engine::new(1, pool);
    let config = Config {
        hash: 0,
        profiles: vec![Arc::new(profile())],
        backoff_initial_ms: 1_000,
        backoff_max_ms: 10_000,
        parked_max_ms: 300_000,
    };
    let spec = Arc::new(PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting([
            ("cpu", Quantity::from_milli(100)),
            ("memory", Quantity::from_units(500 << 20)),
        ])],
        ..PodSpec::default()
    });
    let mut inputs = vec![Input::Config(Arc::new(config))];
    inputs.extend((0..nodes).map(node));
    inputs.extend((0..pods).map(|i| {
        let pod = PodRecord::new("default", &format!("p{i}"), &format!("u{i}"), Arc::clone(&spec));
        Input::PodApplied(Box::new(pod))
    }));
    engine.pause(true);
    engine.step(inputs, 0, &mut Vec::new(), &mut ());
    engine.pause(false);
    engine
}

/// Microseconds per decision over `pods` decisions.
fn micros(nodes: usize, pods: usize, threads: usize) -> f64 {
    let mut engine = engine(nodes, pods, threads);
    let mut effects = Vec::new();
    let began = Instant::now();
    while engine.step([], 0, &mut effects, &mut ()).more {}
    let micros = began.elapsed().as_secs_f64() * 1e6;
    assert_eq!(effects.len(), pods, "every pod is placed");
    micros / pods as f64
}

fn main() {
    let cores = std::thread::available_parallelism().unwrap().get();
    println!(
        "{:>8} {:>14} {:>14} {:>8}   ({cores} threads)",
        "nodes", "1 thread", "threads", "ratio"
    );
    for nodes in [100, 500, 1_000, 2_000, 5_000, 15_000] {
        let pods = (2_000_000 / nodes).clamp(100, 2_000);
        let (one, many) = (micros(nodes, pods, 1), micros(nodes, pods, cores));
        println!("{nodes:>8} {one:>11.1} µs {many:>11.1} µs {:>8.2}", one / many);
    }
}
