//! Events behind the binds: late, but all there.

use std::collections::BTreeMap;
use std::time::Duration;

use berth::events::Granularity;
use berth_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::pods::{PODS_PER_NODE, nodes};
use crate::stage::{Stage, sandbox};

const NODES: usize = 10;
const PODS: usize = NODES * PODS_PER_NODE;

/// More failures than any test meets before it clears them.
const ALWAYS: u64 = 1_000_000;

/// `Scheduled` events that there are: how many by name of the object.
fn scheduled(sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for event in sandbox.list("events", None).unwrap() {
        if event["reason"] == "Scheduled" {
            let object = &event["involvedObject"];
            let name = format!("{}/{}", text(&object["kind"]), text(&object["name"]));
            *found.entry(name).or_default() += 1;
        }
    }
    found
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_events_delays_no_bind_and_gets_them_all_later() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    stage.sandbox.faults().fail_next("create", "events.events.k8s.io", ALWAYS, 503);
    stage.sandbox.faults().fail_next("create", "events", ALWAYS, 503);
    stage.create_pods("pod", PODS);
    stage.all_placed(PODS).await;
    assert!(scheduled(&stage.sandbox).is_empty(), "{:?}", scheduled(&stage.sandbox));
    stage.sandbox.faults().clear();
    stage.until("every pod has its event", || scheduled(&stage.sandbox).len() == PODS).await;
    assert!(scheduled(&stage.sandbox).values().all(|n| *n == 1));
    assert_eq!(stage.metric("berth_events_total{result=\"dropped\"}"), 0);
    assert_eq!(stage.metric("berth_api_writes_total{kind=\"binding\"}"), PODS as u64);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_writes_the_events_that_wait() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    // A bind that stays open keeps the events in their narrow share.
    let slow = Duration::from_millis(300);
    stage.sandbox.faults().delay_next("create", "pods/binding", 1, slow);
    stage.create_pods("pod", PODS);
    stage.bound_at_least(PODS - 1).await;
    let Stage { sandbox, scheduler } = stage;
    assert_eq!(scheduler.stop(Duration::from_secs(30)).await, 0);
    assert_eq!(scheduled(&sandbox).len(), PODS);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_told_of_its_pods_together() {
    let sandbox = sandbox(nodes(NODES), None).await;
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "train"},
        "spec": {"parallelism": PODS, "completions": PODS, "template": {"spec": {
            "schedulerName": "berth", "restartPolicy": "Never",
            "containers": [
                {"name": "c", "image": "i", "resources": {"requests": {"cpu": "500m"}}},
            ],
        }}},
    });
    sandbox.create("jobs.batch", job).unwrap();
    let stage = Stage::telling(sandbox, Granularity::Job).await;
    let placed = || -> usize {
        let events = stage.sandbox.list("events", None).unwrap();
        let about_job = events
            .iter()
            .filter(|e| e["reason"] == "Scheduled" && e["involvedObject"]["kind"] == "Job");
        let pods = about_job.map(|event| {
            let (count, rest) = text(&event["message"]).split_once(' ').unwrap();
            assert!(rest == "pods placed" || rest == "pod placed", "{event}");
            count.parse::<usize>().unwrap()
        });
        pods.sum()
    };
    stage.until("the Job is told of all its pods", || placed() == PODS).await;
    let found = scheduled(&stage.sandbox);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["Job/train"], "{found:?}");
    assert!(found["Job/train"] < PODS, "{found:?}");
    assert_eq!(stage.metric("berth_events_total{result=\"folded\"}"), PODS as u64);
    stage.stop().await;
}
