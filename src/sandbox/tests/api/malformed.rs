//! No object, however wrong, ends the server or a controller: every part of a few objects is
//! replaced by every other type, one at a time.

use std::time::Duration;

use berth_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::client::{Client, JOBS, until, with};
use crate::object::{job, pod};

fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(inner, &format!("{at}/{key}"), all);
            }
        }
        Value::Array(list) => {
            for (i, inner) in list.iter().enumerate() {
                pointers(inner, &format!("{at}/{i}"), all);
            }
        }
        _ => {}
    }
}

fn rich_pod() -> Value {
    let mut rich = pod("rich");
    let spec = &mut rich["spec"];
    spec["nodeName"] = json!("node-00000");
    spec["hostNetwork"] = json!(true);
    spec["overhead"] = json!({"cpu": "1m"});
    spec["nodeSelector"] = json!({"a": "b"});
    spec["tolerations"] = json!([{"key": "a", "operator": "Exists"}]);
    spec["initContainers"] = json!([{"name": "i", "image": "i"}]);
    spec["containers"][0]["ports"] = json!([{"containerPort": 80}]);
    spec["containers"][0]["resources"]["limits"] = json!({"cpu": "1"});
    spec["containers"][0]["env"] = json!([{"name": "a", "value": "b"}]);
    spec["topologySpreadConstraints"] = json!([{
        "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"a": "b"}, "matchExpressions": []},
        "matchLabelKeys": ["app"],
    }]);
    let term = json!({"topologyKey": "zone", "labelSelector": {}, "matchLabelKeys": ["app"]});
    spec["affinity"] = json!({"podAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [term],
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}],
    }});
    rich["metadata"]["annotations"] = json!({"sandbox.berth.dev/exit-code": "1"});
    rich["metadata"]["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u", "controller": true}]);
    rich["metadata"]["finalizers"] = json!([]);
    rich
}

fn rich_job() -> Value {
    let spec = json!({
        "completions": 1, "parallelism": 1, "completionMode": "Indexed", "backoffLimit": 0,
        "activeDeadlineSeconds": 100, "ttlSecondsAfterFinished": 0, "suspend": false,
    });
    let mut rich = job("rich", &spec);
    rich["spec"]["template"]["metadata"]["labels"] = json!({"a": "b"});
    rich["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "a"}]);
    rich
}

#[tokio::test]
async fn wrong_objects_end_nothing() {
    let options = Options {
        nodes: berth_sandbox::nodes(2),
        heartbeat: Some(Duration::from_millis(20)),
        ..Options::default()
    };
    let (sandbox, client) = with(options).await;
    let mut node = berth_sandbox::node(4);
    node["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    let budget = json!({
        "metadata": {"name": "b"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}, "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["b"]},
        ]}},
        "status": {},
    });
    let (mut sent, mut taken) = (0, 0);
    for (resource, path, object) in [
        ("pods", "/api/v1/namespaces/default/pods", rich_pod()),
        ("jobs.batch", JOBS, rich_job()),
        ("nodes", "/api/v1/nodes", node),
        ("poddisruptionbudgets", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget),
    ] {
        let mut all = Vec::new();
        pointers(&object, "", &mut all);
        for pointer in &all {
            for wrong in [
                json!(null),
                json!(-1),
                json!(i64::MAX),
                json!("9999999999999h"),
                json!("X y"),
                json!([1]),
                json!({"a": 1}),
                json!([{}]),
            ] {
                sent += 1;
                let mut object = object.clone();
                if !matches!(pointer.as_str(), "" | "/metadata" | "/metadata/name") {
                    object["metadata"]["name"] = json!(format!("n{sent}"));
                }
                *object.pointer_mut(pointer).unwrap() = wrong;
                // Refused or taken: both are answers.
                taken += usize::from(sandbox.create(resource, object.clone()).is_ok());
                drop(sandbox.update(resource, true, &object));
                drop(sandbox.update(resource, false, &object));
                tokio::task::yield_now().await;
                if sent % 2 == 0 {
                    let namespace = if resource == "nodes" { "" } else { "default" };
                    drop(sandbox.delete(resource, namespace, &format!("n{sent}")));
                }
            }
        }
        let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
        let listed = client.ask(http::Method::GET, path, &accept, bytes::Bytes::new());
        assert_eq!(listed.await.code, 200, "{path}");
    }
    store_unchecked(&sandbox, &client).await;
    assert!(sent > 500 && taken > 100, "{sent} sent, {taken} taken");
    controllers_work(&sandbox, &client).await;
}

/// Objects no request could store.
async fn store_unchecked(sandbox: &Sandbox, client: &Client) {
    for (resource, part) in
        [("nodes", "status"), ("nodes", "spec"), ("jobs.batch", "spec"), ("pods", "status")]
    {
        let mut object =
            json!({"metadata": {"name": part, "uid": part}, "spec": {"nodeName": "node-00000"}});
        if resource != "nodes" {
            object["metadata"]["namespace"] = json!("default");
        }
        object[part] = json!("broken");
        sandbox.create_unchecked(resource, object).unwrap();
    }
    let broken =
        client.patch("/api/v1/nodes/status", "merge-patch+json", &json!({"spec": {}})).await;
    assert_eq!(broken.code, 500);
}

async fn controllers_work(sandbox: &Sandbox, client: &Client) {
    assert_eq!(client.post(JOBS, &job("good", &json!({}))).await.code, 201);
    until("the good Job has its pod", || async {
        let pods = sandbox.list("pods", None).unwrap();
        let pod = pods.iter().find(|p| p["metadata"]["labels"]["job-name"] == "good")?;
        let name = pod["metadata"]["name"].as_str().unwrap();
        let path = format!("/api/v1/namespaces/default/pods/{name}/binding");
        let bound = client.post(&path, &crate::object::binding(pod, "node-00001")).await;
        (bound.code == 201).then_some(())
    })
    .await;
    until("and completes", || async {
        let job = sandbox.get("jobs.batch", "default", "good").unwrap()?;
        (job["status"]["succeeded"] == 1).then_some(())
    })
    .await;
}
