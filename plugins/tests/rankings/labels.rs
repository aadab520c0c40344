//! Labels are not part of a class: what selectors in play say of a pod is.

use std::sync::Arc;

use berth_engine::record::{
    Affinity, ObjectKey, PodRecord, PodSpec, SelectorOwnerRecord, TopologySpreadConstraint,
    WhenUnsatisfiable,
};
use berth_engine::{Change, Input, Object};

use super::cluster::{Cluster, applied, node, on, pod, selector, template, term};
use super::twins::Twins;

const HOST: &str = "kubernetes.io/hostname";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// A pod of an indexed Job, of one of two tiers.
fn indexed(spec: &Arc<PodSpec>, index: usize) -> PodRecord {
    let tier = ["gold", "silver"][index % 2];
    let text = format!("batch.kubernetes.io/job-name=train,{INDEX}={index},tier={tier}");
    pod(&format!("train-{index}"), spec, &text)
}

fn nodes(count: usize) -> impl Iterator<Item = Input> {
    (0..count).map(|at| node(&format!("node-{at}"), 64, ""))
}

#[test]
fn an_indexed_job_is_one_ranking() {
    const PODS: usize = 10_000;
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live(nodes(100));
    let spec = template(Affinity::default());
    let placed = cluster.live((0..PODS).map(|index| applied(indexed(&spec, index))));
    assert_eq!((placed.len(), cluster.waiting()), (PODS, 0));
    assert_eq!(cluster.twins.rankings(), 1);
    assert_eq!(cluster.twins.answers(), PODS as u64, "every attempt was answered by it");
}

/// Ways by which a selector comes that asks for the label `tier`.
fn selectors() -> [(&'static str, Vec<Input>); 3] {
    let shuns = Affinity { anti_required: vec![term("tier=gold", HOST)], ..Affinity::default() };
    let mut spread = PodSpec::clone(&template(Affinity::default()));
    spread.topology_spread = vec![TopologySpreadConstraint {
        max_skew: 1,
        topology_key: HOST.into(),
        when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
        selector: Some(selector("tier=gold")),
        min_domains: None,
        honor_node_affinity: true,
        honor_node_taints: false,
        match_label_keys: [].into(),
    }];
    let service = SelectorOwnerRecord {
        key: ObjectKey::new("default", "gold"),
        uid: "gold".into(),
        selector: Some(selector("tier=gold")),
    };
    [
        ("a bound pod's term", vec![on("node-5", pod("guard", &template(shuns), ""))]),
        ("a waiting pod's constraint", vec![applied(pod("even", &Arc::new(spread), "tier=gold"))]),
        ("a Service", vec![Input::Object(Box::new(Object::Service(service)), Change::Applied)]),
    ]
}

/// What it means for the pods to come is told apart from then on, and both engines agree.
#[test]
fn a_new_selector_changes_no_result() {
    for (way, inputs) in selectors() {
        let mut cluster = Cluster::new(Twins::new(1, None));
        cluster.live(nodes(10));
        let spec = template(Affinity::default());
        let pods = |from: usize| (from..from + 105).map(|index| applied(indexed(&spec, index)));
        assert_eq!(cluster.live(pods(0)).len(), 105, "{way}");
        assert_eq!(cluster.twins.rankings(), 1, "{way}: nobody asks for the tier");
        cluster.live(inputs);
        let placed = cluster.live(pods(105));
        assert_eq!(placed.len(), 105, "{way}");
        // The tier, not the index, tells pods of the Job apart.
        let of_the_way = usize::from(way == "a waiting pod's constraint");
        assert_eq!(cluster.twins.rankings(), 2 + of_the_way, "{way}");
        let shunned = placed.iter().any(|[pod, node]| {
            let index: usize = pod.trim_start_matches("train-").parse().unwrap();
            index.is_multiple_of(2) && node == "node-5"
        });
        assert_eq!(shunned, way != "a bound pod's term", "{way}: gold pods on the shunned node");
    }
}
