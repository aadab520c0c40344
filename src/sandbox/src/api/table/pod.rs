//! `printPod`.

use serde_json::{Value, json};

use super::{AGE, Column, NAME, age, name, since, text_or};
use crate::registry::pod::is_ready;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column("Ready", "string", 0),
    Column("Status", "string", 0),
    Column("Restarts", "string", 0),
    AGE,
    Column("IP", "string", 1),
    Column("Node", "string", 1),
    Column("Nominated Node", "string", 1),
    Column("Readiness Gates", "string", 1),
];

pub(super) fn cells(pod: &Value) -> Vec<Value> {
    let status = &pod["status"];
    let statuses = status["containerStatuses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let running = |s: &&Value| s["ready"] == json!(true) && !s["state"]["running"].is_null();
    let ready = statuses.iter().filter(running).count();
    let total = pod["spec"]["containers"].as_array().map_or(0, Vec::len);
    let restarts: u64 = statuses.iter().filter_map(|s| s["restartCount"].as_u64()).sum();
    let last =
        statuses.iter().filter_map(|s| s["lastState"]["terminated"]["finishedAt"].as_str()).max();
    let restarts = match last {
        Some(last) if restarts > 0 => {
            let ago = since(&json!(last));
            format!("{restarts} ({} ago)", ago.as_str().unwrap_or_default())
        }
        _ => restarts.to_string(),
    };
    vec![
        name(pod),
        json!(format!("{ready}/{total}")),
        json!(reason(pod, statuses, ready > 0)),
        json!(restarts),
        age(pod),
        text_or(&status["podIP"], "<none>"),
        text_or(&pod["spec"]["nodeName"], "<none>"),
        text_or(&status["nominatedNodeName"], "<none>"),
        json!("<none>"),
    ]
}

/// The STATUS column: the most telling of phase, gates and containers' states.
fn reason(pod: &Value, statuses: &[Value], running: bool) -> String {
    let status = &pod["status"];
    let phase = status["phase"].as_str().unwrap_or_default();
    let mut reason =
        status["reason"].as_str().filter(|r| !r.is_empty()).unwrap_or(phase).to_owned();
    let conditions = status["conditions"].as_array().into_iter().flatten();
    if conditions
        .into_iter()
        .any(|c| c["type"] == "PodScheduled" && c["reason"] == "SchedulingGated")
    {
        "SchedulingGated".clone_into(&mut reason);
    }
    let mut error = None;
    for container in statuses.iter().rev() {
        let state = &container["state"];
        if let Some(waiting) = state["waiting"]["reason"].as_str().filter(|r| !r.is_empty()) {
            waiting.clone_into(&mut reason);
        } else if state["terminated"].is_object() {
            let code = state["terminated"]["exitCode"].as_i64().unwrap_or(0);
            reason = match state["terminated"]["reason"].as_str().filter(|r| !r.is_empty()) {
                Some(given) => given.to_owned(),
                None => format!("ExitCode:{code}"),
            };
            if code != 0 {
                error = Some(reason.clone());
            }
        }
    }
    if reason == "Completed" {
        match error {
            _ if running && is_ready(pod) => "Running".clone_into(&mut reason),
            Some(error) => reason = error,
            None if running => "NotReady".clone_into(&mut reason),
            None => {}
        }
    }
    let ended = matches!(phase, "Succeeded" | "Failed");
    if !pod["metadata"]["deletionTimestamp"].is_null() && !ended {
        "Terminating".clone_into(&mut reason);
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_telling_state() {
        let pod = |status: Value| json!({"metadata": {"name": "a"}, "spec": {"containers": [{}]}, "status": status});
        let status = |p: &Value| cells(p)[2].clone();
        assert_eq!(status(&pod(json!({"phase": "Pending"}))), "Pending");
        let ended = json!({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]});
        assert_eq!(status(&pod(ended)), "Error");
        let mut going = pod(json!({"phase": "Running"}));
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(status(&going), "Terminating");
    }
}
