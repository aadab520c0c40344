//! Watches that break, histories that are forgotten, a server that restarts, heartbeats.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use berth::watch::{Batch, CHANNEL_BATCHES, Kind, WatchOptions, Watches};
use berth_engine::Input;
use berth_sandbox::Sandbox;
use serde_json::json;
use tokio::sync::mpsc;

use crate::pods::{PODS_PER_NODE, node, node_of, nodes, pod, refusal};
use crate::stage::{Stage, client, create_pods, sandbox};

/// More failures than any test meets before it clears them.
const ALWAYS: u64 = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_cut_in_mid_load_go_on_where_they_were() {
    const CUTS: usize = 8;
    const PER_CUT: usize = 2 * PODS_PER_NODE;
    let stage = Stage::with_nodes(nodes(2 * CUTS)).await;
    for cut in 0..CUTS {
        stage.create_pods(&format!("round-{cut}"), PER_CUT);
        // One is enough to know that the scheduler is at it.
        stage.bound_at_least(cut * PER_CUT + 1).await;
        stage.sandbox.faults().cut_watches();
    }
    stage.all_placed(CUTS * PER_CUT).await;
    assert!(stage.metric("berth_watch_starts_total{kind=\"Pod\"}") > CUTS as u64 / 2);
    assert_eq!(stage.metric("berth_watch_lists_total{kind=\"Pod\"}"), 1, "no need to list again");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_in_a_gap_beyond_the_history_is_found_by_a_list() {
    let stage = Stage::with_nodes(nodes(4)).await;
    stage.create_pods("first", 4 * PODS_PER_NODE);
    stage.bound_at_least(4 * PODS_PER_NODE).await;
    stage.sandbox.create("pods", pod("waits")).unwrap();
    let mut picky = pod("picky");
    picky["spec"]["nodeSelector"] = json!({"disk": "fast"});
    picky["spec"]["tolerations"] = json!([{"key": "disk", "operator": "Exists"}]);
    stage.sandbox.create("pods", picky).unwrap();
    stage.sandbox.create("pods", pod("gone")).unwrap();
    let told = |name: &str| stage.pod(name).as_ref().and_then(refusal).is_some();
    stage
        .until("three pods are told why they wait", || {
            ["waits", "picky", "gone"].iter().all(|name| told(name))
        })
        .await;

    // No watch comes back until the faults are cleared: what happens now is seen by no watch.
    stage.sandbox.faults().fail_next("watch", "*", ALWAYS, 503);
    stage.sandbox.faults().cut_watches();
    stage
        .until("pods and nodes are not watched", || {
            ["pods", "nodes"].iter().all(|resource| stage.answers("watch", resource, 503) > 0)
        })
        .await;
    stage.sandbox.delete("pods", "default", "first-000").unwrap();
    stage.sandbox.delete("pods", "default", "gone").unwrap();
    stage
        .until("the deleted pods are gone from the store", || {
            stage.pod("first-000").is_none() && stage.pod("gone").is_none()
        })
        .await;
    let mut fast = node("node-fast");
    fast["metadata"]["labels"]["disk"] = json!("fast");
    // Nobody else's: pod `waits` has to find the room of the deleted pod.
    fast["spec"]["taints"] = json!([{"key": "disk", "value": "fast", "effect": "NoSchedule"}]);
    fast["status"]["allocatable"]["cpu"] = json!("500m");
    stage.sandbox.create("nodes", fast).unwrap();
    stage.sandbox.compact();
    stage.sandbox.faults().clear();

    let placed = |name: &str| stage.pod(name).is_some_and(|pod| node_of(&pod).is_some());
    stage.until("the waiting pods are placed", || placed("waits") && placed("picky")).await;
    assert_eq!(stage.metric("berth_watch_lists_total{kind=\"Pod\"}"), 2, "410 means a new list");
    assert_eq!(stage.metric("berth_watch_lists_total{kind=\"Node\"}"), 2);
    let known = stage.sandbox.count("pods", |_| true).unwrap() as u64;
    stage
        .until("the scheduler knows the pods that there are", || {
            stage.metric("berth_watch_objects{kind=\"Pod\"}") == known
        })
        .await;
    // One pod of the first is gone, two were bound since.
    let ledger = crate::ledger::Ledger::read(&stage.sandbox);
    ledger.assert_nothing_over_committed();
    assert_eq!(ledger.posts(201), 4 * PODS_PER_NODE as u64 + 2, "{ledger:?}");
    assert_eq!(ledger.all_posts(), ledger.posts(201), "{ledger:?}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_forgotten_again_and_again_in_mid_load_loses_nothing() {
    const ROUNDS: usize = 3;
    const PER_ROUND: usize = 4 * PODS_PER_NODE;
    let stage = Stage::with_nodes(nodes(4 * ROUNDS)).await;
    for round in 0..ROUNDS {
        stage.create_pods(&format!("round-{round}"), PER_ROUND);
        stage.bound_at_least(round * PER_ROUND + 1).await;
        stage.sandbox.compact();
        stage.sandbox.faults().cut_watches();
    }
    stage.all_placed(ROUNDS * PER_ROUND).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_finds_its_scheduler_at_work() {
    let stage = Stage::with_nodes(nodes(20)).await;
    stage.create_pods("before", 10 * PODS_PER_NODE);
    stage.bound_at_least(1).await;
    let down = Duration::from_millis(500);
    let (restarted, ()) = tokio::join!(stage.sandbox.restart(down), async {
        stage.create_pods("meanwhile", 10 * PODS_PER_NODE);
    });
    restarted.unwrap();
    stage.all_placed(20 * PODS_PER_NODE).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_stop_before_the_engine() {
    const BEATS: u64 = 20;
    // Kubelets write whole seconds: each node changes once a second, however often it speaks.
    let heartbeat = Some(Duration::from_millis(250));
    let stage = Stage::of(sandbox(nodes(10), heartbeat).await).await;
    stage.create_pods("pod", 10 * PODS_PER_NODE);
    stage.all_placed(10 * PODS_PER_NODE).await;
    let running = |pod: &serde_json::Value| pod["status"]["phase"] == "Running";
    stage
        .until("all pods run", || {
            stage.sandbox.count("pods", running).unwrap() == 10 * PODS_PER_NODE
        })
        .await;
    let suppressed = || stage.metric("berth_watch_suppressed_total{kind=\"Node\"}");
    let inputs = || stage.metric("berth_engine_inputs_total");
    // The last changes of pods may still be on their way.
    let start = std::cell::Cell::new((suppressed(), inputs()));
    stage
        .until("heartbeats come and the engine hears nothing", || {
            if inputs() != start.get().1 {
                start.set((suppressed(), inputs()));
            }
            suppressed() >= start.get().0 + BEATS
        })
        .await;
    stage.stop().await;
}

/// The names of the pods that there are.
fn names(sandbox: &Sandbox) -> BTreeSet<String> {
    let pods = sandbox.list("pods", None).unwrap();
    pods.iter().map(|pod| pod["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Takes inputs in until these pods are known.
async fn known(inputs: &mut mpsc::Receiver<Batch>, pods: &mut BTreeSet<String>, n: &Sandbox) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(45);
    while *pods != names(n) {
        let batch = tokio::time::timeout_at(deadline, inputs.recv()).await;
        for input in batch.expect("inputs in time").expect("running watches") {
            match input {
                Input::PodApplied(pod) => pods.insert(pod.name.to_string()),
                Input::PodDeleted { key, .. } => pods.remove(&*key.name),
                _ => false,
            };
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swallowed_events_are_found_by_an_audit() {
    const PODS: usize = 40;
    const LOST: usize = 10;
    let sandbox = sandbox(nodes(2), None).await;
    let client = client(&sandbox).await;
    let audit_every = Duration::from_millis(500);
    let options = WatchOptions { audit_every, ..WatchOptions::default() };
    let (sender, mut inputs) = mpsc::channel(CHANNEL_BATCHES);
    let watches = Watches::start(client.kube(), &options, &sender);
    let mut pods = BTreeSet::new();
    create_pods(&sandbox, "pod", PODS);
    known(&mut inputs, &mut pods, &sandbox).await;

    // Some go and some come, and no event tells. Then one is told of, so that the watch is beyond.
    sandbox.faults().swallow_events("pods", 2 * LOST as u64);
    create_pods(&sandbox, "new", LOST);
    for pod in 0..LOST {
        sandbox.delete("pods", "default", &format!("pod-{pod:03}")).unwrap();
    }
    while sandbox.faults().swallowing("pods") > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    sandbox.create("pods", pod("told")).unwrap();
    known(&mut inputs, &mut pods, &sandbox).await;
    let stats = watches.stats().of(Kind::Pod);
    assert!(stats.differences.load(Relaxed) >= LOST as u64, "{stats:?}");
    assert!(stats.gaps.load(Relaxed) >= 1 && stats.lists.load(Relaxed) >= 2, "{stats:?}");
    watches.stop().await;
    sandbox.stop().await;
}
