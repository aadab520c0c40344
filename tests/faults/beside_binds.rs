//! Why a pod waits is told in the middle of a burst of binds, not behind it.

use std::time::Duration;

use berth::client::Rate;
use serde_json::{Value, json};

use crate::pods::{PODS_PER_NODE, nodes, pod, refusal};
use crate::stage::{Stage, sandbox};

const NODES: usize = 60;
const PODS: usize = NODES * PODS_PER_NODE;
/// Pods that fit nowhere: a hint of a crowd, more than are told at once.
const UNFIT: usize = 8;

/// The burst with pods that fit nowhere in its first half; all conditions are written, and all
/// events, before three quarters of the binds are made, which go on at their rate.
async fn told_before_the_burst_ends(stage: Stage) {
    stage.create_pods("early", PODS / 4);
    for number in 0..UNFIT {
        let mut picky = pod(&format!("picky-{number}"));
        picky["spec"]["nodeSelector"] = json!({"disk": "none"});
        stage.sandbox.create("pods", picky).unwrap();
    }
    stage.create_pods("late", PODS - PODS / 4);
    let names: Vec<String> = (0..UNFIT).map(|number| format!("picky-{number}")).collect();
    let told = || names.iter().filter(|n| stage.pod(n).as_ref().and_then(refusal).is_some());
    stage.until("their conditions say why they wait", || told().count() == UNFIT).await;
    let conditions = stage.bound();
    assert!(conditions < PODS * 3 / 4, "the conditions came after {conditions} of {PODS} binds");
    let is_failure = |event: &Value| event["reason"] == "FailedScheduling";
    let events = || stage.sandbox.count("events.events.k8s.io", is_failure).unwrap();
    stage.until("an event says why a pod waits", || events() > 0).await;
    let bound = stage.bound();
    assert!(bound < PODS * 3 / 4, "the first event came after {bound} of {PODS} binds");
    stage.bound_at_least(PODS).await;
    stage.until("all events are written", || events() == UNFIT).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_configured_rate_holds_binds_up() {
    let rate = Rate::Limited { qps: 60.0, burst: 60 };
    let stage = Stage::at_rate(sandbox(nodes(NODES), None).await, rate).await;
    stage.until("the first lists are in", || stage.scheduler.health().is_synced()).await;
    told_before_the_burst_ends(stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_server_holds_binds_up() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    // 128 in flight: four rounds.
    let slow = Duration::from_millis(1_500);
    stage.sandbox.faults().delay_next("create", "pods/binding", PODS as u64, slow);
    told_before_the_burst_ends(stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_server_is_as_slow_for_conditions_as_for_binds() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    // 128 in flight: four rounds. Eight conditions take two, four at once.
    let slow = Duration::from_millis(1_500);
    let (binds, conditions) = (PODS as u64, UNFIT as u64);
    stage.sandbox.faults().delay_next("create", "pods/binding", binds, slow);
    stage.sandbox.faults().delay_next("patch", "pods/status", conditions, slow);
    told_before_the_burst_ends(stage).await;
}
