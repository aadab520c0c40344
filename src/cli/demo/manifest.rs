//! A group's Jobs as `batch/v1` objects.

use serde_json::{Value, json};

use super::workload::{Group, Placement};

/// Where the demo's Jobs live.
pub(super) const NAMESPACE: &str = "default";

/// `schedulerName` of their pods.
pub(super) const SCHEDULER: &str = "berth";

/// How long the sandbox lets a pod run.
const RUN_FOR: &str = "sandbox.berth.dev/run-for";

/// The Job of an index in its group.
pub(super) fn job(group: &Group, index: usize) -> Value {
    let pods = group.jobs.get(index).copied().unwrap_or(0);
    let labels = json!({"app.kubernetes.io/part-of": "berth-demo"});
    let mut spec = json!({
        "schedulerName": SCHEDULER,
        "restartPolicy": "Never",
        "containers": [{
            "name": "work",
            "image": "registry.k8s.io/pause:3.10",
            "resources": resources(group),
        }],
    });
    place(&mut spec, &group.placement);
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": group.job_name(index), "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "parallelism": pods,
            "completions": pods,
            "completionMode": if group.indexed { "Indexed" } else { "NonIndexed" },
            "template": {
                "metadata": {
                    "labels": labels,
                    "annotations": {RUN_FOR: format!("{}s", group.run_for.as_secs())},
                },
                "spec": spec,
            },
        },
    })
}

fn resources(group: &Group) -> Value {
    let request = &group.request;
    let mut requests = json!({
        "cpu": format!("{}m", request.milli_cpu),
        "memory": format!("{}Mi", request.memory_mib),
    });
    if request.gpus == 0 {
        return json!({"requests": requests});
    }
    // Extended resources are not over-committed: the API server wants a limit equal to the request.
    let gpus = request.gpus.to_string();
    requests["nvidia.com/gpu"] = json!(gpus);
    json!({"requests": requests, "limits": {"nvidia.com/gpu": gpus}})
}

fn place(spec: &mut Value, placement: &Placement) {
    match placement {
        Placement::Anywhere => {}
        Placement::Zone(zone) => {
            spec["nodeSelector"] = json!({"topology.kubernetes.io/zone": zone});
        }
        Placement::InstanceType(kind) => {
            let key = "node.kubernetes.io/instance-type";
            let term = json!({
                "matchExpressions": [{"key": key, "operator": "In", "values": [kind]}],
            });
            spec["affinity"] = json!({"nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]},
            }});
        }
        Placement::Gpu => {
            spec["tolerations"] = json!([
                {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
            ]);
        }
        Placement::Batch => {
            spec["nodeSelector"] = json!({"dedicated": "batch"});
            spec["tolerations"] = json!([
                {"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoSchedule"},
            ]);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use k8s_openapi::api::batch::v1::Job;

    use super::super::inventory::Inventory;
    use super::super::workload;
    use super::*;

    #[test]
    fn every_job_is_a_batch_v1_job() {
        let inventory = Inventory::of(&berth_sandbox::nodes(200));
        for group in workload::plan(4000, &inventory) {
            let manifest = job(&group, 0);
            let typed: Job = serde_json::from_value(manifest).unwrap();
            let spec = typed.spec.unwrap();
            assert_eq!(spec.parallelism, spec.completions, "{}", group.name);
            let pod = spec.template.spec.unwrap();
            assert_eq!(pod.scheduler_name.as_deref(), Some("berth"));
            let selects = pod.node_selector.is_some() || pod.affinity.is_some();
            let open = matches!(group.placement, Placement::Anywhere | Placement::Gpu);
            assert_eq!(selects, !open, "{}", group.name);
        }
    }

    #[test]
    fn gpus_are_limited_to_what_is_requested() {
        let inventory = Inventory::of(&berth_sandbox::nodes(200));
        let groups = workload::plan(4000, &inventory);
        let group = groups.iter().find(|g| g.impossible).unwrap();
        assert_eq!(
            resources(group),
            json!({
                "requests": {"cpu": "1000m", "memory": "1024Mi", "nvidia.com/gpu": "16"},
                "limits": {"nvidia.com/gpu": "16"},
            })
        );
    }
}
