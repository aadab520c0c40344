//! The unmodified kube-scheduler on Berth's sandbox.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use berth_sandbox::{Options, Sandbox};
use e2e::binaries::Binaries;
use serde_json::json;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// Nothing here takes a tenth of this.
const LIMIT: Duration = Duration::from_secs(60);

const PODS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn it_places_jobs_over_json() {
    places_jobs_and_says_why_one_cannot_fit("application/json").await;
}

/// kube-scheduler's default: it writes protobuf, and takes the JSON it is answered with.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn it_places_jobs_over_protobuf() {
    places_jobs_and_says_why_one_cannot_fit("application/vnd.kubernetes.protobuf").await;
}

async fn places_jobs_and_says_why_one_cannot_fit(content_type: &str) {
    let binary = Binaries::ready().unwrap().path("kube-scheduler");
    let nodes = berth_sandbox::nodes(20);
    let sandbox = Sandbox::start(Options { nodes, ..Options::default() }).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (kubeconfig, config) = (dir.path().join("kubeconfig"), dir.path().join("config.yaml"));
    std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
    let text = json!({
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {
            "kubeconfig": kubeconfig, "contentType": content_type, "qps": 5000, "burst": 5000,
        },
        "leaderElection": {"leaderElect": false},
    });
    std::fs::write(&config, text.to_string()).unwrap();
    let mut scheduler = Command::new(binary)
        .arg("--config")
        .arg(&config)
        .arg("--secure-port=0")
        .stderr(std::fs::File::create(dir.path().join("log")).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    sandbox.create("jobs.batch", job("fits", PODS, "100m")).unwrap();
    sandbox.create("jobs.batch", job("too-big", 1, "1000")).unwrap();
    let started = Instant::now();
    loop {
        let fits = sandbox.get("jobs.batch", "default", "fits").unwrap().unwrap();
        let complete = fits["status"]["succeeded"] == PODS;
        let waits = sandbox.count("pods", |pod| {
            pod["metadata"]["labels"]["job-name"] == "too-big"
                && pod["status"]["conditions"][0]["reason"] == "Unschedulable"
        });
        let told = sandbox.count("events", |e| {
            e["reason"] == "FailedScheduling" && e["reportingComponent"] == "default-scheduler"
        });
        if complete && waits.unwrap() == 1 && told.unwrap() > 0 {
            break;
        }
        let log = || std::fs::read_to_string(dir.path().join("log")).unwrap();
        assert!(scheduler.try_wait().unwrap().is_none(), "kube-scheduler ended: {}", log());
        assert!(started.elapsed() < LIMIT, "in time: {fits}\n{}", log());
        sleep(Duration::from_millis(50)).await;
    }
    let bound = sandbox.requests();
    let count = |code| bound.get(&("create".to_owned(), "pods/binding".to_owned(), code)).copied();
    assert_eq!(count(201), Some(PODS as u64));
    assert_eq!(count(409), None);
    println!("kube-scheduler placed {PODS} pods on the sandbox over {content_type}");
    scheduler.kill().await.unwrap();
    sandbox.stop().await;
}

fn job(name: &str, pods: usize, cpu: &str) -> serde_json::Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "completions": pods,
            "parallelism": pods,
            "template": {
                "metadata": {"annotations": {"sandbox.berth.dev/run-for": "100ms"}},
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [
                        {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}},
                    ],
                },
            },
        },
    })
}
