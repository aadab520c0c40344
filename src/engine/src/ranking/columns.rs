//! One class's view of all nodes in two columns, with the best of every 64 nodes and of every 4,096
//! nodes kept beside them, so that the best of a million is found without looking at them.

use smallvec::SmallVec;

use crate::base::{Draw, NodeIdx};
use crate::cache::Cache;

/// The group of a node that no group can help: it has no object, or fails by what it is.
pub(super) const NO_GROUP: u16 = 0;
/// The amount of a node that has no room.
pub(super) const NO_ROOM: i32 = -1;
/// Nodes per block, and blocks per span.
const FAN: usize = 64;

/// The largest amount of one group among some nodes, and how many have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Top {
    group: u16,
    amount: i32,
    count: u32,
}

/// Mostly one group or the few zones of a cluster.
type Tops = SmallVec<[Top; 2]>;

/// Six bytes a node, and about one more for the tops.
///
/// Tops follow single cells as long as they can: a node that leaves the top of its block takes one
/// from the count. Only where the count comes to nothing the block is looked through for the next.
#[derive(Debug, Default)]
pub(super) struct Columns {
    groups: Vec<u16>,
    amounts: Vec<i32>,
    blocks: Vec<Tops>,
    spans: Vec<Tops>,
    // Blocks with cells that have changed, once each, with the tops that their span knows of them.
    changed: Vec<(u32, Tops)>,
    // Where a group is among the tops being gathered, one more than its place; 0 for none.
    places: Vec<u32>,
    // What is the matter with each block, and with each span.
    block_states: Vec<State>,
    span_stale: Vec<bool>,
}

/// How up to date the tops of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Its span knows them.
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
        self.amounts.resize(rows, NO_ROOM);
        let blocks = rows.div_ceil(FAN);
        self.blocks.resize(blocks, Tops::new());
        self.block_states.resize(blocks, State::Known);
        self.spans.resize(blocks.div_ceil(FAN), Tops::new());
        self.span_stale.resize(blocks.div_ceil(FAN), false);
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn group(&self, node: NodeIdx) -> u16 {
        self.groups.get(node.at()).copied().unwrap_or(NO_GROUP)
    }

    /// Sets both cells of a node; what was there is returned.
    pub(super) fn set(&mut self, node: NodeIdx, group: u16, amount: i32) -> (u16, i32) {
        let at = node.at();
        let (Some(g), Some(a)) = (self.groups.get_mut(at), self.amounts.get_mut(at)) else {
            return (NO_GROUP, NO_ROOM);
        };
        let before = (*g, *a);
        if before == (group, amount) {
            return before;
        }
        (*g, *a) = (group, amount);
        let block = at / FAN;
        let (Some(tops), Some(state)) =
            (self.blocks.get_mut(block), self.block_states.get_mut(block))
        else {
            return before;
        };
        if *state == State::Known {
            *state = State::Changed;
            self.changed.push((u32::try_from(block).unwrap_or(u32::MAX), tops.clone()));
        }
        if *state == State::Changed {
            let top = |(group, amount)| Top { group, amount, count: 1 };
            let counts = |(group, amount)| group != NO_GROUP && amount != NO_ROOM;
            if counts((group, amount)) {
                merge(tops, top((group, amount)));
            }
            if counts(before) && !part(tops, top(before)) {
                *state = State::Stale;
            }
        }
        before
    }

    /// As [`Columns::set`], for one of very many nodes: their blocks are looked through once, at
    /// the next [`Columns::refresh`].
    pub(super) fn set_in_bulk(&mut self, node: NodeIdx, group: u16, amount: i32) -> (u16, i32) {
        let at = node.at();
        let (Some(g), Some(a), Some(state)) = (
            self.groups.get_mut(at),
            self.amounts.get_mut(at),
            self.block_states.get_mut(at / FAN),
        ) else {
            return (NO_GROUP, NO_ROOM);
        };
        let before = (*g, *a);
        (*g, *a) = (group, amount);
        if *state == State::Known {
            let known = self.blocks.get(at / FAN).cloned().unwrap_or_default();
            self.changed.push((u32::try_from(at / FAN).unwrap_or(u32::MAX), known));
        }
        *state = State::Stale;
        before
    }

    /// Forgets all cells.
    pub(super) fn clear(&mut self) {
        self.groups.fill(NO_GROUP);
        self.amounts.fill(NO_ROOM);
        self.blocks.iter_mut().chain(&mut self.spans).for_each(Tops::clear);
        self.changed.clear();
        self.block_states.fill(State::Known);
        self.span_stale.fill(false);
    }

    /// Brings the tops up to date.
    pub(super) fn refresh(&mut self) {
        let mut changed = std::mem::take(&mut self.changed);
        let mut stale: SmallVec<[usize; 4]> = SmallVec::new();
        for (block, known) in changed.drain(..) {
            let block = block as usize;
            self.refresh_block(block);
            let span = block / FAN;
            let (Some(tops), Some(found), Some(is_stale)) =
                (self.spans.get_mut(span), self.blocks.get(block), self.span_stale.get_mut(span))
            else {
                continue;
            };
            if *is_stale {
                continue;
            }
            found.iter().for_each(|top| merge(tops, *top));
            if !known.iter().all(|top| part(tops, *top)) {
                *is_stale = true;
                stale.push(span);
            }
        }
        self.changed = changed;
        for span in stale {
            let to = ((span + 1) * FAN).min(self.blocks.len());
            if let (Some(tops), Some(blocks), Some(is_stale)) = (
                self.spans.get_mut(span),
                self.blocks.get(span * FAN..to),
                self.span_stale.get_mut(span),
            ) {
                gather(tops, blocks.iter().flatten().copied(), &mut self.places);
                *is_stale = false;
            }
        }
    }

    fn refresh_block(&mut self, block: usize) {
        let Some(state) = self.block_states.get_mut(block) else { return };
        if *state == State::Stale {
            let rows = block * FAN..((block + 1) * FAN).min(self.groups.len());
            let cells = (self.groups.get(rows.clone()), self.amounts.get(rows));
            if let (Some(tops), (Some(groups), Some(amounts))) = (self.blocks.get_mut(block), cells)
            {
                tops_of(groups, amounts, tops, &mut self.places);
            }
        }
        *state = State::Known;
    }

    /// The best nodes, where `bonus` is what a group adds to the amount, `None` for groups that are
    /// out. The tops are up to date.
    pub(super) fn best(&self, bonus: &[Option<i64>]) -> Option<Best> {
        let mut best: Option<Best> = None;
        for top in self.spans.iter().flatten() {
            let Some(total) = worth(top, bonus) else { continue };
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
        let (span, nth) = descend(&self.spans, bonus, total, nth)?;
        let blocks = span * FAN..((span + 1) * FAN).min(self.blocks.len());
        let (block, nth) = descend(self.blocks.get(blocks)?, bonus, total, nth)?;
        let from = (span * FAN + block) * FAN;
        let rows = from..(from + FAN).min(self.groups.len());
        rows.filter(|row| self.total(*row, bonus) == Some(total)).nth(nth).map(NodeIdx::new)
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
        let (group, amount) = (*self.groups.get(row)?, *self.amounts.get(row)?);
        let bonus = bonus.get(usize::from(group)).copied().flatten()?;
        (group != NO_GROUP && amount != NO_ROOM).then_some(bonus + i64::from(amount))
    }
}

fn worth(top: &Top, bonus: &[Option<i64>]) -> Option<i64> {
    let bonus = bonus.get(usize::from(top.group)).copied().flatten()?;
    Some(bonus + i64::from(top.amount))
}

/// In which list the `nth` node with this total is, and which of the list's it is.
fn descend(
    lists: &[Tops],
    bonus: &[Option<i64>],
    total: i64,
    nth: usize,
) -> Option<(usize, usize)> {
    let mut left = nth;
    for (at, tops) in lists.iter().enumerate() {
        let mut here = 0;
        for top in tops {
            if worth(top, bonus) == Some(total) {
                here += top.count as usize;
            }
        }
        if left < here {
            return Some((at, left));
        }
        left -= here;
    }
    None
}

fn merge(tops: &mut Tops, new: Top) {
    match tops.iter_mut().find(|top| top.group == new.group) {
        None => tops.push(new),
        Some(top) if top.amount < new.amount => *top = new,
        Some(top) if top.amount == new.amount => top.count += new.count,
        Some(_) => {}
    }
}

/// Takes nodes away; false where the top of their group is no longer known.
fn part(tops: &mut Tops, gone: Top) -> bool {
    let Some(at) = tops.iter().position(|top| top.group == gone.group) else { return false };
    let Some(top) = tops.get_mut(at) else { return false };
    if top.amount != gone.amount {
        // Less than the top, or the top was overtaken.
        return top.amount > gone.amount;
    }
    top.count = top.count.saturating_sub(gone.count);
    top.count > 0
}

/// The tops of one block. Where all nodes are of one group, which is usual, the two loops have no
/// branches and run on whole vectors.
fn tops_of(groups: &[u16], amounts: &[i32], tops: &mut Tops, places: &mut Vec<u32>) {
    tops.clear();
    let Some(group) = groups.first().copied() else { return };
    if groups.iter().fold(0, |odd, g| odd | (*g ^ group)) == 0 {
        let amount = amounts.iter().copied().fold(NO_ROOM, i32::max);
        if group != NO_GROUP && amount != NO_ROOM {
            let count = amounts.iter().map(|a| u32::from(*a == amount)).sum();
            tops.push(Top { group, amount, count });
        }
        return;
    }
    let cells = groups.iter().copied().zip(amounts.iter().copied());
    let cells = cells.filter(|(group, amount)| *group != NO_GROUP && *amount != NO_ROOM);
    gather(tops, cells.map(|(group, amount)| Top { group, amount, count: 1 }), places);
}

/// Makes one list of many; `places` is all 0, before and after.
fn gather(tops: &mut Tops, from: impl Iterator<Item = Top>, places: &mut Vec<u32>) {
    tops.clear();
    for new in from {
        let group = usize::from(new.group);
        if places.len() <= group {
            places.resize(group + 1, 0);
        }
        let Some(place) = places.get_mut(group) else { continue };
        match (place.checked_sub(1)).and_then(|at| tops.get_mut(at as usize)) {
            Some(top) if top.amount < new.amount => *top = new,
            Some(top) if top.amount == new.amount => top.count += new.count,
            Some(_) => {}
            None => {
                tops.push(new);
                *place = u32::try_from(tops.len()).unwrap_or(0);
            }
        }
    }
    for top in tops.iter() {
        if let Some(place) = places.get_mut(usize::from(top.group)) {
            *place = 0;
        }
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
