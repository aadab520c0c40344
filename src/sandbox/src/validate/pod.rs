//! Pod specs (`pkg/apis/core/validation`), the part that schedulers and people get wrong.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{is_label, is_qualified_name, is_subdomain, quantities};
use crate::quantity;
use crate::status::FieldError;

/// Checks a pod's or a template's spec at `path`.
pub(super) fn spec(path: &str, spec: &Value, errors: &mut Vec<FieldError>) {
    if spec["containers"].as_array().is_none_or(Vec::is_empty) {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    let mut names = BTreeSet::new();
    for list in ["initContainers", "containers"] {
        for (i, one) in spec[list].as_array().into_iter().flatten().enumerate() {
            container(&format!("{path}.{list}[{i}]"), one, &mut names, errors);
        }
    }
    let policies = ["Always", "OnFailure", "Never"];
    if !policies.iter().any(|p| spec["restartPolicy"] == *p) {
        let field = format!("{path}.restartPolicy");
        errors.push(FieldError::unsupported(field, &spec["restartPolicy"], &policies));
    }
    for field in ["schedulerName", "nodeName", "priorityClassName"] {
        let name = spec[field].as_str().unwrap_or_default();
        if !name.is_empty() && !is_subdomain(name) {
            errors.push(FieldError::invalid(
                format!("{path}.{field}"),
                &spec[field],
                "not a valid name",
            ));
        }
    }
    super::labels(&format!("{path}.nodeSelector"), &spec["nodeSelector"], errors);
    quantities(&format!("{path}.overhead"), &spec["overhead"], errors);
    for (i, toleration) in spec["tolerations"].as_array().into_iter().flatten().enumerate() {
        self::toleration(&format!("{path}.tolerations[{i}]"), toleration, errors);
    }
    gates(path, spec, errors);
    for (i, spread) in
        spec["topologySpreadConstraints"].as_array().into_iter().flatten().enumerate()
    {
        let path = format!("{path}.topologySpreadConstraints[{i}]");
        if spread["maxSkew"].as_i64().unwrap_or(0) < 1 {
            errors.push(FieldError::invalid(
                format!("{path}.maxSkew"),
                &spread["maxSkew"],
                "must be greater than zero",
            ));
        }
        if spread["topologyKey"].as_str().unwrap_or_default().is_empty() {
            errors.push(FieldError::required(format!("{path}.topologyKey"), "can not be empty"));
        }
    }
}

fn gates(path: &str, spec: &Value, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (i, gate) in spec["schedulingGates"].as_array().into_iter().flatten().enumerate() {
        let field = format!("{path}.schedulingGates[{i}]");
        let name = gate["name"].as_str().unwrap_or_default();
        if !is_qualified_name(name) {
            errors.push(FieldError::invalid(field, &gate["name"], "not a qualified name"));
        } else if !seen.insert(name) {
            errors.push(FieldError::duplicate(field, &gate["name"]));
        }
    }
    let gated = !seen.is_empty();
    if gated && !spec["nodeName"].as_str().unwrap_or_default().is_empty() {
        let detail = "cannot be set until all schedulingGates have been cleared";
        errors.push(FieldError::forbidden(format!("{path}.nodeName"), detail));
    }
}

fn container<'a>(
    path: &str,
    container: &'a Value,
    names: &mut BTreeSet<&'a str>,
    errors: &mut Vec<FieldError>,
) {
    let name = container["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    } else if !is_label(name) {
        errors.push(FieldError::invalid(format!("{path}.name"), &container["name"], super::LABEL));
    } else if !names.insert(name) {
        errors.push(FieldError::duplicate(format!("{path}.name"), &container["name"]));
    }
    if container["image"].as_str().unwrap_or_default().is_empty() {
        errors.push(FieldError::required(format!("{path}.image"), ""));
    }
    let resources = &container["resources"];
    quantities(&format!("{path}.resources.limits"), &resources["limits"], errors);
    quantities(&format!("{path}.resources.requests"), &resources["requests"], errors);
    for (resource, limit) in resources["limits"].as_object().into_iter().flatten() {
        let request = &resources["requests"][resource];
        if let (Some(r), Some(l)) = (quantity::parse(request), quantity::parse(limit))
            && r > l
        {
            let detail = format!("must be less than or equal to {resource} limit of {limit}");
            let field = format!("{path}.resources.requests");
            errors.push(FieldError::invalid(field, request, &detail));
        }
    }
    for (i, port) in container["ports"].as_array().into_iter().flatten().enumerate() {
        for (field, required) in [("containerPort", true), ("hostPort", false)] {
            let number = port[field].as_i64();
            let absent = port[field].is_null() || (number == Some(0) && !required);
            if !number.is_some_and(|n| (1..=65535).contains(&n)) && (required || !absent) {
                let path = format!("{path}.ports[{i}].{field}");
                let detail = "must be between 1 and 65535, inclusive";
                errors.push(FieldError::invalid(path, &port[field], detail));
            }
        }
    }
}

fn toleration(path: &str, toleration: &Value, errors: &mut Vec<FieldError>) {
    let operators = ["Equal", "Exists", "Lt", "Gt"];
    let text = |field: &str| toleration[field].as_str().unwrap_or_default();
    let operator = text("operator");
    if !operator.is_empty() && !operators.contains(&operator) {
        errors.push(FieldError::unsupported(
            format!("{path}.operator"),
            &toleration["operator"],
            &operators,
        ));
    }
    if text("key").is_empty() && operator != "Exists" {
        let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.push(FieldError::invalid(
            format!("{path}.operator"),
            &toleration["operator"],
            detail,
        ));
    }
    if operator == "Exists" && !text("value").is_empty() {
        let detail = "value must be empty when `operator` is 'Exists'";
        errors.push(FieldError::invalid(format!("{path}.operator"), &toleration["value"], detail));
    }
}

/// Fields of a pod's spec that may change after creation; images are looked at apart.
const MUTABLE: &[&str] =
    &["activeDeadlineSeconds", "tolerations", "schedulingGates", "terminationGracePeriodSeconds"];

/// Checks a pod's new spec, and that only what may change did (`ValidatePodUpdate`).
pub(super) fn update(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    spec("spec", new, errors);
    let gated = old["schedulingGates"].as_array().is_some_and(|g| !g.is_empty());
    let comparable = |spec: &Value| {
        let mut spec = spec.clone();
        for list in ["containers", "initContainers"] {
            for container in spec[list].as_array_mut().into_iter().flatten() {
                container["image"] = Value::Null;
                container["imagePullPolicy"] = Value::Null;
            }
        }
        if let Some(fields) = spec.as_object_mut() {
            fields.retain(|f, v| {
                let open = gated && matches!(f.as_str(), "nodeSelector" | "affinity");
                !MUTABLE.contains(&f.as_str()) && !open && !v.is_null()
            });
        }
        spec
    };
    if comparable(old) != comparable(new) {
        let detail = "pod updates may not change fields other than \
            `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
            `spec.tolerations` (only additions to existing tolerations),\
            `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        errors.push(FieldError::forbidden("spec", detail));
    }
    let names = |spec: &Value| -> BTreeSet<String> {
        let gates = spec["schedulingGates"].as_array().into_iter().flatten();
        gates.filter_map(|g| g["name"].as_str().map(str::to_owned)).collect()
    };
    if !names(new).is_subset(&names(old)) {
        let detail = "only deletion is allowed, but found new scheduling gate";
        errors.push(FieldError::forbidden("spec.schedulingGates", detail));
    }
}
