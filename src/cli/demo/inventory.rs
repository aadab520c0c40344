//! The nodes of the demo as its sums and its picture need them.

use std::collections::{BTreeSet, HashMap};
use std::ops::{AddAssign, Sub};

use serde_json::Value;

/// Amounts of what pods ask for and nodes have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) milli_cpu: u64,
    pub(super) memory_mib: u64,
    pub(super) gpus: u64,
    pub(super) pods: u64,
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.milli_cpu += other.milli_cpu;
        self.memory_mib += other.memory_mib;
        self.gpus += other.gpus;
        self.pods += other.pods;
    }
}

impl Sub for Amounts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            milli_cpu: self.milli_cpu.saturating_sub(other.milli_cpu),
            memory_mib: self.memory_mib.saturating_sub(other.memory_mib),
            gpus: self.gpus.saturating_sub(other.gpus),
            pods: self.pods.saturating_sub(other.pods),
        }
    }
}

impl Amounts {
    /// Whether every amount is at most the other's.
    pub(super) fn fits_in(&self, room: &Self) -> bool {
        self.milli_cpu <= room.milli_cpu
            && self.memory_mib <= room.memory_mib
            && self.gpus <= room.gpus
            && self.pods <= room.pods
    }
}

/// A node.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    /// Index into [`Inventory::zones`].
    pub(super) zone: usize,
    /// Index into [`Inventory::shapes`].
    pub(super) shape: usize,
    /// Allocatable.
    pub(super) room: Amounts,
    /// Keys of its taints.
    pub(super) taints: Vec<String>,
}

/// All nodes, by index.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) machines: Vec<Machine>,
    /// Sorted.
    pub(super) zones: Vec<String>,
    /// Values of `node.kubernetes.io/instance-type`, in order of first appearance.
    pub(super) shapes: Vec<String>,
    by_name: HashMap<String, usize>,
}

impl Inventory {
    /// Reads Node objects.
    pub(super) fn of(nodes: &[Value]) -> Self {
        let zones: BTreeSet<&str> = nodes.iter().map(zone).collect();
        let mut inventory =
            Self { zones: zones.into_iter().map(str::to_owned).collect(), ..Self::default() };
        for (index, node) in nodes.iter().enumerate() {
            let shape = label(node, "node.kubernetes.io/instance-type");
            let shape = inventory.shapes.iter().position(|s| s == shape).unwrap_or_else(|| {
                inventory.shapes.push(shape.to_owned());
                inventory.shapes.len() - 1
            });
            let zone = zone(node);
            inventory.machines.push(Machine {
                zone: inventory.zones.iter().position(|z| z == zone).unwrap_or_default(),
                shape,
                room: room(node),
                taints: taints(node),
            });
            let name = node["metadata"]["name"].as_str().unwrap_or_default();
            inventory.by_name.insert(name.to_owned(), index);
        }
        inventory
    }

    /// Index of the node of a name.
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// What the nodes that satisfy `which` have together.
    pub(super) fn room(&self, which: impl Fn(&Machine) -> bool) -> Amounts {
        let mut sum = Amounts::default();
        for machine in self.machines.iter().filter(|m| which(m)) {
            sum += machine.room;
        }
        sum
    }
}

fn label<'a>(node: &'a Value, key: &str) -> &'a str {
    node["metadata"]["labels"][key].as_str().unwrap_or("unknown")
}

fn zone(node: &Value) -> &str {
    label(node, "topology.kubernetes.io/zone")
}

fn taints(node: &Value) -> Vec<String> {
    let taints = node["spec"]["taints"].as_array().into_iter().flatten();
    taints.filter_map(|taint| taint["key"].as_str()).map(str::to_owned).collect()
}

/// The sandbox writes whole cores, whole GiB and whole GPUs.
fn room(node: &Value) -> Amounts {
    let amount = |resource: &str, suffix: &str| -> u64 {
        let text = node["status"]["allocatable"][resource].as_str().unwrap_or_default();
        text.strip_suffix(suffix).and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    Amounts {
        milli_cpu: amount("cpu", "") * 1000,
        memory_mib: amount("memory", "Gi") * 1024,
        gpus: amount("nvidia.com/gpu", ""),
        pods: amount("pods", ""),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_what_the_sandbox_writes() {
        let inventory = Inventory::of(&berth_sandbox::nodes(30));
        assert_eq!(inventory.zones, ["zone-a", "zone-b", "zone-c"]);
        assert_eq!(inventory.shapes, ["standard-16", "large-64", "small-4", "gpu-32", "batch-32"]);
        let gpu = &inventory.machines[inventory.index("node-00004").unwrap()];
        assert_eq!(
            gpu.room,
            Amounts { milli_cpu: 32_000, memory_mib: 262_144, gpus: 8, pods: 110 }
        );
        assert_eq!(gpu.taints, ["nvidia.com/gpu"]);
        assert_eq!((inventory.zones[gpu.zone].as_str(), inventory.index("gone")), ("zone-b", None));
        let open = inventory.room(|machine| machine.taints.is_empty());
        assert_eq!((open.milli_cpu, open.pods), (3 * 200_000, 24 * 110));
    }
}
