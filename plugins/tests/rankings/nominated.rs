//! Nodes promised to other pods: who heeds a promise is a matter of priority.

use berth_engine::record::{Affinity, Container, ObjectKey, PodRecord, PodSpec, Quantity};
use berth_engine::{BindOutcome, Effect, Input};
use std::sync::Arc;

use super::cluster::{Cluster, applied, labels, node, on, pod, template, term};
use super::twins::{Twins, defaults};

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

/// A node of one core that is the emptiest, a used one, and a pod that is promised the first.
fn promised(guard: PodRecord) -> Cluster {
    let mut cluster = Cluster::new(Twins::new(1, None));
    let old = on("used", pod("old", &cores(2_000), ""));
    cluster.live([node("promised", 1, ""), node("used", 4, ""), old, applied(guard)]);
    cluster
}

/// Of the highest priority of those here, for nearly all of the node, and held back by a gate.
fn guard() -> PodRecord {
    let mut guard = of_priority(5, pod("guard", &cores(900), ""));
    guard.nominated_node_name = Some("promised".into());
    guard.scheduling_gates = ["later".into()].into();
    guard
}

/// Where a pod of 200m and priority 0 goes.
fn goes(cluster: &mut Cluster, name: &str) -> String {
    let placed = cluster.live([applied(pod(name, &cores(200), ""))]);
    assert_eq!(placed.len(), 1, "{name} fits somewhere");
    assert!(cluster.twins.rankings() > 0, "the class is ranked");
    placed[0][1].clone()
}

/// What the promise is worth follows the pod: its priority, its template, its labels.
#[test]
fn a_promise_follows_the_pod() {
    let mut guard = guard();
    let mut cluster = promised(guard.clone());
    assert_eq!(goes(&mut cluster, "web-0"), "used");
    guard.priority = -1;
    cluster.live([applied(guard.clone())]);
    assert_eq!(goes(&mut cluster, "web-1"), "promised", "of less priority it keeps nobody off");
    guard.priority = 5;
    cluster.live([applied(guard.clone())]);
    assert_eq!(goes(&mut cluster, "web-2"), "used");
    // 200m are taken: room for 900m there is none, but for 500m beside another 200m.
    guard.spec = cores(500);
    cluster.live([applied(guard.clone())]);
    assert_eq!(goes(&mut cluster, "web-3"), "promised", "it takes less now");
}

/// The labels of a promised pod are what keeps another one away.
#[test]
fn a_promise_to_a_pod_with_other_labels_is_another() {
    let host = "kubernetes.io/hostname";
    let shuns = Affinity { anti_required: vec![term("app=noisy", host)], ..Affinity::default() };
    let shy = template(shuns);
    let mut guard = guard();
    guard.spec = cores(100);
    let mut cluster = promised(guard.clone());
    // Without a pod that shuns the label nobody has to know it.
    let shy = |name: &str| applied(pod(name, &shy, ""));
    assert_eq!(cluster.live([shy("shy-0")]), [["shy-0", "promised"]]);
    for (text, name, there) in [
        ("app=noisy", "shy-1", "used"),
        ("app=quiet", "shy-2", "promised"),
        ("", "shy-3", "promised"),
    ] {
        guard.labels = labels(text);
        cluster.live([applied(guard.clone())]);
        assert_eq!(cluster.live([shy(name)]), [[name, there]], "{text}");
    }
}

/// The promised node goes, and its row is another node's; when it comes back it is promised again.
#[test]
fn a_promise_is_of_a_node_not_of_its_row() {
    let mut cluster = promised(guard());
    assert_eq!(goes(&mut cluster, "web-0"), "used");
    cluster.live([Input::NodeDeleted { name: "promised".into() }]);
    cluster.live([node("other", 1, "")]);
    assert_eq!(goes(&mut cluster, "web-1"), "other", "nobody is promised this one");
    cluster.live([Input::NodeDeleted { name: "other".into() }]);
    cluster.live([node("promised", 1, "")]);
    assert_eq!(goes(&mut cluster, "web-2"), "used", "it is promised again");
    let gone = ObjectKey::new("default", "guard");
    cluster.live([Input::PodDeleted { key: gone, uid: "guard-uid".into() }]);
    assert_eq!(goes(&mut cluster, "web-3"), "promised", "the promise went with the pod");
}

/// While its bind is under way a pod is on its node; when the bind has failed, the node is promised
/// to it as before.
#[test]
fn a_promise_outlives_a_failed_bind() {
    let web = cores(200);
    let mut guard = guard();
    guard.scheduling_gates = Box::default();
    let mut twins = Twins::new(1, None);
    let binds = |effects: Vec<Effect>| {
        let bind = |effect| match effect {
            Effect::Bind { pod, node, .. } => Some([pod.key.name.to_string(), node.to_string()]),
            _ => None,
        };
        effects.into_iter().filter_map(bind).collect::<Vec<_>>()
    };
    let old = on("used", pod("old", &cores(2_000), ""));
    let nodes = [node("promised", 1, ""), node("used", 4, ""), old];
    let inputs: Vec<Input> = [defaults()].into_iter().chain(nodes).collect();
    twins.step(&inputs, 1_000);
    let (effects, _) = twins.step(&[applied(guard)], 1_010);
    assert_eq!(binds(effects), [["guard", "promised"]]);
    let (effects, _) = twins.step(&[applied(pod("web-0", &web, ""))], 1_020);
    assert_eq!(binds(effects), [["web-0", "used"]], "the other is on its node");
    let outcome = BindOutcome::Unavailable("no answer".to_owned());
    let failed = Input::BindOutcome { cycle: twins.cycle_of("guard-uid"), outcome };
    let (effects, _) = twins.step(&[failed], 1_030);
    assert_eq!(binds(effects), [[""; 2]; 0], "it is in backoff");
    let (effects, _) = twins.step(&[applied(pod("web-1", &web, ""))], 1_040);
    assert_eq!(binds(effects), [["web-1", "used"]], "the node is promised");
    assert_eq!(twins.rankings(), 1, "the class of both is ranked");
    let (effects, _) = twins.step(&[Input::Tick], 60_000);
    assert_eq!(binds(effects), [["guard", "promised"]]);
}
