//! Pods: identity, and what is a pod's own and not its template's.

use berth_engine::Input;
use berth_engine::record::{ObjectKey, Phase, PodRecord, PreemptionPolicy, ScheduledCondition};
use serde::Deserialize;

use super::meta::ObjectMeta;
use super::object::{Told, WireObject};
use super::pod_spec::PodSpec;
use super::pod_status::PodStatus;
use super::resize;
use super::scalar::{Time, non_empty, string_map, text};
use crate::watch::error::{FieldError, Within};
use crate::watch::resume::number;
use crate::watch::templates::Templates;

/// `v1.Pod`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Pod {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<PodSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<PodStatus>,
}

impl WireObject for Pod {
    type Record = PodRecord;
    type Schema = k8s_openapi::api::core::v1::Pod;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    /// A pod without a uid (a file, never the API server) goes by `namespace/name`.
    fn record(self, templates: &mut Templates) -> Result<PodRecord, FieldError> {
        let mut meta = self.metadata.unwrap_or_default();
        let mut spec = self.spec.unwrap_or_default();
        let status = self.status.unwrap_or_default();
        let owner = meta.controller().map(|owner| templates.share_owner(owner));
        let node_name = non_empty(spec.node_name.take());
        let priority = spec.priority.unwrap_or_default();
        let preemption_policy = match spec.preemption_policy.as_deref() {
            Some("Never") => PreemptionPolicy::Never,
            _ => PreemptionPolicy::PreemptLowerPriority,
        };
        let scheduling_gates =
            std::mem::take(&mut spec.scheduling_gates).into_iter().map(|g| text(g.name)).collect();
        let key = meta.key();
        let spec = spec.record(&key.name).within("spec")?;
        let phase = phase(&status);
        let started_ms = status.start_time.map(Time::millis);
        let scheduled = scheduled(&status);
        let preempted = is_preempted(&status);
        let (nominated, resize) = resize::record(status, &spec).within("status")?;
        let resource_version = meta.resource_version.as_deref().map_or(0, number);
        let uid = non_empty(meta.uid).unwrap_or_else(|| key.to_string().into_boxed_str());
        Ok(PodRecord {
            namespace: key.namespace,
            name: key.name,
            uid,
            resource_version,
            labels: string_map(meta.labels),
            owner,
            created_ms: meta.creation_timestamp.map_or(0, Time::millis),
            generation: meta.generation.unwrap_or(0),
            terminating: meta.deletion_timestamp.is_some(),
            spec: templates.share(spec),
            node_name,
            priority,
            preemption_policy,
            scheduling_gates,
            phase,
            nominated_node_name: non_empty(nominated),
            started_ms,
            preempted,
            scheduled,
            resize: resize.map(Box::new),
        })
    }
}

impl Told for Pod {
    fn applied(record: PodRecord) -> Input {
        Input::PodApplied(Box::new(record))
    }
    fn deleted(key: ObjectKey, uid: Option<Box<str>>) -> Input {
        let uid = uid.unwrap_or_else(|| key.to_string().into_boxed_str());
        Input::PodDeleted { key, uid }
    }
}

fn phase(status: &PodStatus) -> Phase {
    match status.phase.as_deref() {
        None | Some("" | "Pending") => Phase::Pending,
        Some("Running") => Phase::Running,
        Some("Succeeded") => Phase::Succeeded,
        Some("Failed") => Phase::Failed,
        Some(_) => Phase::Unknown,
    }
}

/// `PodTerminatingByPreemption` without the deletion timestamp: the first `DisruptionTarget`
/// counts.
fn is_preempted(status: &PodStatus) -> bool {
    let target = status.conditions.iter().find(|c| c.kind.as_deref() == Some("DisruptionTarget"));
    target.is_some_and(|c| {
        c.status.as_deref() == Some("True") && c.reason.as_deref() == Some("PreemptionByScheduler")
    })
}

fn scheduled(status: &PodStatus) -> Option<ScheduledCondition> {
    let condition = status.conditions.iter().find(|c| c.kind.as_deref() == Some("PodScheduled"))?;
    let copy = |field: &Option<String>| field.as_deref().unwrap_or_default().into();
    Some(ScheduledCondition {
        status: copy(&condition.status),
        reason: copy(&condition.reason),
        message: copy(&condition.message),
        observed_generation: condition.observed_generation.unwrap_or(0),
    })
}
