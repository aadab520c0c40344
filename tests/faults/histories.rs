//! A store that is restored from a backup, and one that is made again at the same address.

use serde_json::json;

use crate::ledger::Ledger;
use crate::pods::{PODS_PER_NODE, node_of, nodes, pod};
use crate::stage::Stage;

const NODES: usize = 4;
const PODS: usize = NODES * PODS_PER_NODE;

/// All watches of one scheduler.
const KINDS: u64 = 15;

/// Raises the store's version beyond `version` by writes that are nobody's.
fn write_beyond(stage: &Stage, version: u64) {
    let mut filler = 0;
    while stage.sandbox.resource_version() <= version {
        let name = format!("filler-{filler:05}");
        stage.sandbox.create("configmaps", json!({"metadata": {"name": name}})).unwrap();
        filler += 1;
    }
}

/// Every pod of the store is bound, on nodes that hold them.
async fn all_bound(stage: &Stage, pods: usize) {
    stage.until(&format!("{pods} pods are bound"), || stage.bound() == pods).await;
    Ledger::read(&stage.sandbox).assert_nothing_over_committed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_made_again_is_scheduled_from_its_own_objects() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    stage.create_pods("pod", PODS);
    all_bound(&stage, PODS).await;
    let seen = stage.sandbox.resource_version();

    // The same names under other uids and lower versions, in a store that has come further.
    stage.sandbox.begin_anew().unwrap();
    for node in nodes(NODES) {
        stage.sandbox.create("nodes", node).unwrap();
    }
    stage.create_pods("pod", PODS);
    write_beyond(&stage, seen);
    stage.sandbox.faults().fail_next("watch", "*", KINDS, 410);
    stage.sandbox.faults().cut_watches();
    all_bound(&stage, PODS).await;
    assert!(stage.metric("berth_watch_new_histories_total{kind=\"Pod\"}") >= 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_restored_from_a_backup_is_believed() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    stage.create_pods("kept", PODS / 2);
    all_bound(&stage, PODS / 2).await;
    let backup = stage.sandbox.backup();
    // What the backup lacks: pods that fill the cluster.
    stage.create_pods("lost", PODS / 2);
    all_bound(&stage, PODS).await;

    stage.sandbox.restore(&backup);
    stage.sandbox.faults().fail_next("watch", "*", KINDS, 410);
    stage.create_pods("new", PODS / 2);
    all_bound(&stage, PODS).await;
    let placed = |name: &str| stage.pod(name).is_some_and(|pod| node_of(&pod).is_some());
    assert!(placed("kept-000") && placed("new-000") && stage.pod("lost-000").is_none());

    // No room is left of the pods that never were.
    stage.sandbox.create("pods", pod("waits")).unwrap();
    stage
        .until("the pod beyond the room is refused", || {
            stage.pod("waits").as_ref().and_then(crate::pods::refusal).is_some()
        })
        .await;
    stage.stop().await;
}
