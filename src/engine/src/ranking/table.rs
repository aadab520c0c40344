//! The groups of one class: nodes with equal numbers, judged and scored as one.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::framework::GroupKey;

use super::amounts::NO_ROOM;
use super::tops::NO_GROUP;

/// Groups by their numbers. Group 0 is [`NO_GROUP`].
#[derive(Debug)]
pub(super) struct Table {
    by_key: HashMap<GroupKey, u16, FxBuildHasher>,
    keys: Vec<GroupKey>,
    // Nodes of the group that have room.
    fits: Vec<u64>,
    // All nodes of the group.
    nodes: Vec<u32>,
    // Groups with nodes.
    inhabited: usize,
    last: u16,
}

/// A group: its key twice, of 64 bytes where it has up to six numbers, and what is counted.
const GROUP_BYTES: usize = 150;

/// Groups from which on it may pay to make them anew: each choice looks at all of them.
const SPARSE_MIN: usize = 1_024;

impl Default for Table {
    fn default() -> Self {
        Self {
            by_key: HashMap::default(),
            keys: vec![GroupKey::new()],
            fits: vec![0],
            nodes: vec![0],
            inhabited: 0,
            last: NO_GROUP,
        }
    }
}

impl Table {
    /// The group of nodes with these numbers; `None` where there are too many groups.
    pub(super) fn intern(&mut self, key: &[i64]) -> Option<u16> {
        // A few numbers: a call to compare them takes longer.
        let is_same = |k: &GroupKey| k.len() == key.len() && k.iter().zip(key).all(|(a, b)| a == b);
        if self.last != NO_GROUP && self.keys.get(usize::from(self.last)).is_some_and(is_same) {
            return Some(self.last);
        }
        if let Some(group) = self.by_key.get(key) {
            self.last = *group;
            return Some(*group);
        }
        let group = u16::try_from(self.keys.len()).ok()?;
        self.keys.push(key.into());
        self.fits.push(0);
        self.nodes.push(0);
        self.by_key.insert(key.into(), group);
        self.last = group;
        Some(group)
    }

    /// Number of groups, [`NO_GROUP`] included.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// What they take.
    pub(super) fn bytes(&self) -> usize {
        self.keys.len() * GROUP_BYTES
    }

    /// Whether most groups have lost all their nodes: numbers that come and go, such as the sizes
    /// of images that spread, leave them behind. To make them anew costs a look at each node, after
    /// 1,024 changes of nodes or more.
    pub(super) fn is_sparse(&self) -> bool {
        self.keys.len() > SPARSE_MIN.max(4 * self.inhabited)
    }

    /// The numbers of a group.
    pub(super) fn key(&self, group: usize) -> &[i64] {
        self.keys.get(group).map(|key| key.as_slice()).unwrap_or_default()
    }

    /// One number of a group.
    pub(super) fn number(&self, group: usize, at: usize) -> i64 {
        self.key(group).get(at).copied().unwrap_or(0)
    }

    /// Groups with nodes that have room: their numbers, and how many nodes.
    pub(super) fn filled(&self) -> impl Iterator<Item = (usize, &[i64], u64)> {
        let all = self.keys.iter().zip(&self.fits).enumerate();
        all.filter(|(_, (_, fits))| **fits > 0).map(|(at, (key, fits))| (at, key.as_slice(), *fits))
    }

    /// Counts a node's cells that are now `now` and were `before`.
    pub(super) fn count(&mut self, before: (u16, i32), now: (u16, i32)) {
        if before.0 != now.0 {
            self.move_node(before.0, now.0);
        }
        for ((group, amount), sign) in [(before, false), (now, true)] {
            if group == NO_GROUP || amount == NO_ROOM {
                continue;
            }
            if let Some(fits) = self.fits.get_mut(usize::from(group)) {
                *fits = if sign { *fits + 1 } else { fits.saturating_sub(1) };
            }
        }
    }

    fn move_node(&mut self, from: u16, to: u16) {
        let known = |group: u16| Some(usize::from(group)).filter(|_| group != NO_GROUP);
        if let Some(nodes) = known(from).and_then(|at| self.nodes.get_mut(at)) {
            *nodes = nodes.saturating_sub(1);
            self.inhabited = self.inhabited.saturating_sub(usize::from(*nodes == 0));
        }
        if let Some(nodes) = known(to).and_then(|at| self.nodes.get_mut(at)) {
            self.inhabited += usize::from(*nodes == 0);
            *nodes += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn groups_without_nodes_make_it_sparse() {
        let mut table = Table::default();
        let mut at = (NO_GROUP, NO_ROOM);
        // One node that has another number each time, and none of them twice.
        for number in 0..SPARSE_MIN as i64 - 1 {
            let now = (table.intern(&[number]).unwrap(), 5);
            table.count(at, now);
            at = now;
        }
        assert!(!table.is_sparse());
        assert_eq!((table.inhabited, table.filled().count()), (1, 1));
        let full = table.intern(&[-1]).unwrap();
        // Without room a node is in its group all the same.
        table.count(at, (full, NO_ROOM));
        assert!(table.is_sparse());
        assert_eq!((table.inhabited, table.filled().count()), (1, 0));
        table.count((full, NO_ROOM), (NO_GROUP, NO_ROOM));
        assert_eq!(table.inhabited, 0);
    }

    #[test]
    fn groups_with_nodes_do_not() {
        let mut table = Table::default();
        for number in 0..5_000 {
            let group = table.intern(&[number]).unwrap();
            table.count((NO_GROUP, NO_ROOM), (group, 5));
        }
        assert!(!table.is_sparse());
        assert_eq!(table.inhabited, 5_000);
    }
}
