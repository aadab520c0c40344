//! Server-side apply (KEP-555): the configuration is merged in, fields its manager no longer
//! names go, and fields of other appliers conflict unless forced.
//! Ownership is tracked for appliers; plain updates do not take fields away from them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::fieldset::{self, Path};
use super::merge_keys::apply_keys;
use crate::status::{Result, Status};
use crate::timestamp;

/// Who applies what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Apply<'a> {
    pub(crate) manager: &'a str,
    pub(crate) force: bool,
    pub(crate) api_version: &'a str,
    pub(crate) subresource: &'a str,
}

impl Apply<'_> {
    /// The object after applying `config` to `live` (an empty object for a creation).
    pub(crate) fn apply(self, live: &Value, config: &Value) -> Result<Value> {
        if self.manager.is_empty() {
            return Err(Status::new(
                422,
                "Invalid",
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is \
                 required for apply patch",
            ));
        }
        if config.pointer("/metadata/managedFields").is_some_and(|m| !m.is_null()) {
            return Err(Status::bad_request("metadata.managedFields must be nil"));
        }
        let set = fieldset::of(config);
        let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
        let mut entries = entries.cloned().unwrap_or_default();
        let mine = entries.iter().position(|e| self.is_mine(e));
        let before = mine.map(|at| fieldset::from_fields_v1(&entries[at]["fieldsV1"]));
        self.settle_conflicts(live, config, &set, &mut entries)?;
        let mut value = live.clone();
        merge("", &mut value, config);
        for path in before.unwrap_or_default().difference(&set) {
            let shared = entries
                .iter()
                .filter(|e| !self.is_mine(e))
                .any(|e| fieldset::from_fields_v1(&e["fieldsV1"]).contains(path));
            if !shared {
                fieldset::remove(&mut value, path);
            }
        }
        let fields = fieldset::to_fields_v1(&set);
        match mine {
            Some(at) if entries[at]["fieldsV1"] == fields => {}
            Some(at) => entries[at] = self.entry(&fields),
            None => entries.push(self.entry(&fields)),
        }
        entries.retain(|e| e["fieldsV1"].as_object().is_some_and(|f| !f.is_empty()));
        value["metadata"]["managedFields"] = json!(entries);
        Ok(value)
    }

    fn entry(&self, fields: &Value) -> Value {
        let mut entry = json!({
            "manager": self.manager,
            "operation": "Apply",
            "apiVersion": self.api_version,
            "time": timestamp::now(),
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        });
        if !self.subresource.is_empty() {
            entry["subresource"] = json!(self.subresource);
        }
        entry
    }

    fn is_mine(&self, entry: &Value) -> bool {
        entry["manager"] == self.manager
            && entry["operation"] == "Apply"
            && entry["subresource"].as_str().unwrap_or_default() == self.subresource
    }

    /// Fields that another manager owns with another value: a conflict, or, forced, taken away.
    fn settle_conflicts(
        &self,
        live: &Value,
        config: &Value,
        set: &BTreeSet<Path>,
        entries: &mut [Value],
    ) -> Result<()> {
        let mut causes = Vec::new();
        for entry in entries.iter_mut().filter(|e| !self.is_mine(e)) {
            let mut theirs = fieldset::from_fields_v1(&entry["fieldsV1"]);
            let changed: Vec<Path> = set
                .intersection(&theirs)
                .filter(|path| !is_item_itself(path))
                .filter(|path| fieldset::get(live, path) != fieldset::get(config, path))
                .cloned()
                .collect();
            if changed.is_empty() {
                continue;
            }
            for path in changed {
                let manager = entry["manager"].as_str().unwrap_or_default();
                causes.push(json!({
                    "reason": "FieldManagerConflict",
                    "message": format!("conflict with {manager:?}"),
                    "field": fieldset::display(&path),
                }));
                theirs.remove(&path);
            }
            entry["fieldsV1"] = fieldset::to_fields_v1(&theirs);
        }
        if causes.is_empty() || self.force {
            return Ok(());
        }
        let lines: Vec<String> = causes
            .iter()
            .map(|c| {
                format!(
                    "{}: {}",
                    c["message"].as_str().unwrap_or(""),
                    c["field"].as_str().unwrap_or("")
                )
            })
            .collect();
        let noun = if causes.len() == 1 { "conflict" } else { "conflicts" };
        let message = format!("Apply failed with {} {noun}: {}", causes.len(), lines.join(", "));
        let mut status = Status::new(409, "Conflict", message);
        status.details = json!({"causes": causes});
        Err(status)
    }
}

fn is_item_itself(path: &Path) -> bool {
    matches!(path.last(), Some(fieldset::Step::Item(_)))
}

fn merge(field: &str, live: &mut Value, config: &Value) {
    let Value::Object(fields) = config else {
        *live = config.clone();
        return;
    };
    if !live.is_object() {
        *live = Value::Object(Map::new());
    }
    let Some(object) = live.as_object_mut() else { return };
    for (inner, value) in fields {
        let slot = object.entry(inner.clone()).or_insert(Value::Null);
        let keys = apply_keys(field, inner);
        match value {
            Value::Array(items) if !keys.is_empty() => merge_items(inner, keys, slot, items),
            Value::Null => {
                object.remove(inner);
            }
            _ => merge(inner, slot, value),
        }
    }
}

fn merge_items(field: &str, keys: &[&str], live: &mut Value, items: &[Value]) {
    if !live.is_array() {
        *live = json!([]);
    }
    let Some(list) = live.as_array_mut() else { return };
    for item in items {
        let identity = fieldset::item_keys(keys, item);
        let old = list.iter().position(|old| fieldset::item_keys(keys, old) == identity);
        let at = old.unwrap_or_else(|| {
            list.push(Value::Null);
            list.len() - 1
        });
        merge(field, &mut list[at], item);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn by(manager: &str, force: bool) -> Apply<'_> {
        Apply { manager, force, api_version: "v1", subresource: "" }
    }

    #[test]
    fn fields_a_manager_drops_go_away() {
        let first = json!({"metadata": {"name": "a", "labels": {"x": "1", "y": "2"}},
            "spec": {"containers": [{"name": "c", "image": "i"}, {"name": "d", "image": "i"}]}});
        let live = by("m", false).apply(&json!({}), &first).unwrap();
        let second = json!({"metadata": {"name": "a", "labels": {"x": "1"}},
            "spec": {"containers": [{"name": "c", "image": "j"}]}});
        let live = by("m", false).apply(&live, &second).unwrap();
        assert_eq!(live["metadata"]["labels"], json!({"x": "1"}));
        assert_eq!(live["spec"]["containers"], json!([{"name": "c", "image": "j"}]));
        assert_eq!(live["metadata"]["managedFields"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn another_managers_field_conflicts_unless_forced() {
        let config = |v: &str| json!({"metadata": {"name": "a"}, "data": {"k": v}});
        let live = by("one", false).apply(&json!({}), &config("1")).unwrap();
        assert!(by("two", false).apply(&live, &config("1")).is_ok(), "equal values are shared");
        let error = by("two", false).apply(&live, &config("2")).unwrap_err();
        assert_eq!((error.code, error.reason), (409, "Conflict"));
        assert_eq!(error.details["causes"][0]["field"], ".data.k");
        let live = by("two", true).apply(&live, &config("2")).unwrap();
        assert_eq!(live["data"]["k"], "2");
        let managers = live["metadata"]["managedFields"].as_array().unwrap();
        assert_eq!(managers.len(), 1, "the first owns nothing any more: {managers:?}");
    }

    #[test]
    fn an_applier_must_name_itself() {
        assert_eq!(by("", false).apply(&json!({}), &json!({})).unwrap_err().code, 422);
    }
}
