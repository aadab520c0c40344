//! Nodes promised to other pods: who heeds a promise is a matter of priority.

use berth_engine::record::{Affinity, Container, PodRecord, PodSpec, Quantity};
use std::sync::Arc;

use super::cluster::{Cluster, applied, labels, node, on, pod, template};
use super::twins::Twins;

fn cores(milli: i64) -> Arc<PodSpec> {
    let mut spec = (*template(Affinity::default())).clone();
    spec.containers = vec![Container::requesting([("cpu", Quantity::from_milli(milli))])];
    Arc::new(spec)
}

fn of_priority(priority: i32, mut pod: PodRecord) -> PodRecord {
    pod.priority = priority;
    pod
}

/// A node of one core is the emptiest, and promised to a pod that takes nearly all of it.
#[test]
fn pods_of_one_class_heed_a_promise_by_their_priority() {
    let small = cores(200);
    let web = |name: &str, priority| applied(of_priority(priority, pod(name, &small, "")));
    let mut guard = of_priority(5, pod("guard", &cores(900), ""));
    guard.nominated_node_name = Some("promised".into());
    guard.scheduling_gates = ["later".into()].into();
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live([
        node("promised", 1, ""),
        node("used", 4, ""),
        on("used", pod("old", &cores(2_000), "")),
        applied(guard.clone()),
    ]);
    assert_eq!(cluster.live([web("low-0", 0)]), [["low-0", "used"]]);
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    assert_eq!(cluster.live([web("high", 10)]), [["high", "promised"]]);
    assert_eq!(cluster.live([web("low-1", 0)]), [["low-1", "used"]]);
    assert_eq!(cluster.live([web("even", 5)]), [["even", "used"]]);
    // With another template, the promised pod leaves room; and then it is promised no node at all.
    guard.spec = cores(500);
    assert_eq!(cluster.live([applied(guard.clone()), web("low-2", 0)]), [["low-2", "promised"]]);
    assert_eq!(cluster.live([web("low-3", 0)]), [["low-3", "used"]]);
    guard.nominated_node_name = None;
    assert_eq!(cluster.live([applied(guard), web("low-4", 0)]), [["low-4", "promised"]]);
    assert_eq!(cluster.twins.rankings(), 2, "the class and, not promised a node, the other");
}

/// A promised pod finds another node, and those that waited for its sake get the one it leaves
/// (seed 5153 of the random histories).
#[test]
fn a_promise_that_is_not_kept_frees_its_node() {
    let in_pool = |milli, pool: &str| {
        let mut spec = (*cores(milli)).clone();
        spec.node_selector = labels(&format!("pool={pool}"));
        Arc::new(spec)
    };
    let mut guard = of_priority(5, pod("guard", &in_pool(900, "b"), ""));
    guard.nominated_node_name = Some("promised".into());
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live([node("promised", 1, "pool=a"), applied(guard)]);
    assert_eq!(cluster.live([applied(pod("web", &in_pool(200, "a"), ""))]), [[""; 2]; 0]);
    let placed = cluster.live([node("free", 1, "pool=b")]);
    assert_eq!(placed, [["guard", "free"], ["web", "promised"]]);
}
