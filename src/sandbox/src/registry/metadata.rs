//! ObjectMeta: what a request may say, and what the server fills in.

use serde_json::{Map, Value, json};

use super::Target;
use crate::random;
use crate::resource::Resource;
use crate::status::{Result, Status};
use crate::timestamp;

/// Longest prefix that leaves room for five random letters in 63 (`MaxGeneratedNameLength`).
const GENERATED_PREFIX_MAX: usize = 58;

/// The object is a map, and so is each part the server writes into; lists are lists.
pub(crate) fn check_shape(resource: &Resource, value: &Value) -> Result<()> {
    let wrong = |path: &str, want: &str| {
        Err(Status::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: field {path:?} must be {want}",
            resource.kind, resource.version, resource.kind
        )))
    };
    if !value.is_object() {
        return wrong("", "an object");
    }
    for path in OBJECTS {
        if value.pointer(path).is_some_and(|v| !v.is_object() && !v.is_null()) {
            return wrong(&dotted(path), "an object");
        }
    }
    for path in ARRAYS {
        if value.pointer(path).is_some_and(|v| !v.is_array() && !v.is_null()) {
            return wrong(&dotted(path), "a list");
        }
        for item in value.pointer(path).and_then(Value::as_array).into_iter().flatten() {
            if !item.is_object() {
                return wrong(&dotted(path), "a list of objects");
            }
            for inner in ["/resources", "/resources/requests", "/resources/limits"] {
                let inner = item.pointer(inner);
                if inner.is_some_and(|v| !v.is_object() && !v.is_null()) {
                    return wrong(&format!("{}[].resources", dotted(path)), "an object");
                }
            }
        }
    }
    for path in STRINGS {
        if value.pointer(path).is_some_and(|v| !v.is_string() && !v.is_null()) {
            return wrong(&dotted(path), "a string");
        }
    }
    for path in ["/metadata/labels", "/metadata/annotations", "/spec/nodeSelector"] {
        let map = value.pointer(path).and_then(Value::as_object);
        if map.into_iter().flatten().any(|(_, v)| !v.is_string()) {
            return wrong(&dotted(path), "a map of strings");
        }
    }
    Ok(())
}

/// 500 for a stored object whose parts cannot be written into. Only objects stored unchecked, by
/// a test, are like that.
pub(super) fn check_parts(resource: &Resource, value: &Value) -> Result<()> {
    let wrong = |part: &&&str| !value[**part].is_object() && !value[**part].is_null();
    match ["metadata", "spec", "status"].iter().find(wrong) {
        None => Ok(()),
        Some(part) => {
            let message = format!("the stored {} is malformed: {part} is no object", resource.kind);
            Err(Status::internal(message))
        }
    }
}

const OBJECTS: &[&str] = &[
    "/metadata",
    "/metadata/labels",
    "/metadata/annotations",
    "/spec",
    "/status",
    "/spec/template",
    "/spec/template/metadata",
    "/spec/template/metadata/labels",
    "/spec/template/metadata/annotations",
    "/spec/template/spec",
    "/spec/selector",
    "/spec/nodeSelector",
    "/spec/securityContext",
    "/spec/overhead",
    "/status/allocatable",
    "/status/capacity",
];

const ARRAYS: &[&str] = &[
    "/metadata/ownerReferences",
    "/spec/containers",
    "/spec/initContainers",
    "/spec/tolerations",
    "/spec/taints",
    "/spec/schedulingGates",
    "/spec/volumes",
    "/spec/topologySpreadConstraints",
    "/status/conditions",
    "/spec/template/spec/containers",
    "/spec/template/spec/initContainers",
    "/spec/template/spec/tolerations",
    "/spec/template/spec/volumes",
];

const STRINGS: &[&str] = &[
    "/apiVersion",
    "/kind",
    "/metadata/name",
    "/metadata/generateName",
    "/metadata/namespace",
    "/metadata/resourceVersion",
    "/metadata/uid",
    "/spec/nodeName",
    "/spec/schedulerName",
    "/spec/priorityClassName",
    "/spec/restartPolicy",
    "/spec/completionMode",
    "/status/phase",
];

/// `/spec/nodeName` as `spec.nodeName`.
fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// The body's kind, name and namespace agree with the path; fills in what the body leaves out.
pub(crate) fn check_request(target: Target<'_>, value: &mut Value) -> Result<()> {
    let resource = target.resource;
    let api_version = resource.api_version();
    for (field, want) in [("apiVersion", api_version.as_str()), ("kind", resource.kind)] {
        match value[field].as_str() {
            None | Some("") => value[field] = json!(want),
            Some(got) if got == want => {}
            Some(got) => {
                return Err(Status::bad_request(format!(
                    "the {field} in the data ({got}) does not match the expected {field} ({want})"
                )));
            }
        }
    }
    if value["metadata"].is_null() {
        value["metadata"] = json!({});
    }
    let namespace = value["metadata"]["namespace"].as_str().unwrap_or_default();
    if resource.namespaced {
        if !namespace.is_empty() && namespace != target.namespace {
            return Err(Status::bad_request(format!(
                "the namespace of the provided object does not match the namespace sent on the \
                 request ({namespace} != {})",
                target.namespace
            )));
        }
        value["metadata"]["namespace"] = json!(target.namespace);
    } else if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("namespace");
    }
    let name = value["metadata"]["name"].as_str().unwrap_or_default();
    if !target.name.is_empty() {
        if !name.is_empty() && name != target.name {
            return Err(Status::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                target.name
            )));
        }
        value["metadata"]["name"] = json!(target.name);
    }
    Ok(())
}

/// The prefix to generate a name from, where the object has no name of its own.
pub(crate) fn generate_name(value: &Value) -> Option<String> {
    let metadata = &value["metadata"];
    if metadata["name"].as_str().is_some_and(|name| !name.is_empty()) {
        return None;
    }
    let prefix = metadata["generateName"].as_str().filter(|p| !p.is_empty())?;
    let end = prefix.floor_char_boundary(GENERATED_PREFIX_MAX);
    Some(prefix[..end].to_owned())
}

/// The metadata of a new object.
pub(crate) fn begin(resource: &Resource, value: &mut Value) {
    let Some(metadata) = value["metadata"].as_object_mut() else { return };
    for field in ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"]
    {
        metadata.remove(field);
    }
    metadata.insert("uid".into(), json!(random::uid()));
    metadata.insert("creationTimestamp".into(), json!(timestamp::now()));
    metadata.remove("generation");
    if resource.generation {
        metadata.insert("generation".into(), json!(1));
    }
    drop_empty(metadata);
}

/// Leaves out what Go's `omitempty` leaves out.
fn drop_empty(metadata: &mut Map<String, Value>) {
    metadata.retain(|_, v| match v {
        Value::Null => false,
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::String(s) => !s.is_empty(),
        _ => true,
    });
}

/// Metadata that an update cannot change comes from the old state.
pub(crate) fn keep(old: &Value, value: &mut Value) {
    let Some(metadata) = value["metadata"].as_object_mut() else { return };
    for field in [
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "generateName",
    ] {
        match &old["metadata"][field] {
            Value::Null => metadata.remove(field),
            kept => metadata.insert(field.into(), kept.clone()),
        };
    }
    drop_empty(metadata);
}
