//! A node's own writes: its registration, its status and its Lease.

use serde_json::{Value, json};

use crate::registry::{Registry, Target};
use crate::resource;
use crate::store::Object;
use crate::timestamp;

/// Namespace of the nodes' Leases.
pub(super) const LEASES: &str = "kube-node-lease";

/// Seconds a Lease holds (`nodeLeaseDurationSeconds`).
const LEASE_SECONDS: u32 = 40;

/// A node object with what its kubelet reports at registration.
pub(crate) fn registered(mut node: Value) -> Value {
    if !node["status"].is_object() {
        node["status"] = json!({});
    }
    let name = node["metadata"]["name"].clone();
    let status = &mut node["status"];
    ready(&mut status["conditions"]);
    if status["addresses"].is_null() {
        status["addresses"] = json!([
            {"type": "InternalIP", "address": "127.0.0.1"},
            {"type": "Hostname", "address": name},
        ]);
    }
    if status["nodeInfo"].is_null() {
        status["nodeInfo"] = json!({
            "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "sandbox://1",
            "kernelVersion": "sandbox", "kubeProxyVersion": "", "kubeletVersion": "v1.37.2",
            "machineID": "", "operatingSystem": "linux", "osImage": "Berth sandbox",
            "systemUUID": "",
        });
    }
    node
}

/// Brings the kubelet's conditions up to date, and leaves those of others.
fn ready(conditions: &mut Value) {
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let now = timestamp::now();
    let Some(list) = conditions.as_array_mut() else { return };
    for (kind, truth, reason, message) in [
        (
            "MemoryPressure",
            "False",
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
        ),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ] {
        match list.iter_mut().find(|c| c["type"] == kind) {
            // A condition someone set by hand (a node made NotReady in a test) stays.
            Some(old) => old["lastHeartbeatTime"] = json!(now),
            None => list.push(json!({
                "type": kind, "status": truth, "reason": reason, "message": message,
                "lastHeartbeatTime": now, "lastTransitionTime": now,
            })),
        }
    }
}

/// Registers a node that came without a kubelet's report, and makes its Lease.
pub(super) fn register(registry: &Registry, node: &Object) {
    let target = Target::new(resource::nodes(), "", node.name());
    // The node may be gone again; then there is nothing to register.
    let _ = registry.modify(target, |old| {
        let complete = old.value["status"]["nodeInfo"].is_object();
        Ok((!complete).then(|| registered(old.value.clone())))
    });
    let lease = json!({
        "metadata": {
            "name": node.name(),
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "Node", "name": node.name(), "uid": node.uid()},
            ],
        },
        "spec": {
            "holderIdentity": node.name(),
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": timestamp::now_micro(),
        },
    });
    // A Lease that exists is renewed by the heartbeats.
    let _ = registry.create(Target::new(resource::leases(), LEASES, ""), lease);
}

/// Renews a node's Lease and its conditions.
pub(super) fn heartbeat(registry: &Registry, name: &str) {
    let lease = Target::new(resource::leases(), LEASES, name);
    // Someone may have deleted either; kubelets make a Lease anew, tests want to see it gone.
    let _ = registry.modify(lease, |old| {
        let mut value = old.value.clone();
        value["spec"]["renewTime"] = json!(timestamp::now_micro());
        Ok(Some(value))
    });
    let _ = registry.modify(Target::new(resource::nodes(), "", name), |old| {
        let mut value = old.value.clone();
        ready(&mut value["status"]["conditions"]);
        Ok(Some(value))
    });
}
