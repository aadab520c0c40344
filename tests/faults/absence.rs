//! Kinds that the API server does not serve, or not yet, or not any more.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use berth::watch::{Batch, CHANNEL_BATCHES, Kind, KindState, WatchOptions, Watches};
use berth_engine::{Change, Input, Object};
use serde_json::json;
use tokio::sync::mpsc;

use crate::pods::{PODS_PER_NODE, nodes};
use crate::stage::{Stage, client, sandbox};

const NODES: usize = 4;
const PODS: usize = NODES * PODS_PER_NODE;
/// Limit of a wait. Not a measurement: what has not come by then never will.
const DEADLINE: Duration = Duration::from_secs(45);

/// The next thing that is told of a storage class: its name, and what happened.
async fn next_class(inputs: &mut mpsc::Receiver<Batch>) -> (String, Change) {
    loop {
        let batch = tokio::time::timeout(DEADLINE, inputs.recv()).await;
        for input in batch.expect("inputs in time").expect("running watches") {
            if let Input::Object(object, change) = input
                && let Object::StorageClass(class) = *object
            {
                return (class.name.into(), change);
            }
        }
    }
}

async fn until(watches: &Watches, kind: Kind, state: KindState) {
    let mut states = watches.states();
    let waiting = states.wait_for(|states| *states.of(kind) == state);
    assert!(tokio::time::timeout(DEADLINE, waiting).await.is_ok(), "{kind} is not {state}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_comes_goes_and_comes_again_is_followed_without_a_restart() {
    const CLASSES: &str = "storageclasses.storage.k8s.io";
    const CAPACITIES: &str = "csistoragecapacities.storage.k8s.io";
    let sandbox = sandbox(nodes(2), None).await;
    for resource in [CLASSES, CAPACITIES] {
        sandbox.serve(resource, false).unwrap();
    }
    let class = json!({"metadata": {"name": "fast"}, "provisioner": "p"});
    sandbox.create(CLASSES, class).unwrap();
    let client = client(&sandbox).await;
    let look_every = Duration::from_millis(100);
    let options = WatchOptions { look_every, ..WatchOptions::default() };
    let (sender, mut inputs) = mpsc::channel(CHANNEL_BATCHES);
    let watches = Watches::start(client.kube(), &options, &sender);
    assert!(tokio::time::timeout(DEADLINE, watches.ready()).await.unwrap());
    until(&watches, Kind::StorageClass, KindState::NotServed).await;
    until(&watches, Kind::StorageCapacity, KindState::NotServed).await;

    // Looked for, by one request for both, and not asked for.
    let stats = watches.stats();
    let begun = stats.looks.load(Relaxed);
    while stats.looks.load(Relaxed) < begun + 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let requests = sandbox.requests();
    let count = |verb: &str, resource: &str, code| {
        requests.get(&(verb.to_owned(), resource.to_owned(), code)).copied().unwrap_or(0)
    };
    assert_eq!(count("list", "storageclasses", 404), 1);
    assert_eq!(count("list", "csistoragecapacities", 404), 1);
    let (looks, groups) = (stats.looks.load(Relaxed), count("get", "/apis", 200));
    assert!(groups.abs_diff(looks) <= 1, "{looks} looks, {requests:?}");
    assert_eq!(stats.failed_looks.load(Relaxed), 0);

    for _ in 0..2 {
        sandbox.serve(CLASSES, true).unwrap();
        assert_eq!(next_class(&mut inputs).await, ("fast".to_owned(), Change::Applied));
        until(&watches, Kind::StorageClass, KindState::Synced).await;
        sandbox.serve(CLASSES, false).unwrap();
        assert_eq!(next_class(&mut inputs).await, ("fast".to_owned(), Change::Deleted));
        until(&watches, Kind::StorageClass, KindState::NotServed).await;
        assert_eq!(stats.of(Kind::StorageClass).objects.load(Relaxed), 0);
        assert!(watches.states().borrow().is_ready());
    }
    watches.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_kinds_that_the_cluster_must_have_hold_up_the_start() {
    let sandbox = sandbox(nodes(NODES), None).await;
    let optional =
        ["volumeattachments.storage.k8s.io", "replicationcontrollers", "replicasets.apps"];
    for resource in optional.into_iter().chain(["nodes"]) {
        sandbox.serve(resource, false).unwrap();
    }
    let stage = Stage::of(sandbox).await;
    stage.create_pods("pod", PODS);
    let health = stage.scheduler.health();
    stage
        .until("nodes alone are waited for", || {
            let states = health.states();
            let waiting: Vec<Kind> = states.pending().map(|(kind, _)| kind).collect();
            waiting == [Kind::Node] && *states.of(Kind::Node) == KindState::NotServed
        })
        .await;
    assert!(!health.is_synced());
    stage.sandbox.serve("nodes", true).unwrap();
    stage.until("the nodes are listed", || health.is_synced()).await;
    stage.all_placed(PODS).await;
    assert_eq!(stage.metric(r#"berth_watch_missing{kind="VolumeAttachment"}"#), 1);
    assert_eq!(stage.metric(r#"berth_watch_missing{kind="Node"}"#), 0);
    stage.stop().await;
}
