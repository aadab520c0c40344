//! Nodes as scheduler_perf makes them, and an engine with the default profile.

use std::sync::Arc;

use berth_engine::record::{Image, NodeRecord, Quantity, Taint, TaintEffect};
use berth_engine::{Config, Control, Engine, Input, Origin};
use berth_plugins::default_profile;

pub const HOSTNAME: &str = "kubernetes.io/hostname";
pub const ZONE: &str = "topology.kubernetes.io/zone";
pub const RACK: &str = "example.com/rack";
pub const POOL: &str = "example.com/pool";

/// Zones, as in most regions.
pub const ZONES: usize = 3;
/// Racks: too many to be few, too few to be one per node.
pub const RACKS: usize = 500;
/// Pools of nodes that selectors tell apart.
pub const POOLS: usize = 10;

/// What a node has, as in scheduler_perf's `node-default.yaml`.
pub const NODE_CPU_MILLI: i64 = 4_000;
pub const NODE_MEMORY_MIB: i64 = 32 << 10;
pub const NODE_PODS: i64 = 110;

const IMAGE_BYTES: i64 = 600 << 20;

pub fn node_name(node: usize) -> String {
    format!("node-{node:07}")
}

/// The number in a name of [`node_name`].
pub fn node_number(name: &str) -> usize {
    name.strip_prefix("node-").unwrap().parse().unwrap()
}

pub fn image_name(image: usize) -> String {
    format!("registry.example.com/app-{image}:v1")
}

/// What changes of a node while it lives.
#[derive(Debug, Clone, Copy, Default)]
pub struct NodeState {
    /// Bit i: the node holds image i.
    pub images: u32,
    /// Added to the pool's number.
    pub pool_shift: usize,
    pub tainted: bool,
    /// Taints that keep away whoever does not tolerate all of them.
    pub dedicated: usize,
}

/// The key of a node's taint number `taint`.
pub fn taint_key(taint: usize) -> String {
    format!("example.com/dedicated-{taint}")
}

pub fn node(node: usize, state: NodeState) -> NodeRecord {
    let name = node_name(node);
    let zone = format!("zone-{}", node % ZONES);
    let rack = format!("rack-{}", node % RACKS);
    let pool = format!("pool-{}", (node + state.pool_shift) % POOLS);
    let held = (0..u32::BITS as usize).filter(|image| state.images >> image & 1 == 1);
    let soft = Taint {
        key: "example.com/draining".into(),
        value: "".into(),
        effect: TaintEffect::PreferNoSchedule,
    };
    let hard = (0..state.dedicated).map(|taint| Taint {
        key: taint_key(taint).into(),
        value: "".into(),
        effect: TaintEffect::NoSchedule,
    });
    NodeRecord {
        labels: [(HOSTNAME, name.as_str()), (ZONE, &zone), (RACK, &rack), (POOL, &pool)]
            .into_iter()
            .collect(),
        name: name.into(),
        taints: hard.chain(state.tainted.then_some(soft)).collect(),
        allocatable: [
            ("cpu", Quantity::from_milli(NODE_CPU_MILLI)),
            ("memory", Quantity::from_units(NODE_MEMORY_MIB << 20)),
            ("pods", Quantity::from_units(NODE_PODS)),
        ]
        .into_iter()
        .collect(),
        images: held
            .map(|image| Image { names: [image_name(image).into()].into(), size: IMAGE_BYTES })
            .collect(),
        ..NodeRecord::default()
    }
}

/// An engine with the default profile in force and nothing else; from 2 threads on with a pool.
pub fn engine(threads: usize) -> Engine {
    let pool = (threads > 1)
        .then(|| Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()));
    let mut engine = Engine::new(pool);
    let profile = Arc::new(default_profile("berth").unwrap());
    let config = Config { profiles: vec![profile], ..Config::default() };
    let begin = Input::Control(Control::Begin(Origin::seeded(1)));
    engine.step([begin, Input::Config(Arc::new(config))], 0, &mut Vec::new(), &mut ());
    engine
}
