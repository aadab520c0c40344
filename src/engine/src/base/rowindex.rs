//! Hash tables of row numbers, in pages.

use std::sync::Arc;

use super::paged::own;

/// Slots of a page: 4 kB, copied in half a microsecond.
const SLOTS: usize = 512;

/// Which row has a key: a table of 8 bytes a slot, of which at most three in four are taken. Keys
/// are in the rows; whoever asks compares them.
///
/// Slots are searched one after another from where the hash says, and what follows moves up when
/// one goes, so there are no traces of what is gone. A clone shares all pages; a page is copied by
/// the first write to it while it is shared.
#[derive(Debug, Clone, Default)]
pub struct RowIndex {
    // As many as a power of two, or none.
    pages: Vec<Arc<[Slot; SLOTS]>>,
    // Slots less one.
    mask: usize,
    len: usize,
}

/// A row and half of its key's hash: enough to grow without the keys, up to 2^32 slots.
#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    row: u32,
}

const NO_ROW: u32 = u32::MAX;
const FREE: Slot = Slot { hash: 0, row: NO_ROW };

/// The half that is good with foldhash and rustc_hash alike: 1.1 to 2 slots are looked at for a
/// key, in a table that is 60 % full of numbers in a row, addresses or texts.
fn half(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl RowIndex {
    /// The row with this hash that is the one.
    #[inline]
    pub fn find(&self, hash: u64, is: impl FnMut(u32) -> bool) -> Option<u32> {
        self.slot_of(half(hash), is).map(|(_, row)| row)
    }

    /// The slot and the row. Ends at a free slot, of which there is one in four.
    #[inline]
    fn slot_of(&self, hash: u32, mut is: impl FnMut(u32) -> bool) -> Option<(usize, u32)> {
        let mut at = hash as usize & self.mask;
        loop {
            let slot = self.slot(at)?;
            if slot.row == NO_ROW {
                return None;
            }
            if slot.hash == hash && is(slot.row) {
                return Some((at, slot.row));
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Enters a row that is not in the table.
    #[inline]
    pub fn insert(&mut self, hash: u64, row: u32) {
        debug_assert!(row != NO_ROW, "a table has fewer rows");
        if (self.len + 1) * 4 > self.pages.len() * SLOTS * 3 {
            self.grow();
        }
        self.len += 1;
        self.fill(Slot { hash: half(hash), row });
    }

    /// Takes a row out; false where it is not there.
    pub fn remove(&mut self, hash: u64, row: u32) -> bool {
        let Some((mut hole, _)) = self.slot_of(half(hash), |other| other == row) else {
            return false;
        };
        self.len -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & self.mask;
            let next = self.slot(at).unwrap_or(FREE);
            if next.row == NO_ROW {
                break;
            }
            // It may move up to the hole where that is not before the slot that its hash names.
            let from_home = at.wrapping_sub(next.hash as usize) & self.mask;
            if from_home >= at.wrapping_sub(hole) & self.mask {
                self.set(hole, next);
                hole = at;
            }
        }
        self.set(hole, FREE);
        true
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Pages that a clone has as well.
    pub fn shared_pages(&self) -> usize {
        self.pages.iter().filter(|page| Arc::strong_count(page) > 1).count()
    }

    /// `None` where there are no slots at all.
    #[inline]
    fn slot(&self, at: usize) -> Option<Slot> {
        self.pages.get(at / SLOTS)?.get(at % SLOTS).copied()
    }

    #[inline]
    fn set(&mut self, at: usize, slot: Slot) {
        let page =
            self.pages.get_mut(at / SLOTS).and_then(|page| own(page, |slots| Arc::new(*slots)));
        if let Some(place) = page.and_then(|page| page.get_mut(at % SLOTS)) {
            *place = slot;
        }
    }

    #[inline]
    fn fill(&mut self, slot: Slot) {
        let mut at = slot.hash as usize & self.mask;
        while self.slot(at).is_some_and(|slot| slot.row != NO_ROW) {
            at = (at + 1) & self.mask;
        }
        self.set(at, slot);
    }

    /// Twice as many slots.
    #[cold]
    fn grow(&mut self) {
        let pages = (2 * self.pages.len()).max(1);
        let larger = std::iter::repeat_with(|| Arc::new([FREE; SLOTS])).take(pages).collect();
        let old = std::mem::replace(&mut self.pages, larger);
        self.mask = pages * SLOTS - 1;
        for slot in old.iter().flat_map(|page| page.iter()).filter(|slot| slot.row != NO_ROW) {
            self.fill(*slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::Random;

    /// Keys of a few hashes, so that they crowd, beside a plain map; clones stay as they were.
    #[test]
    fn it_finds_what_is_there_and_nothing_else() {
        let mut random = Random::new(23);
        for spread in [3, 40, usize::MAX] {
            let mut index = RowIndex::default();
            let mut plain: BTreeMap<u32, u64> = BTreeMap::new();
            let mut kept: Option<(RowIndex, BTreeMap<u32, u64>)> = None;
            for step in 0..6_000 {
                let row = random.below(400) as u32;
                match plain.get(&row).copied() {
                    None => {
                        let hash =
                            (random.below(spread) as u64).wrapping_mul(0x0101_0101_0000_0001);
                        index.insert(hash, row);
                        plain.insert(row, hash);
                    }
                    Some(hash) => {
                        assert!(index.remove(hash, row) && !index.remove(hash, row));
                        plain.remove(&row);
                    }
                }
                if step % 1_000 == 500 {
                    kept = Some((index.clone(), plain.clone()));
                }
                if step % 50 == 0 {
                    for (index, plain) in kept.iter().map(|(a, b)| (a, b)).chain([(&index, &plain)])
                    {
                        assert_eq!(index.len(), plain.len());
                        for row in 0..400 {
                            let known = plain.get(&row).copied();
                            let found = index.find(known.unwrap_or(1), |other| other == row);
                            assert_eq!(found, known.map(|_| row), "spread {spread}, step {step}");
                        }
                    }
                }
            }
        }
    }
}
