//! What a ranking has to hear of for terms: histories that random ones have found.

use berth_engine::record::{Affinity, LabelSelector, PodAffinityTerm, Preferred};

use super::cluster::{Cluster, applied, namespace, node, on, pod, selector, template, term};
use super::twins::Twins;

const ZONE: &str = "topology.kubernetes.io/zone";

/// A term's namespaces are kept by number, and a namespace object alone had none: its first pod
/// was not counted (seed 2472 of the random histories).
#[test]
fn a_namespace_gets_its_first_pod() {
    let term = PodAffinityTerm {
        namespace_selector: Some(LabelSelector { ..selector("team=data") }),
        ..term("app=db", ZONE)
    };
    let drawn = template(Affinity {
        pod_preferred: vec![Preferred { weight: 100, term: term.clone() }],
        ..Affinity::default()
    });
    let bound = template(Affinity { pod_required: vec![term], ..Affinity::default() });
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live([
        node("large", 64, &format!("{ZONE}=a")),
        node("small", 4, &format!("{ZONE}=b")),
        namespace("default", ""),
        namespace("data", "team=data"),
    ]);
    let placed =
        cluster.live([applied(pod("drawn-0", &drawn, "")), applied(pod("bound-0", &bound, ""))]);
    assert_eq!(placed, [["drawn-0", "large"]]);
    assert_eq!(cluster.twins.rankings(), 2, "both classes are ranked");
    let mut first = pod("db-0", &template(Affinity::default()), "app=db");
    first.namespace = "data".into();
    assert_eq!(cluster.live([on("small", first)]), [["bound-0", "small"]]);
    assert_eq!(cluster.live([applied(pod("drawn-1", &drawn, ""))]), [["drawn-1", "small"]]);
}

/// Pods may be bound to a node whose object is not there (any more, or yet); with it come their
/// terms (seed 3948 of the random histories).
#[test]
fn a_node_comes_after_its_pods() {
    let shuns = Affinity { anti_required: vec![term("app=web", ZONE)], ..Affinity::default() };
    let web = template(Affinity::default());
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live([
        node("large", 64, &format!("{ZONE}=a")),
        node("small", 4, &format!("{ZONE}=b")),
        on("late", pod("guard", &template(shuns), "")),
    ]);
    let web = |name: &str| applied(pod(name, &web, "app=web"));
    assert_eq!(cluster.live([web("web-0")]), [["web-0", "large"]]);
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    assert_eq!(cluster.live([node("late", 64, &format!("{ZONE}=a"))]), [[""; 2]; 0]);
    assert_eq!(cluster.live([web("web-1")]), [["web-1", "small"]]);
}
