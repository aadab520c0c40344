//! The draw among the best.

use crate::base::{Draw, NodeIdx};
use crate::cache::Cache;

/// The feasible nodes with their totals; never empty.
#[derive(Debug, Clone, Copy)]
pub struct Feasible<'a> {
    nodes: &'a [NodeIdx],
    totals: &'a [i64],
}

/// What was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// The node.
    pub node: NodeIdx,
    /// Its total.
    pub total: i64,
    /// All nodes with that total, ascending.
    pub best: Vec<NodeIdx>,
}

impl<'a> Feasible<'a> {
    /// `None` where there is no node; `totals` belong to `nodes` one by one.
    pub fn new(nodes: &'a [NodeIdx], totals: &'a [i64]) -> Option<Self> {
        (!nodes.is_empty() && nodes.len() == totals.len()).then_some(Self { nodes, totals })
    }
}

/// Draws one of the nodes with the highest total.
pub fn pick(feasible: Feasible<'_>, draw: &mut Draw, cache: &Cache) -> Option<Pick> {
    let total = *feasible.totals.iter().max()?;
    let scored = feasible.nodes.iter().zip(feasible.totals);
    let best: Vec<NodeIdx> = scored.filter(|(_, t)| **t == total).map(|(n, _)| *n).collect();
    let node = match draw {
        Draw::Seeded(random) => best.get(random.below(best.len())).copied(),
        Draw::FirstByName => best.iter().copied().min_by_key(|n| cache.node_name(*n)),
    }?;
    Some(Pick { node, total, best })
}
