//! What rankings keep is bounded, and the bound changes no choice.

use std::sync::Arc;

use berth_engine::Input;
use berth_engine::record::{Affinity, Container, Image, PodSpec, Quantity};

use super::cluster::{Cluster, applied, node, pod, spread, template};
use super::twins::Twins;

/// A template that no other is like: it asks for so many thousandths of a core.
fn asking(milli: i64) -> Arc<PodSpec> {
    let mut spec = PodSpec::clone(&template(Affinity::default()));
    spec.containers = vec![Container::requesting([("cpu", Quantity::from_milli(milli))])];
    Arc::new(spec)
}

fn nodes(from: usize, to: usize) -> impl Iterator<Item = Input> {
    (from..to).map(|at| node(&format!("node-{at}"), 64, "topology.kubernetes.io/zone=a"))
}

/// One pod of each of 20 templates; all find a node.
fn one_of_each(cluster: &mut Cluster, round: usize) {
    let pods = (0..20).map(|at| {
        let name = format!("pod-{round}-{at}");
        applied(pod(&name, &asking(10 + at), ""))
    });
    assert_eq!(cluster.live(pods).len(), 20);
}

#[test]
fn the_least_recently_used_go() {
    let mut cluster = Cluster::new(Twins::bounded(1, 2_000));
    cluster.live(nodes(0, 100));
    one_of_each(&mut cluster, 0);
    let rankings = cluster.twins.rankings();
    assert!((5..20).contains(&rankings), "{rankings} of 20 at 100 cells and more each");
    assert!(cluster.twins.cells() <= 2_000, "{}", cluster.twins.cells());
}

#[test]
fn the_bound_holds_when_nodes_come() {
    let mut cluster = Cluster::new(Twins::bounded(1, 20_000));
    cluster.live(nodes(0, 100));
    one_of_each(&mut cluster, 0);
    assert_eq!(cluster.twins.rankings(), 20);
    cluster.live(nodes(100, 2_000));
    // Each is there already and grows.
    one_of_each(&mut cluster, 1);
    assert!(cluster.twins.rankings() < 20, "{} of 20 grew", cluster.twins.rankings());
    assert!(cluster.twins.cells() <= 20_000, "{}", cluster.twins.cells());
}

#[test]
fn one_ranking_may_be_larger_than_the_bound() {
    let mut cluster = Cluster::new(Twins::bounded(1, 100));
    cluster.live(nodes(0, 300));
    let spec = asking(10);
    for at in 0..3 {
        assert_eq!(cluster.live([applied(pod(&format!("pod-{at}"), &spec, ""))]).len(), 1);
        assert_eq!(cluster.twins.rankings(), 1);
    }
    assert_eq!(cluster.twins.answers(), 3);
}

#[test]
fn counts_are_part_of_what_is_bounded() {
    let cells = |spec: &Arc<PodSpec>| {
        let mut cluster = Cluster::new(Twins::bounded(1, 1 << 20));
        cluster.live(nodes(0, 100));
        cluster.live([applied(pod("first", spec, "app=web"))]);
        cluster.twins.cells()
    };
    let mut by_host = PodSpec::clone(&spread());
    by_host.topology_spread[0].topology_key = "kubernetes.io/hostname".into();
    let (plain, spread) = (cells(&asking(10)), cells(&Arc::new(by_host)));
    // 100 domains of 12 bytes are 300 cells.
    assert!(spread >= plain + 300, "{plain} and {spread}");
}

/// A node whose image of the pod has this size.
fn with_image(size: i64) -> Input {
    let Input::NodeApplied(record) = node("node-0", 64, "") else { unreachable!() };
    let mut record = (*record).clone();
    record.images = vec![Image { names: [Box::from("trainer:1")].into(), size }];
    Input::NodeApplied(Arc::new(record))
}

#[test]
fn groups_that_lost_their_nodes_are_given_back() {
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live(nodes(0, 3));
    let mut spec = PodSpec::clone(&asking(1));
    spec.containers[0].image = "trainer:1".into();
    let spec = Arc::new(spec);
    let mut most = 0;
    for at in 0..1_500 {
        cluster.live([with_image(50_000_000 + (at << 20))]);
        // It is told of the change, and bound where there is room for a pod.
        cluster.live([applied(pod(&format!("pod-{at}"), &spec, ""))]);
        most = most.max(cluster.twins.cells());
    }
    let last = cluster.twins.cells();
    assert!(most > 20_000 && last < most - 10_000, "at most {most} cells, {last} at the end");
}
