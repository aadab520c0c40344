//! The pods of a Job, as `pkg/controller/job` makes them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::registry::{Registry, Target, event};
use crate::resource;
use crate::status::Result;
use crate::store::{Object, key};

/// `SuccessfulCreate` events per Job. The real recorder aggregates after ten alike too.
pub(super) const CREATED_EVENTS_MAX: u64 = 10;

const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Makes one pod; answers its key too.
pub(super) fn create(
    registry: &Registry,
    job: &Object,
    index: Option<u32>,
) -> Result<(String, Arc<Object>)> {
    let template = &job.value["spec"]["template"];
    let prefix = match index {
        Some(index) => format!("{}-{index}-", job.name()),
        None => format!("{}-", job.name()),
    };
    let mut metadata = json!({
        "generateName": prefix,
        "labels": template["metadata"]["labels"],
        "annotations": template["metadata"]["annotations"],
        "ownerReferences": [{
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job.name(),
            "uid": job.uid(),
            "controller": true,
            "blockOwnerDeletion": true,
        }],
    });
    let mut spec = template["spec"].clone();
    if let Some(index) = index {
        metadata["labels"][INDEX] = json!(index.to_string());
        metadata["annotations"][INDEX] = json!(index.to_string());
        if spec["hostname"].is_null() {
            spec["hostname"] = json!(format!("{}-{index}", job.name()));
        }
        for list in ["initContainers", "containers"] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut);
            containers.into_iter().flatten().for_each(add_index_variable);
        }
    }
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
    let created = registry.create(Target::new(resource::pods(), job.namespace(), ""), pod)?;
    Ok((key(job.namespace(), created.name()), created))
}

/// `JOB_COMPLETION_INDEX` from the pod's label.
fn add_index_variable(container: &mut Value) {
    let name = "JOB_COMPLETION_INDEX";
    let env = container.get("env").and_then(Value::as_array);
    if env.is_some_and(|env| env.iter().any(|e| e["name"] == name)) {
        return;
    }
    let field = json!({"fieldRef": {"apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")}});
    if !container["env"].is_array() {
        container["env"] = json!([]);
    }
    if let Some(env) = container["env"].as_array_mut() {
        env.push(json!({"name": name, "valueFrom": field}));
    }
}

/// Writes the event kubectl shows under a Job.
pub(super) fn record_created(registry: &Registry, job: &Object, pod: &str) {
    let note = format!("Created pod: {pod}");
    event::record(
        registry,
        resource::jobs(),
        job,
        "Normal",
        "SuccessfulCreate",
        &note,
        "job-controller",
    );
}
