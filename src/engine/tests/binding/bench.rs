//! An engine with plugins at the stages, and what it wants of the world.

use std::sync::Arc;

use berth_engine::base::HashKey;
use berth_engine::framework::{Permission, Plugin, PreFlight, Progress, Reads};
use berth_engine::record::{Container, NodeRecord, ObjectKey, PodRecord, PodSpec, Quantity};
use berth_engine::{
    BindOutcome, Effect, Engine, FailureReason, Input, PodEvent, WriteId, WriteOutcome,
};

use super::stages::{Shared, Stages};
use super::support::plugins::config;

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) now: u64,
    pub(crate) script: Shared,
    pub(crate) writes: Vec<WriteId>,
    /// When the engine wants to be called next.
    pub(crate) wake_at: Option<u64>,
}

impl Bench {
    /// Plugins `one` and `two`, which read namespaces and CSI drivers, and a node with room for two
    /// pods.
    pub(crate) fn new() -> Self {
        let script = Shared::default();
        let mut bench = Self {
            engine: Engine::new(None),
            now: 1_000,
            script: Arc::clone(&script),
            writes: Vec::new(),
            wake_at: None,
        };
        let config = Input::Config(config(plugins(&script)));
        assert_eq!(bench.step(vec![config, node("n")]), "");
        bench
    }

    pub(crate) fn say(&self, plugin: &'static str, permission: Permission) {
        self.script.lock().unwrap().permissions.insert(plugin, permission);
    }

    pub(crate) fn runs(&self, plugin: &'static str, parallel: bool, writes: usize) {
        let mut script = self.script.lock().unwrap();
        script.flights.insert(plugin, PreFlight::Run { parallel });
        script.writes.insert(plugin, writes);
    }

    pub(crate) fn comes(&self, plugin: &'static str, progress: Progress) {
        self.script.lock().unwrap().progress.insert(plugin, progress);
    }

    pub(crate) fn asked(&self) -> String {
        std::mem::take(&mut self.script.lock().unwrap().asked).join(", ")
    }

    /// What follows until there is nothing to do at this time: one word for each effect.
    pub(crate) fn step(&mut self, inputs: Vec<Input>) -> String {
        let (mut inputs, mut effects) = (Some(inputs), Vec::new());
        loop {
            let inputs = inputs.take().unwrap_or_default();
            let turn = self.engine.step(inputs, self.now, &mut effects, &mut ());
            self.wake_at = turn.wake_at;
            if !turn.more {
                break;
            }
        }
        assert_eq!(self.engine.check(), Vec::<String>::new());
        self.reload();
        let words: Vec<String> = effects.iter().map(|effect| self.word(effect)).collect();
        words.join("; ")
    }

    /// Goes on from the saved state: no stage of a cycle may be lost by it.
    fn reload(&mut self) {
        let (state, config) = (self.engine.save(), Arc::new(self.engine.config().clone()));
        let compile = |_: &str| Ok::<_, std::fmt::Error>(config);
        self.engine = Engine::load(&state, None, HashKey::PUBLIC, compile).unwrap();
        assert!(self.engine.save() == state);
    }

    fn word(&mut self, effect: &Effect) -> String {
        match effect {
            Effect::Bind { pod, node, .. } => format!("bind {} to {node}", pod.key.name),
            Effect::Nominate { pod, node: Some(node) } => {
                format!("nominate {} to {node}", pod.key.name)
            }
            Effect::Nominate { pod, node: None } => format!("nominate {} no more", pod.key.name),
            Effect::Write { id, write, .. } => {
                self.writes.push(*id);
                let berth_engine::Write::Volume { claim, .. } = write;
                format!("write {}", claim.name)
            }
            Effect::Condition { pod, reason, message, .. } => {
                let error = if *reason == FailureReason::SchedulerError { "error: " } else { "" };
                format!("{}: {error}{message}", pod.key.name)
            }
            Effect::Event { event: PodEvent::Scheduled { .. }, pod, .. } => {
                format!("bound {}", pod.key.name)
            }
            Effect::Event { .. } => "event".to_owned(),
            Effect::Evict { .. } => "evict".to_owned(),
        }
    }

    pub(crate) fn later(&mut self, seconds: u64) -> String {
        self.now += seconds * 1_000;
        self.step(Vec::new())
    }

    pub(crate) fn pod(&mut self, name: &str) -> String {
        self.step(vec![pod(name)])
    }

    pub(crate) fn answer(&mut self, pod: &str, outcome: BindOutcome) -> String {
        let cycle = self.engine.cycle_of(pod).unwrap();
        self.step(vec![Input::BindOutcome { cycle, outcome }])
    }

    /// Answers the first write that is open.
    pub(crate) fn written(&mut self, outcome: WriteOutcome) -> String {
        let id = self.writes.remove(0);
        self.step(vec![Input::WriteOutcome { id, outcome }])
    }

    /// Something changes that plugin `one` reads.
    pub(crate) fn news(&mut self) -> String {
        self.now += 1;
        let labels = [("at".to_owned(), self.now.to_string())].into_iter().collect();
        let namespace = berth_engine::record::NamespaceRecord { name: "d".into(), labels };
        let object = berth_engine::Object::Namespace(namespace);
        self.step(vec![Input::Object(Box::new(object), berth_engine::Change::Applied)])
    }

    /// Pods that are assumed, in backoff, and parked.
    pub(crate) fn counts(&self) -> [usize; 3] {
        let counts = self.engine.queue().counts();
        [self.engine.cache().assumed_count(), counts.backoff, counts.unschedulable]
    }
}

pub(crate) fn plugins(script: &Shared) -> Vec<Arc<dyn Plugin>> {
    let of = |name, reads| {
        Arc::new(Stages { name, reads, script: Arc::clone(script) }) as Arc<dyn Plugin>
    };
    vec![of("one", Reads::NAMESPACES), of("two", Reads::CSI_DRIVERS)]
}

/// A plugin `one` that reads this.
pub(crate) fn reading(script: &Shared, reads: Reads) -> Vec<Arc<dyn Plugin>> {
    vec![Arc::new(Stages { name: "one", reads, script: Arc::clone(script) })]
}

pub(crate) fn node(name: &str) -> Input {
    let room = [("cpu", Quantity::from_milli(2_000)), ("pods", Quantity::from_units(2))];
    Input::NodeApplied(Arc::new(NodeRecord {
        name: name.into(),
        allocatable: room.into_iter().collect(),
        ..NodeRecord::default()
    }))
}

pub(crate) fn pod(name: &str) -> Input {
    let spec = PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(1_000))])],
        ..PodSpec::default()
    };
    Input::PodApplied(Box::new(PodRecord::new("d", name, name, Arc::new(spec))))
}

pub(crate) fn deleted(name: &str) -> Input {
    Input::PodDeleted { key: ObjectKey::new("d", name), uid: name.into() }
}
