//! The rankings of classes against the plain scan: two engines live through the same random
//! history, one with rankings and one without, and must want the same of the world at every step,
//! to the letter of every message; and must say the same of every node to every waiting pod.
//!
//! `make histories` runs 10,000 of them, `make soak SEEDS=1000000` more.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "metamorphic"]
#[allow(dead_code, reason = "scenarios are the other test's; dice and templates are shared")]
mod random {
    pub(crate) mod names;
    pub(crate) mod scenario;
    pub(crate) mod storage;
    pub(crate) mod template;
}
#[path = "rankings"]
mod rankings {
    mod affinity;
    mod bounds;
    mod cluster;
    mod crowds;
    pub(crate) mod history;
    mod kinds;
    mod labels;
    mod nominated;
    mod plans;
    mod ports;
    mod relabelled;
    mod replay;
    mod saved;
    mod snapshots;
    mod storage;
    mod threads;
    mod twins;
}

use rankings::history::History;

/// Lives through the history of a seed; how many pods rankings answered for, and all attempts.
fn live(seed: u64) -> (u64, u64) {
    let mut history = History::new(seed);
    for _ in 0..25 {
        history.step();
    }
    assert_eq!(history.unheeded(), [0, 0], "seed {seed}: only the flush found pods that fit");
    history.answers()
}

#[test]
fn rankings_choose_as_the_plain_scan_does() {
    let seeds = std::env::var("BERTH_SEEDS").map_or(1_000, |n| n.parse().unwrap());
    let (mut ranked, mut attempts) = (0, 0);
    for seed in 0..seeds {
        let (of_rankings, of_all) = live(seed);
        ranked += of_rankings;
        attempts += of_all;
    }
    println!("{seeds} histories: {ranked} of {attempts} attempts were answered by rankings");
    // Nominated pods and claims to bind go by the plain scan; a test of the scan against itself
    // would show here.
    assert!(ranked * 2 > attempts, "only {ranked} of {attempts} attempts were ranked");
}
