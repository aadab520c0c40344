//! What nodes have room for.

use crate::base::{NodeIdx, cut, missing};
use crate::model::{Dim, Footprint, Request};

use super::overflow::{Overflow, SumOf};

/// What there is of one resource on one node, and what is taken. A sum that an `i64` does not hold
/// reads the nearest number, and as itself again once pods have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// Sum of the requests of the pods.
    pub requested: i64,
    /// Allocatable.
    pub allocatable: i64,
    /// Sum of what the pods count as when scoring: CPU and memory only, see
    /// [`Footprint::nonzero`].
    pub nonzero: i64,
}

/// What nearly every pod asks for, in one line of the cache: a placement on one of 100,000 nodes
/// misses the cache once for it, and 1,000 classes in turn read it of 800 nodes for each pod.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub struct Room {
    /// `cpu`.
    pub cpu: Amounts,
    /// `memory`.
    pub memory: Amounts,
    /// How many pods more the node takes; below 0 where it has too many.
    pub left: i64,
    /// The [`evenness`] of the two, which is the same for all classes: they would divide twice for
    /// it at each node.
    pub evenness: f64,
}

/// How evenly two resources are taken, of which there is `fraction` each: 100 points less their
/// standard deviation, cut to whole points.
///
/// Source: `balancedResourceScorer` in
/// `pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go`.
#[inline(always)]
pub fn evenness(fractions: [f64; 2]) -> f64 {
    let [a, b] = fractions.map(|fraction| if fraction > 1.0 { 1.0 } else { fraction });
    cut((1.0 - ((a - b) / 2.0).abs()) * 100.0)
}

/// The room of all nodes: 64 bytes a node, and 24 more for each other resource.
#[derive(Debug, Clone, Default)]
pub(super) struct Rooms {
    rows: Vec<Room>,
    // By resource from the third on, then by row.
    rest: Vec<Vec<Amounts>>,
    overflow: Overflow,
}

/// One resource of all nodes, looked up once for many of them.
#[derive(Debug, Clone, Copy)]
pub enum Column<'a> {
    /// `cpu`.
    Cpu(&'a [Room]),
    /// `memory`.
    Memory(&'a [Room]),
    /// Any other.
    Other(&'a [Amounts]),
}

/// Resources in [`Room`].
const COMMON: usize = 2;

impl Amounts {
    /// Whether less than `amount` is free.
    #[inline]
    pub fn lacks(&self, amount: i64) -> bool {
        amount > self.free()
    }

    /// What is left of it, below 0 where more is taken than there is; the nearest number.
    #[inline]
    pub fn free(&self) -> i64 {
        self.allocatable.saturating_sub(self.requested)
    }
}

impl Room {
    /// What was offered or taken is another amount.
    fn renew(&mut self) {
        let fraction = |of: &Amounts| of.requested as f64 / of.allocatable as f64;
        self.evenness = evenness([fraction(&self.cpu), fraction(&self.memory)]);
    }

    /// Whether the evenness is that of the amounts.
    pub(super) fn is_current(&self) -> bool {
        let mut fresh = *self;
        fresh.renew();
        // Nothing taken of nothing offered is no number.
        fresh.evenness == self.evenness || fresh.evenness.is_nan() && self.evenness.is_nan()
    }
}

impl Column<'_> {
    /// The node's; `None` where it has no row.
    #[inline]
    pub fn get(&self, node: NodeIdx) -> Option<&Amounts> {
        match self {
            Self::Cpu(rows) => rows.get(node.at()).map(|room| &room.cpu),
            Self::Memory(rows) => rows.get(node.at()).map(|room| &room.memory),
            Self::Other(column) => column.get(node.at()),
        }
    }
}

impl Rooms {
    /// Adds a row.
    pub(super) fn grow(&mut self) {
        self.rows.push(Room::default());
        self.rest.iter_mut().for_each(|column| column.push(Amounts::default()));
    }

    /// By row.
    pub(super) fn rows(&self) -> &[Room] {
        &self.rows
    }

    pub(super) fn column(&self, dim: Dim) -> Column<'_> {
        match dim {
            Dim::CPU => Column::Cpu(&self.rows),
            Dim::MEMORY => Column::Memory(&self.rows),
            _ => {
                let column = dim.at().checked_sub(COMMON).and_then(|at| self.rest.get(at));
                Column::Other(column.map(Vec::as_slice).unwrap_or_default())
            }
        }
    }

    /// How many pods more the node takes.
    pub(super) fn left(&self, node: NodeIdx) -> i64 {
        self.rows.get(node.at()).map_or(0, |room| room.left)
    }

    /// Sets what a node offers, of up to `dims` resources, and how many pods more it takes: at
    /// least 0, less the pods that are there.
    pub(super) fn offer(&mut self, at: usize, dims: usize, offered: &Request, left: i64) {
        self.widen(dims);
        if let Some(room) = self.rows.get_mut(at) {
            room.cpu.allocatable = 0;
            room.memory.allocatable = 0;
            room.left = left;
        }
        for amounts in self.rest.iter_mut().filter_map(|column| column.get_mut(at)) {
            amounts.allocatable = 0;
        }
        for (dim, amount) in offered.iter() {
            if let Some(amounts) = amounts_of(&mut self.rows, &mut self.rest, at, dim) {
                amounts.allocatable = amount;
            }
        }
        self.rows.get_mut(at).into_iter().for_each(Room::renew);
    }

    /// Counts a pod that comes (1) or goes (-1).
    pub(super) fn account(&mut self, at: usize, footprint: &Footprint, sign: i64) {
        self.widen(footprint.request.iter().last().map_or(0, |(dim, _)| dim.at() + 1));
        let Self { rows, rest, overflow } = self;
        for (dim, amount) in footprint.request.iter() {
            if let Some(Amounts { requested, .. }) = amounts_of(rows, rest, at, dim) {
                let sum = (at, SumOf::Requested(dim));
                *requested = overflow.count(sum, *requested, amount, sign);
            }
        }
        let Some(room) = rows.get_mut(at) else { return missing("node", at) };
        let both = [(&mut room.cpu, Dim::CPU), (&mut room.memory, Dim::MEMORY)];
        for ((Amounts { nonzero, .. }, dim), amount) in both.into_iter().zip(footprint.nonzero) {
            *nonzero = overflow.count((at, SumOf::Nonzero(dim)), *nonzero, amount, sign);
        }
        // From what is offered less 2^32 pods, to what is offered: no overflow, see `offer`.
        room.left -= sign;
        room.renew();
    }

    /// The exact sum, where the row cannot hold it.
    pub(super) fn kept_aside(&self, at: usize, of: SumOf) -> Option<i128> {
        self.overflow.kept(at, of)
    }

    /// Number of sums that rows cannot hold.
    pub(super) fn overflown(&self) -> usize {
        self.overflow.len()
    }

    /// The only row of a copy is that of `at` here.
    pub(super) fn copy(&self, at: usize, copy: &mut Self) {
        copy.widen(self.rest.len() + COMMON);
        super::put(&mut copy.rows, 0, self.rows.get(at).copied().unwrap_or_default());
        for (mine, theirs) in copy.rest.iter_mut().zip(&self.rest) {
            super::put(mine, 0, theirs.get(at).copied().unwrap_or_default());
        }
        self.overflow.copy(at, &mut copy.overflow);
    }

    /// Makes room for `dims` resources.
    fn widen(&mut self, dims: usize) {
        let rows = self.rows.len();
        while self.rest.len() + COMMON < dims {
            self.rest.push(vec![Amounts::default(); rows]);
        }
    }
}

fn amounts_of<'a>(
    rows: &'a mut [Room],
    rest: &'a mut [Vec<Amounts>],
    at: usize,
    dim: Dim,
) -> Option<&'a mut Amounts> {
    match dim {
        Dim::CPU => rows.get_mut(at).map(|room| &mut room.cpu),
        Dim::MEMORY => rows.get_mut(at).map(|room| &mut room.memory),
        _ => rest.get_mut(dim.at().checked_sub(COMMON)?)?.get_mut(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint(amount: i64) -> Footprint {
        let mut symbols = crate::base::Symbols::default();
        let mut dims = crate::model::Dims::new(&mut symbols);
        let names = ["cpu", "memory", "ephemeral-storage", "example.com/gpu"];
        let amounts = names.map(|name| {
            let milli = crate::record::Quantity::from_milli(amount);
            let units = crate::record::Quantity::from_units(amount);
            (name, if name == "cpu" { milli } else { units })
        });
        let request = Request::from_amounts(amounts, &mut dims, &mut symbols);
        assert_eq!(request.iter().count(), names.len());
        Footprint { request, nonzero: [amount; 2] }
    }

    fn all(rooms: &Rooms, at: usize) -> (Room, Vec<Amounts>) {
        (rooms.rows[at], rooms.rest.iter().map(|column| column[at]).collect())
    }

    /// Whoever asks for all there can be is gone again, here and in a copy, and what the others
    /// take is still known.
    #[test]
    fn pods_of_any_size_leave_what_was_there_before() {
        let mut rooms = Rooms::default();
        (0..3).for_each(|_| rooms.grow());
        let offered = footprint(64);
        rooms.offer(1, 4, &offered.request, 110);
        for _ in 0..4 {
            rooms.account(1, &footprint(16), 1);
        }
        let before = all(&rooms, 1);
        for other in [i64::MAX, i64::MAX - 3, 1 << 62] {
            rooms.account(1, &footprint(i64::MAX), 1);
            rooms.account(1, &footprint(other), 1);
            let (room, rest) = all(&rooms, 1);
            let mut of_all = [room.cpu, room.memory].into_iter().chain(rest);
            assert!(of_all.all(|of| of.requested == i64::MAX && of.lacks(1)), "full: {other}");
            assert_eq!((room.cpu.nonzero, room.memory.nonzero), (i64::MAX, i64::MAX));

            let mut copy = Rooms::default();
            copy.grow();
            rooms.copy(1, &mut copy);
            for rooms in [&mut copy, &mut rooms] {
                let at = rooms.rows.len() / 2;
                rooms.account(at, &footprint(other), -1);
                rooms.account(at, &footprint(i64::MAX), -1);
                assert_eq!(format!("{:?}", all(rooms, at)), format!("{before:?}"), "{other}");
            }
        }
        assert_eq!(format!("{:?}", all(&rooms, 0)), format!("{:?}", all(&rooms, 2)));
    }
}
