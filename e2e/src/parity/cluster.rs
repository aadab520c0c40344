//! The cluster of a round: nodes, namespaces, volumes and services.

use serde_json::{Value, json};

use super::draw::Draw;

/// Nodes of a round.
pub const NODES: usize = 40;

/// Claims bound to a volume, `claim-0` and so on, in each namespace.
pub const CLAIMS: usize = 12;

/// Namespaces, each labelled `team` with its name.
pub const NAMESPACES: [&str; 2] = ["blue", "green"];

/// The CSI driver of most volumes.
const DRIVER: &str = "disk.example.com";

const MIB: usize = 1024 * 1024;

/// Images of the nodes and of the pods: name and MiB.
pub const IMAGES: [(&str, usize); 4] = [
    ("registry.example.com/train:v1", 900),
    ("registry.example.com/serve:v2", 300),
    ("registry.example.com/tiny:v1", 10),
    ("registry.example.com/huge:v3", 2500),
];

/// Everything in the cluster but its pods, in an order in which it can be created.
pub fn objects(draw: &mut Draw) -> Vec<Value> {
    let mut all: Vec<Value> = NAMESPACES.iter().map(|name| namespace(name)).collect();
    all.extend(["immediate", "late"].iter().map(|name| storage_class(name)));
    for index in 0..NODES {
        all.push(node(draw, index));
        if draw.chance(80) {
            all.push(csi_node(draw, index));
        }
    }
    for namespace in NAMESPACES {
        all.push(service(namespace, "a"));
        all.push(service(namespace, "b"));
        all.push(unbound_claim(namespace));
        for index in 0..CLAIMS {
            all.extend(bound_claim(draw, namespace, index));
        }
    }
    all
}

/// The name of a node.
pub fn node_name(index: usize) -> String {
    format!("n{index:02}")
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {"team": name}}})
}

fn storage_class(name: &str) -> Value {
    let mode = if name == "late" { "WaitForFirstConsumer" } else { "Immediate" };
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
        "provisioner": DRIVER, "volumeBindingMode": mode})
}

fn service(namespace: &str, app: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": format!("service-{app}"), "namespace": namespace},
        "spec": {"selector": {"app": app}, "clusterIP": "None", "ports": [{"port": 80}]}})
}

fn node(draw: &mut Draw, index: usize) -> Value {
    let name = node_name(index);
    let mut labels = json!({"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"});
    if draw.chance(92) {
        labels["topology.kubernetes.io/zone"] = json!(format!("zone-{}", draw.below(3)));
    }
    if draw.chance(70) {
        labels["disk"] = json!(draw.pick(&["ssd", "hdd", "nvme"]));
    }
    labels["cores"] = json!(draw.pick(&["4", "8", "16"]));
    let mut room = json!({
        "cpu": draw.pick(&["4", "8", "7800m", "16"]),
        "memory": draw.pick(&["8Gi", "16Gi", "15Gi", "32Gi"]),
        "ephemeral-storage": draw.pick(&["20Gi", "100Gi"]),
        "pods": draw.pick(&["8", "20", "110"]),
    });
    if draw.chance(35) {
        room["example.com/gpu"] = json!(draw.pick(&["1", "2", "4"]));
    }
    let mut images = Vec::new();
    for (name, mib) in IMAGES {
        if draw.chance(40) {
            images.push(json!({"names": [name], "sizeBytes": mib * MIB}));
        }
    }
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
        "spec": {"taints": taints(draw), "unschedulable": draw.chance(7)},
        "status": {"capacity": room, "allocatable": room, "images": images,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}})
}

fn taints(draw: &mut Draw) -> Vec<Value> {
    let mut taints = Vec::new();
    if draw.chance(20) {
        let value = draw.pick(&["batch", "gpu"]);
        taints.push(json!({"key": "dedicated", "value": value, "effect": "NoSchedule"}));
    }
    if draw.chance(25) {
        taints.push(json!({"key": "spot", "value": "yes", "effect": "PreferNoSchedule"}));
    }
    if draw.chance(8) {
        taints.push(json!({"key": "drain", "value": "soon", "effect": "NoExecute"}));
    }
    taints
}

fn csi_node(draw: &mut Draw, index: usize) -> Value {
    let name = node_name(index);
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name},
        "spec": {"drivers": [{"name": DRIVER, "nodeID": name, "topologyKeys": [],
            "allocatable": {"count": draw.between(1, 3)}}]}})
}

/// A claim that no volume is bound to, of a class that binds at once: its pods are refused.
fn unbound_claim(namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "unbound", "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "immediate",
            "resources": {"requests": {"storage": "1Gi"}}}})
}

/// A claim and its volume, bound as the volume controller leaves them.
fn bound_claim(draw: &mut Draw, namespace: &str, index: usize) -> [Value; 2] {
    let claim = format!("claim-{index}");
    let volume = format!("volume-{namespace}-{index}");
    // One pod at a time may use it: the refusals of VolumeRestrictions.
    let mode = if draw.chance(25) { "ReadWriteOncePod" } else { "ReadWriteOnce" };
    let class = draw.pick(&["immediate", "late"]);
    let mut spec = json!({"accessModes": [mode], "storageClassName": class,
        "capacity": {"storage": "1Gi"}, "claimRef": {"namespace": namespace, "name": claim}});
    let mut labels = json!({});
    if draw.chance(75) {
        spec["csi"] = json!({"driver": DRIVER, "volumeHandle": volume});
    } else {
        spec["nfs"] = json!({"server": "nfs.example.com", "path": "/"});
    }
    match draw.below(4) {
        0 => labels["topology.kubernetes.io/zone"] = json!(format!("zone-{}", draw.below(3))),
        1 => labels["topology.kubernetes.io/zone"] = json!("zone-0__zone-1"),
        2 => {
            let values = [draw.pick(&["ssd", "hdd"]), "nvme"];
            let term = json!({"key": "disk", "operator": "In", "values": values});
            spec["nodeAffinity"] =
                json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}});
        }
        _ => {}
    }
    let metadata = json!({"name": claim, "namespace": namespace, "annotations": {
        "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}});
    [
        json!({"apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": volume, "labels": labels}, "spec": spec}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata,
            "spec": {"accessModes": [mode], "storageClassName": class, "volumeName": volume,
                "resources": {"requests": {"storage": "1Gi"}}}}),
    ]
}
