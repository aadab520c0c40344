//! The best amount of each group among some nodes, and how many have it.

use std::ops::Range;

use smallvec::SmallVec;

use super::amounts::{Amounts, NO_ROOM};

/// The group of a node that no group can help: it has no object, or fails by what it is.
pub(super) const NO_GROUP: u16 = 0;
/// The largest amount of one group among some nodes, and how many have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Top {
    pub(super) group: u16,
    pub(super) amount: i32,
    pub(super) count: u32,
}

/// Mostly one group or the few zones of a cluster.
pub(super) type Tops = SmallVec<[Top; 2]>;

impl Top {
    /// What its nodes are worth, where `bonus` is what a group adds to the amount; `None` where the
    /// group is out.
    pub(super) fn worth(&self, bonus: &[Option<i64>]) -> Option<i64> {
        let bonus = bonus.get(usize::from(self.group)).copied().flatten()?;
        Some(bonus + i64::from(self.amount))
    }
}

/// In which list the `nth` node with this total is, and which of the list's it is.
pub(super) fn descend<'a>(
    lists: impl Iterator<Item = &'a Tops>,
    bonus: &[Option<i64>],
    total: i64,
    nth: usize,
) -> Option<(usize, usize)> {
    let mut left = nth;
    for (at, tops) in lists.enumerate() {
        let mut here = 0;
        for top in tops {
            if top.worth(bonus) == Some(total) {
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

/// Adds nodes.
pub(super) fn merge(tops: &mut Tops, new: Top) {
    match tops.iter_mut().find(|top| top.group == new.group) {
        None => tops.push(new),
        Some(top) if top.amount < new.amount => *top = new,
        Some(top) if top.amount == new.amount => top.count += new.count,
        Some(_) => {}
    }
}

/// Takes nodes away; false where the top of their group is no longer known.
pub(super) fn part(tops: &mut Tops, gone: Top) -> bool {
    let Some(at) = tops.iter().position(|top| top.group == gone.group) else { return false };
    let Some(top) = tops.get_mut(at) else { return false };
    if top.amount != gone.amount {
        // Less than the top, or the top was overtaken.
        return top.amount > gone.amount;
    }
    top.count = top.count.saturating_sub(gone.count);
    top.count > 0
}

/// The group of all nodes that have one; [`NO_GROUP`] where they are of several, or none has one.
pub(super) fn only_group(groups: &[u16]) -> u16 {
    let only = groups.iter().copied().fold(NO_GROUP, u16::max);
    let odd = |group: u16| group != NO_GROUP && group != only;
    if groups.iter().fold(false, |any, group| any | odd(*group)) { NO_GROUP } else { only }
}

/// The tops of any nodes, these rows.
pub(super) fn tops_of(
    groups: &[u16],
    amounts: &Amounts,
    rows: Range<usize>,
    tops: &mut Tops,
    places: &mut Vec<u32>,
) {
    let mut all: SmallVec<[Top; 64]> = SmallVec::new();
    let mut groups = groups.iter();
    amounts.each(rows, |amount| {
        if let Some(group) = groups.next().filter(|g| **g != NO_GROUP && amount != NO_ROOM) {
            all.push(Top { group: *group, amount, count: 1 });
        }
    });
    gather(tops, all.into_iter(), places);
}

/// Makes one list of many; `places` is all 0, before and after.
pub(super) fn gather(tops: &mut Tops, from: impl Iterator<Item = Top>, places: &mut Vec<u32>) {
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
