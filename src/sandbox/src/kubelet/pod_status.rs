//! The statuses a kubelet writes into pods.

use serde_json::{Value, json};

use crate::object::set_condition;
use crate::timestamp;

/// All containers run and are ready.
pub(super) fn running(pod: &mut Value, ip: &str) {
    let now = timestamp::now();
    let statuses = containers(pod, "containers", |old| {
        json!({
            "state": {"running": {"startedAt": now}},
            "lastState": last_state(old),
            "ready": true,
            "started": true,
        })
    });
    let init = containers(pod, "initContainers", |_| {
        let ended =
            json!({"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now});
        json!({"state": {"terminated": ended}, "lastState": {}, "ready": true, "started": false})
    });
    let status = &mut pod["status"];
    status["phase"] = json!("Running");
    if status["startTime"].is_null() {
        status["startTime"] = json!(now);
        status["podIP"] = json!(ip);
        status["podIPs"] = json!([{"ip": ip}]);
        status["hostIP"] = json!("127.0.0.1");
        status["hostIPs"] = json!([{"ip": "127.0.0.1"}]);
    }
    status["containerStatuses"] = statuses;
    if init.as_array().is_some_and(|i| !i.is_empty()) {
        status["initContainerStatuses"] = init;
    }
    let conditions = &mut status["conditions"];
    for kind in ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"] {
        set_condition(conditions, json!({"type": kind, "status": "True", "lastProbeTime": null}));
    }
}

/// All containers have exited for good.
pub(super) fn ended(pod: &mut Value, code: i64) {
    let (phase, reason) =
        if code == 0 { ("Succeeded", "PodCompleted") } else { ("Failed", "PodFailed") };
    let statuses = containers(pod, "containers", |old| {
        json!({
            "state": {"terminated": terminated(old, code)},
            "lastState": {},
            "ready": false,
            "started": false,
        })
    });
    let status = &mut pod["status"];
    status["phase"] = json!(phase);
    status["containerStatuses"] = statuses;
    not_ready(&mut status["conditions"], reason);
}

/// All containers have exited and will start again.
pub(super) fn restarting(pod: &mut Value, code: i64) {
    let mut statuses = containers(pod, "containers", |old| {
        json!({
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting"}},
            "lastState": {"terminated": terminated(old, code)},
            "ready": false,
            "started": false,
        })
    });
    for status in statuses.as_array_mut().into_iter().flatten() {
        status["restartCount"] =
            json!(status["restartCount"].as_u64().unwrap_or(0).saturating_add(1));
    }
    pod["status"]["containerStatuses"] = statuses;
    not_ready(&mut pod["status"]["conditions"], "ContainersNotReady");
}

fn not_ready(conditions: &mut Value, reason: &str) {
    for kind in ["Ready", "ContainersReady"] {
        let condition =
            json!({"type": kind, "status": "False", "reason": reason, "lastProbeTime": null});
        set_condition(conditions, condition);
    }
}

fn terminated(old: &Value, code: i64) -> Value {
    let started = &old["state"]["running"]["startedAt"];
    json!({
        "exitCode": code,
        "reason": if code == 0 { "Completed" } else { "Error" },
        "startedAt": if started.is_null() { json!(timestamp::now()) } else { started.clone() },
        "finishedAt": timestamp::now(),
        "containerID": old["containerID"],
    })
}

fn last_state(old: &Value) -> Value {
    if old["lastState"].is_object() { old["lastState"].clone() } else { json!({}) }
}

/// One status per container of a list; `state` sees the container's old status.
fn containers(pod: &Value, list: &str, state: impl Fn(&Value) -> Value) -> Value {
    let olds = pod["status"]["containerStatuses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let one = |container: &Value| {
        let name = &container["name"];
        let old = olds.iter().find(|o| o["name"] == *name).unwrap_or(&Value::Null);
        let image = container["image"].as_str().unwrap_or_default();
        let mut status = state(old);
        status["name"] = name.clone();
        status["image"] = json!(image);
        status["imageID"] = json!(format!("sandbox://{image}"));
        let id = format!("sandbox://{uid}/{}", name.as_str().unwrap_or_default());
        status["containerID"] = json!(id);
        status["restartCount"] = json!(old["restartCount"].as_u64().unwrap_or(0));
        status
    };
    pod["spec"][list].as_array().into_iter().flatten().map(one).collect()
}
