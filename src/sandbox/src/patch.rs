//! PATCH bodies: JSON patch (RFC 6902) and JSON merge patch (RFC 7386) here, strategic merge in
//! `patch/strategic.rs`, server-side apply in `patch/apply.rs`.

pub(crate) mod apply;
mod fieldset;
pub(crate) mod merge_keys;
pub(crate) mod strategic;

use serde_json::Value;

use crate::status::{Result, Status};

/// The media types of PATCH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchKind {
    /// The kind of a `Content-Type`, without its parameters.
    pub(crate) fn of(media_type: &str) -> Option<Self> {
        Some(match media_type {
            "application/json-patch+json" => Self::Json,
            "application/merge-patch+json" => Self::Merge,
            "application/strategic-merge-patch+json" => Self::Strategic,
            "application/apply-patch+yaml" => Self::Apply,
            _ => return None,
        })
    }
}

/// Applies a JSON merge patch: null removes, objects merge, all else replaces.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(object) = target.as_object_mut() else { return };
    for (field, value) in fields {
        if value.is_null() {
            object.remove(field);
        } else {
            merge(object.entry(field.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Applies a JSON patch, all operations or none.
pub(crate) fn json(target: &mut Value, patch: &Value) -> Result<()> {
    let operations =
        patch.as_array().ok_or_else(|| Status::bad_request("a JSON patch must be a list"))?;
    for operation in operations {
        json_operation(target, operation).map_err(|detail| {
            let message =
                format!("the server rejected our request due to an error in our request: {detail}");
            Status { code: 422, reason: "Invalid", message, details: Value::Null }
        })?;
    }
    Ok(())
}

fn json_operation(target: &mut Value, operation: &Value) -> Result<(), String> {
    let path = operation["path"].as_str().ok_or("an operation has no path")?;
    let from = || operation["from"].as_str().ok_or("an operation has no \"from\"");
    let value = || operation.get("value").cloned().ok_or("an operation has no value");
    let read = |target: &Value, path: &str| {
        target.pointer(path).cloned().ok_or_else(|| format!("path {path} does not exist"))
    };
    match operation["op"].as_str().unwrap_or_default() {
        "add" => add(target, path, value()?),
        "remove" => remove(target, path).map(|_| ()),
        "replace" => {
            let slot = target.pointer_mut(path);
            *slot.ok_or_else(|| format!("replace: path {path} does not exist"))? = value()?;
            Ok(())
        }
        "move" => {
            let moved = remove(target, from()?)?;
            add(target, path, moved)
        }
        "copy" => {
            let copied = read(target, from()?)?;
            add(target, path, copied)
        }
        "test" if read(target, path).ok() == operation.get("value").cloned() => Ok(()),
        "test" => Err(format!("testing path {path} failed")),
        other => Err(format!("unknown operation {other:?}")),
    }
}

fn parent<'a, 'p>(
    target: &'a mut Value,
    path: &'p str,
) -> Result<(&'a mut Value, &'p str), String> {
    let (parent, last) =
        path.rsplit_once('/').ok_or_else(|| format!("path {path:?} has no '/'"))?;
    let parent = target.pointer_mut(parent).ok_or_else(|| format!("path {path} does not exist"))?;
    Ok((parent, last))
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (parent, last) = parent(target, path)?;
    match parent {
        Value::Object(map) => {
            map.insert(unescape(last), value);
            Ok(())
        }
        Value::Array(list) => {
            let at = if last == "-" { Some(list.len()) } else { last.parse().ok() };
            let at = at.filter(|at| *at <= list.len());
            list.insert(at.ok_or_else(|| format!("path {path} is out of the list"))?, value);
            Ok(())
        }
        _ => Err(format!("path {path} does not exist")),
    }
}

fn remove(target: &mut Value, path: &str) -> Result<Value, String> {
    let (parent, last) = parent(target, path)?;
    let removed = match parent {
        Value::Object(map) => map.remove(&unescape(last)),
        Value::Array(list) => {
            let at = last.parse().ok().filter(|at: &usize| *at < list.len());
            at.map(|at| list.remove(at))
        }
        _ => None,
    };
    removed.ok_or_else(|| format!("path {path} does not exist"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn merge_patch() {
        let mut value = json!({"a": {"b": 1, "c": 2}, "l": [1, 2]});
        merge(&mut value, &json!({"a": {"b": null, "d": {"e": null, "f": 1}}, "l": [3]}));
        assert_eq!(value, json!({"a": {"c": 2, "d": {"f": 1}}, "l": [3]}));
    }

    #[test]
    fn json_patch() {
        let mut value = json!({"a": {"x/y": 1}, "l": [1, 3]});
        let patch = json!([
            {"op": "test", "path": "/a/x~1y", "value": 1},
            {"op": "add", "path": "/l/1", "value": 2},
            {"op": "add", "path": "/l/-", "value": 4},
            {"op": "copy", "from": "/l/0", "path": "/first"},
            {"op": "move", "from": "/a/x~1y", "path": "/moved"},
            {"op": "replace", "path": "/first", "value": 9},
        ]);
        super::json(&mut value, &patch).unwrap();
        assert_eq!(value, json!({"a": {}, "l": [1, 2, 3, 4], "first": 9, "moved": 1}));
        for bad in [
            json!([{"op": "remove", "path": "/gone"}]),
            json!([{"op": "add", "path": "/l/9", "value": 1}]),
            json!([{"op": "test", "path": "/first", "value": 1}]),
            json!([{"op": "jump", "path": "/first"}]),
            json!({}),
        ] {
            assert!(super::json(&mut value, &bad).is_err(), "{bad}");
        }
    }
}
