//! One version of one object, serialized once: what lists, watches and the history share.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::Value;

use crate::resource::Resource;

/// A written state of an object: its bytes and what selectors read.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) rv: u64,
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
    /// Sorted by key, as the JSON map is.
    pub(crate) labels: Box<[(Box<str>, Box<str>)]>,
    /// Values of the resource's selectable fields, in its order.
    pub(crate) fields: Box<[Box<str>]>,
    pub(crate) json: Bytes,
}

impl Version {
    /// Serializes `value` and copies out what selectors read.
    pub(crate) fn new(resource: &Resource, rv: u64, value: &Value) -> Self {
        let text = |pointer: &str| -> Box<str> {
            match value.pointer(pointer) {
                Some(Value::String(s)) => s.as_str().into(),
                Some(Value::Bool(b)) => if *b { "true" } else { "false" }.into(),
                Some(Value::Number(n)) => n.to_string().into(),
                _ => default_of(resource, pointer).into(),
            }
        };
        let labels = value.pointer("/metadata/labels").and_then(Value::as_object);
        Self {
            rv,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            labels: labels
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.as_str().into(), v.as_str().unwrap_or_default().into()))
                .collect(),
            fields: resource.fields.iter().map(|(_, pointer)| text(pointer)).collect(),
            // Serializing a Value cannot fail: its keys are strings.
            json: serde_json::to_vec(value).unwrap_or_default().into(),
        }
    }

    /// The value of a label.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        let at = self.labels.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?;
        Some(&self.labels[at].1)
    }

    /// The same state under a later resourceVersion, for the DELETED event of an object that
    /// left a watch's selection.
    pub(crate) fn json_at(&self, rv: u64) -> Bytes {
        let Ok(mut value) = serde_json::from_slice::<Value>(&self.json) else {
            return self.json.clone();
        };
        value["metadata"]["resourceVersion"] = Value::from(rv.to_string());
        serde_json::to_vec(&value).unwrap_or_default().into()
    }
}

/// What the real server's typed objects say for an absent field: false for booleans, zero for
/// numbers.
fn default_of(resource: &Resource, pointer: &str) -> &'static str {
    match pointer {
        "/spec/unschedulable" | "/spec/hostNetwork" => "false",
        "/status/succeeded" if resource.plural == "jobs" => "0",
        _ => "",
    }
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One entry of the watch history.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    /// The state after; for a deletion the last state under the deletion's resourceVersion.
    pub(crate) version: Arc<Version>,
    /// The state before, but for additions.
    pub(crate) previous: Option<Arc<Version>>,
    /// [`Version::json_at`] of `previous`, made once for all watches that need it.
    left: OnceLock<Bytes>,
}

impl Change {
    pub(crate) fn new(
        kind: ChangeKind,
        version: Arc<Version>,
        previous: Option<Arc<Version>>,
    ) -> Self {
        Self { kind, version, previous, left: OnceLock::new() }
    }

    /// The object as a watch sees it that it has just left.
    pub(crate) fn left(&self) -> Bytes {
        let previous = self.previous.as_ref().unwrap_or(&self.version);
        self.left.get_or_init(|| previous.json_at(self.version.rv)).clone()
    }
}

/// The current state of an object.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) value: Value,
    pub(crate) version: Arc<Version>,
}

impl Object {
    pub(crate) fn uid(&self) -> &str {
        self.value.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        &self.version.name
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.version.namespace
    }

    /// Has a `metadata.deletionTimestamp`.
    pub(crate) fn is_terminating(&self) -> bool {
        self.value.pointer("/metadata/deletionTimestamp").is_some_and(|t| !t.is_null())
    }
}
