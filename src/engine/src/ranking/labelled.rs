//! Nodes by the value of a label, for keys whose domains are small.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::base::{NodeIdx, Sym};
use crate::model::NodeTable;

type Domains = HashMap<Sym, SmallVec<[NodeIdx; 2]>, FxBuildHasher>;

/// An index made where it is asked for, and anew when a node's labels have changed: 24 bytes a node
/// and key.
#[derive(Debug, Default)]
pub(super) struct Labelled {
    relabelled: u64,
    by_key: HashMap<Sym, Domains, FxBuildHasher>,
}

impl Labelled {
    /// Live nodes whose label `key` is `value`.
    pub(super) fn nodes(&mut self, nodes: &NodeTable, key: Sym, value: Sym) -> &[NodeIdx] {
        if self.relabelled != nodes.relabelled() {
            self.by_key.clear();
            self.relabelled = nodes.relabelled();
        }
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
}
