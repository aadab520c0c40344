//! Kinds of pods that mean nothing to a ranking are remembered; what they mean may change.

use berth_engine::record::{Affinity, LabelSelector, PodAffinityTerm, PodRecord};

use super::cluster::{
    Cluster, applied, namespace, node, on, pod, selector, spread, template, term,
};
use super::twins::Twins;

const ZONE: &str = "topology.kubernetes.io/zone";

fn cluster() -> Cluster {
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live([
        node("large", 64, &format!("{ZONE}=a")),
        node("small", 8, &format!("{ZONE}=b")),
        node("bare", 1, ""),
    ]);
    cluster
}

fn web(name: &str) -> PodRecord {
    pod(name, &template(Affinity::default()), "app=web")
}

#[test]
fn a_namespace_is_relabelled() {
    let term = PodAffinityTerm {
        namespace_selector: Some(LabelSelector { ..selector("team=data") }),
        ..term("app=db", ZONE)
    };
    let shuns = template(Affinity { anti_required: vec![term], ..Affinity::default() });
    let shy = |name: &str| applied(pod(name, &shuns, ""));
    let db = |node: &str, name: &str| {
        let mut db = pod(name, &template(Affinity::default()), "app=db");
        db.namespace = "data".into();
        on(node, db)
    };
    let mut cluster = cluster();
    cluster.live([namespace("default", ""), namespace("data", "")]);
    assert_eq!(cluster.live([shy("shy-0")]), [["shy-0", "large"]]);
    cluster.live([db("small", "db-0")]);
    assert_eq!(cluster.live([shy("shy-1")]), [["shy-1", "large"]]);
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    cluster.live([namespace("data", "team=data")]);
    assert_eq!(cluster.live([shy("shy-2")]), [["shy-2", "large"]]);
    cluster.live([db("large", "db-1")]);
    assert_eq!(cluster.live([shy("shy-3")]), [["shy-3", "bare"]], "both zones have one");
}

/// A pod that is being deleted counts for nothing; the next of its kind is not.
#[test]
fn the_first_of_its_kind_is_being_deleted() {
    let spec = spread();
    let even = |name: &str| applied(pod(name, &spec, ""));
    let mut cluster = cluster();
    assert_eq!(cluster.live([even("even-0")]), [["even-0", "large"]]);
    let mut last = web("web-0");
    last.terminating = true;
    cluster.live([on("large", last)]);
    assert_eq!(cluster.live([even("even-1")]), [["even-1", "large"]]);
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    cluster.live([on("large", web("web-1")), on("large", web("web-2"))]);
    assert_eq!(cluster.live([even("even-2")]), [["even-2", "small"]]);
}

/// More kinds than are remembered come and go, each of one pod.
#[test]
fn kinds_are_forgotten() {
    let spec = spread();
    let even = |name: &str| applied(pod(name, &spec, ""));
    let mut cluster = cluster();
    cluster.live([on("large", web("web-0"))]);
    assert_eq!(cluster.live([even("even-0")]), [["even-0", "large"]]);
    let plain = template(Affinity::default());
    let one = |i: usize| on("bare", pod(&format!("one-{i}"), &plain, &format!("one={i}")));
    for part in 0..5 {
        cluster.live((0..4_000).map(|i| one(part * 4_000 + i)));
        cluster.live([even(&format!("between-{part}"))]);
    }
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    cluster.live([on("large", web("web-1"))]);
    assert_eq!(cluster.live([even("even-1")]), [["even-1", "small"]]);
    cluster.live([on("small", web("web-2"))]);
    assert_eq!(cluster.live([even("even-2")]), [["even-2", "large"]]);
}
