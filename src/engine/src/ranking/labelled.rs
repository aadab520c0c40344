//! Nodes by the value of a label, for keys whose domains are small.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::base::{NodeIdx, Sym};
use crate::cache::{Cache, Logged};
use crate::framework::Reads;
use crate::model::NodeTable;

/// Nodes moved one by one at most: each is looked for among those before it, 32,640 comparisons at
/// 256, so that more are cheaper in a new index.
const MOVED_MAX: usize = 256;

type Domains = HashMap<Sym, SmallVec<[NodeIdx; 2]>, FxBuildHasher>;

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
        let domains = self.by_key.entry(key).or_insert_with(|| {
            let mut domains = Domains::default();
            for node in nodes.live().iter() {
                if let Some(value) = nodes.label(node, key) {
                    domains.entry(value).or_default().push(node);
                }
            }
            domains
        });
        domains.get(&value).map(SmallVec::as_slice).unwrap_or_default()
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
                if let Some(value) = former.label(NodeIdx::FIRST, *key)
                    && let Some(domain) = domains.get_mut(&value)
                {
                    domain.retain(|known| *known != node);
                    if domain.is_empty() {
                        domains.remove(&value);
                    }
                }
                if let Some(value) = nodes.label(node, *key).filter(|_| nodes.live().contains(node))
                {
                    domains.entry(value).or_default().push(node);
                }
            }
        }
        true
    }
}
