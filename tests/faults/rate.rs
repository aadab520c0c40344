//! How fast pods are bound: as the API server bears it, or as configured.

use berth::client::{FLOOR_QPS, Rate, START_QPS};

use crate::pods::{PODS_PER_NODE, nodes};
use crate::stage::{Stage, sandbox};

const NODES: usize = 10;
const PODS: usize = NODES * PODS_PER_NODE;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_number_the_rate_follows_the_server() {
    let stage =
        Stage::at_rate(sandbox(nodes(NODES), None).await, Rate::from_client_connection(0.0, 0))
            .await;
    stage.sandbox.faults().fail_next("create", "pods/binding", 20, 429);
    stage.create_pods("pod", PODS);
    stage.all_placed(PODS).await;
    let rate = stage.metric("berth_bind_rate_limit") as f64;
    assert!((FLOOR_QPS..START_QPS).contains(&rate), "{rate} after a storm of 429");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_obeyed_and_its_waits_are_counted() {
    let rate = Rate::Limited { qps: 40.0, burst: 10 };
    let stage = Stage::at_rate(sandbox(nodes(NODES), None).await, rate).await;
    stage.create_pods("pod", PODS);
    stage.all_placed(PODS).await;
    assert_eq!(stage.metric("berth_bind_rate_limit"), 40);
    // 80 binds, of which the burst and what came in meanwhile did not wait.
    let waited = stage.metric("berth_bind_limited_seconds_count");
    assert!(waited >= 20, "{waited} binds waited");
    stage.stop().await;
}
