//! Selectors of nodes and of pods, compiled and matched in all the places that take one.

use std::sync::Arc;

use berth_engine::Input;
use berth_engine::record::{
    Affinity, LabelSelector, NodeRecord, NodeSelector, NodeSelectorTerm, PodAffinityTerm,
    PodRecord, PodSpec, Requirement, SelectorOp, TopologySpreadConstraint, WhenUnsatisfiable,
};

use super::cluster;

/// Lines of `OPERATOR KEY VALUE…`, see [`operator`]; a line that begins with `=` is a label
/// `KEY VALUE` of the node and the pods.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (mut labels, mut requirements) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut words = line.split(' ');
        let first = words.next().unwrap_or_default();
        let key = words.next().unwrap_or_default();
        if first == "=" {
            labels.push((key, words.next().unwrap_or_default()));
        } else {
            let values = words.map(Into::into).collect();
            requirements.push(Requirement { key: key.into(), op: operator(first), values });
        }
    }
    let spec = Arc::new(spec(requirements));
    let pod = |name: &str| {
        let mut pod = PodRecord::new("default", name, name, Arc::clone(&spec));
        pod.labels = labels.iter().copied().collect();
        pod
    };
    let node = NodeRecord {
        name: "node".into(),
        labels: labels.iter().copied().chain([("zone", "a")]).collect(),
        ..NodeRecord::default()
    };
    let there = PodRecord { node_name: Some("node".into()), ..pod("there") };
    let inputs = vec![
        Input::Config(cluster::config()),
        Input::NodeApplied(Arc::new(node)),
        Input::PodApplied(Box::new(there)),
    ];
    cluster::judge(inputs, &[pod("judged")]);
}

fn operator(word: &str) -> SelectorOp {
    match word {
        "in" => SelectorOp::In,
        "notin" => SelectorOp::NotIn,
        "exists" => SelectorOp::Exists,
        "lacks" => SelectorOp::DoesNotExist,
        ">" => SelectorOp::Gt,
        "<" => SelectorOp::Lt,
        _ => SelectorOp::Unknown,
    }
}

/// A template with the requirements wherever it takes some.
fn spec(requirements: Vec<Requirement>) -> PodSpec {
    let selector = LabelSelector { match_expressions: requirements.clone(), ..<_>::default() };
    let term = PodAffinityTerm {
        selector: Some(selector.clone()),
        namespace_selector: Some(selector.clone()),
        topology_key: "zone".into(),
        ..PodAffinityTerm::default()
    };
    let term_on = |requirements: Vec<Requirement>| NodeSelectorTerm {
        match_fields: requirements.iter().filter(|r| r.key.contains('.')).cloned().collect(),
        match_expressions: requirements,
    };
    PodSpec {
        scheduler_name: "berth".into(),
        affinity: Some(Box::new(Affinity {
            node_required: Some(NodeSelector { terms: vec![term_on(requirements)] }),
            pod_required: vec![term.clone()],
            anti_required: vec![term],
            ..Affinity::default()
        })),
        topology_spread: vec![TopologySpreadConstraint {
            max_skew: 1,
            topology_key: "zone".into(),
            when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
            selector: Some(selector),
            min_domains: None,
            honor_node_affinity: true,
            honor_node_taints: true,
            match_label_keys: Box::default(),
        }],
        ..PodSpec::default()
    }
}
