//! What the scheduler may not do, and what it must not touch.

use berth::watch::{Kind, KindState};
use serde_json::json;

use crate::pods::{PODS_PER_NODE, node, node_of, nodes, pod, refusal};
use crate::stage::{Stage, sandbox};

const NODES: usize = 4;
const PODS: usize = NODES * PODS_PER_NODE;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denied_list_says_what_to_grant_and_recovers() {
    let sandbox = sandbox(nodes(NODES), None).await;
    sandbox.faults().fail_next("list", "nodes", 1_000_000, 403);
    let stage = Stage::of(sandbox).await;
    stage.create_pods("pod", PODS);
    let health = stage.scheduler.health();
    stage
        .until("nodes alone are waited for", || {
            let states = health.states();
            let waiting: Vec<Kind> = states.pending().map(|(kind, _)| kind).collect();
            waiting == [Kind::Node] && matches!(states.of(Kind::Node), KindState::Failing(_))
        })
        .await;
    let states = health.states();
    let KindState::Failing(why) = states.of(Kind::Node) else { panic!("{states:?}") };
    assert!(why.contains("cannot list nodes: RBAC denies it"), "{why}");
    assert!(why.contains("grant get, list, watch on nodes (apiGroup \"\")"), "{why}");
    assert!(!health.is_synced());
    assert_eq!(stage.bound(), 0);

    stage.sandbox.faults().clear();
    stage.until("the nodes are listed", || health.is_synced()).await;
    stage.all_placed(PODS).await;
    assert!(health.states().is_ready());
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_of_other_schedulers_are_left_alone() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    let others = ["default-scheduler", "berth-2"];
    for scheduler in others {
        let mut other = pod(scheduler);
        other["spec"]["schedulerName"] = json!(scheduler);
        stage.sandbox.create("pods", other).unwrap();
    }
    stage.create_pods("pod", PODS);
    stage.all_placed(PODS).await;
    let patches = stage.answers("patch", "pods/status", 200);
    assert_eq!(patches, 0, "a condition was written");
    for scheduler in others {
        let other = stage.pod(scheduler).unwrap();
        assert_eq!((node_of(&other), refusal(&other)), (None, None), "{other}");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_with_needs_unknown_to_berth_are_told_so() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    let mut claims = pod("claims");
    claims["spec"]["resourceClaims"] = json!([{"name": "gpu", "resourceClaimName": "gpu"}]);
    let mut group = pod("group");
    group["spec"]["schedulingGroup"] = json!({"podGroupName": "gang"});
    for object in [claims, group] {
        stage.sandbox.create("pods", object).unwrap();
    }
    stage.create_pods("pod", PODS);
    for (name, field) in [("claims", "spec.resourceClaims"), ("group", "spec.schedulingGroup")] {
        stage
            .until(&format!("pod {name} is told why it waits"), || {
                stage.pod(name).as_ref().and_then(refusal).is_some()
            })
            .await;
        let pod = stage.pod(name).unwrap();
        let condition = refusal(&pod).unwrap();
        assert_eq!(condition["reason"], "Unschedulable", "{condition}");
        let message = condition["message"].as_str().unwrap();
        assert!(message.contains(field), "{message}");
    }
    stage.all_placed(PODS).await;
    for name in ["claims", "group"] {
        assert_eq!(node_of(&stage.pod(name).unwrap()), None);
    }
    // Nodes come and pods go, and nobody looks at them again.
    stage.sandbox.create("nodes", node("new")).unwrap();
    let known = || stage.metric("scheduler_cache_size{type=\"nodes\"}");
    stage.until("the node is known", || known() == NODES as u64 + 1).await;
    stage.create_pods("more", PODS_PER_NODE);
    stage.all_placed(PODS + PODS_PER_NODE).await;
    let attempts = |result| {
        let series = format!("{{result=\"{result}\",profile=\"berth\"}}");
        stage.metric(&format!("scheduler_schedule_attempts_total{series}"))
    };
    assert_eq!((attempts("unschedulable"), attempts("error")), (2, 0));
    assert_eq!(stage.metric("scheduler_pending_pods{queue=\"unschedulable\"}"), 2);
    stage.stop().await;
}
