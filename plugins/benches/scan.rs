//! What a decision costs by the plain scan: `cargo bench -p berth-plugins --bench scan`.
//!
//! One row per cluster size: decisions a second and microseconds each, on the caller's thread and
//! on a pool of all cores, with the default plugins. This is the measurement behind
//! `berth_engine::cycle::PARALLEL_NODES_MIN`: where the second column wins, threads pay.
#![allow(clippy::unwrap_used)]

mod scene;

use berth_engine::{Control, Input, Method};
use scene::drive::Drive;
use scene::job::Job;
use scene::workload::Workload;

/// Microseconds per decision over `pods` decisions.
fn micros(nodes: usize, pods: usize, threads: usize) -> f64 {
    let workload = Workload::new(vec![Job::default_size("app")], pods);
    let mut drive = Drive::new(&workload, threads);
    let scan = Input::Control(Control::Method(Method::Scan));
    drive.engine.step([scan], 0, &mut Vec::new(), &mut ());
    drive.load(nodes);
    drive.queue(pods);
    while drive.turn() {}
    assert_eq!(drive.ledger.bound(), pods, "every pod is placed");
    assert_eq!(drive.engine.rankings().answers(), 0, "no ranking answered");
    drive.spent.decide.as_secs_f64() * 1e6 / pods as f64
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
