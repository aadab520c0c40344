//! The API server's ceiling: binds from placements computed beforehand, with nothing to decide.
//!
//! The same watches are open as a scheduler's, and requests are Berth's own: one POST of a Binding
//! in JSON, one of an `events.k8s.io/v1` Event.

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::creation::Created;
use super::sightings::now;
use super::wire::Stream;
use crate::controlplane::ControlPlane;
use crate::credentials;

const EVENT_TIME: &str = "2026-01-01T00:00:00.000000Z";

/// What is written for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    Binds,
    BindsAndEvents,
}

/// A client of its own, with a pod and a node watch open until dropped.
pub(super) struct Flood<'a> {
    client: Client,
    nodes: &'a [String],
    watches: Vec<JoinHandle<()>>,
}

impl<'a> Flood<'a> {
    pub(super) async fn open(plane: &ControlPlane, nodes: &'a [String]) -> Result<Self> {
        ensure!(!nodes.is_empty(), "a flood needs nodes that are there before its pods");
        let client = credentials::client(&plane.kubeconfig()).await?;
        let mut watches = Vec::new();
        for path in ["/api/v1/pods", "/api/v1/nodes"] {
            let stream = Stream::open(&client, path, &now(&client, path).await?).await?;
            watches.push(tokio::spawn(async move {
                // It ends when it is aborted, or with the API server.
                let _ = stream.drain().await;
            }));
        }
        Ok(Self { client, nodes, watches })
    }

    /// Binds the pods, node after node in turn, `in_flight` at a time.
    pub(super) async fn run(&self, pods: &[&Created], load: Load, in_flight: usize) -> Result<()> {
        let placements: Vec<(&Created, &String)> =
            pods.iter().copied().zip(self.nodes.iter().cycle()).collect();
        stream::iter(placements)
            .map(|(pod, node)| self.place(pod, node, load))
            .buffer_unordered(in_flight)
            .try_collect()
            .await
    }

    async fn place(&self, pod: &Created, node: &str, load: Load) -> Result<()> {
        let pods = format!("/api/v1/namespaces/{}/pods", pod.namespace);
        self.post(&format!("{pods}/{}/binding", pod.name), &binding(pod, node)).await?;
        if load == Load::BindsAndEvents {
            let events = format!("/apis/events.k8s.io/v1/namespaces/{}/events", pod.namespace);
            self.post(&events, &event(pod, node)).await?;
        }
        Ok(())
    }

    async fn post(&self, path: &str, object: &Value) -> Result<()> {
        let request = http::Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(serde_json::to_vec(object)?))?;
        let response = self.client.send(request).await.with_context(|| path.to_owned())?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "POST {path}: {status} {}", String::from_utf8_lossy(&body));
        Ok(())
    }
}

impl Drop for Flood<'_> {
    fn drop(&mut self) {
        self.watches.iter().for_each(JoinHandle::abort);
    }
}

fn binding(pod: &Created, node: &str) -> Value {
    json!({
        "kind": "Binding",
        "apiVersion": "v1",
        "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
        "target": {"kind": "Node", "name": node},
    })
}

fn event(pod: &Created, node: &str) -> Value {
    json!({
        "kind": "Event",
        "apiVersion": "events.k8s.io/v1",
        "metadata": {"name": format!("{}.flood", pod.name), "namespace": pod.namespace},
        "eventTime": EVENT_TIME,
        "reportingController": "flood",
        "reportingInstance": "flood-bench",
        "action": "Binding",
        "reason": "Scheduled",
        "type": "Normal",
        "note": format!("Successfully assigned {}/{} to {node}", pod.namespace, pod.name),
        "regarding": {
            "kind": "Pod",
            "apiVersion": "v1",
            "namespace": pod.namespace,
            "name": pod.name,
            "uid": pod.uid,
        },
    })
}
