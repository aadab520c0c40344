//! Objects the tests create.

use berth_sandbox::{SHAPES, ZONES};
use serde_json::{Value, json};

/// How many pods of [`pod`] a node of [`nodes`] holds: four cores, half a core each.
pub(crate) const PODS_PER_NODE: usize = 8;

/// Small nodes, all alike.
pub(crate) fn nodes(n: usize) -> Vec<Value> {
    (0..n).map(|i| node(&format!("node-{i:02}"))).collect()
}

/// A small node.
pub(crate) fn node(name: &str) -> Value {
    berth_sandbox::shaped(name, &SHAPES[3], ZONES[0])
}

/// A pod of Berth's that takes half a core and runs until it is deleted.
pub(crate) fn pod(name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "schedulerName": "berth",
            "restartPolicy": "Always",
            "containers": [
                {"name": "c", "image": "i", "resources": {"requests": {"cpu": "500m"}}},
            ],
        },
    })
}

/// The node that a pod is bound to, if any.
pub(crate) fn node_of(pod: &Value) -> Option<&str> {
    pod["spec"]["nodeName"].as_str().filter(|node| !node.is_empty())
}

/// The pod's `PodScheduled` condition, where it is False.
pub(crate) fn refusal(pod: &Value) -> Option<&Value> {
    let conditions = pod["status"]["conditions"].as_array()?;
    conditions.iter().find(|c| c["type"] == "PodScheduled" && c["status"] == "False")
}
