//! Jobs of alike pods.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::batch::v1::Job;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;

use crate::patience;

/// A Job to submit. Its pods tolerate every taint with key `e2e/own`.
#[derive(Debug, Clone)]
pub struct JobShape {
    /// Its name.
    pub name: String,
    /// `schedulerName` of its pods.
    pub scheduler: String,
    /// Pods that must succeed.
    pub completions: usize,
    /// Pods at a time.
    pub parallelism: usize,
    /// Every pod has a number.
    pub indexed: bool,
    /// The node pool its pods ask for.
    pub pool: String,
    /// CPU request of a pod, a quantity.
    pub cpu: String,
    /// Memory request of a pod, a quantity.
    pub memory: String,
}

impl JobShape {
    /// `count` pods at once, 500m and 64Mi each, on the nodes of `pool`.
    pub fn new(name: &str, scheduler: &str, pool: &str, count: usize) -> Self {
        Self {
            name: name.to_owned(),
            scheduler: scheduler.to_owned(),
            completions: count,
            parallelism: count,
            indexed: false,
            pool: pool.to_owned(),
            cpu: "500m".to_owned(),
            memory: "64Mi".to_owned(),
        }
    }

    /// Creates it in the namespace `default`.
    pub async fn submit(&self, client: &Client) -> Result<()> {
        let api: Api<Job> = Api::namespaced(client.clone(), "default");
        let mode = if self.indexed { "Indexed" } else { "NonIndexed" };
        let job = json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": self.name},
            "spec": {
                "completions": self.completions,
                "parallelism": self.parallelism,
                "completionMode": mode,
                "backoffLimit": 0,
                "template": {
                    "metadata": {"annotations": {
                        // KWOK lets a pod run for 1 to 3 s.
                        "pod-complete.stage.kwok.x-k8s.io/delay": "1s",
                        "pod-complete.stage.kwok.x-k8s.io/jitter-delay": "3s",
                    }},
                    "spec": {
                        "schedulerName": self.scheduler,
                        "restartPolicy": "Never",
                        "nodeSelector": {"e2e/pool": self.pool},
                        "tolerations": [{"key": "e2e/own", "operator": "Exists"}],
                        "containers": [{
                            "name": "work",
                            "image": "e2e.invalid/work:1",
                            "resources": {"requests": {"cpu": self.cpu, "memory": self.memory}},
                        }],
                    },
                },
            },
        });
        let job = serde_json::from_value(job)?;
        api.create(&PostParams::default(), &job).await.with_context(|| self.name.clone())?;
        Ok(())
    }

    /// Waits until the Job is complete.
    pub async fn complete(&self, client: &Client, limit: Duration) -> Result<()> {
        let api: Api<Job> = Api::namespaced(client.clone(), "default");
        let what = format!("Job {} complete", self.name);
        patience::until(&what, limit, Duration::from_millis(500), async || {
            let status = api.get_status(&self.name).await?.status.context("no status")?;
            let done = status.conditions.iter().flatten();
            let done = done.filter(|condition| condition.status == "True");
            let types: Vec<&str> = done.map(|condition| condition.type_.as_str()).collect();
            let succeeded = status.succeeded.unwrap_or_default();
            ensure!(
                types.contains(&"Complete"),
                "{succeeded} of {} succeeded, conditions {types:?}",
                self.completions
            );
            Ok(())
        })
        .await
    }
}
