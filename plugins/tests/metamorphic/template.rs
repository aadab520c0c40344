//! Random pod templates that together use every plugin.

use berth_engine::record::{
    Affinity, Container, HostPort, LabelSelector, NodeSelector, NodeSelectorTerm, PodAffinityTerm,
    PodSpec, Preferred, Quantity, Requirement, ResourceList, SelectorOp, Toleration, TolerationOp,
    TopologySpreadConstraint, WhenUnsatisfiable,
};

use super::scenario::{Dice, SCHEDULER, taint};
use super::storage;

const TOPOLOGY_KEYS: [&str; 2] = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"];

/// A template. Each of its parts is rare enough that some pods fit somewhere.
pub(crate) fn spec(dice: &mut Dice, nodes: usize) -> PodSpec {
    let count = 1 + dice.below(2);
    PodSpec {
        scheduler_name: SCHEDULER.into(),
        containers: (0..count).map(|at| container(dice, format!("c{at}"))).collect(),
        init_containers: dice.some(1, 20, |dice, _| {
            let restartable = dice.chance(50);
            Container { restartable, ..container(dice, "init".to_owned()) }
        }),
        overhead: dice.some(1, 10, |_, _| ("cpu", Quantity::from_milli(50))).into_iter().collect(),
        pod_requests: dice
            .chance(10)
            .then(|| [("cpu", Quantity::from_milli(700))].into_iter().collect()),
        node_selector: dice
            .some(2, 10, |dice, at| (dice.name("key", at), dice.one("value", 3)))
            .into_iter()
            .collect(),
        affinity: dice.chance(50).then(|| Box::new(affinity(dice, nodes))),
        tolerations: dice.some(2, 30, |dice, _| toleration(dice)),
        topology_spread: dice.some(2, 25, |dice, _| constraint(dice)),
        volumes: storage::volumes(dice),
        required_features: dice.some(1, 10, |_, _| "FeatureA".into()).into_boxed_slice(),
        ..PodSpec::default()
    }
}

fn container(dice: &mut Dice, name: String) -> Container {
    let mut requests = Vec::new();
    if dice.chance(70) {
        requests.push(("cpu", Quantity::from_milli(dice.pick(&[100, 250, 500, 1_000]))));
    }
    if dice.chance(70) {
        requests.push(("memory", Quantity::from_units(dice.pick(&[64, 256, 1_024]) << 20)));
    }
    if dice.chance(10) {
        requests.push(("example.com/gpu", Quantity::from_units(1)));
    }
    if dice.chance(10) {
        requests.push(("ephemeral-storage", Quantity::from_units(3 << 30)));
    }
    Container {
        name: name.into(),
        image: format!("{}:1", dice.one("image", 4)).into(),
        requests: requests.into_iter().collect::<ResourceList>(),
        host_ports: dice.some(1, 10, |dice, _| HostPort {
            ip: dice.pick(&["", "127.0.0.1", "10.0.0.1"]).into(),
            protocol: dice.pick(&["", "TCP", "UDP"]).into(),
            port: dice.pick(&[8_080, 9_090]),
        }),
        ..Container::default()
    }
}

fn toleration(dice: &mut Dice) -> Toleration {
    let taint = taint(dice);
    match dice.below(4) {
        0 => Toleration { op: TolerationOp::Exists, ..Toleration::default() },
        1 => Toleration { key: taint.key, op: TolerationOp::Exists, ..Toleration::default() },
        2 => Toleration { key: taint.key, value: taint.value, ..Toleration::default() },
        _ => Toleration {
            key: taint.key,
            op: TolerationOp::Exists,
            effect: Some(taint.effect),
            ..Toleration::default()
        },
    }
}

fn affinity(dice: &mut Dice, nodes: usize) -> Affinity {
    let weight = |dice: &mut Dice| dice.pick(&[1, 10, 100]);
    Affinity {
        node_required: dice
            .chance(25)
            .then(|| NodeSelector { terms: vec![node_term(dice, nodes), node_term(dice, nodes)] }),
        node_preferred: dice
            .some(2, 30, |dice, _| Preferred { weight: weight(dice), term: node_term(dice, 0) }),
        pod_required: dice.some(1, 20, |dice, _| pod_term(dice)),
        pod_preferred: dice
            .some(2, 30, |dice, _| Preferred { weight: weight(dice), term: pod_term(dice) }),
        anti_required: dice.some(1, 25, |dice, _| pod_term(dice)),
        anti_preferred: dice
            .some(2, 30, |dice, _| Preferred { weight: weight(dice), term: pod_term(dice) }),
    }
}

/// A term on labels; with `nodes` now and then on one of their names.
fn node_term(dice: &mut Dice, nodes: usize) -> NodeSelectorTerm {
    if nodes > 0 && dice.chance(15) {
        let field = Requirement {
            key: "metadata.name".into(),
            op: SelectorOp::In,
            values: [dice.one("node", nodes).into()].into(),
        };
        return NodeSelectorTerm { match_expressions: Vec::new(), match_fields: vec![field] };
    }
    let requirement = match dice.below(3) {
        0 => Requirement {
            key: dice.name("key", 3).into(),
            op: dice.pick(&[SelectorOp::Gt, SelectorOp::Lt]),
            values: ["5".into()].into(),
        },
        _ => requirement(dice),
    };
    NodeSelectorTerm { match_expressions: vec![requirement], match_fields: Vec::new() }
}

fn requirement(dice: &mut Dice) -> Requirement {
    use SelectorOp::{DoesNotExist, Exists, In, NotIn};
    let op = dice.pick(&[In, NotIn, Exists, DoesNotExist]);
    let values = match op {
        In | NotIn => vec![dice.one("value", 3).into(), dice.one("value", 3).into()],
        _ => Vec::new(),
    };
    Requirement { key: dice.one("key", 3).into(), op, values: values.into() }
}

/// A selector of pods or namespaces.
pub(crate) fn label_selector(dice: &mut Dice) -> LabelSelector {
    LabelSelector {
        match_labels: dice
            .some(1, 70, |dice, _| (dice.one("key", 3), dice.one("value", 3)))
            .into_iter()
            .collect(),
        match_expressions: dice.some(1, 30, |dice, _| requirement(dice)),
    }
}

fn pod_term(dice: &mut Dice) -> PodAffinityTerm {
    PodAffinityTerm {
        selector: dice.chance(90).then(|| label_selector(dice)),
        namespaces: dice.some(1, 30, |dice, _| dice.one("space", 3).into()).into(),
        namespace_selector: dice.chance(30).then(|| label_selector(dice)),
        topology_key: dice.pick(&TOPOLOGY_KEYS).into(),
        ..PodAffinityTerm::default()
    }
}

fn constraint(dice: &mut Dice) -> TopologySpreadConstraint {
    let hard = dice.chance(50);
    TopologySpreadConstraint {
        max_skew: dice.pick(&[1, 1, 2]),
        topology_key: dice.pick(&TOPOLOGY_KEYS).into(),
        when_unsatisfiable: if hard {
            WhenUnsatisfiable::DoNotSchedule
        } else {
            WhenUnsatisfiable::ScheduleAnyway
        },
        selector: dice.chance(90).then(|| label_selector(dice)),
        min_domains: (hard && dice.chance(30)).then(|| dice.pick(&[1, 2, 3])),
        honor_node_affinity: dice.chance(70),
        honor_node_taints: dice.chance(30),
        match_label_keys: dice.some(1, 20, |dice, _| dice.one("key", 3).into()).into(),
    }
}
