//! Nodes by the value of a label, for keys whose domains are small.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::base::{NodeIdx, NodeSet, Sym};
use crate::cache::{Cache, Logged};
use crate::framework::Reads;
use crate::model::NodeTable;

/// Nodes moved one by one at most: each is looked for among those before it, 32,640 comparisons at
/// 256, so that more are cheaper in a new index.
const MOVED_MAX: usize = 256;

/// The nodes of one label key.
#[derive(Debug, Default)]
struct Domains {
    by_value: HashMap<Sym, SmallVec<[NodeIdx; 2]>, FxBuildHasher>,
    // Those that share their value with no other: a host name is looked up in a bit.
    alone: NodeSet,
}

impl Domains {
    fn of(nodes: &NodeTable, key: Sym) -> Self {
        let mut domains = Self::default();
        for node in nodes.live().iter() {
            if let Some(value) = nodes.label(node, key) {
                domains.add(value, node);
            }
        }
        domains
    }

    fn add(&mut self, value: Sym, node: NodeIdx) {
        let domain = self.by_value.entry(value).or_default();
        match domain.as_slice() {
            [] => _ = self.alone.insert(node),
            [other] => _ = self.alone.remove(*other),
            _ => {}
        }
        domain.push(node);
    }

    fn remove(&mut self, value: Sym, node: NodeIdx) {
        let Some(domain) = self.by_value.get_mut(&value) else { return };
        domain.retain(|known| *known != node);
        self.alone.remove(node);
        match domain.as_slice() {
            [] => _ = self.by_value.remove(&value),
            [other] => _ = self.alone.insert(*other),
            _ => {}
        }
    }
}

/// An index made where it is asked for, and kept current by the log: 24 bytes a node and key.
#[derive(Debug, Default)]
pub(super) struct Labelled {
    // Of the node table, and of the log, up to which it is right.
    relabelled: u64,
    position: u64,
    by_key: HashMap<Sym, Domains, FxBuildHasher>,
}

impl Labelled {
    /// Live nodes whose label `key` is `value`.
    pub(super) fn nodes(&mut self, cache: &Cache, key: Sym, value: Sym) -> &[NodeIdx] {
        self.catch_up(cache);
        let nodes = cache.nodes();
        let domains = self.by_key.entry(key).or_insert_with(|| Domains::of(nodes, key));
        domains.by_value.get(&value).map(SmallVec::as_slice).unwrap_or_default()
    }

    /// Whether the live node is the only one with its value of label `key`.
    pub(super) fn is_alone(&mut self, cache: &Cache, key: Sym, node: NodeIdx) -> bool {
        self.catch_up(cache);
        let domains = self.by_key.entry(key).or_insert_with(|| Domains::of(cache.nodes(), key));
        domains.alone.contains(node)
    }

    /// Reads the log to its end.
    pub(super) fn catch_up(&mut self, cache: &Cache) {
        if self.relabelled != cache.nodes().relabelled() {
            if !self.follow(cache) {
                self.by_key.clear();
            }
            self.relabelled = cache.nodes().relabelled();
        }
        self.position = cache.log().end();
    }

    /// Moves the nodes that have changed; false where the log does not tell of all.
    fn follow(&mut self, cache: &Cache) -> bool {
        let (log, nodes) = (cache.log(), cache.nodes());
        let Some(entries) = log.since(self.position) else { return false };
        let relabelling = Reads::NODE_EXISTS | Reads::NODE_LABELS;
        let mut changes = 0;
        let mut moved: SmallVec<[(NodeIdx, &NodeTable); 4]> = SmallVec::new();
        for (number, entry) in (self.position..).zip(entries) {
            let Logged::Node(node, reads) = entry else { continue };
            if !reads.intersects(relabelling) {
                continue;
            }
            changes += 1;
            if moved.iter().all(|(known, _)| known != node) {
                let former = log.former(number).filter(|_| moved.len() < MOVED_MAX);
                let Some(former) = former else { return false };
                moved.push((*node, former));
            }
        }
        if changes != nodes.relabelled() - self.relabelled {
            return false;
        }
        for (node, former) in moved {
            for (key, domains) in &mut self.by_key {
                if let Some(value) = former.label(NodeIdx::FIRST, *key) {
                    domains.remove(value, node);
                }
                if let Some(value) = nodes.label(node, *key).filter(|_| nodes.live().contains(node))
                {
                    domains.add(value, node);
                }
            }
        }
        true
    }
}
