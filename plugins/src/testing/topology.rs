//! Clusters in a few lines, for plugins that look at other pods.
//!
//! | line | words |
//! |---|---|
//! | `node NAME …` | labels `KEY=VALUE`; `taint:KEY` is a NoSchedule taint; `gone` deletes it at the end |
//! | `ns NAME …` | labels of a namespace |
//! | `service NAMESPACE/NAME …`, `rc`, `replicaset`, `statefulset` | the labels it selects |
//! | `on NODE …`, `pod …` | a pod that is there, and the one in question |
//!
//! Words of pods: labels `KEY=VALUE`, `@NAMESPACE` (`default` where absent), `terminating`,
//! `owner:APIVERSION:KIND:NAME`, `select:KEY=VALUE`, `tolerate:KEY`, terms `join:TERM`,
//! `shun:TERM` (required), `prefer:WEIGHT:TERM`, `avoid:WEIGHT:TERM`, and
//! `spread:SKEW:KEY:SELECTOR[:soft][:min=N][:honor-taints][:ignore-affinity][:keys=A+B]`.
//! TERM is `SELECTOR~KEY[~NAMESPACES]`, NAMESPACES is `A+B` or `in:SELECTOR`; SELECTOR is `*`
//! (empty), `-` (absent) or `K=V,K!=V,K,!K`. The key `host` is `kubernetes.io/hostname`, `zone` is
//! `topology.kubernetes.io/zone`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod following;
mod waking;

use std::sync::Arc;

use berth_engine::base::{NodeIdx, PodIdx};
use berth_engine::cache::Cache;
use berth_engine::framework::{
    Context, Plugin, PreFiltered, PreScored, Reason, State, Verdict, Verdicts,
};
use berth_engine::record::{
    Affinity, LabelSelector, NamespaceRecord, NodeRecord, ObjectKey, Owner, PodAffinityTerm,
    PodRecord, PodSpec, Preferred, Quantity, Requirement, SelectorOp, SelectorOwnerRecord,
    StringMap, Taint, TaintEffect, Toleration, TolerationOp, TopologySpreadConstraint,
    WhenUnsatisfiable,
};
use berth_engine::{Change, Object};

/// A cluster, and a pod if it has one.
pub(crate) struct TopologyScene {
    pub(crate) cache: Cache,
    pods: usize,
}

impl TopologyScene {
    pub(crate) fn parse(text: &str) -> Self {
        let mut scene = Self { cache: Cache::default(), pods: 0 };
        let mut gone = Vec::new();
        for line in text.lines() {
            let (kind, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            let (name, words) = rest.split_once(' ').unwrap_or((rest, ""));
            match kind {
                "" => {}
                "node" => {
                    scene.cache.apply_node(&Arc::new(node(name, words)));
                    gone.extend(words.contains("gone").then_some(name));
                }
                "on" => drop(scene.place(name, words)),
                "pod" => {
                    scene.cache.apply_pod(&pod("the-pod", rest));
                }
                kind => scene.object(kind, name, words),
            }
        }
        for name in gone {
            scene.cache.delete_node(name);
        }
        scene
    }

    /// Puts a pod on a node; its uid.
    pub(crate) fn place(&mut self, node: &str, words: &str) -> String {
        self.pods += 1;
        let uid = format!("pod-{}", self.pods);
        let mut pod = pod(&uid, words);
        pod.node_name = Some(node.into());
        self.cache.apply_pod(&pod);
        uid
    }

    fn object(&mut self, kind: &str, name: &str, words: &str) {
        if kind == "ns" {
            let namespace = NamespaceRecord { name: name.into(), labels: labels(words) };
            self.cache.apply_object(&Object::Namespace(namespace), Change::Applied);
            return;
        }
        let (namespace, name) = name.split_once('/').unwrap();
        let selector = LabelSelector { match_labels: labels(words), ..LabelSelector::default() };
        let record = SelectorOwnerRecord {
            key: ObjectKey::new(namespace, name),
            uid: "".into(),
            selector: Some(selector),
        };
        let object = match kind {
            "service" => Object::Service(record),
            "rc" => Object::ReplicationController(record),
            "replicaset" => Object::ReplicaSet(record),
            "statefulset" => Object::StatefulSet(record),
            kind => panic!("{kind}"),
        };
        self.cache.apply_object(&object, Change::Applied);
    }

    pub(crate) fn find(&self, uid: &str) -> PodIdx {
        self.cache.pods().find(uid).unwrap()
    }

    pub(crate) fn context(&self) -> Context<'_> {
        let pod = self.cache.view(self.find("the-pod")).unwrap();
        Context { cache: &self.cache, nodes: self.cache.nodes(), pod }
    }

    pub(crate) fn nodes(&self) -> Vec<NodeIdx> {
        self.cache.nodes().live().iter().collect()
    }

    pub(crate) fn mark(&self, plugin: &dyn Plugin) -> u64 {
        plugin.mark(&self.context())
    }

    /// `skip`, `rejected REASON`, or a word for each node: `a+` fits, `a-` is unschedulable, `a!`
    /// cannot be helped by preemption.
    pub(crate) fn filter(&self, plugin: &dyn Plugin) -> String {
        let mut state = State::default();
        match plugin.as_pre_filter().unwrap().pre_filter(&self.context(), &mut state) {
            PreFiltered::Skip => return "skip".to_owned(),
            PreFiltered::Proceed => {}
            PreFiltered::Reject { reasons, .. } => {
                return format!("rejected {}", Reason::join(&reasons, self.cache.dims()));
            }
            other => return format!("{other:?}"),
        }
        let verdicts = self.verdicts(plugin, &state);
        // A profile may have the filter without its PreFilter.
        assert_eq!(verdicts, self.verdicts(plugin, &State::default()));
        let word = |(node, verdict): (&NodeIdx, &Verdict)| {
            let sign = match verdict {
                Verdict::Fit => '+',
                Verdict::Reject { resolvable: true, .. } => '-',
                Verdict::Reject { .. } => '!',
                Verdict::Broken(_) => '?',
            };
            format!("{}{sign}", self.cache.node_name(*node))
        };
        self.nodes().iter().zip(&verdicts).map(word).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn verdicts(&self, plugin: &dyn Plugin, state: &State) -> Vec<Verdict> {
        let nodes = self.nodes();
        let mut slots = vec![Verdict::Fit; nodes.len()];
        let filter = plugin.as_filter().unwrap();
        filter.filter(&self.context(), state, &nodes, &mut Verdicts::new(&mut slots));
        slots
    }

    /// `skip`, or `a:100 b:0`, over the nodes not named in `infeasible`.
    pub(crate) fn scores(&self, plugin: &dyn Plugin, infeasible: &[&str]) -> String {
        let (cx, mut state) = (self.context(), State::default());
        let is_feasible = |n: &NodeIdx| !infeasible.contains(&self.cache.node_name(*n));
        let nodes: Vec<NodeIdx> = self.nodes().into_iter().filter(is_feasible).collect();
        match plugin.as_pre_score().unwrap().pre_score(&cx, &nodes, &mut state) {
            PreScored::Skip => return "skip".to_owned(),
            PreScored::Proceed => {}
            PreScored::Broken(fault) => return fault.to_string(),
        }
        let score = plugin.as_score().unwrap();
        let of = |state: &State| {
            let mut scores = vec![0; nodes.len()];
            score.score(&cx, state, &nodes, &mut scores);
            score.normalize(&cx, state, &mut scores);
            scores
        };
        let scores = of(&state);
        assert_eq!(scores, of(&State::default()));
        let word =
            |(node, score): (&NodeIdx, &i64)| format!("{}:{score}", self.cache.node_name(*node));
        nodes.iter().zip(&scores).map(word).collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn key(text: &str) -> Box<str> {
    match text {
        "host" => "kubernetes.io/hostname".into(),
        "zone" => "topology.kubernetes.io/zone".into(),
        other => other.into(),
    }
}

fn node(name: &str, words: &str) -> NodeRecord {
    let taint =
        |key: &str| Taint { key: key.into(), value: "".into(), effect: TaintEffect::NoSchedule };
    NodeRecord {
        name: name.into(),
        labels: labels(words),
        taints: words.split(' ').filter_map(|w| w.strip_prefix("taint:")).map(taint).collect(),
        allocatable: [("pods", Quantity::from_units(110))].into_iter().collect(),
        ..NodeRecord::default()
    }
}

fn labels(words: &str) -> StringMap {
    let pairs = words.split(' ').filter(|w| !w.contains(':')).filter_map(|w| w.split_once('='));
    pairs.map(|(k, v)| (key(k), v)).collect()
}

/// A pod of these words.
pub(crate) fn pod(uid: &str, words: &str) -> PodRecord {
    let (mut spec, mut affinity) = (PodSpec::default(), Affinity::default());
    let (mut namespace, mut terminating, mut owner) = ("default", false, None);
    for word in words.split(' ').filter(|w| !w.is_empty()) {
        let (kind, rest) = word.split_once(':').unwrap_or((word, ""));
        match kind {
            "terminating" => terminating = true,
            "owner" => {
                let parts: Vec<&str> = rest.split(':').collect();
                let [api_version, kind, name] = parts.try_into().unwrap();
                owner = Some(Owner {
                    api_version: api_version.into(),
                    kind: kind.into(),
                    name: name.into(),
                    uid: "".into(),
                });
            }
            "select" => spec.node_selector = [rest.split_once('=').unwrap()].into_iter().collect(),
            "tolerate" => spec.tolerations.push(Toleration {
                key: rest.into(),
                op: TolerationOp::Exists,
                ..Toleration::default()
            }),
            "join" => affinity.pod_required.push(term(rest)),
            "shun" => affinity.anti_required.push(term(rest)),
            "prefer" => affinity.pod_preferred.push(preferred(rest)),
            "avoid" => affinity.anti_preferred.push(preferred(rest)),
            "spread" => spec.topology_spread.push(constraint(rest)),
            word => namespace = word.strip_prefix('@').unwrap_or(namespace),
        }
    }
    spec.affinity = (affinity != Affinity::default()).then(|| Box::new(affinity));
    let mut pod = PodRecord::new(namespace, uid, uid, Arc::new(spec));
    pod.labels = labels(words);
    pod.terminating = terminating;
    pod.owner = owner.map(Arc::new);
    pod
}

fn preferred(text: &str) -> Preferred<PodAffinityTerm> {
    let (weight, rest) = text.split_once(':').unwrap();
    Preferred { weight: weight.parse().unwrap(), term: term(rest) }
}

fn term(text: &str) -> PodAffinityTerm {
    let mut parts = text.split('~');
    let mut of = PodAffinityTerm {
        selector: selector(parts.next().unwrap()),
        topology_key: key(parts.next().unwrap()),
        ..PodAffinityTerm::default()
    };
    if let Some(names) = parts.next() {
        match names.strip_prefix("in:") {
            Some(text) => of.namespace_selector = selector(text),
            None => of.namespaces = names.split('+').map(Into::into).collect(),
        }
    }
    of
}

fn constraint(text: &str) -> TopologySpreadConstraint {
    let mut parts = text.split(':');
    let mut of = TopologySpreadConstraint {
        max_skew: parts.next().unwrap().parse().unwrap(),
        topology_key: key(parts.next().unwrap()),
        when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
        selector: selector(parts.next().unwrap()),
        min_domains: None,
        honor_node_affinity: true,
        honor_node_taints: false,
        match_label_keys: Box::default(),
    };
    for part in parts {
        match part.split_once('=') {
            Some(("min", n)) => of.min_domains = Some(n.parse().unwrap()),
            Some(("keys", keys)) => of.match_label_keys = keys.split('+').map(Into::into).collect(),
            _ => match part {
                "soft" => of.when_unsatisfiable = WhenUnsatisfiable::ScheduleAnyway,
                "honor-taints" => of.honor_node_taints = true,
                "ignore-affinity" => of.honor_node_affinity = false,
                other => panic!("{other}"),
            },
        }
    }
    of
}

fn selector(text: &str) -> Option<LabelSelector> {
    let requirement = |text: &str| {
        let of = |key: &str, op, values: &[&str]| Requirement {
            key: key.into(),
            op,
            values: values.iter().map(|v| (*v).into()).collect(),
        };
        match (text.split_once("!="), text.split_once('='), text.strip_prefix('!')) {
            (Some((key, value)), ..) => of(key, SelectorOp::NotIn, &[value]),
            (_, Some((key, value)), _) => of(key, SelectorOp::In, &[value]),
            (.., Some(key)) => of(key, SelectorOp::DoesNotExist, &[]),
            _ => of(text, SelectorOp::Exists, &[]),
        }
    };
    match text {
        "-" => None,
        "*" => Some(LabelSelector::default()),
        text => Some(LabelSelector {
            match_expressions: text.split(',').map(requirement).collect(),
            ..LabelSelector::default()
        }),
    }
}
