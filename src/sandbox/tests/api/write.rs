//! Create, update, patch: what the server fills in, refuses and keeps.

use serde_json::json;

use crate::client::{PODS, sandbox};
use crate::object::pod;

#[tokio::test]
async fn a_new_pod_gets_its_defaults() {
    let (sandbox, client) = sandbox().await;
    let class = json!({"metadata": {"name": "high"}, "value": 1000});
    sandbox.create("priorityclasses", class).unwrap();
    let sent = json!({
        "metadata": {"generateName": "p-"},
        "spec": {
            "priorityClassName": "high",
            "containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "2"}}}],
        },
    });
    let created = client.post(PODS, &sent).await;
    assert_eq!(created.code, 201, "{}", created.body);
    let made = created.body;
    assert!(made["metadata"]["name"].as_str().unwrap().starts_with("p-"));
    assert_eq!(made["metadata"]["uid"].as_str().unwrap().len(), 36);
    assert_eq!(made["metadata"]["generation"], 1);
    assert_eq!(made["spec"]["schedulerName"], "default-scheduler");
    assert_eq!(made["spec"]["priority"], 1000);
    assert_eq!(made["spec"]["containers"][0]["resources"]["requests"]["cpu"], "2");
    assert_eq!(made["spec"]["tolerations"].as_array().unwrap().len(), 2);
    assert_eq!(made["status"], json!({"phase": "Pending", "qosClass": "Burstable"}));
}

#[tokio::test]
async fn wrong_objects_are_refused_with_the_field() {
    let (_sandbox, client) = sandbox().await;
    let mut cases = Vec::new();
    let mut case = |code: u16, text: &'static str, change: &dyn Fn(&mut serde_json::Value)| {
        let mut object = pod("a");
        change(&mut object);
        cases.push((code, text, object));
    };
    case(422, "metadata.name", &|p| p["metadata"]["name"] = json!("A_b"));
    case(422, "spec.containers", &|p| p["spec"]["containers"] = json!([]));
    case(422, "requests[cpu]", &|p| {
        p["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("1 core");
    });
    case(422, "greater than or equal to 0", &|p| {
        p["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("-1");
    });
    case(422, "run-for", &|p| {
        p["metadata"]["annotations"]["sandbox.berth.dev/run-for"] = json!("soon");
    });
    case(400, "kind", &|p| p["kind"] = json!("Job"));
    case(400, "namespace", &|p| p["metadata"]["namespace"] = json!("other"));
    case(400, "spec.containers", &|p| p["spec"]["containers"] = json!("c"));
    case(400, "metadata", &|p| p["metadata"] = json!("a"));
    case(400, "spec.tolerations", &|p| p["spec"]["tolerations"] = json!([1]));
    case(403, "no PriorityClass", &|p| p["spec"]["priorityClassName"] = json!("none"));
    for (code, text, object) in cases {
        let refused = client.post(PODS, &object).await;
        assert_eq!(refused.code, code, "{object}: {}", refused.body);
        assert_eq!(refused.body["kind"], "Status");
        let message = refused.body["message"].as_str().unwrap();
        assert!(message.contains(text), "{message} lacks {text}");
    }
    let nowhere = client.post("/api/v1/namespaces/none/pods", &pod("a")).await;
    assert_eq!((nowhere.code, nowhere.body["reason"].as_str()), (404, Some("NotFound")));
    let twice = [client.post(PODS, &pod("a")).await, client.post(PODS, &pod("a")).await];
    assert_eq!(twice.map(|a| a.code), [201, 409]);
}

#[tokio::test]
async fn updates_need_the_newest_version_and_keep_the_status_apart() {
    let (_sandbox, client) = sandbox().await;
    let old = client.post(PODS, &pod("a")).await.body;
    let path = format!("{PODS}/a");
    let mut new = old.clone();
    new["metadata"]["labels"]["x"] = json!("1");
    new["status"]["phase"] = json!("Running");
    let updated = client.put(&path, &new).await;
    assert_eq!(updated.code, 200, "{}", updated.body);
    assert_eq!(updated.body["status"]["phase"], "Pending");
    let stale = client.put(&path, &new).await;
    assert_eq!((stale.code, stale.body["reason"].as_str()), (409, Some("Conflict")));
    let mut status = updated.body.clone();
    status["status"]["phase"] = json!("Running");
    status["spec"]["nodeName"] = json!("n");
    let status = client.put(&format!("{path}/status"), &status).await.body;
    assert_eq!(status["status"]["phase"], "Running");
    assert!(status["spec"]["nodeName"].is_null());
    // A write that changes nothing makes no version.
    let same = client.put(&path, &status).await.body;
    assert_eq!(same["metadata"]["resourceVersion"], status["metadata"]["resourceVersion"]);
    let mut immutable = status.clone();
    immutable["spec"]["schedulerName"] = json!("other");
    assert_eq!(client.put(&path, &immutable).await.code, 422);
}

#[tokio::test]
async fn every_kind_of_patch() {
    let (_sandbox, client) = sandbox().await;
    client.post(PODS, &pod("a")).await;
    let path = format!("{PODS}/a");
    let merged = client
        .patch(&path, "merge-patch+json", &json!({"metadata": {"labels": {"app": null, "m": "1"}}}))
        .await
        .body;
    assert_eq!(merged["metadata"]["labels"], json!({"m": "1"}));
    let ops = json!([{"op": "add", "path": "/metadata/labels/j", "value": "2"}]);
    let patched = client.patch(&path, "json-patch+json", &ops).await.body;
    assert_eq!(patched["metadata"]["labels"], json!({"m": "1", "j": "2"}));
    let conditions =
        |kind: &str| json!({"status": {"conditions": [{"type": kind, "status": "False"}]}});
    let status = format!("{path}/status");
    client.patch(&status, "strategic-merge-patch+json", &conditions("PodScheduled")).await;
    let both = client.patch(&status, "strategic-merge-patch+json", &conditions("Ready")).await.body;
    assert_eq!(both["status"]["conditions"].as_array().unwrap().len(), 2);
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v"}});
    let maps = "/api/v1/namespaces/default/configmaps/c?fieldManager=test";
    let applied = client.patch(maps, "apply-patch+yaml", &config).await;
    assert_eq!(
        (applied.code, applied.body["data"]["k"].as_str()),
        (201, Some("v")),
        "{}",
        applied.body
    );
    let again = client.patch(maps, "apply-patch+yaml", &config).await;
    assert_eq!(again.code, 200);
    assert_eq!(
        again.body["metadata"]["resourceVersion"],
        applied.body["metadata"]["resourceVersion"]
    );
    assert_eq!(client.patch(&path, "xml", &json!({})).await.code, 415);
    let stale = json!({"metadata": {"resourceVersion": "1", "labels": {"x": "y"}}});
    assert_eq!(client.patch(&path, "merge-patch+json", &stale).await.code, 409);
}

#[tokio::test]
async fn dry_runs_write_nothing_and_strict_requests_take_no_unknown_field() {
    let (sandbox, client) = sandbox().await;
    let dry = client.post(&format!("{PODS}?dryRun=All"), &pod("a")).await;
    assert_eq!((dry.code, dry.body["spec"]["priority"].as_i64()), (201, Some(0)));
    assert!(sandbox.get("pods", "default", "a").unwrap().is_none());
    let mut typo = pod("a");
    typo["spec"]["schedulerNam"] = json!("x");
    let strict = client.post(&format!("{PODS}?fieldValidation=Strict"), &typo).await;
    assert_eq!(strict.code, 400);
    assert!(
        strict.body["message"].as_str().unwrap().contains("unknown field \"spec.schedulerNam\"")
    );
    let warned = client.post(PODS, &typo).await;
    assert_eq!(warned.code, 201);
    assert!(warned.headers["warning"].to_str().unwrap().contains("unknown field"));
}
