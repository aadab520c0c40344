//! Kinds of pods that came or went, by number.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// Kinds that have numbers at once. A reader keeps two bits for each, 4 kB; an entry here is 32
/// bytes, 1 MB in all with the room that a table leaves free.
pub const KINDS_MAX: usize = 16_384;

/// What pods of one kind have in common: the serials of their class and of their label set, and
/// whether they are being deleted. Whoever counts pods counts all of one kind alike.
pub(super) type Kind = (u64, u64, bool);

/// Numbers of kinds. A number is never given twice; where there are too many, all are forgotten
/// and begin anew, each with a number that none had before.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    numbers: HashMap<Kind, u64, FxBuildHasher>,
    first: u64,
    next: u64,
    // Pods of one Job come one after another.
    last: Option<(Kind, u64)>,
}

impl Kinds {
    /// The number of a kind.
    pub(super) fn number(&mut self, kind: Kind) -> u64 {
        if let Some((last, number)) = self.last
            && last == kind
        {
            return number;
        }
        if self.numbers.len() >= KINDS_MAX && !self.numbers.contains_key(&kind) {
            self.numbers.clear();
            self.first = self.next;
        }
        let number = *self.numbers.entry(kind).or_insert(self.next);
        self.next = self.next.max(number + 1);
        self.last = Some((kind, number));
        number
    }

    /// The first of the numbers that stand for kinds now: they are fewer than [`KINDS_MAX`] from it
    /// on.
    pub(super) fn first(&self) -> u64 {
        self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once() {
        let mut kinds = Kinds::default();
        let max = KINDS_MAX as u64;
        let all: Vec<u64> = (0..max).map(|class| kinds.number((class, 0, false))).collect();
        assert!(all.iter().copied().eq(0..max));
        assert_eq!((kinds.number((1, 0, false)), kinds.first()), (1, 0));
        assert_eq!((kinds.number((1, 0, true)), kinds.first()), (max, max));
        assert_eq!(kinds.number((1, 0, false)), max + 1, "forgotten, and not what it was");
        assert_eq!(kinds.number((1, 0, true)), max);
    }
}
