//! The simulation of the record: as many pods as nodes, as 100 Jobs, with true accounting.

use std::time::{Duration, Instant};

use super::result::Measurement;
use super::run::blank;
use crate::scene::drive::Drive;
use crate::scene::job::Job;
use crate::scene::resident;
use crate::scene::workload::Workload;

const JOBS: usize = 100;

/// Jobs that differ in what they ask for, one after another.
fn workload(pods: usize) -> Workload {
    let job = |i: usize| {
        let i = i64::try_from(i).unwrap();
        Job::plain(&format!("job-{i}"), 100 + 10 * i, 200 + 20 * i)
    };
    Workload::new((0..JOBS).map(job).collect(), pods).in_blocks(pods.div_ceil(JOBS))
}

fn tell(phase: &str, time: Duration, of: &str) {
    let resident = resident::now() >> 20;
    println!("{phase:<28} {:>9.2} s  {resident:>6} MB  {of}", time.as_secs_f64());
}

/// Loads all nodes, queues all pods, decides them all, and checks that each is on one node and no
/// node gives more than it has.
///
/// # Panics
/// A pod is left, is bound twice, or a node is over-committed.
pub fn simulate(nodes: usize, pods: usize, threads: usize) -> Measurement {
    println!("{pods} pods as {JOBS} Jobs on {nodes} nodes, {threads} threads");
    let began = Instant::now();
    let workload = workload(pods);
    let before = resident::now();
    let mut drive = Drive::new(&workload, threads);
    let mut measured = blank("record", &workload, nodes, threads);
    drive.load(nodes);
    let loaded = resident::now();
    measured.bytes_per_node = loaded.saturating_sub(before) as f64 / nodes as f64;
    tell("loading nodes", drive.spent.load, "engine's time");
    drive.queue(pods);
    tell("queueing pods", drive.spent.queue, "engine's time");
    let mut told = Instant::now();
    while drive.turn() {
        if measured.first_us == 0.0 {
            measured.first_us = drive.spent.decide.as_secs_f64() * 1e6;
        }
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            println!("  {} of {pods} placed", drive.ledger.bound());
        }
    }
    measured.pods = drive.ledger.bound();
    measured.refused = drive.refused;
    measured.peak_bytes = resident::peak();
    measured.bytes_per_pod =
        Some(resident::now().saturating_sub(loaded) as f64 / measured.pods as f64);
    measured.set_times(&drive.spent, pods);
    tell("deciding", drive.spent.decide, "engine's time");
    tell("outcomes and confirmations", drive.spent.confirm, "engine's time");
    tell("the bench itself", drive.spent.own, "records made, binds answered, ledger kept");
    let checking = Instant::now();
    assert_eq!(measured.pods, pods, "every pod has a node");
    drive.ledger.check(&workload, &drive.engine, drive.nodes);
    tell("checking the books", checking.elapsed(), "each pod on one node, no node over-committed");
    let spent = &drive.spent;
    tell("engine, queue to bound", spent.queue + spent.decide + spent.confirm, "the figure");
    tell("everything, wall clock", began.elapsed(), "");
    println!("peak {} MB", measured.peak_bytes >> 20);
    measured
}
