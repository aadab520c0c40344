//! Counts over domains follow nodes that change, with the pods on them.

use berth_engine::record::{Affinity, ObjectKey, SelectorOwnerRecord, WhenUnsatisfiable};
use berth_engine::{Change, Input, Object};
use std::sync::Arc;

use super::cluster::{Cluster, applied, node, on, pod, selector, spread, template, term};
use super::twins::Twins;

const ZONE: &str = "topology.kubernetes.io/zone";
/// So many that one or two changes are followed, and do not make the counts anew.
const NODES: usize = 12;

fn name(at: usize) -> String {
    format!("node-{at:02}")
}

/// Four nodes in each of the zones a, b and c.
fn cluster() -> Cluster {
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live((0..NODES).map(|at| {
        let zone = ["a", "b", "c"][at / 4];
        node(&name(at), 8, &format!("{ZONE}={zone}"))
    }));
    cluster
}

fn zone_of(node: &str, cluster_zones: &[&str; NODES]) -> String {
    let at: usize = node.strip_prefix("node-").unwrap().parse().unwrap();
    cluster_zones[at].to_owned()
}

/// A key that no node had is none that a constraint could be kept by (seed 5683 of the random
/// histories).
#[test]
fn the_first_zone_comes_with_a_node() {
    let mut spec = (*spread()).clone();
    spec.topology_spread[0].when_unsatisfiable = WhenUnsatisfiable::ScheduleAnyway;
    let spec = Arc::new(spec);
    let web = |name: &str| applied(pod(name, &spec, "app=web"));
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live((0..NODES).map(|at| node(&name(at), 8, "")));
    cluster.live([web("before")]);
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    cluster.live([node(&name(7), 8, &format!("{ZONE}=a"))]);
    assert_eq!(cluster.live([web("after")]), [["after".to_owned(), name(7)]]);
}

/// Without a zone and in the one named by nothing are the same to pods that may be anywhere.
#[test]
fn a_zone_without_a_name_comes_with_a_node() {
    let spec = template(Affinity::default());
    let web = |at: usize| applied(pod(&format!("web-{at}"), &spec, "app=web"));
    let service = Object::Service(SelectorOwnerRecord {
        key: ObjectKey::new("default", "web"),
        uid: "web".into(),
        selector: Some(selector("app=web")),
    });
    let mut cluster = cluster();
    let bare = (0..4).map(|at| node(&format!("bare-{at}"), 8, ""));
    let service = [Input::Object(Box::new(service), Change::Applied)];
    cluster.live(bare.chain(service));
    cluster.live((0..20).map(web));
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    cluster.live([node("bare-1", 8, &format!("{ZONE}="))]);
    cluster.live((20..60).map(web));
}

/// Three pods each in a and b; b's node with all of them moves to c, so that b is the emptiest.
#[test]
fn a_node_takes_its_pods_to_another_zone() {
    let spec = spread();
    let web = |name: &str| applied(pod(name, &spec, "app=web"));
    let mut zones = ["a", "a", "a", "a", "b", "b", "b", "b", "c", "c", "c", "c"];
    let mut cluster = cluster();
    let there =
        |at: usize, i: usize| on(&name(at), pod(&format!("old-{at}-{i}"), &spec, "app=web"));
    cluster.live((0..3).flat_map(|i| [there(0, i), there(4, i)]));
    for i in 0..3 {
        let placed = cluster.live([web(&format!("before-{i}"))]);
        assert_eq!(zone_of(&placed[0][1], &zones), "c", "the emptiest zone");
    }
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    zones[4] = "c";
    cluster.live([node(&name(4), 8, &format!("{ZONE}=c"))]);
    for i in 0..2 {
        let placed = cluster.live([web(&format!("after-{i}"))]);
        assert_eq!(zone_of(&placed[0][1], &zones), "b", "its pods are in c now");
    }
}

/// The last nodes of a zone go: the emptiest domain is another, and the zone is empty no longer.
#[test]
fn a_zone_without_nodes_holds_nobody_back() {
    let spec = spread();
    let mut cluster = cluster();
    let web = |name: &str| applied(pod(name, &spec, "app=web"));
    // Zone c is full: its nodes are replaced by ones without room before anything is counted.
    cluster.live((8..NODES).map(|at| node(&name(at), 0, &format!("{ZONE}=c"))));
    let placed = cluster.live((0..4).map(|i| web(&format!("web-{i}"))));
    assert_eq!(placed.len(), 2, "one in a, one in b, and c has none");
    assert_eq!(cluster.waiting(), 2);
    let gone = |at: usize| Input::NodeDeleted { name: name(at).into() };
    let mut placed = Vec::new();
    for at in 8..NODES {
        placed.extend(cluster.live([gone(at)]));
    }
    assert_eq!(placed.len(), 2, "c is no domain any more");
}

/// A pod that keeps others out of its zone moves with its node.
#[test]
fn a_guard_moves_with_its_node() {
    let shuns = Affinity { anti_required: vec![term("app=web", ZONE)], ..Affinity::default() };
    let web = template(Affinity::default());
    let zones = ["a", "a", "a", "a", "b", "b", "b", "b", "c", "c", "c", "c"];
    let mut cluster = cluster();
    let guard =
        |at: usize| on(&name(at), pod(&format!("guard-{at}"), &template(shuns.clone()), ""));
    cluster.live([guard(0), guard(4)]);
    let web = |name: &str| applied(pod(name, &web, "app=web"));
    let placed = cluster.live([web("web-0")]);
    assert_eq!(zone_of(&placed[0][1], &zones), "c", "a and b are guarded");
    cluster.live([node(&name(4), 8, &format!("{ZONE}=c"))]);
    for i in 1..4 {
        let placed = cluster.live([web(&format!("web-{i}"))]);
        assert_eq!(zone_of(&placed[0][1], &zones), "b", "now a and c are");
    }
}

/// More nodes move to another zone in one step than counts follow one by one (64), and fewer than
/// half of all, after which counts would be made anew whatever moved.
#[test]
fn many_nodes_move_at_once() {
    const MANY: usize = 140;
    let spec = spread();
    let web = |name: String| applied(pod(&name, &spec, "app=web"));
    let numbered = |at: usize| format!("node-{at:03}");
    let mut zones: Vec<&str> =
        [["a"].repeat(70), ["b"].repeat(35), ["c"].repeat(35)].into_iter().flatten().collect();
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live((0..MANY).map(|at| node(&numbered(at), 8, &format!("{ZONE}={}", zones[at]))));
    cluster.live((0..70).map(|at| on(&numbered(at), pod(&format!("old-{at}"), &spec, "app=web"))));
    cluster.live([web("first".to_owned())]);
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    // All but four of zone a, each with its pod: 4 are in a, 66 in b, the first one in b or c.
    zones[..66].fill("b");
    cluster.live((0..66).map(|at| node(&numbered(at), 8, &format!("{ZONE}=b"))));
    let placed = cluster.live((0..20).map(|i| web(format!("web-{i}"))));
    let went = |zone: &str| {
        let zones = placed.iter().map(|[_, node]| {
            let at: usize = node.strip_prefix("node-").unwrap().parse().unwrap();
            zones[at]
        });
        zones.filter(|of| *of == zone).count()
    };
    assert_eq!((went("a") + went("c"), went("b")), (20, 0));
    assert!(went("a").abs_diff(8) <= 1 && went("c").abs_diff(12) <= 1, "{placed:?}");
}
