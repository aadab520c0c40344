//! True accounting, apart from the engine's own: where each pod went and what each node gave.

use berth_engine::Engine;
use berth_engine::model::Dim;

use super::cluster::{NODE_CPU_MILLI, NODE_MEMORY_MIB, NODE_PODS, node_name};
use super::workload::Workload;

const NOWHERE: u32 = u32::MAX;

/// The node of each pod, by number: 4 bytes each.
#[derive(Debug, Default)]
pub struct Ledger {
    nodes: Vec<u32>,
    bound: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Given {
    cpu_milli: i64,
    memory_mib: i64,
    pods: i64,
}

impl Ledger {
    /// # Panics
    /// The pod has a node already.
    pub fn bind(&mut self, pod: usize, node: usize) {
        if self.nodes.len() <= pod {
            self.nodes.resize(pod + 1, NOWHERE);
        }
        assert_eq!(self.nodes[pod], NOWHERE, "pod {pod} is bound twice");
        self.nodes[pod] = u32::try_from(node).unwrap();
        self.bound += 1;
    }

    pub fn bound(&self) -> usize {
        self.bound
    }

    /// Adds everything up again and holds the engine's books against it.
    ///
    /// # Panics
    /// A node gives more than it has, or the engine's books say something else.
    pub fn check(&self, workload: &Workload, engine: &Engine, nodes: usize) {
        let mut given = vec![Given::default(); nodes];
        for (pod, node) in self.nodes.iter().enumerate().filter(|(_, node)| **node != NOWHERE) {
            let (job, given) = (workload.job(pod), &mut given[*node as usize]);
            given.cpu_milli += job.cpu_milli;
            given.memory_mib += job.memory_mib;
            given.pods += 1;
        }
        let cache = engine.cache();
        for (node, given) in given.iter().enumerate() {
            let name = node_name(node);
            let within = given.cpu_milli <= NODE_CPU_MILLI
                && given.memory_mib <= NODE_MEMORY_MIB
                && given.pods <= NODE_PODS;
            assert!(within, "{name} gives more than it has: {given:?}");
            let row = cache.symbols().get(&name).and_then(|name| cache.nodes().find(name)).unwrap();
            let held = Given {
                cpu_milli: cache.nodes().requested(row, Dim::CPU),
                memory_mib: cache.nodes().requested(row, Dim::MEMORY) >> 20,
                pods: i64::try_from(cache.nodes().pods(row).len()).unwrap(),
            };
            assert_eq!(format!("{held:?}"), format!("{given:?}"), "the engine's books of {name}");
        }
        assert_eq!(given.iter().map(|g| g.pods).sum::<i64>(), self.bound as i64);
    }
}
