//! Plans that are taken back leave nothing that anybody could see: an engine that plans between its
//! steps has the effects of one that never did.

use berth_engine::base::{PodIdx, Random};
use berth_engine::{Control, Effect, Engine, Input, Method, Origin};

use super::history::History;

/// Plans some of the pods that wait, and takes it back; how many pods it had.
fn plan(engine: &mut Engine, random: &mut Random, seed: u64) -> usize {
    let before = engine.save();
    let mut waiting: Vec<PodIdx> = engine.queue().iter().map(|(pod, _)| pod).collect();
    waiting.sort_unstable();
    let mut plan = engine.begin_plan();
    for _ in 0..random.below(12) {
        if waiting.is_empty() {
            break;
        }
        let pod = waiting.swap_remove(random.below(waiting.len()));
        let planned = plan.steps().len();
        match engine.plan_pod(&mut plan, pod, &mut ()) {
            Ok(true) => assert_eq!(plan.steps().len(), planned + 1),
            Ok(false) | Err(_) => assert_eq!(plan.steps().len(), planned),
        }
    }
    let planned = plan.steps().len();
    engine.take_back_plan(plan);
    assert!(engine.save() == before, "seed {seed}: the plan has left something");
    planned
}

/// An engine lives through the journal and plans between the steps; how many pods it planned.
fn replay(seed: u64, history: &History, controls: &[Control]) -> usize {
    let mut engine = Engine::new(None);
    let settings = [Control::Begin(Origin::seeded(seed))].into_iter();
    let settings = settings.chain(controls.iter().cloned());
    engine.step(settings.map(Input::Control), 0, &mut Vec::new(), &mut ());
    let mut random = Random::new(seed);
    let mut planned = 0;
    for (at, step) in history.journal().iter().enumerate() {
        // Paused the engine takes everything in and attempts nobody, so that more wait for a plan.
        let mut effects: Vec<Effect> = Vec::new();
        let pause = |paused| Input::Control(Control::Pause(paused));
        let inputs = step.inputs.iter().cloned().chain([pause(true)]);
        engine.step(inputs, step.now, &mut effects, &mut ());
        planned += plan(&mut engine, &mut random, seed);
        let turn = engine.step([pause(false)], step.now, &mut effects, &mut ());
        assert_eq!(effects, step.effects, "seed {seed}, step {at}, with {controls:?}");
        assert_eq!(turn, step.turn, "seed {seed}, step {at}, with {controls:?}");
        for _ in 0..random.below(3) {
            planned += plan(&mut engine, &mut random, seed);
        }
        assert_eq!(engine.check(), Vec::<String>::new(), "seed {seed}, step {at}");
    }
    planned
}

#[test]
fn a_plan_taken_back_leaves_nothing() {
    let mut planned = 0;
    for seed in 30_000..30_200 {
        let mut history = History::unasked(seed);
        for _ in 0..25 {
            history.step();
        }
        planned += replay(seed, &history, &[]);
        replay(seed, &history, &[Control::RankingCells(60)]);
        replay(seed, &history, &[Control::Method(Method::Scan)]);
    }
    assert!(planned > 2_000, "next to nothing was planned: {planned}");
}
