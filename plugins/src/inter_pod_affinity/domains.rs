//! Amounts per domain: per topology key and value.

use berth_engine::base::{NodeIdx, Sym};
use berth_engine::model::NodeTable;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Amounts per (topology key, value), and the keys there are: mostly one or two. They wrap round
/// as Go's do, so that what goes leaves what was there before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Domains {
    amounts: FxHashMap<(Sym, Sym), i64>,
    keys: SmallVec<[Sym; 2]>,
}

impl Domains {
    /// Adds to the domain of `node`, if it has `key`. A domain at 0 stays.
    pub(super) fn credit(&mut self, nodes: &NodeTable, node: NodeIdx, key: Sym, amount: i64) {
        let Some(value) = nodes.label(node, key) else { return };
        let cell = self.amounts.entry((key, value)).or_insert(0);
        *cell = cell.wrapping_add(amount);
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }

    /// As [`Domains::credit`]; a domain at 0 goes. The value of a domain that has come or gone.
    pub(super) fn count(
        &mut self,
        nodes: &NodeTable,
        node: NodeIdx,
        key: Sym,
        amount: i64,
    ) -> Option<Sym> {
        let value = nodes.label(node, key)?;
        let cell = self.amounts.entry((key, value)).or_insert(0);
        let before = *cell;
        *cell = before.wrapping_add(amount);
        if *cell == 0 {
            self.amounts.remove(&(key, value));
            return (before != 0).then_some(value);
        }
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        (before == 0).then_some(value)
    }

    /// The amount of the node's domain under `key`; `None` where it has no such label.
    pub(super) fn at(&self, nodes: &NodeTable, node: NodeIdx, key: Sym) -> Option<i64> {
        let value = nodes.label(node, key)?;
        Some(self.amounts.get(&(key, value)).copied().unwrap_or(0))
    }

    /// The amount of a domain.
    pub(super) fn amount(&self, key: Sym, value: Sym) -> i64 {
        self.amounts.get(&(key, value)).copied().unwrap_or(0)
    }

    /// The keys there are, or were.
    pub(super) fn keys(&self) -> impl Iterator<Item = Sym> {
        self.keys.iter().copied()
    }

    /// The amounts of all domains of the node.
    pub(super) fn of(&self, nodes: &NodeTable, node: NodeIdx) -> impl Iterator<Item = i64> {
        self.keys.iter().filter_map(move |key| self.at(nodes, node, *key))
    }

    /// What the amounts take.
    pub(super) fn bytes(&self) -> usize {
        self.amounts.capacity() * size_of::<((Sym, Sym), i64)>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.amounts.is_empty()
    }
}
