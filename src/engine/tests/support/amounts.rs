//! What pods take, in numbers that nothing overflows, and how in-place resizes change it.

use std::sync::Arc;

use berth_engine::base::{NodeIdx, Random};
use berth_engine::cache::Cache;
use berth_engine::model::{Dim, NONZERO_MEMORY, NONZERO_MILLI_CPU};
use berth_engine::record::{
    Container, ContainerStatus, PodRecord, PodSpec, Quantity, Resize, ResizePending, ResourceList,
};

/// The resources that pods name: one of each kind of column.
const RESOURCES: [&str; 3] = ["cpu", "memory", "example.com/gpu"];

/// What some pods take together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// In the order of [`RESOURCES`].
    requested: [i128; 3],
    /// What CPU and memory count as in scores.
    nonzero: [i128; 2],
    pub pods: usize,
}

impl Amounts {
    /// What one pod takes: of each resource the most that its spec, what it was allocated and what
    /// it has say, where an infeasible spec says nothing.
    pub fn of(pod: &PodRecord) -> Self {
        let [Container { requests: spec, .. }] = pod.spec.containers.as_slice() else { panic!() };
        let mut lists = Vec::new();
        let resize = pod.resize.as_deref();
        if resize.is_none_or(|r| r.pending != Some(ResizePending::Infeasible)) {
            lists.push(spec);
        }
        for status in resize.iter().flat_map(|r| &r.statuses) {
            lists.extend(status.allocated.iter().chain(&status.requests));
        }
        let most = |at: usize, missing: i64| {
            let named = |list: &&ResourceList| list.get(RESOURCES[at]).map(|q| amount(at, q));
            let all = lists.iter().map(|list| named(list).unwrap_or(missing));
            i128::from(all.max().unwrap())
        };
        Self {
            requested: [0, 1, 2].map(|at| most(at, 0)),
            nonzero: [most(0, NONZERO_MILLI_CPU), most(1, NONZERO_MEMORY)],
            pods: 1,
        }
    }

    pub fn cpu(&self) -> i128 {
        self.requested[0]
    }

    /// Whether the node offers what is asked for of each resource, beside what is taken.
    pub fn fit_beside(&self, taken: &Self, offered: &ResourceList) -> bool {
        RESOURCES.iter().enumerate().all(|(at, name)| {
            let offered = offered.get(name).map_or(0, |quantity| amount(at, quantity));
            let (asked, taken) = (self.requested[at], taken.requested[at]);
            asked == 0 || asked + taken <= offered.into()
        })
    }

    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.requested.iter_mut().zip(other.requested).for_each(|(sum, more)| *sum += more);
        self.nonzero.iter_mut().zip(other.nonzero).for_each(|(sum, more)| *sum += more);
        self.pods += other.pods;
        self
    }

    /// The node's in the cache are these, or the nearest numbers; how many are not these.
    pub fn assert_counted(&self, cache: &Cache, node: NodeIdx, seed: u64) -> usize {
        let (nodes, mut overflown) = (cache.nodes(), 0);
        let mut check = |sum: i128, counted: i64, of: &str| {
            let nearest = i64::try_from(sum).unwrap_or(i64::MAX);
            overflown += usize::from(i128::from(nearest) != sum);
            let name = cache.node_name(node);
            assert_eq!(counted, nearest, "seed {seed}, {of} of {name}: {sum} by the model");
        };
        for (name, sum) in RESOURCES.iter().zip(self.requested) {
            let dim = cache.dims().get(cache.symbols(), name);
            check(sum, dim.map_or(0, |dim| nodes.requested(node, dim)), name);
        }
        for (dim, sum) in [Dim::CPU, Dim::MEMORY].into_iter().zip(self.nonzero) {
            check(sum, nodes.nonzero_requested(node, dim), "non-zero amount");
        }
        assert_eq!(nodes.pods(node).len(), self.pods, "seed {seed}");
        overflown
    }
}

fn amount(at: usize, quantity: Quantity) -> i64 {
    if at == 0 { quantity.milli_value() } else { quantity.value() }
}

/// Containers' requests of milli CPU, and of the other resources where they are not 0.
pub fn requests(cpu: i64, memory: i64, gpus: i64) -> Container {
    let others = [("memory", memory), ("example.com/gpu", gpus)];
    let others = others.into_iter().filter(|(_, amount)| *amount != 0);
    let others = others.map(|(name, amount)| (name, Quantity::from_units(amount)));
    Container::requesting([("cpu", Quantity::from_milli(cpu))].into_iter().chain(others))
}

/// The pod is resized to what `spec` asks for: at once, or as far as its node is with it.
pub fn resize(pod: &mut PodRecord, spec: &Arc<PodSpec>, random: &mut Random) {
    let list = |spec: &PodSpec| Some(spec.containers[0].requests.clone());
    let (from, to) = (list(&pod.spec), list(spec));
    pod.spec = Arc::clone(spec);
    let (pending, allocated) = match random.below(4) {
        0 => {
            pod.resize = None;
            return;
        }
        1 => (Some(ResizePending::Deferred), from.clone()),
        2 => (Some(ResizePending::Infeasible), from.clone()),
        _ => (None, to),
    };
    let status = ContainerStatus { name: "main".into(), allocated, requests: from };
    pod.resize = Some(Box::new(Resize { pending, statuses: vec![status], ..Resize::default() }));
}
