//! `printNode`.

use serde_json::{Value, json};

use super::{AGE, Column, NAME, age, name, text, text_or};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column("Status", "string", 0),
    Column("Roles", "string", 0),
    AGE,
    Column("Version", "string", 0),
    Column("Internal-IP", "string", 1),
    Column("External-IP", "string", 1),
    Column("OS-Image", "string", 1),
    Column("Kernel-Version", "string", 1),
    Column("Container-Runtime", "string", 1),
];

pub(super) fn cells(node: &Value) -> Vec<Value> {
    let info = &node["status"]["nodeInfo"];
    let kernel = info["kernelVersion"].as_str().filter(|k| !k.is_empty()).unwrap_or("<unknown>");
    let kernel = match info["architecture"].as_str() {
        Some(architecture) => format!("{kernel} ({architecture})"),
        None => kernel.to_owned(),
    };
    vec![
        name(node),
        json!(status(node)),
        json!(roles(node)),
        age(node),
        text(&info["kubeletVersion"]),
        address(node, "InternalIP"),
        address(node, "ExternalIP"),
        text_or(&info["osImage"], "<unknown>"),
        json!(kernel),
        text_or(&info["containerRuntimeVersion"], "<unknown>"),
    ]
}

fn status(node: &Value) -> String {
    let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    let mut status = match conditions.into_iter().find(|c| c["type"] == "Ready") {
        Some(ready) if ready["status"] == "True" => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if node["spec"]["unschedulable"] == json!(true) {
        status.push_str(",SchedulingDisabled");
    }
    status
}

fn roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    let roles: Vec<&str> = labels
        .filter_map(|(k, v)| match k.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if k == "kubernetes.io/role" => v.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

fn address(node: &Value, kind: &str) -> Value {
    let addresses = node["status"]["addresses"].as_array().into_iter().flatten();
    let found = addresses.into_iter().find(|a| a["type"] == kind);
    found.map_or_else(|| json!("<none>"), |a| a["address"].clone())
}
