//! One class's view of all nodes in two columns, with the best of every 64 nodes and of every 4,096
//! nodes kept beside them, so that the best of a million is found without looking at them.

use crate::base::{Draw, NodeIdx};
use crate::cache::Cache;

use super::amounts::{Amounts, NO_ROOM};
use super::tops::{NO_GROUP, Top, Tops, descend, gather, merge, only_group, part, tops_of};

/// Nodes per block, and blocks per span.
const FAN: usize = 64;

/// Three bytes a node, six where weights are large, and about one more for the tops.
///
/// Tops follow single cells as long as they can: a node that leaves the top of its block takes one
/// from the count. Only where the count comes to nothing the block is looked through for the next.
#[derive(Debug, Default)]
pub(super) struct Columns {
    groups: Vec<u16>,
    amounts: Amounts,
    // Bit i of word b: row 64 b + i is in a group.
    known: Vec<u64>,
    blocks: Vec<Block>,
    spans: Vec<Tops>,
    // Blocks with cells that have changed one by one, once each, with the tops that their span
    // knows of them.
    changed: Vec<(u32, Tops)>,
    // Spans whose tops have to be found anew, once each.
    stale: Vec<u32>,
    is_stale: Vec<bool>,
    // Where a group is among the tops being gathered, one more than its place; 0 for none.
    places: Vec<u32>,
}

/// 64 nodes.
#[derive(Debug, Clone, Default)]
struct Block {
    tops: Tops,
    // The group of all its nodes that have one; `NO_GROUP` where that is not known to be so.
    only: u16,
    state: State,
}

/// How up to date the tops of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Its span knows them, or is stale.
    #[default]
    Known,
    /// They are right, and the span does not know them.
    Changed,
    /// They have to be found anew.
    Stale,
}

/// The nodes that are best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Best {
    /// Their total.
    pub(super) total: i64,
    /// How many there are.
    pub(super) count: usize,
}

impl Columns {
    /// Makes room for `rows` nodes.
    pub(super) fn grow(&mut self, rows: usize) {
        if rows <= self.groups.len() {
            return;
        }
        self.groups.resize(rows, NO_GROUP);
        self.amounts.resize(rows);
        let blocks = rows.div_ceil(FAN);
        self.known.resize(blocks, 0);
        self.blocks.resize(blocks, Block::default());
        self.spans.resize(blocks.div_ceil(FAN), Tops::new());
        self.is_stale.resize(blocks.div_ceil(FAN), false);
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn group(&self, node: NodeIdx) -> u16 {
        self.groups.get(node.at()).copied().unwrap_or(NO_GROUP)
    }

    /// A node's group and amount.
    pub(super) fn cells(&self, node: NodeIdx) -> (u16, i32) {
        (self.group(node), self.amounts.get(node.at()))
    }

    /// The nodes that are in a group: bit i of word b for row 64 b + i.
    pub(super) fn known(&self) -> &[u64] {
        &self.known
    }

    /// Sets both cells of a node; what was there is returned.
    pub(super) fn set(&mut self, node: NodeIdx, group: u16, amount: i32) -> (u16, i32) {
        let before = self.put(node, group, amount);
        if before == (group, amount) {
            return before;
        }
        let at = node.at() / FAN;
        debug_assert!(at < self.blocks.len(), "block {at} is missing");
        let Some(block) = self.blocks.get_mut(at) else { return before };
        if block.state == State::Known {
            block.state = State::Changed;
            self.changed.push((u32::try_from(at).unwrap_or(u32::MAX), block.tops.clone()));
        }
        if block.state == State::Changed {
            let top = |(group, amount)| Top { group, amount, count: 1 };
            let counts = |(group, amount)| group != NO_GROUP && amount != NO_ROOM;
            if counts((group, amount)) {
                merge(&mut block.tops, top((group, amount)));
            }
            if counts(before) && !part(&mut block.tops, top(before)) {
                block.state = State::Stale;
            }
        }
        before
    }

    /// As [`Columns::set`], for one of very many nodes: their blocks are looked through once, at
    /// the next [`Columns::refresh`].
    pub(super) fn set_in_bulk(&mut self, node: NodeIdx, group: u16, amount: i32) -> (u16, i32) {
        let before = self.put(node, group, amount);
        self.outdate(node.at() / FAN);
        before
    }

    /// Sets the amounts of very many nodes, ascending. `crossed` is told of those that have room
    /// now and had none, or the other way round: the group, and the amounts before and now.
    pub(super) fn weigh_in_bulk(
        &mut self,
        nodes: &[NodeIdx],
        amounts: &[i32],
        mut crossed: impl FnMut(u16, i32, i32),
    ) {
        let Self { amounts: cells, groups, blocks, stale, is_stale, .. } = self;
        let mut last = usize::MAX;
        cells.set_all(nodes, amounts, |row, before, amount| {
            if (before == NO_ROOM) != (amount == NO_ROOM) {
                crossed(groups.get(row).copied().unwrap_or(NO_GROUP), before, amount);
            }
            if row / FAN != last {
                last = row / FAN;
                outdate(blocks, (stale, is_stale), last);
            }
        });
    }

    /// Writes both cells; what was there is returned.
    fn put(&mut self, node: NodeIdx, group: u16, amount: i32) -> (u16, i32) {
        debug_assert!(group != NO_GROUP || amount == NO_ROOM, "no group has room: {node:?}");
        let at = node.at();
        debug_assert!(at < self.groups.len(), "group cell {at} is missing");
        let Some(slot) = self.groups.get_mut(at) else { return (group, amount) };
        let before = (std::mem::replace(slot, group), self.amounts.set(at, amount));
        if before.0 != group
            && let (Some(word), Some(block)) =
                (self.known.get_mut(at / FAN), self.blocks.get_mut(at / FAN))
        {
            let bit = 1 << (at % FAN);
            if group == NO_GROUP {
                *word &= !bit;
            } else {
                *word |= bit;
                if block.only != group {
                    block.only = NO_GROUP;
                }
            }
        }
        before
    }

    /// The tops of a block, and of its span, have to be found anew.
    fn outdate(&mut self, block: usize) {
        outdate(&mut self.blocks, (&mut self.stale, &mut self.is_stale), block);
    }

    /// Forgets all cells.
    pub(super) fn clear(&mut self) {
        self.groups.fill(NO_GROUP);
        self.amounts.clear();
        self.known.fill(0);
        self.blocks.fill(Block::default());
        self.spans.iter_mut().for_each(Tops::clear);
        self.changed.clear();
        self.stale.clear();
        self.is_stale.fill(false);
    }

    /// Brings the tops up to date.
    pub(super) fn refresh(&mut self) {
        let mut changed = std::mem::take(&mut self.changed);
        for (block, known) in changed.drain(..) {
            let (block, span) = (block as usize, block as usize / FAN);
            if self.is_stale.get(span).copied().unwrap_or(true) {
                continue;
            }
            self.refresh_block(block);
            let (Some(tops), Some(block)) = (self.spans.get_mut(span), self.blocks.get(block))
            else {
                continue;
            };
            // What is as it was is in the span already; of the tops of 64 racks one has changed.
            let stays = |of: &Tops, at: usize, top: &Top| of.get(at) == Some(top);
            let new = block.tops.iter().enumerate().filter(|(at, top)| !stays(&known, *at, top));
            new.for_each(|(_, top)| merge(tops, *top));
            let mut old =
                known.iter().enumerate().filter(|(at, top)| !stays(&block.tops, *at, top));
            if !old.all(|(_, top)| part(tops, *top)) {
                self.outdate_span(span);
            }
        }
        self.changed = changed;
        let mut stale = std::mem::take(&mut self.stale);
        for span in stale.drain(..) {
            self.refresh_span(span as usize);
        }
        self.stale = stale;
    }

    fn outdate_span(&mut self, span: usize) {
        outdate_span((&mut self.stale, &mut self.is_stale), span);
    }

    fn refresh_block(&mut self, at: usize) {
        debug_assert!(at < self.blocks.len(), "block {at} is missing");
        let Some(block) = self.blocks.get_mut(at) else { return };
        if block.state == State::Stale {
            let rows = at * FAN..((at + 1) * FAN).min(self.groups.len());
            let groups = self.groups.get(rows.clone()).unwrap_or_default();
            if block.only == NO_GROUP {
                block.only = only_group(groups);
            }
            block.tops.clear();
            if block.only == NO_GROUP {
                tops_of(groups, &self.amounts, rows, &mut block.tops, &mut self.places);
            } else if let Some((amount, count)) = self.amounts.top(rows) {
                block.tops.push(Top { group: block.only, amount, count });
            }
        }
        block.state = State::Known;
    }

    fn refresh_span(&mut self, span: usize) {
        let blocks = span * FAN..((span + 1) * FAN).min(self.blocks.len());
        for block in blocks.clone() {
            self.refresh_block(block);
        }
        if let (Some(tops), Some(blocks), Some(is_stale)) =
            (self.spans.get_mut(span), self.blocks.get(blocks), self.is_stale.get_mut(span))
        {
            gather(tops, blocks.iter().flat_map(|block| &block.tops).copied(), &mut self.places);
            *is_stale = false;
        }
    }

    /// The best nodes, where `bonus` is what a group adds to the amount, `None` for groups that are
    /// out. The tops are up to date.
    pub(super) fn best(&self, bonus: &[Option<i64>]) -> Option<Best> {
        let mut best: Option<Best> = None;
        for top in self.spans.iter().flatten() {
            let Some(total) = top.worth(bonus) else { continue };
            let count = top.count as usize;
            match &mut best {
                Some(b) if b.total > total => {}
                Some(b) if b.total == total => b.count += count,
                _ => best = Some(Best { total, count }),
            }
        }
        best
    }

    /// The `nth` of the nodes with this total, by row.
    pub(super) fn nth(&self, bonus: &[Option<i64>], total: i64, nth: usize) -> Option<NodeIdx> {
        let (span, nth) = descend(self.spans.iter(), bonus, total, nth)?;
        let blocks = span * FAN..((span + 1) * FAN).min(self.blocks.len());
        let blocks = self.blocks.get(blocks)?;
        let (at, nth) = descend(blocks.iter().map(|block| &block.tops), bonus, total, nth)?;
        let from = (span * FAN + at) * FAN;
        let rows = from..(from + FAN).min(self.groups.len());
        let only = blocks.get(at)?.only;
        if only == NO_GROUP {
            return rows
                .filter(|row| self.total(*row, bonus) == Some(total))
                .nth(nth)
                .map(NodeIdx::new);
        }
        let bonus = bonus.get(usize::from(only)).copied().flatten()?;
        let amount = i32::try_from(total - bonus).ok()?;
        self.amounts.nth_with(rows, amount, nth).map(|row| NodeIdx::new(from + row))
    }

    /// All nodes that fit with their totals, by row.
    pub(super) fn fitting<'a>(
        &'a self,
        bonus: &'a [Option<i64>],
    ) -> impl Iterator<Item = (NodeIdx, i64)> + 'a {
        let rows = 0..self.groups.len();
        rows.filter_map(move |row| Some((NodeIdx::new(row), self.total(row, bonus)?)))
    }

    /// Draws one of the best.
    pub(super) fn draw(
        &self,
        bonus: &[Option<i64>],
        best: Best,
        draw: &mut Draw,
        cache: &Cache,
    ) -> Option<NodeIdx> {
        match draw {
            Draw::Seeded(random) => self.nth(bonus, best.total, random.below(best.count)),
            Draw::FirstByName => {
                let all = self.fitting(bonus).filter(|(_, total)| *total == best.total);
                all.map(|(node, _)| node).min_by_key(|node| cache.node_name(*node))
            }
        }
    }

    fn total(&self, row: usize, bonus: &[Option<i64>]) -> Option<i64> {
        let (group, amount) = (*self.groups.get(row)?, self.amounts.get(row));
        let bonus = bonus.get(usize::from(group)).copied().flatten()?;
        (group != NO_GROUP && amount != NO_ROOM).then_some(bonus + i64::from(amount))
    }
}

/// The tops of a block, and of its span, have to be found anew.
fn outdate(blocks: &mut [Block], spans: (&mut Vec<u32>, &mut [bool]), at: usize) {
    if let Some(block) = blocks.get_mut(at) {
        block.state = State::Stale;
        outdate_span(spans, at / FAN);
    }
}

fn outdate_span((stale, is_stale): (&mut Vec<u32>, &mut [bool]), span: usize) {
    if let Some(is_stale) = is_stale.get_mut(span)
        && !std::mem::replace(is_stale, true)
    {
        stale.push(u32::try_from(span).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::base::Random;

    /// The columns against a plain walk over random cells, groups and bonuses.
    #[test]
    fn the_best_are_those_of_a_plain_walk() {
        let mut random = Random::new(11);
        for rows in [1, 63, 64, 65, 500, 4_096, 9_000] {
            let mut columns = Columns::default();
            columns.grow(rows);
            for round in 0..30 {
                for _ in 0..rows.min(40) {
                    let node = NodeIdx::new(random.below(rows));
                    let group = u16::try_from(random.below(4)).unwrap();
                    let amount = i32::try_from(random.below(5)).unwrap() - 1;
                    let amount = if group == NO_GROUP { NO_ROOM } else { amount };
                    columns.set(node, group, amount);
                }
                columns.refresh();
                let bonus: Vec<Option<i64>> =
                    (0..4).map(|g| (g != round % 5).then_some((g as i64 * 7) % 3)).collect();
                let all: Vec<(NodeIdx, i64)> = columns.fitting(&bonus).collect();
                let total = all.iter().map(|(_, total)| *total).max();
                let expected: Vec<NodeIdx> =
                    all.iter().filter(|(_, t)| Some(*t) == total).map(|(n, _)| *n).collect();
                let best = columns.best(&bonus);
                assert_eq!(
                    best.map(|b| (Some(b.total), b.count)).unwrap_or((None, 0)),
                    (total, expected.len())
                );
                let nth = |at| columns.nth(&bonus, total.unwrap_or(0), at);
                let found: Vec<NodeIdx> = (0..expected.len()).filter_map(nth).collect();
                assert_eq!(found, expected);
                assert_eq!(nth(expected.len()), None);
            }
        }
    }
}
