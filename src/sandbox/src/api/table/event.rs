//! `printEvent`.

use serde_json::{Value, json};

use super::{Column, since, text};

pub(super) const COLUMNS: &[Column] = &[
    Column("Last Seen", "string", 0),
    Column("Type", "string", 0),
    Column("Reason", "string", 0),
    Column("Object", "string", 0),
    Column("Subobject", "string", 1),
    Column("Source", "string", 1),
    Column("Message", "string", 0),
    Column("First Seen", "string", 1),
    Column("Count", "string", 1),
    Column("Name", "string", 1),
];

pub(super) fn cells(event: &Value) -> Vec<Value> {
    let first_of = |times: [&Value; 3]| {
        since(times.into_iter().find(|t| !t.is_null()).unwrap_or(&Value::Null))
    };
    let first = first_of([&event["firstTimestamp"], &event["eventTime"], &Value::Null]);
    let series = &event["series"];
    let last = [&series["lastObservedTime"], &event["lastTimestamp"], &event["firstTimestamp"]];
    let last = if last.iter().all(|t| t.is_null()) { first.clone() } else { first_of(last) };
    let count =
        series["count"].as_u64().or(event["count"].as_u64()).filter(|n| *n > 0).unwrap_or(1);
    let object = &event["involvedObject"];
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    let object_name = object["name"].as_str().unwrap_or_default();
    let target = if object_name.is_empty() { kind } else { format!("{kind}/{object_name}") };
    let either = |a: &Value, b: &Value| {
        let a = a.as_str().filter(|s| !s.is_empty());
        a.or(b.as_str()).unwrap_or_default().to_owned()
    };
    let component = either(&event["source"]["component"], &event["reportingComponent"]);
    let instance = either(&event["source"]["host"], &event["reportingInstance"]);
    let source = if instance.is_empty() { component } else { format!("{component}, {instance}") };
    vec![
        last,
        text(&event["type"]),
        text(&event["reason"]),
        json!(target),
        text(&object["fieldPath"]),
        json!(source),
        json!(event["message"].as_str().unwrap_or_default().trim()),
        first,
        json!(count),
        event["metadata"]["name"].clone(),
    ]
}
