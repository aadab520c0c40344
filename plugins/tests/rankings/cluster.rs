//! A cluster whose API server binds at once, and the few words it is described in.

use std::collections::BTreeMap;
use std::sync::Arc;

use berth_engine::record::{
    Affinity, Container, LabelSelector, NamespaceRecord, NodeRecord, PodAffinityTerm, PodRecord,
    PodSpec, Quantity, StringMap, TopologySpreadConstraint, WhenUnsatisfiable,
};
use berth_engine::{BindOutcome, Change, Effect, Input, Object};

use super::twins::{Twins, defaults};
use crate::random::scenario::SCHEDULER;

/// Two engines with the default plugins, and the pods that wait.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) twins: Twins,
    waiting: BTreeMap<Box<str>, PodRecord>,
    now: u64,
}

impl Cluster {
    pub(crate) fn new(twins: Twins) -> Self {
        let mut cluster = Self { twins, waiting: BTreeMap::new(), now: 0 };
        cluster.live([defaults()]);
        cluster
    }

    /// Takes the inputs in, binds what wants to be bound, and compares what both engines say of
    /// every pod that still waits. Which pod went where.
    pub(crate) fn live(&mut self, inputs: impl IntoIterator<Item = Input>) -> Vec<[String; 2]> {
        let mut inputs: Vec<Input> = inputs.into_iter().collect();
        for input in &inputs {
            match input {
                Input::PodApplied(pod) if pod.node_name.is_none() => {
                    self.waiting.insert(pod.uid.clone(), (**pod).clone());
                }
                _ => {}
            }
        }
        let mut placed = Vec::new();
        loop {
            self.now += 10;
            let (effects, attempts) = self.twins.step(&inputs, self.now);
            inputs.clear();
            for effect in effects {
                let Effect::Bind { cycle, pod, node, .. } = effect else { continue };
                let mut bound = self.waiting.remove(&pod.uid).unwrap();
                placed.push([bound.name.to_string(), node.to_string()]);
                bound.node_name = Some((*node).into());
                let outcome = BindOutcome::Bound;
                inputs.push(Input::BindOutcome { cycle, outcome });
                inputs.push(Input::PodApplied(Box::new(bound)));
            }
            if attempts == 0 && inputs.is_empty() {
                break;
            }
        }
        for uid in self.waiting.keys() {
            self.twins.compare(uid);
        }
        placed
    }

    /// How many pods wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

/// Labels as `app=web,tier=1`.
pub(crate) fn labels(text: &str) -> StringMap {
    text.split(',').filter_map(|pair| pair.split_once('=')).collect()
}

/// Pods with these labels.
pub(crate) fn selector(text: &str) -> LabelSelector {
    LabelSelector { match_labels: labels(text), ..LabelSelector::default() }
}

/// A node with so many cores, and as its own host.
pub(crate) fn node(name: &str, cores: i64, text: &str) -> Input {
    let host = format!("kubernetes.io/hostname={name},{text}");
    let allocatable = [
        ("cpu", Quantity::from_units(cores)),
        ("memory", Quantity::from_units(cores << 32)),
        ("pods", Quantity::from_units(110)),
    ];
    Input::NodeApplied(Arc::new(NodeRecord {
        name: name.into(),
        labels: labels(&host),
        allocatable: allocatable.into_iter().collect(),
        ..NodeRecord::default()
    }))
}

/// A template of pods that ask for a tenth of a core.
pub(crate) fn template(affinity: Affinity) -> Arc<PodSpec> {
    Arc::new(PodSpec {
        scheduler_name: SCHEDULER.into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(100))])],
        affinity: (affinity != Affinity::default()).then(|| Box::new(affinity)),
        ..PodSpec::default()
    })
}

/// A term on pods with these labels.
pub(crate) fn term(text: &str, topology_key: &str) -> PodAffinityTerm {
    PodAffinityTerm {
        selector: Some(selector(text)),
        topology_key: topology_key.into(),
        ..PodAffinityTerm::default()
    }
}

/// A pod of the namespace `default` with these labels.
pub(crate) fn pod(name: &str, spec: &Arc<PodSpec>, text: &str) -> PodRecord {
    let mut pod = PodRecord::new("default", name, &format!("{name}-uid"), Arc::clone(spec));
    pod.labels = labels(text);
    pod
}

/// The pod is there, as it is.
pub(crate) fn applied(pod: PodRecord) -> Input {
    Input::PodApplied(Box::new(pod))
}

/// The pod is there, on this node.
pub(crate) fn on(node: &str, mut pod: PodRecord) -> Input {
    pod.node_name = Some(node.into());
    applied(pod)
}

/// A template of pods that keep within one of each other over zones, by `app=web` pods.
pub(crate) fn spread() -> Arc<PodSpec> {
    let mut spec = (*template(Affinity::default())).clone();
    spec.topology_spread = vec![TopologySpreadConstraint {
        topology_key: "topology.kubernetes.io/zone".into(),
        max_skew: 1,
        when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
        selector: Some(selector("app=web")),
        min_domains: None,
        honor_node_affinity: true,
        honor_node_taints: false,
        match_label_keys: Box::default(),
    }];
    Arc::new(spec)
}

/// The namespace is there, with these labels.
pub(crate) fn namespace(name: &str, text: &str) -> Input {
    let namespace = NamespaceRecord { name: name.into(), labels: labels(text) };
    Input::Object(Box::new(Object::Namespace(namespace)), Change::Applied)
}
