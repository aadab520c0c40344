//! Random histories of a cluster, held against the model at every step.

use std::collections::BTreeSet;
use std::sync::Arc;

use berth_engine::base::{HashKey, Random};
use berth_engine::queue::Place;
use berth_engine::{Config, Control, Effect, Engine, Input, Origin};

use super::model::{Known, Rules, Server, assert_accounts};
use super::sound::assert_sound;

/// A history as it goes on.
#[derive(Debug)]
pub struct World {
    seed: u64,
    random: Random,
    config: Arc<Config>,
    server: Server,
    known: Known,
    engine: Engine,
    now: u64,
    pub bound: BTreeSet<String>,
    // Sums of nodes that an `i64` did not hold, over all steps.
    pub overflown: usize,
    // Made of the engine's saved state some steps ago.
    loaded: Option<Engine>,
    loads: Random,
    // Of what the writer of conditions takes.
    writer: Random,
    // Pods that were told why they wait.
    told: BTreeSet<String>,
    // What the engine has asked for, step by step.
    effects: Vec<Vec<Effect>>,
}

impl World {
    /// The history of a seed, where this configuration places pods, by these rules.
    pub fn new(seed: u64, config: &Arc<Config>, rules: Rules) -> Self {
        let mut engine = Engine::new(None);
        let begin = Input::Control(Control::Begin(Origin::seeded(seed)));
        let inputs = [begin, Input::Config(Arc::clone(config))];
        engine.step(inputs, 1_000, &mut Vec::new(), &mut ());
        Self {
            seed,
            random: Random::new(seed),
            server: Server::new(),
            config: Arc::clone(config),
            known: Known { rules, ..Known::default() },
            engine,
            now: 1_000,
            bound: BTreeSet::new(),
            overflown: 0,
            loaded: None,
            loads: Random::new(!seed),
            writer: Random::new(seed ^ 0x5555),
            told: BTreeSet::new(),
            effects: Vec::new(),
        }
    }

    /// Something happens to the cluster.
    pub fn happen(&mut self) {
        let (server, random) = (&mut self.server, &mut self.random);
        match random.below(10) {
            0 => {
                let name = format!("n{}", random.below(6));
                server.put_node(&name, random);
            }
            1 if random.below(3) == 0 => server.drop_node(&format!("n{}", random.below(6))),
            2..=4 => server.create_pod(random),
            5 | 6 => server.change_pod(random),
            7 | 8 => server.answer_bind(random, true),
            _ => self.now += [0, 1, 700, 5_000, 40_000][random.below(5)],
        }
    }

    /// Some of it reaches the engine, which takes a step.
    pub fn step(&mut self, most: usize) -> bool {
        let count = self.random.below(most + 1);
        let mut inputs: Vec<Input> =
            (0..count).filter_map(|_| self.server.arrive(&mut self.random)).collect();
        // A writer of conditions that takes few at a time, and some steps none.
        if self.writer.below(3) == 0 {
            let (all, again) = (self.writer.below(4), self.writer.below(3));
            inputs.push(Input::Control(Control::ConditionRoom { all, again }));
        }
        for input in &inputs {
            self.known.hear(input);
        }
        let mut effects = Vec::new();
        let turn = self.engine.step(inputs.clone(), self.now, &mut effects, &mut ());
        for effect in &effects {
            if let Effect::Bind { cycle, pod, node, .. } = effect {
                let (uid, node) = (pod.uid.to_string(), node.to_string());
                let record = self.known.pods.get(&uid).unwrap().clone();
                assert!(
                    self.known.node_of(&uid).is_none() && self.known.fits(&record, &node),
                    "seed {}: {uid} was bound to {node}, where it does not fit",
                    self.seed
                );
                self.known.assumed.insert(uid.clone(), node.clone());
                self.bound.insert(uid.clone());
                self.known.cycles.insert(*cycle, uid.clone());
                self.server.binds.push_back((*cycle, uid, node));
            }
        }
        for effect in &effects {
            if let Effect::Condition { pod, .. } = effect {
                self.told.insert(pod.uid.to_string());
            }
        }
        self.live_on(inputs, &effects);
        self.effects.push(effects);
        self.check(turn.more);
        turn.more
    }

    /// The loaded engine takes the same step, to the same effects and the same state; now and then
    /// it is made anew.
    fn live_on(&mut self, inputs: Vec<Input>, expected: &[Effect]) {
        let (seed, mut effects) = (self.seed, Vec::new());
        if let Some(loaded) = &mut self.loaded {
            loaded.step(inputs, self.now, &mut effects, &mut ());
            assert_eq!(effects, expected, "seed {seed}: a loaded engine goes on otherwise");
            assert!(loaded.save() == self.engine.save(), "seed {seed}: its state is another");
        }
        if self.loads.below(10) == 0 {
            let compile = |_: &str| Ok::<_, std::fmt::Error>(Arc::clone(&self.config));
            let loaded = Engine::load(&self.engine.save(), None, HashKey::PUBLIC, compile);
            let loaded = loaded.unwrap_or_else(|e| panic!("seed {seed}: {e:?}"));
            assert_accounts(&loaded, &self.known, seed);
            self.loaded = Some(loaded);
        }
    }

    fn check(&mut self, more: bool) {
        self.overflown += assert_accounts(&self.engine, &self.known, self.seed);
        let (engine, seed) = (&self.engine, self.seed);
        assert_sound(engine, format_args!("seed {seed}"));
        for (uid, pod) in self.known.waiting() {
            let idx = engine.cache().pods().find(uid).unwrap();
            let entry = engine.queue().entry(idx);
            // A pod whose deletion was seen at its turn has left the queue; it is not waiting.
            let entry = entry.unwrap_or_else(|| panic!("seed {seed}: {uid} is lost"));
            let parked = matches!(entry.place, Place::Parked(..) | Place::Alone);
            assert_ne!(entry.place, Place::Gated, "seed {seed}: {uid} has no gate");
            assert_ne!(entry.place, Place::InFlight, "seed {seed}: {uid} is nowhere");
            if parked && !more {
                let fit = self.known.nodes.keys().find(|n| self.known.fits(pod, n));
                assert_eq!(fit, None, "seed {seed}: {uid} is parked and fits");
            }
        }
    }

    /// The faults end, everything is delivered: whoever fits must get there.
    pub fn settle(&mut self) {
        for _ in 0..2_000 {
            self.now += 1_000;
            self.server.answer_bind(&mut self.random, false);
            let more = self.step(8);
            let quiet = self.server.binds.is_empty()
                && self.server.pod_watch.is_empty()
                && self.server.node_watch.is_empty()
                && self.server.outcomes.is_empty();
            let counts = self.engine.queue().counts();
            let owed = self.engine.owed_conditions();
            if quiet && !more && counts.active + counts.backoff + owed == 0 {
                break;
            }
        }
        let counts = self.engine.queue().counts();
        assert_eq!((counts.active, counts.backoff), (0, 0), "seed {}", self.seed);
        assert_eq!(self.engine.owed_conditions(), 0, "seed {}: words are kept back", self.seed);
        for (uid, _) in self.known.waiting() {
            assert!(self.told.contains(uid), "seed {}: {uid} waits and was never told", self.seed);
        }
        assert_eq!(self.engine.flush_found(), 0, "seed {}: an event went unheeded", self.seed);
        assert_eq!(self.engine.cache().assumed_count(), 0, "seed {}", self.seed);
    }
}

/// Lives through the history of a seed; how many pods were bound, and sums overflown.
pub fn history(seed: u64, config: &Arc<Config>, rules: Rules) -> (usize, usize) {
    let mut world = World::new(seed, config, rules);
    for _ in 0..150 {
        world.happen();
        if world.random.below(2) == 0 {
            world.step(5);
        }
    }
    world.settle();
    (world.bound.len(), world.overflown)
}

/// All effects of a history of 200 steps, and the whole state after it.
pub fn effects_and_state(
    seed: u64,
    config: &Arc<Config>,
    rules: Rules,
) -> (Vec<Vec<Effect>>, Vec<u8>) {
    let mut world = World::new(seed, config, rules);
    for _ in 0..200 {
        world.happen();
        world.step(5);
    }
    let state = world.engine.save();
    (world.effects, state)
}
