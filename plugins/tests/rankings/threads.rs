//! `--parallelism`: threads change no choice.

use std::sync::Arc;

use berth_engine::{Control, Engine, Input, Method, Origin};
use berth_engine::{cycle, ranking};
use rayon::ThreadPoolBuilder;

use super::history::History;
use super::twins::Twins;

/// One engine with threads and one without live through the history of a cluster that is large
/// enough for threads to be used, both by this method: attempts that rankings answered, and all.
fn live(seed: u64, method: Method) -> (u64, u64) {
    let pool = Arc::new(ThreadPoolBuilder::new().num_threads(3).build().unwrap());
    let twins = [Some(pool), None].map(|pool| {
        let mut engine = Engine::new(pool);
        let begin = Control::Begin(Origin::seeded(seed));
        let controls = [begin, Control::Method(method)].map(Input::Control);
        engine.step(controls, 0, &mut Vec::new(), &mut ());
        engine
    });
    let nodes = match method {
        Method::Class => ranking::PARALLEL_NODES_MIN,
        Method::Scan => cycle::PARALLEL_NODES_MIN,
    };
    let mut history = History::of(seed, Twins::of(seed, twins), Some(nodes + 500));
    for _ in 0..25 {
        history.step();
    }
    history.answers()
}

/// The histories of these seeds together.
fn live_all(seeds: std::ops::Range<u64>, method: Method) -> (u64, u64) {
    let sum = |all: (u64, u64), one: (u64, u64)| (all.0 + one.0, all.1 + one.1);
    seeds.map(|seed| live(seed, method)).fold((0, 0), sum)
}

#[test]
fn threads_change_no_ranking() {
    let (ranked, attempts) = live_all(1..8, Method::Class);
    assert!(ranked > 100, "only {ranked} of {attempts} attempts were ranked");
}

#[test]
fn threads_change_no_scan() {
    let (ranked, attempts) = live_all(1..3, Method::Scan);
    assert!(ranked == 0 && attempts > 50, "{ranked} of {attempts} attempts were ranked");
}
