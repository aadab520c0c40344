//! Random histories: whatever arrives in whatever order, the cache equals what is rebuilt from
//! nothing, no pod is lost, no bind exceeds what was known, whoever fits is not left waiting, and
//! an engine that is saved and loaded goes on as if nothing had been.
//!
//! `BERTH_SEEDS=100000 cargo test -p berth-engine --test properties --release` runs more.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::model::Rules;
use support::plugins::config;
use support::world::{effects_and_state, history};

#[test]
fn histories_keep_every_promise() {
    let seeds = std::env::var("BERTH_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(400);
    let sum = |all: (usize, usize), one: (usize, usize)| (all.0 + one.0, all.1 + one.1);
    let config = config(Vec::new());
    let histories = (0..seeds).map(|seed| history(seed, &config, Rules::Plain));
    let (bound, overflown) = histories.fold((0, 0), sum);
    println!("{seeds} histories, {bound} pods bound, {overflown} sums overflown");
    assert!(bound > seeds as usize, "the histories bind next to nothing");
    assert!(overflown > seeds as usize, "the histories overflow next to nothing");
}

/// To the last counter: a saved state is all that an engine goes on from.
#[test]
fn equal_seeds_give_equal_effects_and_states() {
    let run = |seed| effects_and_state(seed, &config(Vec::new()), Rules::Plain);
    let ((effects, state), (others, other)) = (run(11), run(11));
    assert!(effects.iter().flatten().count() > 100, "the history asks for next to nothing");
    assert_eq!(effects, others);
    assert!(state == other, "the states differ");
    let (others, other) = run(12);
    assert!(effects != others && state != other);
}
