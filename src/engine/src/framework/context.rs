//! What a plugin sees of the world.

use crate::base::Symbols;
use crate::cache::Cache;
use crate::model::{NodeTable, PodView};

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
