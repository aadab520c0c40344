//! Objects as JSON: their name, their conditions.

use serde_json::{Value, json};

use crate::timestamp;

/// `metadata.name`, or nothing.
pub(crate) fn name_of(value: &Value) -> &str {
    value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

/// Sets a condition in a list, by type; `lastTransitionTime` moves only with the status.
/// Answers whether anything changed.
pub(crate) fn set_condition(conditions: &mut Value, mut condition: Value) -> bool {
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(list) = conditions.as_array_mut() else { return false };
    let old = list.iter_mut().find(|c| c["type"] == condition["type"]);
    let same_status = old.as_ref().is_some_and(|c| c["status"] == condition["status"]);
    condition["lastTransitionTime"] = match &old {
        Some(old) if same_status => old["lastTransitionTime"].clone(),
        _ => json!(timestamp::now()),
    };
    match old {
        Some(old) if *old == condition => false,
        Some(old) => {
            *old = condition;
            true
        }
        None => {
            list.push(condition);
            true
        }
    }
}
