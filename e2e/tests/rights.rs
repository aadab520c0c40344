//! What the manifests grant is what Berth uses: the rules of its roles against the API server's
//! audit log of a run that does everything once.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::audit::{self, BERTH, Right};
use e2e::batch::JobShape;
use e2e::controlplane::{ControlPlane, Options};
use e2e::kubectl::Kubectl;
use e2e::nodes::NodePool;
use e2e::scheduler::Scheduler;
use e2e::{installed, patience, serviceaccount};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// What a healthy run of seconds does not use, and where a test does.
const SELDOM: [(&str, &str, &str); 2] = [
    // A look at a pod after the answer of its bind was lost: `tests/faults`.
    ("", "pods", "get"),
    // A pod that is told another reason within the hour: `src/events/tests.rs`.
    ("events.k8s.io", "events", "patch"),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn what_is_granted_is_used() {
    let options = Options { name: "rights".to_owned(), controllers: true, kwok: true, load: false };
    let plane = ControlPlane::start(&options).await.unwrap();
    let (client, kubectl) = (plane.client(), plane.kubectl());
    let pool = NodePool::new("own", 2);
    pool.create(&client).await.unwrap();
    pool.wait_untainted(&client, LIMIT).await.unwrap();
    let mut options = installed::install(&plane).await.unwrap();
    options.flags.push(format!("--config-map={}/berth-config", installed::NAMESPACE));
    // A profile of kube-scheduler's name makes it look for a live one.
    options.config =
        options.config.replace("profiles:\n", "profiles:\n- schedulerName: default-scheduler\n");
    let mut berth = Scheduler::start(&plane, &options).await.unwrap();

    // Binds and conditions, with their events.
    let job = JobShape::new("load", "berth", "own", 4);
    job.submit(&client).await.unwrap();
    job.complete(&client, LIMIT).await.unwrap();
    let too_big = JobShape { cpu: "1k".to_owned(), ..JobShape::new("big", "berth", "own", 1) };
    too_big.submit(&client).await.unwrap();
    // Who reads the metrics.
    let token = serviceaccount::token(&plane, "default", "default").await.unwrap();
    assert_eq!(berth.get("/metrics", Some(&token)).await.unwrap().0, 403);
    // The uid of the ConfigMap, for the event.
    let file = plane.dir().join(&options.name).join("config.yaml");
    std::fs::write(&file, options.config.replace("profiles:", "profile:")).unwrap();
    told(&kubectl, "ConfigRejected").await;
    told(&kubectl, "FailedScheduling").await;
    // A watch is in the audit log when it ends.
    let status = berth.process.terminate(LIMIT).await.unwrap();
    assert!(status.success(), "SIGTERM ended Berth with {status}");

    let granted = granted(&kubectl).await;
    let seldom: BTreeSet<Right> = SELDOM.map(owned).into();
    let unused = patience::until("every right used", LIMIT, POLL, async || {
        let used = audit::used(&plane.audit().entries()?, BERTH);
        let unused: Vec<Right> = granted.difference(&used).cloned().collect();
        ensure!(unused.iter().all(|right| seldom.contains(right)), "granted, not used: {unused:?}");
        Ok(unused)
    })
    .await
    .unwrap();
    let entries = plane.audit().entries().unwrap();
    let denied = audit::denied(&entries, BERTH);
    assert!(denied.is_empty(), "the manifests' RBAC refuses Berth: {denied:#?}");
    println!("rights: {} granted, all used but {unused:?}; none refused", granted.len());
    plane.stop().unwrap();
}

fn owned((group, resource, verb): (&str, &str, &str)) -> Right {
    (group.to_owned(), resource.to_owned(), verb.to_owned())
}

/// The events that say so.
async fn events(kubectl: &Kubectl, reason: &str) -> Vec<Value> {
    let get = ["get", "events.events.k8s.io", "-A", "-o=json"];
    let list: Value = serde_json::from_str(&kubectl.run(&get).await.unwrap()).unwrap();
    let events = list["items"].as_array().unwrap().iter();
    events.filter(|event| event["reason"] == reason).cloned().collect()
}

async fn told(kubectl: &Kubectl, reason: &str) {
    let told = patience::until(reason, LIMIT, POLL, async || {
        ensure!(!events(kubectl, reason).await.is_empty(), "not told");
        Ok(())
    });
    told.await.unwrap();
}

/// What the roles of the manifests grant to Berth's account.
async fn granted(kubectl: &Kubectl) -> BTreeSet<Right> {
    let get = ["get", "clusterroles,roles", "-A", "-l", "app.kubernetes.io/name=berth", "-o=json"];
    let roles: Value = serde_json::from_str(&kubectl.run(&get).await.unwrap()).unwrap();
    let mut rights = BTreeSet::new();
    for role in roles["items"].as_array().unwrap() {
        // For whoever scrapes Berth.
        if role["metadata"]["name"] == "berth-metrics-reader" {
            continue;
        }
        for rule in role["rules"].as_array().context("no rules").unwrap() {
            let words = |field: &str| -> Vec<&str> {
                rule[field].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
            };
            for group in words("apiGroups") {
                for resource in words("resources") {
                    let all = words("verbs").into_iter().map(|verb| owned((group, resource, verb)));
                    rights.extend(all);
                }
            }
        }
    }
    rights
}
