//! Node objects of several shapes in three zones, the same for the same number.

use serde_json::{Value, json};

/// A kind of machine.
#[derive(Debug, Clone, Copy)]
pub struct NodeShape {
    /// `node.kubernetes.io/instance-type`.
    pub instance_type: &'static str,
    /// Whole cores.
    pub cpu: u32,
    /// GiB.
    pub memory_gib: u32,
    /// `nvidia.com/gpu`; such nodes carry the taint `nvidia.com/gpu=present:NoSchedule`.
    pub gpu: u32,
    /// Taint `dedicated=VALUE:NoSchedule` and label `dedicated=VALUE`.
    pub dedicated: Option<&'static str>,
}

/// The shapes of [`nodes`], by index: of ten nodes four are standard, two are large, two small,
/// one has GPUs and one is dedicated to batch.
pub const SHAPES: [NodeShape; 10] = {
    const fn shape(instance_type: &'static str, cpu: u32, memory_gib: u32) -> NodeShape {
        NodeShape { instance_type, cpu, memory_gib, gpu: 0, dedicated: None }
    }
    let standard = shape("standard-16", 16, 64);
    let large = shape("large-64", 64, 256);
    let small = shape("small-4", 4, 16);
    let gpu = NodeShape { gpu: 8, ..shape("gpu-32", 32, 256) };
    let batch = NodeShape { dedicated: Some("batch"), ..shape("batch-32", 32, 64) };
    [standard, large, standard, small, gpu, standard, large, standard, small, batch]
};

/// The zones, taken in turn.
pub const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];

/// `n` nodes named `node-00000` and up.
pub fn nodes(n: usize) -> Vec<Value> {
    (0..n).map(node).collect()
}

/// The node of an index.
pub fn node(index: usize) -> Value {
    // Ten shapes and three zones have no common divisor: every shape is in every zone.
    shaped(&format!("node-{index:05}"), &SHAPES[index % SHAPES.len()], ZONES[index % ZONES.len()])
}

/// A ready node of a shape.
pub fn shaped(name: &str, shape: &NodeShape, zone: &str) -> Value {
    let mut labels = json!({
        "kubernetes.io/hostname": name,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": zone,
        "topology.kubernetes.io/region": "sandbox",
        "node.kubernetes.io/instance-type": shape.instance_type,
    });
    let mut room = json!({
        "cpu": shape.cpu.to_string(),
        "memory": format!("{}Gi", shape.memory_gib),
        "ephemeral-storage": "100Gi",
        "pods": "110",
    });
    let mut taints = Vec::new();
    if shape.gpu > 0 {
        room["nvidia.com/gpu"] = json!(shape.gpu.to_string());
        taints.push(json!({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}));
    }
    if let Some(purpose) = shape.dedicated {
        labels["dedicated"] = json!(purpose);
        taints.push(json!({"key": "dedicated", "value": purpose, "effect": "NoSchedule"}));
    }
    let mut node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {"capacity": room, "allocatable": room},
    });
    if !taints.is_empty() {
        node["spec"]["taints"] = json!(taints);
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_for_the_same_number_and_every_shape_in_every_zone() {
        assert_eq!(nodes(60), nodes(60));
        for shape in 0..10 {
            let zones: std::collections::BTreeSet<_> = (0..30)
                .filter(|i| i % 10 == shape)
                .map(|i| node(i)["metadata"]["labels"]["topology.kubernetes.io/zone"].to_string())
                .collect();
            assert_eq!(zones.len(), 3);
        }
    }
}
