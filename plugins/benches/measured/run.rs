//! One measurement: load, then batches of pods until the time is up, then the books.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::case::Case;
use super::identity::Identity;
use super::result::Measurement;
use crate::scene::drive::Drive;
use crate::scene::resident;
use crate::scene::workload::Workload;

/// Pods queued at once: as a burst of Jobs, and no more than decisions of a second need.
const BATCH_MAX: usize = 8_192;

/// Pods of each Job, on average, before the time counts, within as many times the time: else many
/// classes would show the first evaluation of each and little besides, and a slow machine more of
/// it than a fast one.
const TURNS_MIN: usize = 64;

/// Measures a case. Batches grow from one pod on, so that a slow case ends in time and a fast one
/// is measured on many.
pub fn measure(
    case: &Case,
    nodes: usize,
    threads: usize,
    seconds: f64,
    pods_max: Option<usize>,
) -> Measurement {
    let workload = (case.workload)(nodes);
    let before = resident::now();
    let mut drive = Drive::new(&workload, threads);
    drive.load(nodes);
    let loaded = resident::now();
    let mut measured = blank(case.name, &workload, nodes, threads);
    measured.bytes_per_node = loaded.saturating_sub(before) as f64 / nodes as f64;
    let pods_max = pods_max.unwrap_or(usize::MAX).min(workload.capacity);
    let mut queued = 0;
    if case.name == "memory" {
        drive.run(pods_max);
        let grown = resident::now().saturating_sub(loaded);
        measured.bytes_per_pod = Some(grown as f64 / pods_max as f64);
    } else {
        let budget = Duration::from_secs_f64(seconds);
        let mut batch = 1;
        let limit = |queued| {
            if queued < TURNS_MIN * workload.jobs.len() {
                budget * TURNS_MIN as u32
            } else {
                budget
            }
        };
        while queued < pods_max && drive.spent.decide + drive.spent.confirm < limit(queued) {
            let pods = batch.min(pods_max - queued);
            drive.queue(pods);
            queued += pods;
            while drive.turn() {}
            if batch == 1 {
                measured.first_us = drive.spent.decide.as_secs_f64() * 1e6;
            }
            batch = (batch * 2).min(BATCH_MAX);
        }
        measured.pods = drive.ledger.bound() - workload.running;
    }
    measured.refused = drive.refused;
    measured.peak_bytes = resident::peak();
    measured.set_times(&drive.spent, queued);
    let counts = drive.engine.queue().counts();
    let waiting = counts.active + counts.backoff + counts.unschedulable + counts.gated;
    assert_eq!(measured.pods + waiting, queued + workload.nominated, "no pod is lost");
    drive.ledger.check(&workload, &drive.engine, drive.nodes);
    measured
}

/// A measurement with nothing measured yet.
pub fn blank(name: &str, workload: &Workload, nodes: usize, threads: usize) -> Measurement {
    // Jobs share a template where they differ in labels only: those are one class.
    let templates: HashSet<_> = workload.jobs.iter().map(|job| Arc::clone(&job.spec)).collect();
    Measurement {
        name: name.to_owned(),
        nodes,
        threads,
        classes: templates.len(),
        pods: 0,
        refused: 0,
        decisions_per_s: 0.0,
        ns_per_decision: 0.0,
        first_us: 0.0,
        ns_per_queued: 0.0,
        ns_per_confirmed: 0.0,
        bytes_per_node: 0.0,
        bytes_per_pod: None,
        peak_bytes: 0,
        own_share: 0.0,
        seconds: [0.0; 5],
        crowd: None,
        run: 0,
        identity: Identity::default(),
    }
}
