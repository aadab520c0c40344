//! DELETE: grace, finalizers, owners, namespaces, evictions.

use berth_sandbox::Options;
use serde_json::json;

use crate::client::{PODS, sandbox, until, with};
use crate::object::pod;

#[tokio::test]
async fn preconditions_and_finalizers() {
    let (sandbox, client) = sandbox().await;
    let mut held = pod("a");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    client.post(PODS, &held).await;
    let path = format!("{PODS}/a");
    let wrong = json!({"preconditions": {"uid": "other"}});
    assert_eq!(client.delete(&path, &wrong).await.code, 409);
    let waiting = client.delete(&path, &json!(null)).await;
    assert_eq!(waiting.code, 200);
    assert!(waiting.body["metadata"]["deletionTimestamp"].is_string());
    assert!(sandbox.get("pods", "default", "a").unwrap().is_some());
    client.patch(&path, "merge-patch+json", &json!({"metadata": {"finalizers": null}})).await;
    assert!(sandbox.get("pods", "default", "a").unwrap().is_none());
    assert_eq!(client.delete(&path, &json!(null)).await.code, 404);
}

#[tokio::test]
async fn a_running_pod_is_told_and_then_gone() {
    let options = Options { nodes: berth_sandbox::nodes(1), ..Options::default() };
    let (sandbox, client) = with(options).await;
    let mut running = pod("a");
    running["spec"]["nodeName"] = json!("node-00000");
    running["spec"]["restartPolicy"] = json!("Always");
    client.post(PODS, &running).await;
    let mut watch = client.watch(&format!("{PODS}?watch=1")).await;
    loop {
        let (_, pod) = watch.event().await.unwrap();
        if pod["status"]["phase"] == "Running" {
            break;
        }
    }
    let told = client.delete(&format!("{PODS}/a"), &json!(null)).await;
    assert_eq!(told.body["metadata"]["deletionGracePeriodSeconds"], 30);
    loop {
        let (kind, pod) = watch.event().await.unwrap();
        assert!(pod["metadata"]["deletionTimestamp"].is_string(), "{pod}");
        if kind == "DELETED" {
            break;
        }
    }
    assert!(sandbox.list("pods", None).unwrap().is_empty());
}

#[tokio::test]
async fn orphans_stay_and_dependents_go() {
    let (sandbox, client) = sandbox().await;
    let maps = "/api/v1/namespaces/default/configmaps";
    for (owner, policy) in [("keep", "Orphan"), ("drop", "Background")] {
        let made = client.post(maps, &json!({"metadata": {"name": owner}})).await.body;
        let reference = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": made["metadata"]["uid"]}]);
        let child =
            json!({"metadata": {"name": format!("{owner}-child"), "ownerReferences": reference}});
        client.post(maps, &child).await;
        client.delete(&format!("{maps}/{owner}"), &json!({"propagationPolicy": policy})).await;
    }
    until("both owners and one child are gone", || async {
        let left = sandbox.list("configmaps", Some("default")).unwrap();
        (left.len() == 1).then(|| assert_eq!(left[0]["metadata"]["name"], "keep-child"))
    })
    .await;
}

#[tokio::test]
async fn a_namespace_takes_its_contents_along() {
    let (sandbox, client) = sandbox().await;
    client.post("/api/v1/namespaces", &json!({"metadata": {"name": "x"}})).await;
    client.post("/api/v1/namespaces/x/pods", &pod("a")).await;
    client.post("/api/v1/namespaces/x/configmaps", &json!({"metadata": {"name": "c"}})).await;
    client.delete("/api/v1/namespaces/x", &json!(null)).await;
    until("the namespace is gone", || async {
        sandbox.get("namespaces", "", "x").unwrap().is_none().then_some(())
    })
    .await;
    assert!(sandbox.list("pods", Some("x")).unwrap().is_empty());
    assert!(sandbox.list("configmaps", Some("x")).unwrap().is_empty());
}

#[tokio::test]
async fn evictions_respect_budgets() {
    let options = Options { nodes: berth_sandbox::nodes(1), ..Options::default() };
    let (sandbox, client) = with(options).await;
    let budget = json!({
        "metadata": {"name": "b"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}},
    });
    client.post("/apis/policy/v1/namespaces/default/poddisruptionbudgets", &budget).await;
    let mut running = pod("a");
    running["spec"]["nodeName"] = json!("node-00000");
    running["spec"]["restartPolicy"] = json!("Always");
    client.post(PODS, &running).await;
    until("the pod runs", || async {
        let pod = sandbox.get("pods", "default", "a").unwrap()?;
        (pod["status"]["phase"] == "Running").then_some(())
    })
    .await;
    let eviction =
        json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}});
    let path = format!("{PODS}/a/eviction");
    let refused = client.post(&path, &eviction).await;
    assert_eq!((refused.code, refused.body["reason"].as_str()), (429, Some("TooManyRequests")));
    let path_of_budget = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/b";
    until("the budget's status tells", || async {
        let status = client.get(path_of_budget).await.body["status"].clone();
        (status["currentHealthy"] == 1 && status["disruptionsAllowed"] == 0).then_some(())
    })
    .await;
    client.delete(path_of_budget, &json!(null)).await;
    assert_eq!(client.post(&path, &eviction).await.code, 201);
}

#[tokio::test]
async fn collections_are_deleted_by_selector() {
    let (sandbox, client) = sandbox().await;
    for name in ["a", "b", "c"] {
        client.post(PODS, &pod(name)).await;
    }
    let deleted = client.delete(&format!("{PODS}?labelSelector=app!%3Db"), &json!(null)).await;
    assert_eq!(deleted.body["items"].as_array().unwrap().len(), 2);
    let left = sandbox.list("pods", None).unwrap();
    assert_eq!((left.len(), left[0]["metadata"]["name"].as_str()), (1, Some("b")));
}
