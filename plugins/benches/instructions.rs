//! Fixed small workloads whose instructions are counted: `cargo run -p hack -- instructions`.
//!
//! 200 nodes and 300 pods each. Nothing here depends on time or threads, and only the engine's own
//! steps count, so that one build gives one number, to a few in 100,000: hash tables with seeds
//! from addresses differ with the size of the environment.
#![allow(clippy::unwrap_used)]

mod scene;

use std::process::ExitCode;

use scene::drive::Drive;
use scene::job::Job;
use scene::workload::{Churn, Workload, mixed, thousand_classes};

const NODES: usize = 200;
const PODS: usize = 300;
/// Pods queued at a time, so that decisions and arrivals alternate.
const WAVE: usize = 60;

/// A dozen Jobs of every kind and one larger than a node, which is parked and looked at again
/// whenever nodes come and change.
fn changing() -> Workload {
    let mut workload = mixed(NODES).with_churn(Churn::Nodes);
    workload.jobs.push(Job::plain("too-large", 5_000, 100));
    workload
}

fn workload(name: &str) -> Option<Workload> {
    match name {
        "plain" => Some(Workload::new(vec![Job::default_size("app")], PODS)),
        "classes" => Some(thousand_classes(NODES)),
        "mixed" => Some(changing()),
        _ => None,
    }
}

fn main() -> ExitCode {
    // cargo bench adds --bench.
    let name = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let Some(workload) = name.as_deref().and_then(workload) else {
        eprintln!("name a workload: plain, classes or mixed");
        return ExitCode::FAILURE;
    };
    let mut drive = Drive::new(&workload, 1);
    drive.load(NODES);
    for _ in 0..PODS / WAVE {
        drive.queue(WAVE);
        while drive.turn() {}
    }
    drive.ledger.check(&workload, &drive.engine, drive.nodes);
    let (placed, waiting) = (drive.ledger.bound(), drive.engine.queue().counts().unschedulable);
    assert_eq!(placed + waiting, PODS, "no pod is lost");
    println!("{placed} pods placed, {waiting} wait, {} nodes", drive.nodes);
    ExitCode::SUCCESS
}
