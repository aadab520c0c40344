//! Recorded inputs, given to another engine with their step boundaries and times, have the same
//! effects.

use berth_engine::base::HashKey;
use berth_engine::{Control, Effect, Engine, Input, Method, Origin};

use super::history::History;

/// A second engine lives through the journal of the first, whose draw began with `seed`.
///
/// It hashes names by another key and keeps its rankings in other bounds, or has none: neither an
/// order of iteration nor what a cache happens to hold may reach an effect.
fn replay(seed: u64, history: &History, controls: &[Control]) -> usize {
    let mut engine = Engine::new(None);
    let begin = Origin { hash_key: HashKey::new([seed, !seed]), ..Origin::seeded(seed) };
    let settings = [Control::Begin(begin)].into_iter().chain(controls.iter().cloned());
    engine.step(settings.map(Input::Control), 0, &mut Vec::new(), &mut ());
    let mut binds = 0;
    for (at, step) in history.journal().iter().enumerate() {
        let mut effects = Vec::new();
        let turn = engine.step(step.inputs.iter().cloned(), step.now, &mut effects, &mut ());
        assert_eq!(effects, step.effects, "seed {seed}, step {at}, with {controls:?}");
        assert_eq!(turn, step.turn, "seed {seed}, step {at}, with {controls:?}");
        binds += effects.iter().filter(|e| matches!(e, Effect::Bind { .. })).count();
    }
    binds
}

#[test]
fn recorded_inputs_have_the_same_effects() {
    let mut binds = 0;
    for seed in 20_000..20_200 {
        let mut history = History::unasked(seed);
        for _ in 0..25 {
            history.step();
        }
        binds += replay(seed, &history, &[]);
        replay(seed, &history, &[Control::RankingCells(60)]);
        replay(seed, &history, &[Control::Method(Method::Scan)]);
    }
    assert!(binds > 1_000, "the histories bind next to nothing: {binds}");
}

#[test]
fn inputs_are_compared_by_what_they_say() {
    let mut history = History::unasked(7);
    history.step();
    for step in history.journal() {
        assert_eq!(step.inputs, step.inputs.clone());
    }
    let (tick, pause) = (Input::Tick, Input::Control(Control::Pause(true)));
    assert_ne!(tick, pause);
    assert_ne!(pause, Input::Control(Control::Pause(false)));
}
