//! The part of a Pod that the record weighs.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Amounts, quantity};

/// A list of them, and its place in the history.
#[derive(Debug, Deserialize)]
pub(super) struct SlimPodList {
    pub(super) metadata: ListMeta,
    #[serde(default)]
    pub(super) items: Vec<SlimPod>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListMeta {
    pub(super) resource_version: String,
}

/// A Pod, without what nobody here looks at.
#[derive(Debug, Clone, Deserialize)]
pub struct SlimPod {
    /// Who it is.
    pub metadata: Metadata,
    /// What it asks for, and where it is.
    pub spec: Spec,
    /// How it fares.
    #[serde(default)]
    pub status: Status,
}

/// Part of ObjectMeta.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its uid.
    pub uid: String,
    /// Its place in the history.
    pub resource_version: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Part of PodSpec.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Where it is bound.
    pub node_name: Option<String>,
    /// Who is to bind it.
    pub scheduler_name: String,
    /// Its containers. The tests' pods have neither init containers nor overhead.
    pub containers: Vec<Container>,
}

/// Part of Container.
#[derive(Debug, Clone, Deserialize)]
pub struct Container {
    /// Its requests.
    #[serde(default)]
    pub resources: Resources,
}

/// Part of ResourceRequirements.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Resources {
    /// Quantities by resource.
    #[serde(default)]
    pub requests: BTreeMap<String, String>,
}

/// Part of PodStatus.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Pending, Running, Succeeded or Failed.
    pub phase: String,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

/// Part of PodCondition.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// PodScheduled, Ready, …
    #[serde(rename = "type")]
    pub kind: String,
    /// True or False.
    pub status: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

impl SlimPod {
    /// `namespace/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.metadata.namespace, self.metadata.name)
    }

    /// The Job it is of.
    pub fn job(&self) -> Option<&str> {
        self.metadata.labels.get("batch.kubernetes.io/job-name").map(String::as_str)
    }

    /// Its PodScheduled condition.
    pub fn scheduled(&self) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.kind == "PodScheduled")
    }

    /// Whether it takes no more room: Succeeded or Failed.
    pub fn has_ended(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// What it asks for. A quantity that cannot be read counts as nothing: the API server has
    /// checked them.
    pub(super) fn requests(&self) -> Amounts {
        let mut sum = [0, 0, 1];
        for container in &self.spec.containers {
            let requests = &container.resources.requests;
            let cpu = requests.get("cpu").and_then(|text| quantity::milli(text).ok());
            let memory = requests.get("memory").and_then(|text| quantity::whole(text).ok());
            sum[0] += cpu.unwrap_or_default();
            sum[1] += memory.unwrap_or_default();
        }
        sum
    }
}
