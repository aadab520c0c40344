//! PUT and the second half of PATCH: from a changed object to a stored one.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Registry, Target, metadata};
use crate::defaults;
use crate::resource::Resource;
use crate::status::{Result, Status};
use crate::store::Object;
use crate::validate;

impl Registry {
    /// Replaces an object (or, with `status`, its status alone) by what a client sent.
    pub(crate) fn update(
        &self,
        target: Target<'_>,
        status: bool,
        value: &Value,
    ) -> Result<Arc<Object>> {
        self.update_with(target, status, |_| Ok(value.clone()))
    }

    /// As [`Registry::update`], the new object made from the current one; again from the newer
    /// one when another write came between and the new object names no resourceVersion.
    pub(crate) fn update_with(
        &self,
        target: Target<'_>,
        status: bool,
        mut change: impl FnMut(&Object) -> Result<Value>,
    ) -> Result<Arc<Object>> {
        let Target { resource, name, .. } = target;
        self.modify(target, |old| {
            let mut value = change(old)?;
            metadata::check_shape(resource, &value)?;
            metadata::check_request(target, &mut value)?;
            check_preconditions(target, old, &value)?;
            metadata::keep(&old.value, &mut value);
            keep_other_half(resource, status, &old.value, &mut value);
            defaults::apply(resource, &mut value, false);
            if resource.generation && !status && spec_changed(&old.value, &value) {
                let generation = old.value["metadata"]["generation"].as_i64().unwrap_or(0);
                value["metadata"]["generation"] = json!(generation + 1);
            }
            if status {
                validate::status(resource, name, &value)?;
            } else {
                validate::update(resource, &old.value, &value)?;
            }
            Ok(Some(value))
        })
    }
}

/// 409 for a resourceVersion or UID that is not the current one.
fn check_preconditions(target: Target<'_>, old: &Object, value: &Value) -> Result<()> {
    let Target { resource, name, .. } = target;
    let given = |field: &str| value["metadata"][field].as_str().filter(|s| !s.is_empty());
    if let Some(uid) = given("uid")
        && uid != old.uid()
    {
        let detail = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            old.uid()
        );
        return Err(Status::conflict(resource, name, &detail));
    }
    match given("resourceVersion") {
        Some(rv) if rv != old.version.rv.to_string() => Err(Status::modified(resource, name)),
        _ => Ok(()),
    }
}

/// An update of the object cannot touch the status, nor the other way round.
fn keep_other_half(resource: &Resource, status: bool, old: &Value, value: &mut Value) {
    if !resource.has_status() {
        return;
    }
    let (Some(new), Some(old)) = (value.as_object_mut(), old.as_object()) else { return };
    if !status {
        match old.get("status") {
            Some(kept) => new.insert("status".into(), kept.clone()),
            None => new.remove("status"),
        };
        return;
    }
    new.retain(|field, _| {
        matches!(field.as_str(), "metadata" | "status") || old.contains_key(field)
    });
    for (field, kept) in old.iter().filter(|(f, _)| !matches!(f.as_str(), "metadata" | "status")) {
        new.insert(field.clone(), kept.clone());
    }
    let owners = old.get("metadata").map(|m| m["ownerReferences"].clone()).unwrap_or_default();
    if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
        if owners.is_null() {
            metadata.remove("ownerReferences");
        } else {
            metadata.insert("ownerReferences".into(), owners);
        }
    }
}

fn spec_changed(old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return false };
    let counts = |field: &String| !matches!(field.as_str(), "metadata" | "status");
    new.iter().filter(|(f, _)| counts(f)).any(|(f, v)| old.get(f) != Some(v))
        || old.keys().filter(|f| counts(f)).any(|f| !new.contains_key(f))
}
