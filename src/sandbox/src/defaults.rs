//! Defaults the real server writes into objects, as far as a scheduler, a controller or kubectl
//! reads them (`pkg/apis/*/v1/defaults.go`).

use serde_json::{Value, json};

use crate::object::set_condition;
use crate::resource::Resource;

/// Fills in defaults; `create` also sets the status a new object starts with.
pub(crate) fn apply(resource: &Resource, value: &mut Value, create: bool) {
    if create && resource.has_status() && !keeps_status(resource) {
        value["status"] = json!({});
    }
    match resource.kind {
        "Pod" => pod(value, create),
        "Job" => job(value, create),
        "Namespace" => namespace(value, create),
        "Node" => node(value),
        "PriorityClass" => {
            or_set(&mut value["preemptionPolicy"], json!("PreemptLowerPriority"));
        }
        "ReplicaSet" | "StatefulSet" | "Deployment" | "ReplicationController" => {
            or_set(&mut value["spec"]["replicas"], json!(1));
            value.pointer_mut("/spec/template").into_iter().for_each(template);
        }
        "PersistentVolume" => {
            or_set(&mut value["spec"]["persistentVolumeReclaimPolicy"], json!("Retain"));
            or_set(&mut value["spec"]["volumeMode"], json!("Filesystem"));
            or_set(&mut value["status"]["phase"], json!("Pending"));
        }
        "PersistentVolumeClaim" => {
            or_set(&mut value["spec"]["volumeMode"], json!("Filesystem"));
            or_set(&mut value["status"]["phase"], json!("Pending"));
        }
        "StorageClass" => {
            or_set(&mut value["reclaimPolicy"], json!("Delete"));
            or_set(&mut value["volumeBindingMode"], json!("Immediate"));
        }
        "Secret" => or_set(&mut value["type"], json!("Opaque")),
        "Service" => {
            or_set(&mut value["spec"]["type"], json!("ClusterIP"));
            or_set(&mut value["spec"]["sessionAffinity"], json!("None"));
        }
        _ => {}
    }
}

/// Kubelets register nodes with their status; of the rest, only what tests and tools set with
/// the object itself.
fn keeps_status(resource: &Resource) -> bool {
    matches!(resource.kind, "Node" | "PersistentVolume" | "PersistentVolumeClaim")
}

fn or_set(field: &mut Value, default: Value) {
    if field.is_null() || field.as_str() == Some("") {
        *field = default;
    }
}

fn node(value: &mut Value) {
    let capacity = value["status"]["capacity"].clone();
    if !capacity.is_null() {
        or_set(&mut value["status"]["allocatable"], capacity);
    }
}

fn namespace(value: &mut Value, create: bool) {
    if create {
        value["spec"]["finalizers"] = json!(["kubernetes"]);
        value["status"] = json!({"phase": "Active"});
        // NamespaceDefaultLabelName.
        let name = value["metadata"]["name"].clone();
        value["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
    }
}

/// A pod template: the defaults of a pod's spec without what admission adds.
fn template(template: &mut Value) {
    if template["spec"].is_object() {
        spec(&mut template["spec"]);
    }
}

fn pod(value: &mut Value, create: bool) {
    if !value["spec"].is_object() {
        return;
    }
    spec(&mut value["spec"]);
    if !create {
        return;
    }
    tolerate_outages(&mut value["spec"]["tolerations"]);
    merge_match_label_keys(value);
    value["status"] = json!({"phase": "Pending", "qosClass": qos(&value["spec"])});
    if value["spec"]["schedulingGates"].as_array().is_some_and(|g| !g.is_empty()) {
        let condition = json!({
            "type": "PodScheduled",
            "status": "False",
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
        });
        set_condition(&mut value["status"]["conditions"], condition);
    }
}

fn spec(spec: &mut Value) {
    for (field, default) in [
        ("restartPolicy", json!("Always")),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
        ("terminationGracePeriodSeconds", json!(30)),
        ("enableServiceLinks", json!(true)),
    ] {
        or_set(&mut spec[field], default);
    }
    let host_network = spec["hostNetwork"] == json!(true);
    for list in ["initContainers", "containers"] {
        let list = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in list.into_iter().flatten() {
            self::container(container, host_network);
        }
    }
}

fn container(container: &mut Value, host_network: bool) {
    let image = container["image"].as_str().unwrap_or_default();
    let latest =
        image.ends_with(":latest") || !image.rsplit('/').next().unwrap_or("").contains([':', '@']);
    let pull = if latest { "Always" } else { "IfNotPresent" };
    or_set(&mut container["imagePullPolicy"], json!(pull));
    or_set(&mut container["terminationMessagePath"], json!("/dev/termination-log"));
    or_set(&mut container["terminationMessagePolicy"], json!("File"));
    or_set(&mut container["resources"], json!({}));
    let limits = container["resources"]["limits"].clone();
    for (name, quantity) in limits.as_object().into_iter().flatten() {
        or_set(&mut container["resources"]["requests"][name], quantity.clone());
    }
    let ports = container.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter(|p| p.is_object()) {
        or_set(&mut port["protocol"], json!("TCP"));
        if host_network {
            let number = port["containerPort"].clone();
            or_set(&mut port["hostPort"], number);
        }
    }
}

/// The tolerations of the DefaultTolerationSeconds admission plugin.
fn tolerate_outages(tolerations: &mut Value) {
    if !tolerations.is_array() {
        *tolerations = json!([]);
    }
    let Some(list) = tolerations.as_array_mut() else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = list.iter().any(|t| {
            let of_key = t["key"].as_str().unwrap_or_default();
            let effect = t["effect"].as_str().unwrap_or_default();
            matches!(effect, "" | "NoExecute") && (of_key == key || of_key.is_empty())
        });
        if !tolerated {
            list.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            }));
        }
    }
}

/// `matchLabelKeys` become requirements of the label selector at creation
/// (`pkg/registry/core/pod/strategy.go`, applyMatchLabelKeysAndMismatchLabelKeys).
fn merge_match_label_keys(pod: &mut Value) {
    let labels = pod["metadata"]["labels"].clone();
    let merge = |term: &mut Value| {
        for (keys, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
            let keys = term[keys].as_array().cloned().unwrap_or_default();
            for key in keys {
                let Some(value) = key.as_str().and_then(|k| labels.get(k)) else { continue };
                let requirement = json!({"key": key, "operator": operator, "values": [value]});
                let Some(selector) = term.get_mut("labelSelector").filter(|s| s.is_object()) else {
                    continue;
                };
                if !selector["matchExpressions"].is_array() {
                    selector["matchExpressions"] = json!([]);
                }
                if let Some(list) = selector["matchExpressions"].as_array_mut() {
                    list.push(requirement);
                }
            }
        }
    };
    let spec = &mut pod["spec"];
    let spread = spec.get_mut("topologySpreadConstraints").and_then(Value::as_array_mut);
    for constraint in spread.into_iter().flatten() {
        merge(constraint);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        for (list, inner) in [
            ("requiredDuringSchedulingIgnoredDuringExecution", ""),
            ("preferredDuringSchedulingIgnoredDuringExecution", "/podAffinityTerm"),
        ] {
            let terms = spec.pointer_mut(&format!("/affinity/{kind}/{list}"));
            for term in terms.and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(term) = term.pointer_mut(inner).filter(|t| t.is_object()) {
                    merge(term);
                }
            }
        }
    }
}

/// `qos.ComputePodQOS` without pod-level resources.
fn qos(spec: &Value) -> &'static str {
    let lists = [&spec["containers"], &spec["initContainers"]];
    let containers = lists.iter().filter_map(|l| l.as_array()).flatten();
    let (mut any, mut guaranteed) = (false, true);
    for container in containers {
        for resource in ["cpu", "memory"] {
            let request = &container["resources"]["requests"][resource];
            let limit = &container["resources"]["limits"][resource];
            any |= !request.is_null() || !limit.is_null();
            guaranteed &= !limit.is_null() && request == limit;
        }
    }
    match (any, guaranteed) {
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
        (false, _) => "BestEffort",
    }
}

fn job(value: &mut Value, create: bool) {
    if !value["spec"].is_object() {
        return;
    }
    let uid = value["metadata"]["uid"].clone();
    let name = value["metadata"]["name"].clone();
    let spec = &mut value["spec"];
    if spec["completions"].is_null() && spec["parallelism"].is_null() {
        spec["completions"] = json!(1);
    }
    for (field, default) in [
        ("parallelism", json!(1)),
        ("backoffLimit", json!(6)),
        ("completionMode", json!("NonIndexed")),
        ("suspend", json!(false)),
        ("podReplacementPolicy", json!("TerminatingOrFailed")),
        ("manualSelector", json!(false)),
    ] {
        or_set(&mut spec[field], default);
    }
    spec.get_mut("template").into_iter().for_each(template);
    if create && spec["template"].is_object() && spec["manualSelector"] != json!(true) {
        // generateSelector of pkg/registry/batch/job/strategy.go, with the labels' old names.
        let labels = &mut spec["template"]["metadata"]["labels"];
        for (label, label_value) in [
            ("batch.kubernetes.io/controller-uid", &uid),
            ("controller-uid", &uid),
            ("batch.kubernetes.io/job-name", &name),
            ("job-name", &name),
        ] {
            labels[label] = label_value.clone();
        }
        spec["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    }
    if let Some(metadata) =
        value.pointer_mut("/spec/template/metadata").and_then(Value::as_object_mut)
    {
        metadata.remove("creationTimestamp");
    }
}
