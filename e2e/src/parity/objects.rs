//! Objects of any kind in and out of an API server, as JSON.

use anyhow::{Context, Result};
use kube::Client;
use serde_json::{Value, json};

/// Kinds that a round's cluster is made of besides pods: `apiVersion`, kind, and path.
const KINDS: [(&str, &str, &str); 7] = [
    ("v1", "Namespace", "/api/v1/namespaces"),
    ("v1", "Node", "/api/v1/nodes"),
    ("v1", "Service", "/api/v1/services"),
    ("v1", "PersistentVolume", "/api/v1/persistentvolumes"),
    ("v1", "PersistentVolumeClaim", "/api/v1/persistentvolumeclaims"),
    ("storage.k8s.io/v1", "StorageClass", "/apis/storage.k8s.io/v1/storageclasses"),
    ("storage.k8s.io/v1", "CSINode", "/apis/storage.k8s.io/v1/csinodes"),
];

const PODS: (&str, &str, &str) = ("v1", "Pod", "/api/v1/pods");

/// Creates an object, and gives it back as the API server keeps it.
///
/// # Errors
/// The API server refuses it; the error names it.
pub async fn create(client: &Client, object: &Value) -> Result<Value> {
    let path = collection(object)?;
    let request = http::Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(object.to_string().into_bytes())?;
    let created = client.request::<Value>(request).await;
    created.with_context(|| format!("creating {} {}", object["kind"], object["metadata"]["name"]))
}

/// Everything in the cluster but pods.
///
/// # Errors
/// The API server does not answer.
pub async fn all_but_pods(client: &Client) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for kind in KINDS {
        all.extend(list(client, kind).await?);
    }
    Ok(all)
}

/// Every pod.
///
/// # Errors
/// The API server does not answer.
pub async fn pods(client: &Client) -> Result<Vec<Value>> {
    list(client, PODS).await
}

/// The path of a pod.
pub fn pod_path(pod: &Value) -> String {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    format!("/api/v1/namespaces/{}/pods/{}", text("namespace"), text("name"))
}

/// A pod as it now is.
///
/// # Errors
/// It is not there, or the API server does not answer.
pub async fn get_pod(client: &Client, pod: &Value) -> Result<Value> {
    let request = http::Request::get(pod_path(pod)).body(Vec::new())?;
    client.request(request).await.with_context(|| pod_path(pod))
}

/// Removes a pod at once.
///
/// # Errors
/// It is not there, or the API server does not answer.
pub async fn delete_pod(client: &Client, pod: &Value) -> Result<()> {
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0});
    let request = http::Request::delete(pod_path(pod))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(options.to_string().into_bytes())?;
    client.request::<Value>(request).await.with_context(|| pod_path(pod))?;
    Ok(())
}

/// Takes a pod's scheduling gates away.
///
/// # Errors
/// It is not there, or the API server refuses.
pub async fn lift_gates(client: &Client, pod: &Value) -> Result<Value> {
    let patch = json!({"spec": {"schedulingGates": null}});
    let request = http::Request::patch(pod_path(pod))
        .header(http::header::CONTENT_TYPE, "application/merge-patch+json")
        .body(patch.to_string().into_bytes())?;
    client.request(request).await.with_context(|| pod_path(pod))
}

async fn list(client: &Client, (version, kind, path): (&str, &str, &str)) -> Result<Vec<Value>> {
    let request = http::Request::get(path).body(Vec::new())?;
    let mut list: Value = client.request(request).await.with_context(|| path.to_owned())?;
    let items = list["items"].as_array_mut().with_context(|| format!("{path}: no items"))?;
    for item in &mut *items {
        // Left out of the items of a list.
        item["apiVersion"] = json!(version);
        item["kind"] = json!(kind);
    }
    Ok(std::mem::take(items))
}

fn collection(object: &Value) -> Result<String> {
    let is = |(version, kind, _): &&(&str, &str, &str)| {
        object["apiVersion"] == *version && object["kind"] == *kind
    };
    let mut kinds = KINDS.iter().chain([&PODS]);
    let (.., path) = kinds.find(is).with_context(|| format!("no path for {}", object["kind"]))?;
    let Some(namespace) = object["metadata"]["namespace"].as_str() else {
        return Ok((*path).to_owned());
    };
    let (base, plural) = path.rsplit_once('/').context("a path has a plural")?;
    Ok(format!("{base}/namespaces/{namespace}/{plural}"))
}
