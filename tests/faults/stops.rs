//! A scheduler that stops in mid-load, and the next one.

use std::time::Duration;

use crate::ledger::Ledger;
use crate::pods::{PODS_PER_NODE, node_of, nodes};
use crate::stage::{Stage, create_pods};

const NODES: usize = 30;
const PODS: usize = NODES * PODS_PER_NODE;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_mid_load_leaves_nothing_in_doubt() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    // Binds that take a while are what a stop has to wait for.
    let slow = Duration::from_millis(100);
    stage.sandbox.faults().delay_next("create", "pods/binding", PODS as u64, slow);
    stage.create_pods("before", PODS / 2);
    stage.bound_at_least(20).await;
    let health = stage.scheduler.health();
    let Stage { sandbox, scheduler } = stage;
    // The stop begins when it is first polled, before the other pods are made.
    let (left, ()) = tokio::join!(scheduler.stop(Duration::from_secs(30)), async {
        create_pods(&sandbox, "after", PODS / 2);
    });
    assert_eq!(left, 0, "binds in doubt");
    assert!(health.is_stopping());
    let text = health.metrics().encode(None).body;
    let bound = sandbox.count("pods", |pod| node_of(pod).is_some()).unwrap();
    assert!(bound <= PODS / 2, "{bound} pods bound: some were taken after the stop began");
    let ledger = Ledger::read(&sandbox);
    ledger.assert_sound(bound);
    let known = format!("berth_bind_outcomes_total{{outcome=\"bound\"}} {bound}\n");
    assert!(text.contains(&known), "every bind's end is known\n{text}");

    let stage = Stage::of(sandbox).await;
    stage.all_placed(PODS).await;
    stage.stop().await;
}
