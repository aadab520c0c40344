//! What a plugin sees of the world.

use crate::base::{LabelSetIdx, PodIdx, Sym, Symbols};
use crate::cache::Cache;
use crate::model::{Class, NodeTable, SelectingOwner};

/// The pod that a cycle is about.
#[derive(Debug, Clone, Copy)]
pub struct PodView<'a> {
    /// Its row.
    pub idx: PodIdx,
    /// `metadata.name`.
    pub name: &'a str,
    /// What it shares with its siblings: requests, selectors, tolerations, the template itself.
    pub class: &'a Class,
    /// Its labels, see [`Cache::labels`].
    pub labels: LabelSetIdx,
    /// `spec.priority`.
    pub priority: i32,
    /// `spec.nodeName` as it was when the pod came to the queue; nearly always `None`.
    pub node_name: Option<Sym>,
    /// Names of scheduling gates that are still there.
    pub gates: &'a [Box<str>],
    /// Its controller, where that selects pods.
    pub owner: Option<&'a SelectingOwner>,
}

/// One call's view: the pod, the cache, and the node table to read.
///
/// Filters and scores read nodes from [`Context::nodes`] only, never from the cache: in a dry run
/// it is a copy with pods added or taken away.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Everything else.
    pub cache: &'a Cache,
    /// The nodes.
    pub nodes: &'a NodeTable,
    /// The pod.
    pub pod: PodView<'a>,
}

impl<'a> Context<'a> {
    /// The strings behind symbols.
    pub fn symbols(&self) -> &'a Symbols {
        self.cache.symbols()
    }

    /// The same view on another node table.
    pub fn on(&self, nodes: &'a NodeTable) -> Self {
        Self { nodes, ..*self }
    }
}
