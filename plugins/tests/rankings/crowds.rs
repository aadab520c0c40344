//! Crowds that wait, of hundreds of classes and label sets: after each event exactly those classes
//! have a woken head of which the plain scan finds a pod that fits, however the looks are cut into
//! pieces, and also where the state is saved and loaded between two of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use berth_engine::base::{HashKey, PodIdx};
use berth_engine::cycle::Scan;
use berth_engine::framework::Profile;
use berth_engine::record::{ObjectKey, PodRecord, PodSpec, Quantity};
use berth_engine::{BindOutcome, Control, Effect, Engine, Input, Origin};

use super::twins::{compiled, defaults};
use crate::random::names::Names;
use crate::random::scenario::{Dice, node, node_name};
use crate::random::template;

/// A cluster beside whose pods a crowd waits.
struct Crowd {
    dice: Dice,
    engine: Engine,
    pods: BTreeMap<Box<str>, PodRecord>,
    created: usize,
    nodes: usize,
    now: u64,
    /// Steps that left looks for the next one.
    pieces: usize,
    /// Classes seen to be woken.
    woken: usize,
}

fn load(engine: &Engine, seed: u64) -> Engine {
    let saved = engine.save();
    let loaded = Engine::load(&saved, None, HashKey::new([seed, !seed]), compiled).unwrap();
    assert!(loaded.save() == saved, "what is loaded is another");
    loaded
}

impl Crowd {
    fn new(seed: u64, nodes: usize) -> Self {
        let mut engine = Engine::new(None);
        let begin = Input::Control(Control::Begin(Origin::seeded(seed)));
        engine.step([begin, defaults()], 0, &mut Vec::new(), &mut ());
        let mut crowd = Self {
            dice: Dice::new(seed, Names::FIRST),
            engine,
            pods: BTreeMap::new(),
            created: 0,
            nodes,
            now: 1_000,
            pieces: 0,
            woken: 0,
        };
        let all = (0..nodes).map(|at| Input::NodeApplied(Arc::new(node(&mut crowd.dice, at))));
        let all = all.collect();
        crowd.rest(all);
        crowd
    }

    fn pod(&mut self, spec: &Arc<PodSpec>) -> PodRecord {
        let name = format!("pod-{}", self.created);
        self.created += 1;
        let namespace = self.dice.one("space", 3);
        let mut pod = PodRecord::new(&namespace, &name, &format!("{name}-uid"), Arc::clone(spec));
        pod.labels = self.dice.labels();
        pod.priority = self.dice.pick(&[0, 0, 0, 10]);
        pod
    }

    fn apply(&mut self, pod: PodRecord) -> Input {
        self.pods.insert(pod.uid.clone(), pod.clone());
        Input::PodApplied(Box::new(pod))
    }

    /// So many classes, a few pods each, no two templates alike.
    fn gather(&mut self, classes: usize) -> Vec<Input> {
        let mut inputs = Vec::new();
        for class in 0..classes {
            let mut spec = template::spec(&mut self.dice, self.nodes);
            let own = ("memory", Quantity::from_units(((class as i64) << 10) + (64 << 20)));
            spec.containers[0].requests = spec.containers[0]
                .requests
                .iter()
                .filter(|(name, _)| *name != "memory")
                .chain([own])
                .collect();
            let spec = Arc::new(spec);
            for _ in 0..1 + self.dice.below(2) {
                let pod = self.pod(&spec);
                inputs.push(self.apply(pod));
            }
        }
        inputs
    }

    /// Steps until there is nothing to do now; what is asked for is bound and confirmed.
    fn rest(&mut self, mut inputs: Vec<Input>) {
        loop {
            let mut effects = Vec::new();
            let turn = self.engine.step(inputs.drain(..), self.now, &mut effects, &mut ());
            if self.engine.queue().is_due() {
                self.pieces += 1;
                assert!(turn.more, "who is due is looked at without waiting");
                if self.pieces.is_multiple_of(7) {
                    self.engine = load(&self.engine, self.now);
                }
            }
            for effect in effects {
                let Effect::Bind { cycle, pod, node, .. } = effect else { continue };
                let outcome = BindOutcome::Bound;
                inputs.push(Input::BindOutcome { cycle, outcome });
                if let Some(bound) = self.pods.get(&pod.uid).cloned() {
                    let bound = PodRecord { node_name: Some(node.as_ref().into()), ..bound };
                    inputs.push(self.apply(bound));
                }
            }
            if !turn.more && inputs.is_empty() {
                return;
            }
        }
    }

    fn pause(&mut self, paused: bool) {
        self.rest(vec![Input::Control(Control::Pause(paused))]);
    }

    /// Something that may help somebody, or nobody.
    fn happen(&mut self) -> Vec<Input> {
        let bound: Vec<Box<str>> = self
            .pods
            .values()
            .filter(|pod| pod.node_name.is_some())
            .map(|pod| pod.uid.clone())
            .collect();
        let at = self.dice.below(bound.len().max(1));
        let one = bound.get(at).and_then(|uid| self.pods.get(uid)).cloned();
        match (self.dice.below(12), one) {
            (0 | 1, Some(pod)) => {
                self.pods.remove(&pod.uid);
                let key = ObjectKey::new(&pod.namespace, &pod.name);
                vec![Input::PodDeleted { key, uid: pod.uid }]
            }
            (2..=5, Some(pod)) => {
                let labels = self.dice.labels();
                vec![self.apply(PodRecord { labels, ..pod })]
            }
            (6, Some(pod)) => vec![self.apply(PodRecord { terminating: true, ..pod })],
            (7 | 8, _) => {
                let spec = Arc::new(PodSpec {
                    scheduler_name: "other".into(),
                    ..template::spec(&mut self.dice, self.nodes)
                });
                let mut pod = self.pod(&spec);
                let at = self.dice.below(self.nodes);
                pod.node_name = Some(node_name(&self.dice, at).into());
                vec![self.apply(pod)]
            }
            (9, _) => {
                let at = self.dice.below(self.nodes + 1);
                vec![Input::NodeDeleted { name: node_name(&self.dice, at).into() }]
            }
            _ => {
                let at = self.dice.below(self.nodes + 1);
                vec![Input::NodeApplied(Arc::new(node(&mut self.dice, at)))]
            }
        }
    }

    /// Those and only those are woken that fit.
    fn check(&mut self, what: &str) {
        let engine = &self.engine;
        let fits = |profile: &Profile, pod: PodIdx| {
            let scan = Scan { cache: engine.cache(), profile, pool: None };
            scan.first_fit(pod, &mut engine.cache().nodes().live().iter()).is_ok()
        };
        let mut woken = 0;
        for (class, parked) in engine.queue().parked() {
            let Some(profile) = parked.pods().chain(parked.head).find_map(|p| engine.profile_of(p))
            else {
                continue;
            };
            let of = format!("{what}: class {}", class.at());
            match parked.head {
                Some(head) => {
                    woken += 1;
                    assert!(fits(profile, head), "{of}: woken and fits nowhere");
                }
                None => {
                    let mut missed = parked.pods().filter(|pod| fits(profile, *pod));
                    assert_eq!(missed.next(), None, "{of}: fits and waits");
                }
            }
        }
        self.woken += woken;
        assert_eq!(engine.check(), [""; 0], "{what}");
    }

    /// Lives through so many events, each while nobody is attempted.
    fn live(&mut self, seed: u64, events: usize) {
        for event in 0..events {
            self.now += 10;
            self.pause(true);
            let inputs = self.happen();
            self.rest(inputs);
            self.check(&format!("seed {seed}, event {event}"));
            self.pause(false);
        }
    }
}

#[test]
fn exactly_those_are_woken_that_fit() {
    let mut woken = 0;
    for seed in 0..20 {
        let mut crowd = Crowd::new(seed, 6);
        let classes = crowd.gather(150);
        crowd.rest(classes);
        crowd.live(seed, 60);
        woken += crowd.woken;
    }
    assert!(woken > 500, "{woken} classes were woken: the test is about nothing");
}

#[test]
fn an_event_that_thousands_wait_for_is_taken_in_pieces() {
    let (mut pieces, mut woken) = (0, 0);
    for seed in 100..102 {
        let mut crowd = Crowd::new(seed, 6);
        let classes = crowd.gather(4_000);
        crowd.rest(classes);
        crowd.live(seed, 12);
        pieces += crowd.pieces;
        woken += crowd.woken;
    }
    assert!(pieces > 20, "{pieces} steps left looks for the next");
    assert!(woken > 50, "{woken} classes were woken");
}
