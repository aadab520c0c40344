//! Node objects for nodes that have no kubelet.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Node;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use crate::patience;

/// Requests in flight: enough to keep two cores of an API server busy.
const IN_FLIGHT: usize = 32;

/// A number of alike nodes.
#[derive(Debug, Clone)]
pub struct NodePool {
    /// Nodes are called `PREFIX-00000` and so on.
    pub prefix: String,
    /// How many.
    pub count: usize,
    /// Allocatable CPU, a quantity.
    pub cpu: String,
    /// Allocatable memory, a quantity.
    pub memory: String,
    /// How many pods a node takes.
    pub pods: u32,
    /// Zones `zone-0`, `zone-1`, … over which the nodes are dealt.
    pub zones: usize,
    /// Labels besides hostname and zone.
    pub labels: BTreeMap<String, String>,
    /// A NoSchedule taint, as key and value.
    pub taint: Option<(String, String)>,
}

impl NodePool {
    /// `count` nodes with 8 CPU, 32 GiB and room for 110 pods each, in three zones.
    pub fn new(prefix: &str, count: usize) -> Self {
        Self {
            prefix: prefix.to_owned(),
            count,
            cpu: "8".to_owned(),
            memory: "32Gi".to_owned(),
            pods: 110,
            zones: 3,
            labels: BTreeMap::new(),
            taint: None,
        }
    }

    /// Creates the nodes, Ready, many at a time.
    pub async fn create(&self, client: &Client) -> Result<()> {
        let api: Api<Node> = Api::all(client.clone());
        stream::iter(0..self.count)
            .map(|index| {
                let api = api.clone();
                async move {
                    let node = self.node(index)?;
                    api.create(&PostParams::default(), &node).await?;
                    anyhow::Ok(())
                }
            })
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<()>()
            .await
            .with_context(|| format!("creating the nodes {}-*", self.prefix))
    }

    /// Waits until the pool's nodes have no taint but their own: kube-controller-manager has seen
    /// them Ready.
    pub async fn wait_untainted(&self, client: &Client, limit: Duration) -> Result<()> {
        let api: Api<Node> = Api::all(client.clone());
        let taints_wanted = usize::from(self.taint.is_some());
        let what = format!("nodes {}-* without not-ready taint", self.prefix);
        patience::until(&what, limit, Duration::from_millis(500), async || {
            let params = ListParams::default().labels(&format!("e2e/pool={}", self.prefix));
            let nodes = api.list(&params).await?;
            let clean = nodes.items.iter().filter(|node| {
                let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
                taints.map_or(0, Vec::len) == taints_wanted
            });
            let count = clean.count();
            ensure!(count == self.count, "{count} of {}", self.count);
            Ok(())
        })
        .await
    }

    fn node(&self, index: usize) -> Result<Node> {
        let name = format!("{}-{index:05}", self.prefix);
        let mut labels = self.labels.clone();
        labels.insert("kubernetes.io/hostname".to_owned(), name.clone());
        // As every kubelet labels its own.
        labels.insert("kubernetes.io/os".to_owned(), "linux".to_owned());
        labels.insert("kubernetes.io/arch".to_owned(), "amd64".to_owned());
        labels.insert("e2e/pool".to_owned(), self.prefix.clone());
        if self.zones > 0 {
            let zone = format!("zone-{}", index % self.zones);
            labels.insert("topology.kubernetes.io/zone".to_owned(), zone);
        }
        let taints: Vec<_> = self
            .taint
            .iter()
            .map(|(key, value)| json!({"key": key, "value": value, "effect": "NoSchedule"}))
            .collect();
        let room = json!({"cpu": self.cpu, "memory": self.memory, "pods": self.pods.to_string()});
        let node = json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "spec": {"taints": taints},
            "status": {
                "allocatable": room,
                "capacity": room,
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            },
        });
        Ok(serde_json::from_value(node)?)
    }
}
