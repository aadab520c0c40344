//! Strategic merge patch (apimachinery `pkg/util/strategicpatch`): lists merge by key, and
//! directives (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`) say
//! what a merge cannot.

use serde_json::{Map, Value};

use super::merge_keys::{ListMerge, of_list};
use crate::status::{Result, Status};

/// Applies a strategic merge patch.
pub(crate) fn apply(target: &mut Value, patch: &Value) -> Result<()> {
    let fields = patch
        .as_object()
        .ok_or_else(|| Status::bad_request("a strategic merge patch must be an object"))?;
    merge_object("", target, fields);
    Ok(())
}

fn merge_object(name: &str, target: &mut Value, patch: &Map<String, Value>) {
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let kept = patch.iter().filter(|(k, _)| *k != "$patch");
            *target = Value::Object(kept.map(|(k, v)| (k.clone(), v.clone())).collect());
            return;
        }
        Some("delete") => {
            *target = Value::Null;
            return;
        }
        _ => {}
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(object) = target.as_object_mut() else { return };
    if let Some(retained) = patch.get("$retainKeys").and_then(Value::as_array) {
        object.retain(|field, _| retained.iter().any(|r| r == field));
    }
    for (field, value) in patch {
        if let Some(list) = field.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(list) = object.get_mut(list).and_then(Value::as_array_mut) {
                list.retain(|item| !gone.contains(item));
            }
        }
        if field.starts_with('$') {
            continue;
        }
        match value {
            Value::Null => {
                object.remove(field);
            }
            Value::Object(inner) => {
                let slot = object.entry(field.clone()).or_insert(Value::Null);
                merge_object(field, slot, inner);
                if slot.is_null() {
                    object.remove(field);
                }
            }
            Value::Array(items) => {
                let slot = object.entry(field.clone()).or_insert(Value::Null);
                merge_list(name, field, slot, items);
            }
            plain => {
                object.insert(field.clone(), plain.clone());
            }
        }
    }
    for (field, order) in patch {
        if let Some(list) = field.strip_prefix("$setElementOrder/") {
            reorder(name, list, object.get_mut(list), order);
        }
    }
}

fn merge_list(parent: &str, field: &str, target: &mut Value, items: &[Value]) {
    let replaced = items.iter().any(|item| item["$patch"] == "replace");
    let strategy = of_list(parent, field);
    let Some(old) = target.as_array_mut().filter(|_| !replaced && strategy != ListMerge::Atomic)
    else {
        let kept = items.iter().filter(|item| item["$patch"].is_null());
        *target = Value::Array(kept.cloned().collect());
        return;
    };
    let ListMerge::ByKey(key) = strategy else {
        for item in items {
            if !old.contains(item) {
                old.push(item.clone());
            }
        }
        return;
    };
    for item in items {
        let Some(fields) = item.as_object() else { continue };
        let at = old.iter().position(|o| o[key] == item[key]);
        match (at, item["$patch"] == "delete") {
            (Some(at), true) => {
                old.remove(at);
            }
            (None, true) => {}
            (Some(at), false) => merge_object(field, &mut old[at], fields),
            (None, false) => {
                let mut new = Value::Object(Map::new());
                merge_object(field, &mut new, fields);
                old.push(new);
            }
        }
    }
}

/// Puts the items that the order names into that order; the others keep their place at the end.
fn reorder(parent: &str, field: &str, list: Option<&mut Value>, order: &Value) {
    let (Some(list), Some(order)) = (list.and_then(Value::as_array_mut), order.as_array()) else {
        return;
    };
    let rank = |item: &Value| {
        let at = order.iter().position(|o| match of_list(parent, field) {
            ListMerge::ByKey(key) => o[key] == item[key],
            _ => o == item,
        });
        at.unwrap_or(usize::MAX)
    };
    list.sort_by_key(rank);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn patched(mut value: Value, patch: &Value) -> Value {
        apply(&mut value, patch).unwrap();
        value
    }

    #[test]
    fn lists_merge_by_their_key() {
        let pod = json!({"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b"}]},
            "status": {"conditions": [{"type": "Ready", "status": "False"}]}});
        let patch = json!({"spec": {"containers": [{"name": "a", "image": "y"}, {"name": "c"}]},
            "status": {"conditions": [{"type": "PodScheduled", "status": "False"}]}});
        let after = patched(pod, &patch);
        assert_eq!(after["spec"]["containers"][0], json!({"name": "a", "image": "y"}));
        assert_eq!(after["spec"]["containers"].as_array().unwrap().len(), 3);
        assert_eq!(after["status"]["conditions"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn directives() {
        let node = json!({"spec": {"taints": [{"key": "a"}, {"key": "b"}]},
            "metadata": {"finalizers": ["x", "y"], "labels": {"l": "1", "m": "2"}}});
        let patch = json!({
            "spec": {"taints": [{"$patch": "delete", "key": "a"}, {"key": "c"}],
                "$setElementOrder/taints": [{"key": "c"}, {"key": "b"}]},
            "metadata": {"$deleteFromPrimitiveList/finalizers": ["x"], "labels": {"l": null}},
        });
        let after = patched(node, &patch);
        assert_eq!(after["spec"], json!({"taints": [{"key": "c"}, {"key": "b"}]}));
        assert_eq!(after["metadata"], json!({"finalizers": ["y"], "labels": {"m": "2"}}));
        let replaced =
            patched(json!({"a": {"b": 1}}), &json!({"a": {"$patch": "replace", "c": 2}}));
        assert_eq!(replaced, json!({"a": {"c": 2}}));
        let kept = patched(
            json!({"strategy": {"type": "x", "rolling": {}}}),
            &json!({"strategy": {"$retainKeys": ["type"], "type": "y"}}),
        );
        assert_eq!(kept, json!({"strategy": {"type": "y"}}));
    }

    #[test]
    fn tolerations_are_atomic() {
        let after = patched(
            json!({"spec": {"tolerations": [{"key": "a"}]}}),
            &json!({"spec": {"tolerations": [{"key": "b"}]}}),
        );
        assert_eq!(after["spec"]["tolerations"], json!([{"key": "b"}]));
    }
}
