//! `fieldValidation`: fields no kind here has, at the levels where people mistype them.

use serde_json::Value;

use crate::resource::Resource;

const POD_SPEC: &[&str] = &[
    "activeDeadlineSeconds",
    "affinity",
    "automountServiceAccountToken",
    "containers",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "ephemeralContainers",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostUsers",
    "hostname",
    "hostnameOverride",
    "imagePullSecrets",
    "initContainers",
    "nodeName",
    "nodeSelector",
    "os",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "resourceClaims",
    "resources",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "schedulingGates",
    "schedulingGroup",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
    "workloadRef",
];
const CONTAINER: &[&str] = &[
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "resizePolicy",
    "resources",
    "restartPolicy",
    "restartPolicyRules",
    "securityContext",
    "startupProbe",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
];
const JOB_SPEC: &[&str] = &[
    "activeDeadlineSeconds",
    "backoffLimit",
    "backoffLimitPerIndex",
    "completionMode",
    "completions",
    "managedBy",
    "manualSelector",
    "maxFailedIndexes",
    "parallelism",
    "podFailurePolicy",
    "podReplacementPolicy",
    "scheduling",
    "selector",
    "successPolicy",
    "suspend",
    "template",
    "ttlSecondsAfterFinished",
];
const NODE_SPEC: &[&str] =
    &["configSource", "externalID", "podCIDR", "podCIDRs", "providerID", "taints", "unschedulable"];
const METADATA: &[&str] = &[
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Paths of unknown fields, as in the real server's `unknown field "spec.x"`.
pub(crate) fn unknown_fields(resource: &Resource, value: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    check("", value, top_level(resource), &mut unknown);
    check("metadata", &value["metadata"], METADATA, &mut unknown);
    match resource.kind {
        "Pod" => pod_spec("spec", &value["spec"], &mut unknown),
        "Job" => {
            check("spec", &value["spec"], JOB_SPEC, &mut unknown);
            let template = &value["spec"]["template"];
            check("spec.template", template, &["metadata", "spec"], &mut unknown);
            pod_spec("spec.template.spec", &template["spec"], &mut unknown);
        }
        "Node" => check("spec", &value["spec"], NODE_SPEC, &mut unknown),
        _ => {}
    }
    unknown
}

fn pod_spec(path: &str, spec: &Value, unknown: &mut Vec<String>) {
    check(path, spec, POD_SPEC, unknown);
    for list in ["containers", "initContainers"] {
        for (i, container) in spec[list].as_array().into_iter().flatten().enumerate() {
            check(&format!("{path}.{list}[{i}]"), container, CONTAINER, unknown);
        }
    }
}

fn check(path: &str, value: &Value, known: &[&str], unknown: &mut Vec<String>) {
    if known.is_empty() {
        return;
    }
    for field in value.as_object().into_iter().flatten().map(|(field, _)| field) {
        if !known.contains(&field.as_str()) {
            let dot = if path.is_empty() { "" } else { "." };
            unknown.push(format!("{path}{dot}{field}"));
        }
    }
}

/// Known top-level fields of a kind.
fn top_level(resource: &Resource) -> &'static [&'static str] {
    match resource.kind {
        "ConfigMap" => &["apiVersion", "kind", "metadata", "data", "binaryData", "immutable"],
        "Secret" => &["apiVersion", "kind", "metadata", "data", "stringData", "immutable", "type"],
        "ServiceAccount" => &[
            "apiVersion",
            "kind",
            "metadata",
            "secrets",
            "imagePullSecrets",
            "automountServiceAccountToken",
        ],
        "PriorityClass" => &[
            "apiVersion",
            "kind",
            "metadata",
            "value",
            "globalDefault",
            "description",
            "preemptionPolicy",
        ],
        "Role" => &["apiVersion", "kind", "metadata", "rules"],
        "ClusterRole" => &["apiVersion", "kind", "metadata", "rules", "aggregationRule"],
        "RoleBinding" | "ClusterRoleBinding" => {
            &["apiVersion", "kind", "metadata", "subjects", "roleRef"]
        }
        // Kinds with many top-level fields, which nobody writes by hand here.
        "Event" | "StorageClass" | "CSIStorageCapacity" | "Endpoints" | "EndpointSlice" => &[],
        _ => &["apiVersion", "kind", "metadata", "spec", "status"],
    }
}
