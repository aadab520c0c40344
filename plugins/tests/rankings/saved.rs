//! An engine that is loaded goes on as the one that was saved: with equal effects, step by step,
//! and with a state that is equal to the last byte.

use berth_engine::base::{HashKey, Random};
use berth_engine::stored::{LoadError, seal, unseal};
use berth_engine::{Control, Effect, Engine, Input, Method, Origin};

use super::history::History;
use super::twins::{Recorded, compiled};

/// Twins that live beside the original at once.
const TWINS_MAX: usize = 3;

fn begin(seed: u64, controls: &[Control]) -> Engine {
    let mut engine = Engine::new(None);
    let begin = Control::Begin(Origin::seeded(seed));
    let settings = [begin].into_iter().chain(controls.iter().cloned());
    engine.step(settings.map(Input::Control), 0, &mut Vec::new(), &mut ());
    engine
}

/// With another key: the order in which names hash reaches nothing.
fn load(saved: &[u8], key: u64) -> Result<Engine, LoadError> {
    Engine::load(saved, None, HashKey::new([key, !key]), compiled)
}

fn live(engine: &mut Engine, step: &Recorded, what: &str) {
    let mut effects = Vec::new();
    let turn = engine.step(step.inputs.iter().cloned(), step.now, &mut effects, &mut ());
    assert_eq!(effects, step.effects, "{what}");
    assert_eq!(turn, step.turn, "{what}");
}

/// Lives a history again; at random steps it is saved and a loaded twin goes on beside it. How
/// often, and how many pods are bound while a twin is there.
fn with_twins(seed: u64, history: &History, controls: &[Control]) -> (usize, usize) {
    let mut random = Random::new(!seed);
    let mut original = begin(seed, controls);
    let mut twins: Vec<Engine> = Vec::new();
    let (mut saves, mut binds) = (0, 0);
    for (at, step) in history.journal().iter().enumerate() {
        let what = format!("seed {seed}, step {at}, with {controls:?}");
        live(&mut original, step, &what);
        for twin in &mut twins {
            live(twin, step, &what);
        }
        let bind = |e: &&Effect| matches!(e, Effect::Bind { .. });
        binds += step.effects.iter().filter(bind).count() * usize::from(!twins.is_empty());
        let saved = original.save();
        for twin in &twins {
            assert!(twin.save() == saved, "{what}: a twin's state is another");
        }
        if random.below(5) == 0 {
            let twin = load(&saved, seed).unwrap_or_else(|e| panic!("{what}: {e:?}"));
            assert!(twin.save() == saved, "{what}: what is loaded is another");
            assert_eq!(twin.rankings().count(), 0);
            assert_eq!(twin.check(), [""; 0], "{what}");
            twins.truncate(TWINS_MAX - 1);
            twins.insert(0, twin);
            saves += 1;
        }
    }
    (saves, binds)
}

#[test]
fn a_loaded_engine_goes_on_as_the_saved_one() {
    let (mut saves, mut binds) = (0, 0);
    for seed in 30_000..30_200 {
        let mut history = History::unasked(seed);
        for _ in 0..25 {
            history.step();
        }
        let other = match seed % 2 {
            0 => Control::RankingCells(60),
            _ => Control::Method(Method::Scan),
        };
        for controls in [&[][..], &[other]] {
            let (saved, bound) = with_twins(seed, &history, controls);
            saves += saved;
            binds += bound;
        }
    }
    println!("{saves} states, {binds} binds beside a loaded twin");
    assert!(saves > 1_000 && binds > 1_000, "{saves} states, {binds} binds");
}

/// The states at the ends of some histories.
fn states() -> impl Iterator<Item = Vec<u8>> {
    (40_000..40_020).map(|seed| {
        let mut history = History::unasked(seed);
        for _ in 0..20 {
            history.step();
        }
        let mut engine = begin(seed, &[]);
        for step in history.journal() {
            live(&mut engine, step, "a history");
        }
        engine.save()
    })
}

#[test]
fn a_state_that_was_cut_or_changed_is_refused() {
    let mut random = Random::new(17);
    for state in states() {
        for _ in 0..200 {
            let cut = random.below(state.len());
            assert!(load(&state[..cut], 1).is_err(), "cut to {cut}");
            let mut changed = state.clone();
            let at = random.below(state.len());
            changed[at] ^= 1 << random.below(8);
            assert!(load(&changed, 1).is_err(), "byte {at} changed");
        }
    }
}

/// Past the checksum, damage is an error or a state that is sound: one that is saved again as it is
/// and goes on.
#[test]
fn damage_that_the_checksum_does_not_see_does_no_harm() {
    let mut random = Random::new(19);
    let (mut refused, mut taken) = (0, 0);
    for state in states() {
        let content = unseal(&state).unwrap();
        for _ in 0..500 {
            let mut content = content.to_vec();
            for _ in 0..=random.below(3) {
                let at = random.below(content.len());
                match random.below(4) {
                    0 => content.truncate(at + 1),
                    1 => content[at] = [0, 1, 0x7f, 0xff][random.below(4)],
                    2 => drop(content.remove(at)),
                    _ => content[at] ^= 1 << random.below(8),
                }
            }
            let Ok(mut engine) = load(&seal(&content), 1) else {
                refused += 1;
                continue;
            };
            taken += 1;
            let again = engine.save();
            assert!(load(&again, 1).unwrap().save() == again);
            engine.step([Input::Tick], 1 << 40, &mut Vec::new(), &mut ());
        }
    }
    println!("{refused} refused, {taken} taken");
    assert!(refused > 1_000 && taken > 500, "{refused} refused, {taken} taken");
}

#[test]
fn another_configuration_than_the_saved_one_is_refused() {
    let state = states().next().unwrap();
    let load = |compile: fn(&str) -> Result<_, _>| {
        Engine::load(&state, None, HashKey::PUBLIC, compile).unwrap_err()
    };
    let told = load(|_| Err("no such plugin".into()));
    assert!(matches!(&told, LoadError::Configuration(e) if e.to_string() == "no such plugin"));
    let told = load(|_| compiled("PrioritySort 1\nDefaultBinder 1\nNodeName 1"));
    let LoadError::OtherPlugins { here, there } = told else { panic!("{told:?}") };
    assert_ne!(here, there);
}
