//! What the demo reads of a pod, in the API server's JSON.

use serde::Deserialize;

/// Something the watch said.
#[derive(Debug, Clone)]
pub(super) enum Sighting {
    /// A pod is there, or has changed.
    Pod(PodSeen),
    /// The pod of this UID is gone.
    Gone(String),
    /// These pods and no others are there.
    All(Vec<PodSeen>),
}

/// A pod's phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
}

/// A pod.
#[derive(Debug, Clone)]
pub(super) struct PodSeen {
    pub(super) uid: String,
    pub(super) name: String,
    /// Name of its Job.
    pub(super) job: String,
    pub(super) node: Option<String>,
    pub(super) phase: Phase,
    /// Message of the condition PodScheduled=False.
    pub(super) message: Option<String>,
}

/// `v1.PodList`.
#[derive(Debug, Deserialize)]
pub(super) struct PodList {
    pub(super) metadata: ListMeta,
    #[serde(default)]
    pub(super) items: Vec<Pod>,
}

/// `metav1.ListMeta`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListMeta {
    #[serde(default)]
    pub(super) resource_version: String,
    #[serde(default, rename = "continue")]
    pub(super) next: String,
}

/// `v1.Pod`, as far as it is read.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pod {
    pub(super) metadata: Meta,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

/// `metav1.ObjectMeta`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    name: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
    #[serde(default)]
    labels: Labels,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Labels {
    #[serde(default, rename = "batch.kubernetes.io/job-name")]
    job: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    node_name: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Status {
    #[serde(default)]
    phase: String,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(default)]
    message: String,
}

impl From<Pod> for PodSeen {
    fn from(pod: Pod) -> Self {
        let mut conditions = pod.status.conditions.into_iter();
        let unscheduled = conditions.find(|c| c.kind == "PodScheduled" && c.status == "False");
        Self {
            uid: pod.metadata.uid,
            name: pod.metadata.name,
            job: pod.metadata.labels.job,
            node: Some(pod.spec.node_name).filter(|node| !node.is_empty()),
            phase: match pod.status.phase.as_str() {
                "Running" => Phase::Running,
                "Succeeded" => Phase::Succeeded,
                "Failed" => Phase::Failed,
                _ => Phase::Pending,
            },
            message: unscheduled.map(|condition| condition.message),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_why_a_pod_waits_and_where_it_went() {
        let mut object = json!({
            "metadata": {
                "name": "sweep-x", "uid": "u", "resourceVersion": "7",
                "labels": {"batch.kubernetes.io/job-name": "sweep", "other": "label"},
            },
            "spec": {"schedulerName": "berth", "containers": []},
            "status": {"phase": "Pending", "conditions": [{
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "0/3 nodes are available",
            }]},
        });
        let seen = PodSeen::from(serde_json::from_value::<Pod>(object.clone()).unwrap());
        assert_eq!((seen.job.as_str(), seen.node), ("sweep", None));
        assert_eq!(seen.message.as_deref(), Some("0/3 nodes are available"));
        object["spec"]["nodeName"] = json!("node-00001");
        object["status"]["phase"] = json!("Running");
        object["status"]["conditions"][0]["status"] = json!("True");
        let seen = PodSeen::from(serde_json::from_value::<Pod>(object).unwrap());
        assert_eq!((seen.node.as_deref(), seen.message), (Some("node-00001"), None));
        assert_eq!(seen.phase, Phase::Running);
    }
}
