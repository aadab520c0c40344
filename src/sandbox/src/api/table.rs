//! Table output for `kubectl get`: the columns of
//! `pkg/printers/internalversion/printers.go` for the kinds people look at, NAME and AGE else.

mod event;
mod job;
mod node;
mod pod;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::metadata_only;
use super::request::Call;
use crate::registry;
use crate::store::Version;
use crate::timestamp;

/// Name, type and priority of a column; priority 1 shows with `-o wide` only.
struct Column(&'static str, &'static str, u8);

/// How objects of a kind become rows.
struct Printer {
    columns: &'static [Column],
    cells: fn(&Value) -> Vec<Value>,
}

fn printer(kind: &str) -> Printer {
    match kind {
        "Pod" => Printer { columns: pod::COLUMNS, cells: pod::cells },
        "Node" => Printer { columns: node::COLUMNS, cells: node::cells },
        "Job" => Printer { columns: job::COLUMNS, cells: job::cells },
        "Event" => Printer { columns: event::COLUMNS, cells: event::cells },
        "Namespace" => Printer {
            columns: &[NAME, Column("Status", "string", 0), AGE],
            cells: |o| vec![name(o), text(&o["status"]["phase"]), age(o)],
        },
        "ConfigMap" => {
            Printer { columns: &[NAME, Column("Data", "string", 0), AGE], cells: config_map }
        }
        "Lease" => Printer {
            columns: &[NAME, Column("Holder", "string", 0), AGE],
            cells: |o| vec![name(o), text(&o["spec"]["holderIdentity"]), age(o)],
        },
        "PriorityClass" => Printer { columns: PRIORITY_CLASS, cells: priority_class },
        "PodDisruptionBudget" => Printer { columns: DISRUPTION_BUDGET, cells: disruption_budget },
        _ => Printer { columns: &[NAME, AGE], cells: |o| vec![name(o), age(o)] },
    }
}

const NAME: Column = Column("Name", "string", 0);
const AGE: Column = Column("Age", "string", 0);

const PRIORITY_CLASS: &[Column] = &[
    NAME,
    Column("Value", "integer", 0),
    Column("Global-Default", "boolean", 0),
    AGE,
    Column("PreemptionPolicy", "string", 0),
];

fn priority_class(o: &Value) -> Vec<Value> {
    let default = json!(o["globalDefault"] == json!(true));
    vec![name(o), o["value"].clone(), default, age(o), text(&o["preemptionPolicy"])]
}

const DISRUPTION_BUDGET: &[Column] = &[
    NAME,
    Column("Min Available", "string", 0),
    Column("Max Unavailable", "string", 0),
    Column("Allowed Disruptions", "integer", 0),
    AGE,
];

fn disruption_budget(o: &Value) -> Vec<Value> {
    let bound = |v: &Value| match v {
        Value::Null => json!("N/A"),
        Value::String(s) => json!(s),
        other => json!(other.to_string()),
    };
    let allowed = o["status"]["disruptionsAllowed"].as_i64().unwrap_or(0);
    let spec = &o["spec"];
    vec![
        name(o),
        bound(&spec["minAvailable"]),
        bound(&spec["maxUnavailable"]),
        json!(allowed),
        age(o),
    ]
}

fn config_map(o: &Value) -> Vec<Value> {
    let len = |field: &str| o[field].as_object().map_or(0, serde_json::Map::len);
    vec![name(o), json!(len("data") + len("binaryData")), age(o)]
}

/// A Table of some objects.
pub(super) fn of(call: &Call, versions: &[Arc<Version>], metadata: &Value, columns: bool) -> Value {
    let printer = printer(call.resource.kind);
    let rows: Vec<Value> = versions.iter().map(|v| row(call, &printer, &v.json)).collect();
    table(&printer, metadata, columns, &rows)
}

/// A Table of one object, for a watch event.
pub(super) fn of_json(call: &Call, json: &Bytes, columns: bool) -> Value {
    let printer = printer(call.resource.kind);
    let row = row(call, &printer, json);
    let version = row.pointer("/object/metadata/resourceVersion").cloned().unwrap_or_default();
    table(&printer, &json!({"resourceVersion": version}), columns, &[row])
}

fn table(printer: &Printer, metadata: &Value, columns: bool, rows: &[Value]) -> Value {
    let definition = |Column(name, kind, priority): &Column| {
        let format = if *name == "Name" { "name" } else { "" };
        json!({"name": name, "type": kind, "format": format, "description": name, "priority": priority})
    };
    let shown = if columns { printer.columns } else { &[] };
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": shown.iter().map(definition).collect::<Vec<_>>(),
        "rows": rows,
    })
}

/// One row; `includeObject` says what comes with the cells.
fn row(call: &Call, printer: &Printer, json: &Bytes) -> Value {
    let mut value: Value = serde_json::from_slice(json).unwrap_or_default();
    let cells = (printer.cells)(&value);
    if call.resource.is_new_events() {
        registry::event::to_new(&mut value);
    }
    let object = match call.query.get("includeObject") {
        "Object" => value,
        "None" => Value::Null,
        _ => metadata_only(&value),
    };
    json!({"cells": cells, "object": object})
}

fn name(o: &Value) -> Value {
    o["metadata"]["name"].clone()
}

fn age(o: &Value) -> Value {
    since(&o["metadata"]["creationTimestamp"])
}

/// Time since an API time, in kubectl's short form.
fn since(then: &Value) -> Value {
    json!(timestamp::age(then.as_str().unwrap_or_default()))
}

/// A string cell, empty where the field is absent.
fn text(v: &Value) -> Value {
    json!(v.as_str().unwrap_or_default())
}

/// A string cell with a word for an absent or empty field.
fn text_or(v: &Value, absent: &str) -> Value {
    json!(v.as_str().filter(|s| !s.is_empty()).unwrap_or(absent))
}
