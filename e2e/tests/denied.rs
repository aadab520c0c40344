//! Without the rights of the manifests: a clear error, and no harm.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use anyhow::{Result, ensure};

use e2e::batch::JobShape;
use e2e::controlplane::{ControlPlane, Options};
use e2e::nodes::NodePool;
use e2e::record::{Recorder, SlimPod};
use e2e::scheduler::Scheduler;
use e2e::{installed, patience, serviceaccount};

const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(200);

async fn start(name: &str) -> ControlPlane {
    let options = Options { name: name.to_owned(), controllers: true, kwok: true, load: false };
    ControlPlane::start(&options).await.unwrap()
}

/// A line that says who may not do what.
fn denial(log: &str, words: &[&str]) -> Result<String> {
    let line = log.lines().find(|line| words.iter().all(|word| line.contains(word)));
    ensure!(line.is_some(), "no line with {words:?} in the log:\n{log}");
    Ok(line.unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn a_user_without_rights_gets_a_clear_error() {
    let plane = start("denied").await;
    let mut options = installed::install(&plane).await.unwrap();
    options.verbosity = 0;
    plane.kubectl().run(&["create", "serviceaccount", "nobody"]).await.unwrap();
    options.kubeconfig = serviceaccount::kubeconfig(&plane, "default", "nobody").await.unwrap();
    let mut berth = Scheduler::spawn(&plane, &options).unwrap();
    // Its Lease or its first lists: whichever it asks for first.
    let words = ["forbidden", "default:nobody", "cannot "];
    let line = patience::until("the denial in Berth's log", LIMIT, POLL, async || {
        denial(&berth.process.log_text()?, &words)
    })
    .await
    .unwrap();
    // It has ended with an error, or it is not ready: as kube-scheduler is then.
    let outcome = match berth.process.running() {
        Err(_) => {
            let status = berth.process.exit(LIMIT).await.unwrap();
            assert!(!status.success(), "ended with {status} for want of rights");
            format!("ended with {status}")
        }
        Ok(()) => {
            let (status, body) = berth.get("/readyz", None).await.unwrap();
            assert_ne!(status, 200, "/readyz: {body}");
            format!("/readyz {status}")
        }
    };
    println!("denied: {outcome}; {line}");
    drop(berth);
    plane.stop().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn pods_wait_for_the_right_to_bind_them() {
    let plane = start("unbound").await;
    let client = plane.client();
    let pool = NodePool::new("own", 2);
    pool.create(&client).await.unwrap();
    pool.wait_untainted(&client, LIMIT).await.unwrap();
    let recorder = Recorder::start(&client).await.unwrap();
    let mut options = installed::install(&plane).await.unwrap();
    // What an operator sees who asked for nothing.
    options.verbosity = 0;
    let kubectl = plane.kubectl();
    let role = kubectl.run(&["get", "clusterrole", "berth", "-o", "json"]).await.unwrap();
    kubectl.run_with(&without_bindings(&role), &["replace", "-f", "-"]).await.unwrap();
    let mut berth = Scheduler::start(&plane, &options).await.unwrap();
    let job = JobShape::new("load", "berth", "own", 4);
    job.submit(&client).await.unwrap();
    let words = ["forbidden", "pods/binding"];
    let line = patience::until("the denial in Berth's log", LIMIT, POLL, async || {
        denial(&berth.process.log_text()?, &words)
    })
    .await
    .unwrap();
    recorder
        .until("PodScheduled=False with the denial on every pod", LIMIT, |record| {
            record.of_scheduler("berth").try_for_each(says_forbidden)
        })
        .await
        .unwrap();
    berth.process.running().unwrap();
    let of_berth = |pod: &SlimPod| pod.spec.scheduler_name == "berth";
    assert!(recorder.read().ensure_bound(1, of_berth).is_err());

    installed::install(&plane).await.unwrap();
    job.complete(&client, LIMIT).await.unwrap();
    println!("denied: 4 pods waited for the right to bind them, then ran; {line}");
    drop(berth);
    plane.stop().unwrap();
}

/// The condition kube-scheduler sets where a bind fails.
fn says_forbidden(pod: &SlimPod) -> Result<()> {
    let condition = pod.scheduled().cloned().unwrap_or_default();
    let set = condition.status == "False" && condition.reason == "SchedulerError";
    ensure!(set && condition.message.contains("forbidden"), "{}: {condition:?}", pod.full_name());
    Ok(())
}

fn without_bindings(role: &str) -> String {
    let mut role: serde_json::Value = serde_json::from_str(role).unwrap();
    let rules = role["rules"].as_array_mut().unwrap();
    let before = rules.len();
    rules.retain(|rule| rule["resources"] != serde_json::json!(["pods/binding"]));
    assert_eq!(rules.len(), before - 1, "one rule of the manifests is for bindings");
    role.to_string()
}
