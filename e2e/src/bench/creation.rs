//! Creating nodes, namespaces and pods, many at a time.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::object::{ObjectTemplate, address, base_node, base_pod};
use super::op::{CreateNamespaces, CreateNodes, CreatePods, NodeAllocatable};
use super::volumes::VolumeTemplates;
use super::workload::Workload;

/// Requests in flight. scheduler_perf creates 30 pods at a time.
const IN_FLIGHT: usize = 32;

const NODES: &str = "/api/v1/nodes";
const NAMESPACES: &str = "/api/v1/namespaces";
const CSI_NODES: &str = "/apis/storage.k8s.io/v1/csinodes";

/// A pod that was created.
#[derive(Debug, Clone)]
pub struct Created {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When its POST left.
    pub posted: Instant,
    /// When the answer was there.
    pub acknowledged: Instant,
}

#[derive(Debug, Deserialize)]
struct Answer {
    metadata: AnswerMetadata,
}

#[derive(Debug, Deserialize)]
struct AnswerMetadata {
    name: String,
    uid: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// Creates the nodes of an operation and gives their names, in order.
///
/// Labels and allocatable are there from the start, where scheduler_perf patches them in.
pub(super) async fn nodes(
    client: &Client,
    workload: &Workload,
    place: usize,
    op: &CreateNodes,
) -> Result<Vec<String>> {
    let template = template_of(workload, op.node_template_path.as_deref(), &op.template_params)?;
    let named = (0..op.count).map(|index| {
        let object = match &template {
            Some(template) => template.object(index, op.count)?,
            None => base_node(place),
        };
        node_of(object, op, index)
    });
    let named: Vec<(String, Value)> = named.collect::<Result<_>>()?;
    let names: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
    let strategy = op.node_allocatable_strategy.as_ref();
    let create = |(name, node): (String, Value)| async move {
        post(client, NODES, &node).await?;
        match strategy {
            Some(strategy) => post(client, CSI_NODES, &csi_node(&name, strategy)).await.map(drop),
            None => Ok(()),
        }
    };
    stream::iter(named).map(create).buffer_unordered(IN_FLIGHT).try_collect::<()>().await?;
    Ok(names)
}

/// A node with its name, its hostname label, and what the operation's strategies add.
fn node_of(mut node: Value, op: &CreateNodes, index: usize) -> Result<(String, Value)> {
    let metadata = node["metadata"].as_object_mut().context("a node template without metadata")?;
    let name = match metadata.get("name").and_then(Value::as_str) {
        Some(name) => name.to_owned(),
        None => {
            let prefix = metadata.remove("generateName");
            let prefix = prefix.as_ref().and_then(Value::as_str).unwrap_or("node-").to_owned();
            format!("{prefix}{index:05}")
        }
    };
    metadata.insert("name".to_owned(), json!(name));
    node["metadata"]["labels"]["kubernetes.io/hostname"] = json!(name);
    if let Some(deal) = &op.label_node_prepare_strategy {
        let value = &deal.label_values[index % deal.label_values.len()];
        node["metadata"]["labels"][&deal.label_key] = json!(value);
    }
    if let Some(unique) = &op.unique_node_label_strategy {
        node["metadata"]["labels"][&unique.label_key] = json!(name);
    }
    if let Some(strategy) = &op.node_allocatable_strategy {
        if node["status"]["allocatable"].is_null() {
            node["status"]["allocatable"] = node["status"]["capacity"].clone();
        }
        for (resource, quantity) in &strategy.node_allocatable {
            node["status"]["allocatable"][resource] = json!(quantity);
        }
    }
    Ok((name, node))
}

fn csi_node(name: &str, strategy: &NodeAllocatable) -> Value {
    let driver =
        |(driver, room): (&String, _)| json!({"name": driver, "nodeID": name, "allocatable": room});
    let drivers: Vec<Value> = strategy.csi_node_allocatable.iter().map(driver).collect();
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": name, "annotations": {
            "storage.alpha.kubernetes.io/migrated-plugins": strategy.migrated_plugins.join(","),
        }},
        "spec": {"drivers": drivers},
    })
}

/// Creates the namespaces of an operation and gives their names.
pub(super) async fn namespaces(
    client: &Client,
    workload: &Workload,
    op: &CreateNamespaces,
) -> Result<Vec<String>> {
    let path = op.namespace_template_path.as_deref();
    let template = template_of(workload, path, &serde_json::Map::new())?;
    let mut names = Vec::new();
    for index in 0..op.count {
        let name = format!("{}-{index}", op.prefix);
        let base =
            template.as_ref().map(|template| template.object(index, op.count)).transpose()?;
        let labels = base.map(|base| base["metadata"]["labels"].clone()).unwrap_or_default();
        namespace(client, &name, &labels).await?;
        names.push(name);
    }
    Ok(names)
}

/// Makes sure of a namespace with these labels; null leaves the labels of one that is there. No
/// controller runs that could remove one, so namespaces stay from round to round.
pub(super) async fn namespace(client: &Client, name: &str, labels: &Value) -> Result<()> {
    let object = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
    });
    let exists = |error: &anyhow::Error| {
        let status = error.downcast_ref::<kube::Error>();
        matches!(status, Some(kube::Error::Api(status)) if status.code == 409)
    };
    match post(client, NAMESPACES, &object).await {
        Ok(_) => return Ok(()),
        Err(error) if exists(&error) => {}
        Err(error) => return Err(error).with_context(|| format!("namespace {name}")),
    }
    if labels.is_null() {
        return Ok(());
    }
    let request = http::Request::patch(format!("{NAMESPACES}/{name}"))
        .header(http::header::CONTENT_TYPE, "application/merge-patch+json")
        .body(serde_json::to_vec(&json!({"metadata": {"labels": labels}}))?)?;
    client.request::<Value>(request).await.with_context(|| format!("namespace {name}"))?;
    Ok(())
}

/// Creates the pods of an operation in `namespace`, for the scheduler of that name.
pub(super) async fn pods(
    client: &Client,
    workload: &Workload,
    op: &CreatePods,
    namespace: &str,
    scheduler: &str,
) -> Result<Vec<Created>> {
    let default = workload.default_pod_template.as_deref();
    let path = op.pod_template_path.as_deref().or(default);
    let template = template_of(workload, path, &op.template_params)?;
    let volumes = VolumeTemplates::of(workload, op)?;
    let collection = format!("/api/v1/namespaces/{namespace}/pods");
    let (template, volumes, collection) = (&template, &volumes, &collection);
    let create = |index: usize| async move {
        let mut pod = match template {
            Some(template) => pod_of(template.object(index, op.count)?, index, op),
            None => base_pod(),
        };
        address(&mut pod, scheduler);
        if let Some(volumes) = volumes {
            pod["spec"]["volumes"] = volumes.create(client, namespace, index).await?;
        }
        let posted = Instant::now();
        let answer = post(client, collection, &pod).await?;
        let AnswerMetadata { name, uid, labels } = answer.metadata;
        let acknowledged = Instant::now();
        let namespace = namespace.to_owned();
        anyhow::Ok(Created { namespace, name, uid, labels, posted, acknowledged })
    };
    let created = stream::iter(0..op.count).map(create).buffer_unordered(IN_FLIGHT);
    created.try_collect().await.with_context(|| format!("creating pods in {namespace}"))
}

/// Pods of a template get a label of their batch, as `podTemplateWithParams` gives them.
fn pod_of(mut pod: Value, index: usize, op: &CreatePods) -> Value {
    let batch = index / op.signature_batch_size.max(1);
    pod["metadata"]["labels"]["signature"] = json!(format!("signature-label-{batch}"));
    pod
}

/// Whether the pods of an operation come with their node: no scheduler is needed for them.
pub(super) fn are_bound(workload: &Workload, op: &CreatePods) -> Result<bool> {
    let default = workload.default_pod_template.as_deref();
    let path = op.pod_template_path.as_deref().or(default);
    let Some(template) = template_of(workload, path, &op.template_params)? else {
        return Ok(false);
    };
    Ok(!template.object(0, op.count)?["spec"]["nodeName"].is_null())
}

fn template_of(
    workload: &Workload,
    path: Option<&str>,
    params: &serde_json::Map<String, Value>,
) -> Result<Option<ObjectTemplate>> {
    path.map(|path| ObjectTemplate::load(&workload.path(path), params)).transpose()
}

async fn post(client: &Client, path: &str, object: &Value) -> Result<Answer> {
    let request = http::Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(serde_json::to_vec(object)?)?;
    client.request(request).await.with_context(|| format!("POST {path}"))
}
