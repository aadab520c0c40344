//! Random histories of a cluster: everything that an engine hears of, in any order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use berth_engine::record::{
    Container, NamespaceRecord, ObjectKey, Owner, PodRecord, PodSpec, Quantity, SelectorOwnerRecord,
};
use berth_engine::{BindOutcome, Change, CycleId, Effect, Engine, Input, Object};

use super::twins::{Recorded, Twins, config};
use crate::random::names::Names;
use crate::random::scenario::{Dice, node, node_name};
use crate::random::{storage, template};

/// What happens more often than elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Theme {
    None,
    Nominations,
    Storage,
}

/// A cluster with its history so far.
#[derive(Debug)]
pub(crate) struct History {
    dice: Dice,
    twins: Twins,
    now: u64,
    nodes: usize,
    templates: Vec<Arc<PodSpec>>,
    pods: BTreeMap<String, PodRecord>,
    created: usize,
    // Binds that are asked for and not answered.
    binds: VecDeque<(CycleId, String, String)>,
    attempts: u64,
    // Some histories are about nominations, some about storage.
    theme: Theme,
    // Whether waiting pods are asked about between the steps, which moves the draw on.
    asks: bool,
}

impl History {
    /// The history of a seed, in which nobody asks anything between the steps.
    pub(crate) fn unasked(seed: u64) -> Self {
        let mut history = Self::new(seed);
        history.asks = false;
        history
    }

    /// All steps so far.
    pub(crate) fn journal(&self) -> &[Recorded] {
        self.twins.journal()
    }

    /// The history of a seed, by rankings and by the plain scan.
    pub(crate) fn new(seed: u64) -> Self {
        // In one of four, rankings make room for each other all the time.
        let twins = match seed % 4 {
            0 => Twins::bounded(seed, 200),
            _ => Twins::new(seed, None),
        };
        Self::of(seed, twins, None)
    }

    /// The history of a seed as these two live it; with so many nodes, where said.
    pub(crate) fn of(seed: u64, twins: Twins, nodes: Option<usize>) -> Self {
        let mut dice = Dice::new(seed, Names::FIRST);
        let few = dice.pick(&[1, 3, 5, 8, 12, 20]);
        let nodes = nodes.unwrap_or(few);
        let theme = dice.pick(&[Theme::None, Theme::None, Theme::Nominations, Theme::Storage]);
        let mut history = Self {
            twins,
            now: 1_000,
            nodes,
            templates: (0..4).map(|_| spec(&mut dice, nodes, theme)).collect(),
            pods: BTreeMap::new(),
            created: 0,
            binds: VecDeque::new(),
            attempts: 0,
            theme,
            asks: true,
            dice,
        };
        let mut inputs = vec![config(&mut history.dice)];
        for at in 0..nodes {
            inputs.push(Input::NodeApplied(Arc::new(node(&mut history.dice, at))));
        }
        for at in 0..3 {
            inputs.push(history.namespace(at));
        }
        let storage = storage::objects(&mut history.dice, nodes.min(8));
        inputs.extend(storage.into_iter().map(|o| Input::Object(Box::new(o), Change::Applied)));
        history.take(&inputs);
        history
    }

    /// Some things happen, the engines take a step, and both are asked about every waiting pod.
    pub(crate) fn step(&mut self) {
        let mut inputs = Vec::new();
        for _ in 0..self.dice.below(4) {
            inputs.extend(self.happen());
        }
        self.now += self.dice.pick(&[0, 10, 1_000, 15_000]) as u64;
        self.take(&inputs);
        if !self.asks {
            return;
        }
        for uid in self.waiting() {
            if self.dice.chance(30) {
                self.twins.compare(&uid);
            }
        }
    }

    /// Pods that have no node and that no bind is asked for.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let pods = self.pods.values().filter(|p| p.node_name.is_none());
        let is_placed = |uid: &String| self.binds.iter().any(|(_, bound, _)| bound == uid);
        pods.map(|p| p.uid.to_string()).filter(|uid| !is_placed(uid)).collect()
    }

    /// What both engines say of every node to a waiting pod.
    pub(crate) fn ask(&mut self, uid: &str) -> Option<Vec<String>> {
        self.twins.compare(uid)
    }

    /// The engine with rankings, and the one that scans.
    pub(crate) fn engines(&self) -> [&Engine; 2] {
        self.twins.both()
    }

    /// Pods that rankings answered for, and attempts.
    pub(crate) fn answers(&self) -> (u64, u64) {
        (self.twins.answers(), self.attempts)
    }

    /// Pods that fit and that no event has woken, found by the flush of long-parked pods.
    pub(crate) fn unheeded(&mut self) -> [u64; 2] {
        // Parked for longer than 300 s, and a flush each 30 s.
        self.now += 400_000;
        self.take(&[Input::Tick]);
        self.twins.unheeded()
    }

    fn take(&mut self, inputs: &[Input]) {
        let (effects, attempts) = self.twins.step(inputs, self.now);
        self.attempts += attempts as u64;
        for effect in effects {
            if let Effect::Bind { cycle, pod, node, .. } = effect {
                self.binds.push_back((cycle, pod.uid.to_string(), node.to_string()));
            }
        }
    }

    fn happen(&mut self) -> Vec<Input> {
        match self.theme {
            Theme::Nominations if self.dice.chance(25) => return self.nominate(),
            Theme::Storage if self.dice.chance(25) => return self.store(),
            _ => {}
        }
        match self.dice.below(25) {
            0..=6 => self.create(),
            7..=10 => self.answer(),
            11 | 12 => self.delete(),
            13 | 14 => self.change(),
            15 => self.foreign(),
            16 | 17 => {
                let at = self.dice.below(self.nodes + 1);
                vec![Input::NodeApplied(Arc::new(node(&mut self.dice, at)))]
            }
            18 => {
                let at = self.dice.below(self.nodes + 1);
                vec![Input::NodeDeleted { name: node_name(&self.dice, at).into() }]
            }
            19 => {
                let at = self.dice.below(3);
                vec![self.namespace(at)]
            }
            20 => self.owner(),
            21 if self.dice.chance(30) => vec![config(&mut self.dice)],
            22 => {
                let at = self.dice.below(self.templates.len());
                let spec = spec(&mut self.dice, self.nodes, self.theme);
                self.templates[at] = spec;
                self.create()
            }
            23 => self.store(),
            24 if self.theme == Theme::Nominations => self.nominate(),
            _ => Vec::new(),
        }
    }

    fn pod(&mut self) -> PodRecord {
        let at = self.created;
        self.created += 1;
        let (namespace, name) = (self.dice.one("space", 3), format!("pod-{at}"));
        let spec = Arc::clone(&self.templates[self.dice.below(self.templates.len())]);
        let mut pod = PodRecord::new(&namespace, &name, &format!("{name}-uid"), spec);
        pod.labels = self.dice.labels();
        pod.priority = self.dice.pick(&[0, 0, 0, 10]);
        let owner = self.dice.chance(20).then(|| Owner {
            api_version: "apps/v1".into(),
            kind: "ReplicaSet".into(),
            name: self.dice.one("owner", 2).into(),
            uid: "owner-uid".into(),
        });
        pod.owner = owner.map(Arc::new);
        pod
    }

    /// A Job's pods: alike but for an index.
    fn create(&mut self) -> Vec<Input> {
        let first = self.pod();
        let mut made = vec![first.clone()];
        for _ in 0..self.dice.below(5) {
            let mut twin = self.pod();
            (twin.namespace, twin.spec) = (first.namespace.clone(), Arc::clone(&first.spec));
            (twin.owner, twin.priority) = (first.owner.clone(), first.priority);
            let index = ("index".to_owned(), self.created.to_string());
            let labels = first.labels.iter().map(|(k, v)| (k.to_owned(), v.to_owned()));
            twin.labels = labels.chain([index]).collect();
            made.push(twin);
        }
        made.into_iter().map(|pod| self.apply(pod)).collect()
    }

    fn apply(&mut self, pod: PodRecord) -> Input {
        self.pods.insert(pod.uid.to_string(), pod.clone());
        Input::PodApplied(Box::new(pod))
    }

    fn answer(&mut self) -> Vec<Input> {
        let Some((cycle, uid, node)) = self.binds.pop_front() else { return Vec::new() };
        if self.dice.chance(20) {
            let outcome = self.failure();
            return vec![Input::BindOutcome { cycle, outcome }];
        }
        let mut inputs = vec![Input::BindOutcome { cycle, outcome: BindOutcome::Bound }];
        if let Some(mut pod) = self.pods.get(&uid).cloned() {
            pod.node_name = Some(node.into());
            let confirmed = self.apply(pod);
            let first = self.dice.below(2);
            inputs.insert(first, confirmed);
        }
        inputs
    }

    fn failure(&mut self) -> BindOutcome {
        let text = "no answer".to_owned();
        match self.dice.below(6) {
            0 | 1 => BindOutcome::Unavailable(text),
            2 => BindOutcome::Conflict(text),
            3 => BindOutcome::Throttled(text),
            4 => BindOutcome::Denied(text),
            _ => {
                let is_told = self.dice.chance(50);
                BindOutcome::NotBound { message: text, resource_version: 7, is_told }
            }
        }
    }

    fn one(&mut self) -> Option<PodRecord> {
        let at = self.dice.below(self.pods.len().max(1));
        self.pods.values().nth(at).cloned()
    }

    fn delete(&mut self) -> Vec<Input> {
        let Some(mut pod) = self.one() else { return Vec::new() };
        if !pod.terminating && self.dice.chance(40) {
            pod.terminating = true;
            return vec![self.apply(pod)];
        }
        self.pods.remove(pod.uid.as_ref());
        let key = ObjectKey::new(&pod.namespace, &pod.name);
        vec![Input::PodDeleted { key, uid: pod.uid }]
    }

    fn change(&mut self) -> Vec<Input> {
        let Some(mut pod) = self.one() else { return Vec::new() };
        match self.dice.below(4) {
            0..=2 => pod.labels = self.dice.labels(),
            _ => pod.spec = Arc::clone(&self.templates[self.dice.below(self.templates.len())]),
        }
        vec![self.apply(pod)]
    }

    fn foreign(&mut self) -> Vec<Input> {
        let mut pod = self.pod();
        let at = self.dice.below(self.nodes + 1);
        pod.node_name = Some(node_name(&self.dice, at).into());
        if self.dice.chance(25) {
            pod.spec = self.huge();
        }
        vec![self.apply(pod)]
    }

    /// A template of pods that nobody schedules: as much as the API server takes, of anything.
    fn huge(&mut self) -> Arc<PodSpec> {
        let names = ["cpu", "memory", "ephemeral-storage", "example.com/gpu"];
        let amounts = names.map(|name| {
            let most = self.dice.pick(&[i64::MAX, i64::MAX / 2, i64::MAX / 3_000, 1 << 47]);
            (
                name,
                if name == "cpu" { Quantity::from_milli(most) } else { Quantity::from_units(most) },
            )
        });
        let some = amounts.into_iter().filter(|_| self.dice.chance(60)).collect::<Vec<_>>();
        Arc::new(PodSpec {
            scheduler_name: "other".into(),
            containers: vec![Container::requesting(some)],
            ..PodSpec::default()
        })
    }

    fn nominate(&mut self) -> Vec<Input> {
        // One that is held back keeps its promise.
        let held = self.dice.chance(50).then(|| {
            let mut pod = self.pod();
            pod.scheduling_gates = ["later".into()].into();
            pod
        });
        let Some(mut pod) = held.or_else(|| self.one()).filter(|p| p.node_name.is_none()) else {
            return Vec::new();
        };
        let at = self.dice.below(self.nodes);
        let promised = node_name(&self.dice, at);
        pod.nominated_node_name = self.dice.chance(60).then(|| promised.into());
        vec![self.apply(pod)]
    }

    /// Something of storage is another, or gone.
    fn store(&mut self) -> Vec<Input> {
        let mut objects = storage::objects(&mut self.dice, self.nodes.min(8));
        let at = self.dice.below(objects.len().max(1));
        let change = self.dice.pick(&[Change::Applied, Change::Applied, Change::Deleted]);
        let object = (at < objects.len()).then(|| objects.swap_remove(at));
        object.into_iter().map(|o| Input::Object(Box::new(o), change)).collect()
    }

    fn namespace(&mut self, at: usize) -> Input {
        let (name, labels) = (self.dice.name("space", at).into(), self.dice.labels());
        let namespace = Object::Namespace(NamespaceRecord { name, labels });
        Input::Object(Box::new(namespace), Change::Applied)
    }

    fn owner(&mut self) -> Vec<Input> {
        let (name, space) = (self.dice.one("owner", 2), self.dice.one("space", 3));
        let mut owner = SelectorOwnerRecord {
            key: ObjectKey::new(&space, &name),
            uid: name.as_str().into(),
            selector: Some(template::label_selector(&mut self.dice)),
        };
        let change = self.dice.pick(&[Change::Applied, Change::Applied, Change::Deleted]);
        let object = if self.dice.chance(60) {
            if let Some(selector) = &mut owner.selector {
                selector.match_expressions.clear();
            }
            Object::Service(owner)
        } else {
            Object::ReplicaSet(owner)
        };
        vec![Input::Object(Box::new(object), change)]
    }
}

/// A template, mostly without volumes: with claims to bind, pods go by the plain scan.
fn spec(dice: &mut Dice, nodes: usize, theme: Theme) -> Arc<PodSpec> {
    let mut spec = template::spec(dice, nodes.min(8));
    if theme == Theme::Storage {
        spec.volumes = vec![storage::claim_volume(dice)];
    } else if dice.chance(85) {
        spec.volumes.clear();
    }
    Arc::new(spec)
}
