//! The groups of one class: nodes with equal numbers, judged and scored as one.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::framework::GroupKey;

use super::tops::{NO_GROUP, NO_ROOM};

/// Groups by their numbers. Group 0 is [`NO_GROUP`].
#[derive(Debug)]
pub(super) struct Table {
    by_key: HashMap<GroupKey, u16, FxBuildHasher>,
    keys: Vec<GroupKey>,
    // Nodes of the group that have room.
    fits: Vec<u64>,
    last: u16,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            by_key: HashMap::default(),
            keys: vec![GroupKey::new()],
            fits: vec![0],
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
        self.by_key.insert(key.into(), group);
        self.last = group;
        Some(group)
    }

    /// Number of groups, [`NO_GROUP`] included.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
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
        for ((group, amount), sign) in [(before, false), (now, true)] {
            if group == NO_GROUP || amount == NO_ROOM {
                continue;
            }
            if let Some(fits) = self.fits.get_mut(usize::from(group)) {
                *fits = if sign { *fits + 1 } else { fits.saturating_sub(1) };
            }
        }
    }
}
