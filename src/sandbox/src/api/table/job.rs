//! `printJob`.

use serde_json::{Value, json};

use super::{AGE, Column, NAME, age, name};
use crate::timestamp;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column("Status", "string", 0),
    Column("Completions", "string", 0),
    Column("Duration", "string", 0),
    AGE,
    Column("Containers", "string", 1),
    Column("Images", "string", 1),
    Column("Selector", "string", 1),
];

pub(super) fn cells(job: &Value) -> Vec<Value> {
    let containers = &job["spec"]["template"]["spec"]["containers"];
    let list = |field: &str| -> Vec<&str> {
        containers.as_array().into_iter().flatten().filter_map(|c| c[field].as_str()).collect()
    };
    let labels = job["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
    let selector: Vec<String> =
        labels.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    vec![
        name(job),
        json!(status(job)),
        json!(completions(job)),
        json!(duration(&job["status"])),
        age(job),
        json!(list("name").join(",")),
        json!(list("image").join(",")),
        json!(selector.join(",")),
    ]
}

fn status(job: &Value) -> &'static str {
    let conditions = job["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has = |kind: &str| conditions.iter().any(|c| c["type"] == kind && c["status"] == "True");
    match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if !job["metadata"]["deletionTimestamp"].is_null() => "Terminating",
        () if has("Suspended") => "Suspended",
        () if has("FailureTarget") => "FailureTarget",
        () if has("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

fn completions(job: &Value) -> String {
    let succeeded = job["status"]["succeeded"].as_u64().unwrap_or(0);
    let parallelism = job["spec"]["parallelism"].as_u64().unwrap_or(0);
    match job["spec"]["completions"].as_u64() {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        None => format!("{succeeded}/1"),
    }
}

fn duration(status: &Value) -> String {
    let time = |field: &str| status[field].as_str().and_then(timestamp::parse);
    match (time("startTime"), time("completionTime")) {
        (Some(start), Some(end)) => timestamp::human(end.duration_since(start).as_secs()),
        (Some(_), None) => timestamp::age(status["startTime"].as_str().unwrap_or_default()),
        (None, _) => String::new(),
    }
}
