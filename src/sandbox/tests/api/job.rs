//! Jobs from creation to completion, their pods bound by the test.

use std::collections::BTreeSet;

use berth_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::client::{Client, JOBS, PODS, until, with};
use crate::object::{binding, job};

async fn start() -> (Sandbox, Client) {
    with(Options { nodes: berth_sandbox::nodes(3), ..Options::default() }).await
}

/// Binds every pod that waits, until the Job has ended; answers the Job.
async fn run(client: &Client, name: &str) -> Value {
    until("the Job ends", || async {
        let waiting = client.get(&format!("{PODS}?fieldSelector=spec.nodeName%3D")).await.body;
        for pod in waiting["items"].as_array().unwrap() {
            let path = format!("{PODS}/{}/binding", pod["metadata"]["name"].as_str().unwrap());
            client.post(&path, &binding(pod, "node-00000")).await;
        }
        let job = client.get(&format!("{JOBS}/{name}")).await.body;
        ended(&job).is_some().then_some(job)
    })
    .await
}

fn ended(job: &Value) -> Option<&Value> {
    let conditions = job["status"]["conditions"].as_array()?;
    conditions.iter().find(|c| c["type"] == "Complete" || c["type"] == "Failed")
}

#[tokio::test]
async fn a_job_completes_and_its_pods_go_with_it() {
    let (sandbox, client) = start().await;
    let spec = json!({"completions": 5, "parallelism": 2});
    let created = client.post(JOBS, &job("a", &spec)).await;
    assert_eq!(created.code, 201, "{}", created.body);
    let done = run(&client, "a").await;
    assert_eq!(ended(&done).unwrap()["type"], "Complete");
    assert_eq!(done["status"]["succeeded"], 5);
    assert!(done["status"]["active"].is_null());
    let pods = sandbox.list("pods", Some("default")).unwrap();
    assert_eq!(pods.len(), 5);
    for pod in &pods {
        let owner = &pod["metadata"]["ownerReferences"][0];
        assert_eq!(
            (owner["kind"].as_str(), owner["controller"].as_bool()),
            (Some("Job"), Some(true))
        );
        assert_eq!(pod["metadata"]["labels"]["batch.kubernetes.io/job-name"], "a");
        assert_eq!(pod["metadata"]["labels"]["controller-uid"], done["metadata"]["uid"]);
    }
    client.delete(&format!("{JOBS}/a"), &json!({"propagationPolicy": "Foreground"})).await;
    until("the Job and its pods are gone", || async {
        let pods = sandbox.list("pods", Some("default")).unwrap();
        let job = sandbox.get("jobs.batch", "default", "a").unwrap();
        (pods.is_empty() && job.is_none()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_indexed_job_fills_every_index_once() {
    let (sandbox, client) = start().await;
    let spec = json!({"completions": 4, "parallelism": 4, "completionMode": "Indexed"});
    client.post(JOBS, &job("a", &spec)).await;
    let done = run(&client, "a").await;
    assert_eq!(done["status"]["completedIndexes"], "0-3");
    let pods = sandbox.list("pods", None).unwrap();
    let label = "batch.kubernetes.io/job-completion-index";
    let indexes: BTreeSet<_> =
        pods.iter().map(|p| p["metadata"]["labels"][label].as_str().unwrap().to_owned()).collect();
    assert_eq!((pods.len(), indexes.len()), (4, 4));
    let pod = &pods[0];
    let index = pod["metadata"]["annotations"][label].as_str().unwrap();
    assert_eq!(pod["spec"]["hostname"], format!("a-{index}"));
    assert_eq!(pod["spec"]["containers"][0]["env"][0]["name"], "JOB_COMPLETION_INDEX");
    assert!(pod["metadata"]["name"].as_str().unwrap().starts_with(&format!("a-{index}-")));
}

#[tokio::test]
async fn failed_pods_are_replaced_until_the_backoff_limit() {
    let (sandbox, client) = start().await;
    let mut failing = job("a", &json!({"backoffLimit": 2}));
    let annotations = &mut failing["spec"]["template"]["metadata"]["annotations"];
    annotations["sandbox.berth.dev/exit-code"] = json!("3");
    client.post(JOBS, &failing).await;
    let done = run(&client, "a").await;
    let condition = ended(&done).unwrap();
    assert_eq!(
        (condition["type"].as_str(), condition["reason"].as_str()),
        (Some("Failed"), Some("BackoffLimitExceeded"))
    );
    assert_eq!(done["status"]["failed"], 3);
    assert_eq!(sandbox.list("pods", None).unwrap().len(), 3);
}

#[tokio::test]
async fn a_suspended_job_has_no_pods_until_it_is_resumed() {
    let (sandbox, client) = start().await;
    client.post(JOBS, &job("a", &json!({"suspend": true}))).await;
    until("the Job is suspended", || async {
        let job = client.get(&format!("{JOBS}/a")).await.body;
        (job["status"]["conditions"][0]["type"] == "Suspended").then_some(())
    })
    .await;
    assert!(sandbox.list("pods", None).unwrap().is_empty());
    let resume = json!({"spec": {"suspend": false}});
    client.patch(&format!("{JOBS}/a"), "strategic-merge-patch+json", &resume).await;
    let done = run(&client, "a").await;
    assert_eq!(done["status"]["succeeded"], 1);
}

#[tokio::test]
async fn a_finished_job_goes_after_its_ttl() {
    let (sandbox, client) = start().await;
    client.post(JOBS, &job("a", &json!({"ttlSecondsAfterFinished": 0}))).await;
    until("the pod is bound", || async {
        let waiting = sandbox.list("pods", None).unwrap();
        let pod = waiting.first()?;
        let path = format!("{PODS}/{}/binding", pod["metadata"]["name"].as_str().unwrap());
        (client.post(&path, &binding(pod, "node-00000")).await.code == 201).then_some(())
    })
    .await;
    until("Job and pods are gone", || async {
        let jobs = sandbox.list("jobs.batch", None).unwrap();
        (jobs.is_empty() && sandbox.list("pods", None).unwrap().is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_the_controller_does_not_play_is_refused() {
    let (_sandbox, client) = start().await;
    for spec in [
        json!({"backoffLimitPerIndex": 1}),
        json!({"parallelism": -1}),
        json!({"parallelism": i64::MAX}),
        json!({"completionMode": "Indexed", "completions": 100_001}),
        json!({"completionMode": "Indexed", "parallelism": 2}),
    ] {
        let refused = client.post(JOBS, &job("a", &spec)).await;
        assert_eq!(
            (refused.code, refused.body["reason"].as_str()),
            (422, Some("Invalid")),
            "{spec}"
        );
    }
}
