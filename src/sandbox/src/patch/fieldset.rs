//! Sets of fields as `managedFields` writes them (`FieldsV1`: `f:name`, `k:{"name":"a"}`, `.`).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::merge_keys::{apply_keys, key_default};

/// One step into an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Field(String),
    /// An item of a list by its keys, as the compact JSON of them.
    Item(String),
}

/// A path from the root of an object.
pub(super) type Path = Vec<Step>;

/// The fields of an applied configuration: each leaf, and each list item itself.
pub(super) fn of(config: &Value) -> BTreeSet<Path> {
    let mut set = BTreeSet::new();
    for (field, value) in config.as_object().into_iter().flatten() {
        if matches!(field.as_str(), "apiVersion" | "kind") {
            continue;
        }
        walk(&mut vec![Step::Field(field.clone())], "", field, value, &mut set);
    }
    for identity in ["name", "namespace"] {
        set.remove(&vec![Step::Field("metadata".into()), Step::Field(identity.into())]);
    }
    set
}

fn walk(path: &mut Path, parent: &str, field: &str, value: &Value, set: &mut BTreeSet<Path>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (inner, value) in map {
                path.push(Step::Field(inner.clone()));
                walk(path, field, inner, value, set);
                path.pop();
            }
        }
        Value::Array(items) if !apply_keys(parent, field).is_empty() => {
            for item in items {
                let keys = item_keys(apply_keys(parent, field), item);
                path.push(Step::Item(keys.to_string()));
                set.insert(path.clone());
                for (inner, value) in item.as_object().into_iter().flatten() {
                    path.push(Step::Field(inner.clone()));
                    walk(path, field, inner, value, set);
                    path.pop();
                }
                path.pop();
            }
        }
        _ => {
            set.insert(path.clone());
        }
    }
}

/// The key fields of a list item, defaults filled in.
pub(super) fn item_keys(keys: &[&str], item: &Value) -> Value {
    let mut identity = Map::new();
    for key in keys {
        let value = item.get(*key).cloned().filter(|v| !v.is_null());
        let value = value.or_else(|| key_default(key).map(Value::from)).unwrap_or(Value::Null);
        identity.insert((*key).to_owned(), value);
    }
    Value::Object(identity)
}

/// The set as `fieldsV1`.
pub(super) fn to_fields_v1(set: &BTreeSet<Path>) -> Value {
    let mut root = json!({});
    for path in set {
        let mut at = &mut root;
        for step in path {
            let name = match step {
                Step::Field(field) => format!("f:{field}"),
                Step::Item(keys) => format!("k:{keys}"),
            };
            if at[&name].is_null() {
                at[&name] = json!({});
            }
            at = &mut at[&name];
        }
        if matches!(path.last(), Some(Step::Item(_))) {
            at["."] = json!({});
        }
    }
    root
}

/// Reads `fieldsV1` back.
pub(super) fn from_fields_v1(fields: &Value) -> BTreeSet<Path> {
    let mut set = BTreeSet::new();
    read(&mut Vec::new(), fields, &mut set);
    set
}

fn read(path: &mut Path, fields: &Value, set: &mut BTreeSet<Path>) {
    let Some(map) = fields.as_object() else { return };
    if (map.is_empty() || map.contains_key(".")) && !path.is_empty() {
        set.insert(path.clone());
    }
    for (name, inner) in map {
        let step = match name.split_once(':') {
            Some(("f", field)) => Step::Field(field.to_owned()),
            Some(("k", keys)) => Step::Item(keys.to_owned()),
            _ => continue,
        };
        path.push(step);
        read(path, inner, set);
        path.pop();
    }
}

/// The path as conflicts name it: `.spec.containers[name="a"].image`.
pub(super) fn display(path: &Path) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Field(field) => {
                text.push('.');
                text.push_str(field);
            }
            Step::Item(keys) => {
                let keys: Value = serde_json::from_str(keys).unwrap_or_default();
                let pairs = keys.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={v}"));
                text.push_str(&format!("[{}]", pairs.collect::<Vec<_>>().join(",")));
            }
        }
    }
    text
}

fn is_item(keys: &str, item: &Value) -> bool {
    let keys: Value = serde_json::from_str(keys).unwrap_or_default();
    keys.as_object().is_some_and(|keys| {
        keys.iter().all(|(key, value)| {
            let have = &item[key];
            have == value || (have.is_null() && key_default(key).is_some_and(|d| value == d))
        })
    })
}

/// The value at a path.
pub(super) fn get<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(value, |at, step| match step {
        Step::Field(field) => at.get(field),
        Step::Item(keys) => at.as_array()?.iter().find(|item| is_item(keys, item)),
    })
}

/// Removes the value at a path.
pub(super) fn remove(value: &mut Value, path: &[Step]) {
    let Some((last, parents)) = path.split_last() else { return };
    let parent = parents.iter().try_fold(value, |at, step| match step {
        Step::Field(field) => at.get_mut(field),
        Step::Item(keys) => at.as_array_mut()?.iter_mut().find(|item| is_item(keys, item)),
    });
    match (parent, last) {
        (Some(Value::Object(map)), Step::Field(field)) => {
            map.remove(field);
        }
        (Some(Value::Array(list)), Step::Item(keys)) => list.retain(|item| !is_item(keys, item)),
        _ => {}
    }
}
