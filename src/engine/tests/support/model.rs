//! The cluster as plain maps: what the API server holds, what has been delivered of it, and what
//! the engine has decided on top.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use berth_engine::base::Random;
use berth_engine::record::{NodeRecord, Phase, PodRecord, PodSpec, Quantity, StringMap};
use berth_engine::{BindOutcome, CycleId, Engine, Input};

use super::amounts::{Amounts, requests, resize};

/// What the engine was told, and what it decided: the truth to hold it against.
#[derive(Debug, Default)]
pub struct Known {
    pub nodes: BTreeMap<String, NodeRecord>,
    pub pods: BTreeMap<String, PodRecord>,
    /// Binds asked for, by uid, until they fail or the pod is seen on a node.
    pub assumed: BTreeMap<String, String>,
    /// Uids of the pods of binds that are not answered.
    pub cycles: BTreeMap<CycleId, String>,
    pub rules: Rules,
}

/// Who judges nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rules {
    /// The plugins of these tests: of all resources CPU counts, and a pod that asks for none needs
    /// a node that has as much as is taken.
    #[default]
    Plain,
    /// kube-scheduler's: of each resource that the pod asks for.
    Real,
}

impl Known {
    /// Node of a pod, assumed or assigned.
    pub fn node_of(&self, uid: &str) -> Option<&str> {
        let pod = self.pods.get(uid)?;
        pod.node_name.as_deref().or_else(|| self.assumed.get(uid).map(String::as_str))
    }

    /// What the pods on a node take.
    pub fn load(&self, node: &str) -> Amounts {
        let on = self.pods.iter().filter(|(uid, _)| self.node_of(uid) == Some(node));
        on.fold(Amounts::default(), |sum, (_, pod)| sum.with(Amounts::of(pod)))
    }

    /// Whether the pod fits the node.
    pub fn fits(&self, pod: &PodRecord, name: &str) -> bool {
        let Some(node) = self.nodes.get(name) else { return false };
        let load = self.load(name);
        let offered = |r: &str| node.allocatable.get(r).unwrap_or_default();
        !node.unschedulable
            && match self.rules {
                Rules::Plain => {
                    load.with(Amounts::of(pod)).cpu() <= offered("cpu").milli_value().into()
                }
                Rules::Real => Amounts::of(pod).fit_beside(&load, &node.allocatable),
            }
            && (load.pods as i64) < offered("pods").value()
            && pod.spec.node_selector.iter().all(|(k, v)| node.labels.get(k) == Some(v))
    }

    /// Pods of ours without a node that may be scheduled.
    pub fn waiting(&self) -> impl Iterator<Item = (&String, &PodRecord)> {
        self.pods.iter().filter(|(uid, pod)| {
            pod.spec.scheduler_name.as_ref() == "berth"
                && self.node_of(uid).is_none()
                && pod.scheduling_gates.is_empty()
                && !pod.terminating
        })
    }

    /// Takes in what the engine is told.
    pub fn hear(&mut self, input: &Input) {
        match input {
            Input::NodeApplied(node) => {
                self.nodes.insert(node.name.to_string(), NodeRecord::clone(node));
            }
            Input::NodeDeleted { name } => {
                self.nodes.remove(name.as_ref());
            }
            Input::PodApplied(pod) => self.hear_pod(pod),
            Input::PodDeleted { uid, .. } => {
                self.pods.remove(uid.as_ref());
                self.assumed.remove(uid.as_ref());
            }
            Input::BindOutcome { cycle, outcome } => {
                // A second answer is nobody's.
                let Some(uid) = self.cycles.remove(cycle) else { return };
                if *outcome == BindOutcome::Replaced {
                    self.pods.remove(&uid);
                }
                let seen = self.pods.get(&uid).is_none_or(|p| p.node_name.is_some());
                if *outcome != BindOutcome::Bound || seen {
                    self.assumed.remove(&uid);
                }
            }
            Input::Object(..)
            | Input::Config(_)
            | Input::Control(_)
            | Input::PodAdmitted(_)
            | Input::PodAssigned { .. }
            | Input::WriteOutcome { .. }
            | Input::Tick => {}
        }
    }

    fn hear_pod(&mut self, pod: &PodRecord) {
        let uid = pod.uid.to_string();
        if pod.phase.is_terminal() {
            self.pods.remove(&uid);
            self.assumed.remove(&uid);
            return;
        }
        if pod.node_name.is_some() {
            self.assumed.remove(&uid);
        }
        let terminating = self.pods.get(&uid).is_some_and(|p| p.terminating);
        let mut pod = pod.clone();
        pod.terminating |= terminating;
        self.pods.insert(uid, pod);
    }
}

/// The API server's side: objects, and what its watches have still to deliver. Each kind arrives
/// in order; the kinds and the outcomes of binds interleave at will.
#[derive(Debug, Default)]
pub struct Server {
    pub nodes: BTreeMap<String, NodeRecord>,
    pub pods: BTreeMap<String, PodRecord>,
    pub node_watch: VecDeque<Input>,
    pub pod_watch: VecDeque<Input>,
    pub outcomes: VecDeque<Input>,
    pub binds: VecDeque<(CycleId, String, String)>,
    templates: Vec<Arc<PodSpec>>,
    made: usize,
}

impl Server {
    pub fn new() -> Self {
        let template = |scheduler: &str, container, pool: Option<&str>| {
            Arc::new(PodSpec {
                scheduler_name: scheduler.into(),
                containers: vec![container],
                node_selector: pool.map(|p| ("pool", p)).into_iter().collect(),
                ..PodSpec::default()
            })
        };
        let mut templates = Vec::new();
        // The last one is as much as the API server takes.
        for container in
            [requests(300, 0, 0), requests(900, 1 << 30, 1), requests(i64::MAX, i64::MAX, i64::MAX)]
        {
            templates.push(template("other", container, None));
        }
        for cpu in [0, 250, 500, 1_000, 3_000] {
            for (memory, pool) in [(0, None), (5, Some("a")), (0, Some("b"))] {
                templates.push(template("berth", requests(cpu, memory, 0), pool));
            }
        }
        Self { templates, ..Self::default() }
    }

    pub fn put_node(&mut self, name: &str, random: &mut Random) {
        let cpu = [500, 1_000, 2_000, 4_000][random.below(4)];
        let labels: StringMap = match random.below(3) {
            0 => StringMap::default(),
            1 => [("pool", "a")].into_iter().collect(),
            _ => [("pool", "b")].into_iter().collect(),
        };
        let node = NodeRecord {
            name: name.into(),
            labels,
            unschedulable: random.below(6) == 0,
            allocatable: [
                ("cpu", Quantity::from_milli(cpu)),
                ("memory", Quantity::from_units(4 << 30)),
                ("pods", Quantity::from_units([1, 3, 110][random.below(3)])),
            ]
            .into_iter()
            .collect(),
            ..NodeRecord::default()
        };
        self.nodes.insert(name.to_owned(), node.clone());
        self.node_watch.push_back(Input::NodeApplied(Arc::new(node)));
    }

    pub fn drop_node(&mut self, name: &str) {
        if self.nodes.remove(name).is_some() {
            self.node_watch.push_back(Input::NodeDeleted { name: name.into() });
        }
    }

    pub fn create_pod(&mut self, random: &mut Random) {
        self.made += 1;
        let spec = Arc::clone(&self.templates[random.below(self.templates.len())]);
        let mut pod =
            PodRecord::new("d", &format!("p{}", self.made), &format!("u{}", self.made), spec);
        pod.priority = [0, 0, 0, 10][random.below(4)];
        pod.labels = [("index", self.made.to_string())].into_iter().collect();
        if random.below(8) == 0 {
            pod.scheduling_gates = Box::new(["wait".into()]);
        }
        if random.below(8) == 0 && !self.nodes.is_empty() {
            // Static pods and other schedulers ask nobody: they over-commit.
            let at = random.below(self.nodes.len());
            pod.node_name = self.nodes.keys().nth(at).map(|n| n.as_str().into());
            if random.below(4) == 0 {
                self.resize(&mut pod, random);
            }
        }
        self.publish(pod);
    }

    /// To what another template asks for, of any scheduler: nobody schedules the pod again.
    fn resize(&mut self, pod: &mut PodRecord, random: &mut Random) {
        let spec = &self.templates[random.below(self.templates.len())];
        let scheduler_name = pod.spec.scheduler_name.clone();
        resize(pod, &Arc::new(PodSpec { scheduler_name, ..PodSpec::clone(spec) }), random);
    }

    fn publish(&mut self, pod: PodRecord) {
        self.pods.insert(pod.uid.to_string(), pod.clone());
        self.pod_watch.push_back(Input::PodApplied(Box::new(pod)));
    }

    pub fn change_pod(&mut self, random: &mut Random) {
        if self.pods.is_empty() {
            return;
        }
        let at = random.below(self.pods.len());
        let mut pod = self.pods.values().nth(at).unwrap().clone();
        match random.below(9) {
            0 => return self.delete_pod(&pod.uid),
            1 if pod.node_name.is_some() => pod.phase = Phase::Succeeded,
            2 => pod.scheduling_gates = Box::default(),
            3 => pod.labels = [("index", random.below(5).to_string())].into_iter().collect(),
            4 if pod.node_name.is_none() && !self.nodes.is_empty() => {
                let at = random.below(self.nodes.len());
                pod.node_name = self.nodes.keys().nth(at).map(|n| n.as_str().into());
            }
            5 => pod.terminating = random.below(4) == 0,
            6 | 7 if pod.node_name.is_some() => {
                self.resize(&mut pod, random);
                // A list has the last state alone.
                let last = self.pod_watch.back();
                let latest =
                    |last: &Input| matches!(last, Input::PodApplied(p) if p.uid == pod.uid);
                if random.below(2) == 0 && last.is_some_and(latest) {
                    self.pod_watch.pop_back();
                }
            }
            // The same object again: a duplicate, or a status that nobody reads.
            _ => {}
        }
        if pod.phase.is_terminal() {
            self.pods.remove(pod.uid.as_ref());
            self.pod_watch.push_back(Input::PodApplied(Box::new(pod)));
        } else {
            self.publish(pod);
        }
    }

    fn delete_pod(&mut self, uid: &str) {
        if let Some(pod) = self.pods.remove(uid) {
            let key = berth_engine::record::ObjectKey::new(&pod.namespace, &pod.name);
            self.pod_watch.push_back(Input::PodDeleted { key, uid: uid.into() });
        }
    }

    /// Answers one bind: by the real server's rules, or with a fault.
    pub fn answer_bind(&mut self, random: &mut Random, faults: bool) {
        if self.binds.is_empty() {
            return;
        }
        let at = random.below(self.binds.len());
        let (cycle, uid, node) = self.binds.remove(at).unwrap();
        let outcome = match self.pods.get(&uid).cloned() {
            None if random.below(2) == 0 => BindOutcome::Gone,
            None => BindOutcome::Replaced,
            Some(pod) if pod.node_name.is_some() => BindOutcome::Conflict("bound".into()),
            Some(pod) if pod.terminating => BindOutcome::Conflict("deleted".into()),
            Some(mut pod) => match random.below(if faults { 12 } else { 1 }) {
                1 => BindOutcome::Throttled("slow down".into()),
                2 => BindOutcome::Unavailable("500".into()),
                3 => BindOutcome::NotBound {
                    message: "lost".into(),
                    resource_version: 0,
                    is_told: random.below(2) == 0,
                },
                4 => BindOutcome::Denied("no".into()),
                _ => {
                    pod.node_name = Some(node.as_str().into());
                    self.publish(pod);
                    BindOutcome::Bound
                }
            },
        };
        let answer = Input::BindOutcome { cycle, outcome };
        // Now and then an answer comes twice.
        if random.below(10) == 0 {
            self.outcomes.push_back(answer.clone());
        }
        self.outcomes.push_back(answer);
    }

    /// The next input that has arrived, from one of the streams.
    pub fn arrive(&mut self, random: &mut Random) -> Option<Input> {
        let mut streams = [&mut self.node_watch, &mut self.pod_watch, &mut self.outcomes];
        let from = random.below(3);
        (0..3).find_map(|i| streams[(from + i) % 3].pop_front())
    }
}

/// Every number of the engine's cache against the model's; how many sums an `i64` does not hold.
pub fn assert_accounts(engine: &Engine, known: &Known, seed: u64) -> usize {
    let mut overflown = 0;
    let cache = engine.cache();
    let live: Vec<_> = cache.nodes().live().iter().collect();
    let mut names: Vec<&str> = live.iter().map(|n| cache.node_name(*n)).collect();
    names.sort_unstable();
    assert_eq!(names, known.nodes.keys().map(String::as_str).collect::<Vec<_>>(), "seed {seed}");
    for node in live {
        let name = cache.node_name(node);
        let dim = berth_engine::model::Dim::CPU;
        overflown += known.load(name).assert_counted(cache, node, seed);
        let offered = known.nodes[name].allocatable.get("cpu").unwrap().milli_value();
        assert_eq!(cache.nodes().allocatable(node, dim), offered, "seed {seed}, node {name}");
        for pod in cache.nodes().pods(node) {
            let row = cache.pods().get(*pod).unwrap();
            assert_eq!((row.node, cache.nodes().pods(node)[row.slot as usize]), (node, *pod));
        }
    }
    assert_eq!(cache.pods().count(), known.pods.len(), "seed {seed}");
    assert_eq!(cache.assumed_count(), known.assumed.len(), "seed {seed}");
    overflown
}
