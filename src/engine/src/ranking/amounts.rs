//! The amounts of a class's nodes, in a byte each as long as that will do.
//!
//! With the default weights no amount is above 200. 1,000 classes in turn read their amounts from
//! memory, each its own for each pod: at 5,000 nodes 5 kB instead of 20 kB.

use std::ops::Range;

use crate::base::{NodeIdx, vectorized};

/// The amount of a node that has no room.
pub(super) const NO_ROOM: i32 = -1;

/// An amount for each row, or [`NO_ROOM`]. Cells are one more than the amount, 0 for no room.
#[derive(Debug)]
pub(super) enum Amounts {
    /// None is above 254.
    Bytes(Vec<u8>),
    /// Any.
    Words(Vec<u32>),
}

/// What is kept for a row.
trait Cell: Copy + Ord + Default {
    /// None, where the cell does not hold the amount.
    fn of(amount: i32) -> Option<Self>;

    /// What holds the amount, which [`Cell::of`] says that there is.
    fn held(amount: i32) -> Self;

    fn amount(self) -> i32;

    /// How many of up to 64 cells are like this one.
    #[inline(always)]
    fn count_in(self, cells: &[Self]) -> u32 {
        cells.iter().fold(0, |count, cell| count + u32::from(*cell == self))
    }
}

impl Cell for u8 {
    fn of(amount: i32) -> Option<Self> {
        u8::try_from(amount + 1).ok()
    }

    fn held(amount: i32) -> Self {
        (amount + 1) as Self
    }

    fn amount(self) -> i32 {
        i32::from(self) - 1
    }

    /// In bytes as well, 16 or 32 to a vector.
    #[inline(always)]
    fn count_in(self, cells: &[Self]) -> u32 {
        cells.iter().fold(0u8, |count, cell| count.wrapping_add(u8::from(*cell == self))).into()
    }
}

impl Cell for u32 {
    fn of(amount: i32) -> Option<Self> {
        Some(Self::held(amount))
    }

    fn held(amount: i32) -> Self {
        (amount + 1).cast_unsigned()
    }

    fn amount(self) -> i32 {
        self.cast_signed() - 1
    }
}

/// The same for cells of either kind.
macro_rules! of_cells {
    ($amounts:expr, $cells:ident => $what:expr) => {
        match $amounts {
            Amounts::Bytes($cells) => $what,
            Amounts::Words($cells) => $what,
        }
    };
}

impl Default for Amounts {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl Amounts {
    /// Makes it `rows` rows; new ones have no room.
    pub(super) fn resize(&mut self, rows: usize) {
        of_cells!(self, cells => cells.resize(rows, Default::default()));
    }

    /// No node has room.
    pub(super) fn clear(&mut self) {
        of_cells!(self, cells => cells.fill(Default::default()));
    }

    /// The node's amount.
    pub(super) fn get(&self, row: usize) -> i32 {
        of_cells!(self, cells => cells.get(row).map_or(NO_ROOM, |cell| cell.amount()))
    }

    /// Sets the node's amount; what was there is returned.
    pub(super) fn set(&mut self, row: usize, amount: i32) -> i32 {
        self.hold(amount);
        of_cells!(self, cells => put(cells, row, amount))
    }

    /// Sets the amounts of nodes; `each` is told of the row, and of the amounts before and now.
    pub(super) fn set_all(
        &mut self,
        nodes: &[NodeIdx],
        amounts: &[i32],
        mut each: impl FnMut(usize, i32, i32),
    ) {
        self.hold(amounts.iter().copied().fold(NO_ROOM, i32::max));
        let news = nodes.iter().zip(amounts);
        of_cells!(self, cells => for (node, amount) in news {
            each(node.at(), put(cells, node.at(), *amount), *amount);
        });
    }

    /// The largest amount of up to 64 rows, and how many have it; `None` where none has room. Two
    /// loops without branches, which run on whole vectors.
    pub(super) fn top(&self, rows: Range<usize>) -> Option<(i32, u32)> {
        of_cells!(self, cells => {
            let cells = cells.get(rows)?;
            vectorized(#[inline(always)] || top(cells))
        })
    }

    /// Which of up to 64 rows is the `nth` with this amount.
    pub(super) fn nth_with(&self, rows: Range<usize>, amount: i32, nth: usize) -> Option<usize> {
        of_cells!(self, cells => nth_with(cells.get(rows)?, amount, nth))
    }

    /// Hands out the amounts of some rows in order.
    pub(super) fn each(&self, rows: Range<usize>, take: impl FnMut(i32)) {
        of_cells!(self, cells => {
            cells.get(rows).unwrap_or_default().iter().map(|cell| cell.amount()).for_each(take);
        });
    }

    /// Makes cells that hold this amount.
    fn hold(&mut self, amount: i32) {
        if let Self::Bytes(cells) = self
            && u8::of(amount).is_none()
        {
            *self = Self::Words(cells.iter().copied().map(u32::from).collect());
        }
    }
}

/// Sets one cell, which holds the amount.
fn put<C: Cell>(cells: &mut [C], row: usize, amount: i32) -> i32 {
    debug_assert!(row < cells.len(), "amount {row} is missing");
    let Some(cell) = cells.get_mut(row) else { return amount };
    std::mem::replace(cell, C::held(amount)).amount()
}

#[inline(always)]
fn top<C: Cell>(cells: &[C]) -> Option<(i32, u32)> {
    let most = cells.iter().copied().fold(C::default(), C::max);
    (most != C::default()).then(|| (most.amount(), most.count_in(cells)))
}

/// All are found first, without a branch for each that a processor could only guess.
fn nth_with<C: Cell>(cells: &[C], amount: i32, nth: usize) -> Option<usize> {
    let wanted = C::of(amount)?;
    let bits = cells.iter().enumerate().map(|(at, cell)| u64::from(*cell == wanted) << (at % 64));
    let mut found = bits.fold(0, |all, bit| all | bit);
    for _ in 0..nth {
        found &= found.wrapping_sub(1);
    }
    (found != 0).then(|| found.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Amounts are the same in bytes and in words, and across the change from one to the other.
    #[test]
    fn large_amounts_change_nothing_of_the_others() {
        let mut amounts = Amounts::default();
        amounts.resize(6);
        let nodes: Vec<NodeIdx> = [0, 2, 3].into_iter().map(NodeIdx::new).collect();
        let mut before = Vec::new();
        amounts.set_all(&nodes, &[254, 0, 254], |row, was, _| before.push((row, was)));
        assert_eq!(before, [(0, NO_ROOM), (2, NO_ROOM), (3, NO_ROOM)]);
        assert!(matches!(amounts, Amounts::Bytes(_)));
        for large in [254, 255, i32::MAX - 1] {
            assert_eq!(amounts.set(5, large), if large == 254 { NO_ROOM } else { 254 });
            assert_eq!(matches!(amounts, Amounts::Bytes(_)), large == 254);
            let mut all = Vec::new();
            amounts.each(0..6, |amount| all.push(amount));
            assert_eq!(all, [254, NO_ROOM, 0, 254, NO_ROOM, large]);
            assert_eq!(amounts.top(0..5), Some((254, 2)));
            assert_eq!(amounts.top(4..6), Some((large, 1)));
            assert_eq!(amounts.nth_with(0..5, 254, 1), Some(3));
            assert_eq!(amounts.nth_with(0..5, 254, 2), None);
            assert_eq!((amounts.get(2), amounts.get(1), amounts.get(6)), (0, NO_ROOM, NO_ROOM));
            amounts.set(5, 254);
        }
        assert_eq!(amounts.top(1..2), None);
        amounts.clear();
        assert_eq!(amounts.top(0..6), None);
    }
}
