//! Table output for kubectl: NAME and AGE.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::metadata_only;
use super::request::Call;
use crate::store::Version;
use crate::timestamp;

/// A Table of some objects.
pub(super) fn of(call: &Call, versions: &[Arc<Version>], metadata: &Value, columns: bool) -> Value {
    let rows: Vec<Value> = versions.iter().map(|v| row(call, &v.json)).collect();
    table(metadata, columns, rows)
}

/// A Table of one object, for a watch event.
pub(super) fn of_json(call: &Call, json: &Bytes, columns: bool) -> Value {
    table(&json!({}), columns, vec![row(call, json)])
}

fn table(metadata: &Value, columns: bool, rows: Vec<Value>) -> Value {
    let columns = if columns {
        json!([{"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0},
               {"name": "Age", "type": "string", "format": "", "description": "", "priority": 0}])
    } else {
        json!([])
    };
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": columns, "rows": rows,
    })
}

fn row(_call: &Call, json: &Bytes) -> Value {
    let value: Value = serde_json::from_slice(json).unwrap_or_default();
    let age = timestamp::age(value["metadata"]["creationTimestamp"].as_str().unwrap_or_default());
    json!({"cells": [value["metadata"]["name"], age], "object": metadata_only(&value)})
}
