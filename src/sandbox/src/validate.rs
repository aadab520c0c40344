//! The checks of the real server that a wrong manifest runs into: names, labels, and in
//! `validate/` what is particular to pods and Jobs.

mod job;
mod pod;
pub(crate) mod strict;

use serde_json::Value;

use crate::annotations;
use crate::object::name_of;
use crate::quantity;
use crate::resource::Resource;
use crate::status::{FieldError, Result, Status};

/// Checks a new object.
pub(crate) fn create(resource: &Resource, value: &Value) -> Result<()> {
    let mut errors = Vec::new();
    name(resource, value, &mut errors);
    labels("metadata.labels", &value["metadata"]["labels"], &mut errors);
    match resource.kind {
        "Pod" => {
            pod::spec("spec", &value["spec"], &mut errors);
            for (field, given, detail) in annotations::check(&value["metadata"]["annotations"]) {
                errors.push(FieldError::invalid(field, &given, detail));
            }
        }
        "Job" => job::create(&value["spec"], &mut errors),
        "Node" => node(value, &mut errors),
        "PriorityClass" => priority_class(value, &mut errors),
        _ => {}
    }
    finish(resource, value, &errors)
}

/// Checks a changed object, and that nothing immutable changed.
pub(crate) fn update(resource: &Resource, old: &Value, value: &Value) -> Result<()> {
    let mut errors = Vec::new();
    labels("metadata.labels", &value["metadata"]["labels"], &mut errors);
    match resource.kind {
        "Pod" => pod::update(&old["spec"], &value["spec"], &mut errors),
        "Job" => job::update(&old["spec"], &value["spec"], &mut errors),
        "Node" => node(value, &mut errors),
        "PriorityClass" if old["value"] != value["value"] => {
            errors.push(FieldError::forbidden("value", "may not be changed in an update."));
        }
        _ => {}
    }
    finish(resource, value, &errors)
}

/// Checks a changed status.
pub(crate) fn status(resource: &Resource, name: &str, value: &Value) -> Result<()> {
    let mut errors = Vec::new();
    match resource.kind {
        "Node" => node(value, &mut errors),
        "Pod" => {
            let phase = &value["status"]["phase"];
            let known = ["Pending", "Running", "Succeeded", "Failed", "Unknown"];
            if !known.iter().any(|k| phase == k) && !phase.is_null() {
                errors.push(FieldError::unsupported("status.phase", phase, &known));
            }
        }
        _ => {}
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid(resource, name, &errors)) }
}

fn finish(resource: &Resource, value: &Value, errors: &[FieldError]) -> Result<()> {
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid(resource, name_of(value), errors)) }
}

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
     characters, '-' or '.', and must start and end with an alphanumeric character";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric \
     characters or '-', and must start and end with an alphanumeric character";

fn name(resource: &Resource, value: &Value, errors: &mut Vec<FieldError>) {
    let name = name_of(value);
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
        return;
    }
    let rbac = resource.group == "rbac.authorization.k8s.io";
    let (valid, detail) = match resource.kind {
        // Path segments only (`path.ValidatePathSegmentName`).
        _ if rbac => {
            (!name.contains(['/', '%']) && name != "." && name != "..", "may not contain '/'")
        }
        "Namespace" => (is_label(name), LABEL),
        "Service" => (is_label(name), LABEL),
        _ => (is_subdomain(name), SUBDOMAIN),
    };
    if !valid {
        errors.push(FieldError::invalid("metadata.name", &value["metadata"]["name"], detail));
    }
}

/// RFC 1123 label: at most 63 of a-z, 0-9 and inner '-'.
pub(crate) fn is_label(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// RFC 1123 subdomain: labels joined by dots, at most 253 in all.
pub(crate) fn is_subdomain(text: &str) -> bool {
    let part = |p: &str| {
        !p.is_empty()
            && p.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
            && !p.starts_with('-')
            && !p.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

/// `[prefix/]name` of labels, taints and extended resources.
pub(crate) fn is_qualified_name(text: &str) -> bool {
    let (prefix, name) = text.rsplit_once('/').map_or((None, text), |(p, n)| (Some(p), n));
    prefix.is_none_or(|p| !p.is_empty() && is_subdomain(p))
        && !name.is_empty()
        && is_label_value(name)
}

/// A label's value: empty, or at most 63 of letters, digits and inner `-_.`.
pub(crate) fn is_label_value(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && edge(text.chars().next())
        && edge(text.chars().next_back())
}

pub(crate) fn labels(path: &str, labels: &Value, errors: &mut Vec<FieldError>) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        if !is_qualified_name(key) {
            errors.push(FieldError::invalid(
                path,
                &Value::from(key.as_str()),
                "not a qualified name",
            ));
        }
        if !value.as_str().is_some_and(is_label_value) {
            errors.push(FieldError::invalid(path, value, "not a valid label value"));
        }
    }
}

/// A map of quantities, none below zero.
pub(crate) fn quantities(path: &str, list: &Value, errors: &mut Vec<FieldError>) {
    for (resource, amount) in list.as_object().into_iter().flatten() {
        let field = format!("{path}[{resource}]");
        match quantity::parse(amount) {
            None => {
                let detail = "quantities must match the regular expression \
                              '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
                errors.push(FieldError::invalid(field, amount, detail));
            }
            Some(n) if n < 0.0 => {
                errors.push(FieldError::invalid(
                    field,
                    amount,
                    "must be greater than or equal to 0",
                ));
            }
            Some(_) if !is_qualified_name(resource) => {
                let name = Value::from(resource.as_str());
                errors.push(FieldError::invalid(field, &name, "not a qualified name"));
            }
            Some(_) => {}
        }
    }
}

fn node(value: &Value, errors: &mut Vec<FieldError>) {
    quantities("status.capacity", &value["status"]["capacity"], errors);
    quantities("status.allocatable", &value["status"]["allocatable"], errors);
    for (i, taint) in value["spec"]["taints"].as_array().into_iter().flatten().enumerate() {
        let path = format!("spec.taints[{i}]");
        if !taint["key"].as_str().is_some_and(is_qualified_name) {
            errors.push(FieldError::invalid(
                format!("{path}.key"),
                &taint["key"],
                "not a qualified name",
            ));
        }
        let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        if !known.iter().any(|k| taint["effect"] == *k) {
            errors.push(FieldError::unsupported(
                format!("{path}.effect"),
                &taint["effect"],
                &known,
            ));
        }
    }
}

fn priority_class(value: &Value, errors: &mut Vec<FieldError>) {
    let number = value["value"].as_i64();
    let system = name_of(value).starts_with("system-");
    match number {
        None => errors.push(FieldError::required("value", "must be an integer")),
        Some(n) if n > 1_000_000_000 && !system => {
            let detail = "maximum allowed value of a user defined priority is 1000000000";
            errors.push(FieldError::forbidden("value", detail));
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(is_subdomain("a.b-c.0") && !is_subdomain("A") && !is_subdomain("a..b"));
        assert!(is_qualified_name("example.com/x_Y") && !is_qualified_name("/x"));
        assert!(is_label_value("") && !is_label_value("-a"));
    }
}
