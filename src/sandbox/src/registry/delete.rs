//! DELETE: preconditions, finalizers, propagation, and the grace a bound pod gets.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Registry, TRIES_MAX, Target, unstored};
use crate::resource::Resource;
use crate::status::{Result, Status};
use crate::store::Object;
use crate::timestamp;

/// `metav1.DeleteOptions`, as far as they matter here.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_period_seconds: Option<i64>,
    pub(crate) propagation_policy: Option<String>,
    pub(crate) orphan_dependents: Option<bool>,
    pub(crate) preconditions: Preconditions,
    pub(crate) dry_run: Vec<String>,
}

/// State the object must have for the deletion to happen.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Preconditions {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

/// What became of the object.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// It is gone; its last state.
    Gone(Arc<Object>),
    /// It waits for a finalizer or for its node; its present state.
    Waits(Arc<Object>),
}

impl Registry {
    /// Deletes an object, or begins to.
    pub(crate) fn delete(&self, target: Target<'_>, options: &DeleteOptions) -> Result<Deleted> {
        let Target { resource, name, .. } = target;
        for _ in 0..TRIES_MAX {
            let old = self.get(target)?;
            check_preconditions(target, &old, &options.preconditions)?;
            let mut value = old.value.clone();
            let waits = begin(resource, &old, &mut value, options);
            if target.dry_run {
                return Ok(Deleted::Waits(unstored(resource, value)));
            }
            if waits {
                if let Ok(object) = self.store.replace(resource, &old, value) {
                    return Ok(Deleted::Waits(object));
                }
            } else if let Ok(version) = self.store.remove(resource, &old) {
                return Ok(Deleted::Gone(Arc::new(Object { value: old.value.clone(), version })));
            }
        }
        Err(Status::modified(resource, name))
    }
}

fn check_preconditions(target: Target<'_>, old: &Object, want: &Preconditions) -> Result<()> {
    let failed = |field: &str, want: &str, have: &str| {
        let detail = format!(
            "Precondition failed: {field} in precondition: {want}, {field} in object meta: {have}"
        );
        Err(Status::conflict(target.resource, target.name, &detail))
    };
    if let Some(uid) = want.uid.as_deref()
        && uid != old.uid()
    {
        return failed("UID", uid, old.uid());
    }
    let rv = old.version.rv.to_string();
    match want.resource_version.as_deref() {
        Some(want) if want != rv => failed("ResourceVersion", want, &rv),
        _ => Ok(()),
    }
}

/// Writes the deletion into `value`; true when the object has to wait for someone.
fn begin(resource: &Resource, old: &Object, value: &mut Value, options: &DeleteOptions) -> bool {
    let mut grace = grace_seconds(resource, old, options);
    if let Some(before) = value["metadata"]["deletionGracePeriodSeconds"].as_i64() {
        grace = grace.min(before);
    }
    let metadata = &mut value["metadata"];
    let mut finalizers: Vec<String> = metadata["finalizers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|f| f.as_str().map(str::to_owned))
        .collect();
    let wanted = match (options.propagation_policy.as_deref(), options.orphan_dependents) {
        (Some("Foreground"), _) => Some("foregroundDeletion"),
        (Some("Orphan"), _) | (None, Some(true)) => Some("orphan"),
        _ => None,
    };
    if let Some(wanted) = wanted
        && !finalizers.iter().any(|f| f == wanted)
    {
        finalizers.push(wanted.to_owned());
    }
    let waits = !finalizers.is_empty() || grace > 0 || resource.kind == "Namespace";
    if !finalizers.is_empty() {
        metadata["finalizers"] = json!(finalizers);
    }
    let first = metadata["deletionTimestamp"].is_null();
    let shorter = metadata["deletionGracePeriodSeconds"].as_i64().is_some_and(|s| grace < s);
    if first || shorter {
        let seconds = u64::try_from(grace).unwrap_or(0);
        metadata["deletionTimestamp"] = json!(timestamp::after(Duration::from_secs(seconds)));
        metadata["deletionGracePeriodSeconds"] = json!(grace);
        if resource.generation
            && let Some(generation) = metadata["generation"].as_i64()
        {
            metadata["generation"] = json!(generation + 1);
        }
    }
    if resource.kind == "Namespace" && value["status"].is_object() {
        value["status"]["phase"] = json!("Terminating");
    }
    waits
}

/// Only a pod that runs on a node gets time to end (`podStrategy.CheckGracefulDelete`).
fn grace_seconds(resource: &Resource, old: &Object, options: &DeleteOptions) -> i64 {
    if !resource.is_pods() {
        return 0;
    }
    let text = |pointer| old.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let ended = matches!(text("/status/phase"), "Succeeded" | "Failed");
    if text("/spec/nodeName").is_empty() || ended {
        return 0;
    }
    let own = old.value.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
    options.grace_period_seconds.or(own).unwrap_or(30).max(0)
}
