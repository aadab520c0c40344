//! What it costs to take a plan back: `cargo bench -p berth-plugins --bench plan`.
//!
//! A plan of 1,000 pods of one Job on 5,000 nodes is made and taken back, again and again; then the
//! same pods are placed for good. Microseconds a pod, medians of the rounds, and the ratios of one
//! run. Taking back must cost no more than making once more.
#![allow(clippy::unwrap_used)]

mod scene;

use std::time::Instant;

use berth_engine::base::PodIdx;
use berth_engine::record::WhenUnsatisfiable;
use scene::cluster::ZONE;
use scene::drive::Drive;
use scene::job::Job;
use scene::workload::Workload;

const NODES: usize = 5_000;
const PODS: usize = 1_000;
const ROUNDS: usize = 21;

/// The middle one of the values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Microseconds a pod to make a plan, to take it back, and for rankings to follow both.
fn round(drive: &mut Drive<'_>, pods: &[PodIdx]) -> [f64; 3] {
    let per_pod = |since: Instant| since.elapsed().as_secs_f64() * 1e6 / PODS as f64;
    let began = Instant::now();
    let mut plan = drive.engine.begin_plan();
    for pod in pods {
        assert!(drive.engine.plan_pod(&mut plan, *pod, &mut ()).unwrap());
    }
    let made = per_pod(began);
    let began = Instant::now();
    drive.engine.take_back_plan(plan);
    let back = per_pod(began);
    // The first choice after it reads what the plan has written.
    let began = Instant::now();
    let mut one = drive.engine.begin_plan();
    assert!(drive.engine.plan_pod(&mut one, pods[0], &mut ()).unwrap());
    drive.engine.take_back_plan(one);
    [made, back, per_pod(began)]
}

fn main() {
    println!(
        "{:<16} {:>9} {:>10} {:>9} {:>7} {:>9}",
        "", "make", "take back", "follow", "ratio", "place"
    );
    let spread = |job: Job| job.spread(ZONE, 1, WhenUnsatisfiable::DoNotSchedule);
    for job in [Job::default_size("plain"), spread(Job::default_size("zone-spread"))] {
        let name = job.app.clone();
        let workload = Workload::new(vec![job], PODS);
        let mut drive = Drive::new(&workload, 1);
        drive.load(NODES);
        drive.queue(PODS);
        let mut pods: Vec<PodIdx> = drive.engine.queue().iter().map(|(pod, _)| pod).collect();
        pods.sort_unstable();
        round(&mut drive, &pods);
        let rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| round(&mut drive, &pods)).collect();
        let [made, back, follow] =
            [0, 1, 2].map(|at| median(rounds.iter().map(|round| round[at]).collect()));
        let ratio = (made + back + follow) / made;
        while drive.turn() {}
        let placed = drive.spent.decide.as_secs_f64() * 1e6 / PODS as f64;
        println!(
            "{name:<16} {made:>6.2} µs {back:>7.2} µs {follow:>6.2} µs {ratio:>7.2} {placed:>6.2} µs"
        );
    }
    println!("ratio: making, taking back and following, of making alone (at most 2)");
}
