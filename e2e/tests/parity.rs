//! The same decisions as kube-scheduler, live: the same random cluster and pods on a real API
//! server, first with kube-scheduler, then with Berth as `default-scheduler`.
//!
//! `BERTH_PARITY_SEED` and `BERTH_PARITY_PODS` (per configuration) make other rounds.

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use e2e::parity::expected::{self, Expected};
use e2e::parity::replay::{self, Decided};
use e2e::parity::{Round, Verdict, configuration, objects};
use e2e::scheduler::Kind;

const SEED: u64 = 1;

/// Pods per configuration.
const PODS: u64 = 140;

#[derive(Debug, Default)]
struct Tally {
    pods: usize,
    placed: usize,
    refused: usize,
    equal: usize,
    in_best_set: usize,
    /// Refusals that kube-scheduler ends in `not found`.
    not_found: usize,
    mismatches: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn berth_decides_as_kube_scheduler() {
    let started = Instant::now();
    let seed = number("BERTH_PARITY_SEED", SEED);
    let pods = number("BERTH_PARITY_PODS", PODS) as usize;
    let mut tally = Tally::default();
    for (name, configuration) in configuration::all() {
        let round = Round::new(name, configuration, seed, pods);
        let (reference, berth, expected) = run(&round).await;
        tally.add(&round, &reference, &berth, &expected);
    }
    for mismatch in &tally.mismatches {
        println!("seed {seed}, {mismatch}");
    }
    println!(
        "parity: {} pods, {} placed, {} refused in the same words ({} of them with `not found`), \
         {} choices equal to kube-scheduler's, {} in the best set; {} s",
        tally.pods,
        tally.placed,
        tally.refused,
        tally.not_found,
        tally.equal,
        tally.in_best_set,
        started.elapsed().as_secs()
    );
    assert!(tally.mismatches.is_empty(), "{} mismatches", tally.mismatches.len());
    // Otherwise nothing was compared.
    assert!(tally.placed > tally.pods / 3 && tally.refused > tally.pods / 20, "{tally:?}");
}

async fn run(round: &Round) -> (Vec<Decided>, Vec<Decided>, Vec<Expected>) {
    let (plane, mut scheduler) = round.start(Kind::KubeScheduler).await.unwrap();
    let fixed = objects::all_but_pods(&plane.client()).await.unwrap();
    let (reference, layout) = replay::run(round, &plane, &mut scheduler, None).await.unwrap();
    drop(scheduler);
    plane.stop().unwrap();
    let expected = expected::of(round, &fixed, &reference).unwrap();
    let (plane, mut scheduler) = round.start(Kind::Berth).await.unwrap();
    let followed = replay::run(round, &plane, &mut scheduler, Some(&reference)).await;
    let (berth, berths_layout) = followed.unwrap();
    drop(scheduler);
    plane.stop().unwrap();
    assert_eq!(layout, berths_layout, "{}: the two clusters went apart", round.name);
    (reference, berth, expected)
}

impl Tally {
    fn add(&mut self, round: &Round, of: &[Decided], berth: &[Decided], expected: &[Expected]) {
        for ((reference, berth), expected) in of.iter().zip(berth).zip(expected) {
            self.pods += 1;
            let placed = berth.verdict.node().is_some();
            // Where nothing fits there is one answer only.
            let same = berth.verdict == reference.verdict;
            if let Verdict::Refused { message, .. } = &reference.verdict {
                self.not_found += usize::from(message.ends_with(". not found"));
            }
            self.placed += usize::from(placed);
            self.refused += usize::from(!placed && same);
            self.equal += usize::from(placed && same);
            self.in_best_set += usize::from(placed && expected.allows(&berth.verdict));
            let allowed = expected.allows(&berth.verdict) && expected.allows(&reference.verdict);
            if !allowed || !(placed || same) {
                self.mismatches.push(format!(
                    "{}: {}\n  kube-scheduler {:?}\n  Berth {:?}\n  evaluate {expected:?}",
                    round.name, berth.name, reference.verdict, berth.verdict
                ));
            }
        }
        assert_eq!(of.len(), round.steps.len(), "{}: pods decided", round.name);
        assert_eq!(of.len(), berth.len(), "{}: pods decided by both", round.name);
    }
}

fn number(variable: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().unwrap_or_else(|e| panic!("{variable}={text}: {e}"))
}
