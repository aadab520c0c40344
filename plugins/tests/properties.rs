//! The engine's random histories with kube-scheduler's plugins: no pod is lost, no bind exceeds
//! what was known, whoever fits is not left waiting, an engine that is saved and loaded goes on as
//! if nothing had been, and equal seeds do the same.
//!
//! `BERTH_SEEDS=100000 cargo test -p berth-plugins --test properties --release` runs more.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../../src/engine/tests/support"]
#[allow(dead_code, unreachable_pub)]
mod support {
    pub mod amounts;
    pub mod model;
    pub mod sound;
    pub mod world;
}

use std::sync::Arc;

use berth_engine::Config;
use berth_plugins::default_profile;
use support::model::Rules;
use support::world::{effects_and_state, history};

fn config() -> Arc<Config> {
    let profiles = vec![Arc::new(default_profile("berth").unwrap())];
    Arc::new(Config { hash: 1, profiles, ..Config::default() })
}

#[test]
fn histories_keep_every_promise_with_the_default_plugins() {
    let seeds = std::env::var("BERTH_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(200);
    let config = config();
    let bound: usize = (0..seeds).map(|seed| history(seed, &config, Rules::Real).0).sum();
    println!("{seeds} histories, {bound} pods bound");
    assert!(bound > seeds as usize, "the histories bind next to nothing");
}

#[test]
fn equal_seeds_give_equal_effects_and_states_with_the_default_plugins() {
    let run = |seed| effects_and_state(seed, &config(), Rules::Real);
    let ((effects, state), (others, other)) = (run(11), run(11));
    assert!(effects.iter().flatten().count() > 100, "the history asks for next to nothing");
    assert_eq!(effects, others);
    assert!(state == other, "the states differ");
    assert!(effects != run(12).0);
}
