//! Vectors in pages, so that a copy of the whole costs a pointer a page.

use std::fmt;
use std::sync::Arc;

use crate::stored::{LoadError, Reader, Stored, Writer};

/// A vector in pages of `ROWS` rows, a power of two. A clone shares all pages; a page is copied by
/// the first write to it while it is shared.
///
/// `ROWS` is chosen so that copying a page takes 1 to 4 µs, cold: 32 rows where each has memory of
/// its own on the heap, which is a miss of the cache each, 1,024 of plain numbers. A look at a row
/// costs what it does in a vector and one step more; a write costs an atomic exchange (6 ns)
/// besides.
///
/// Rows behind the last one, up to the end of their page, read as the default.
///
/// A vector of one page has as much room as it needs, in powers of two: dry runs make tables of one
/// row.
pub struct Paged<T, const ROWS: usize = 32> {
    pages: Vec<Arc<[T]>>,
    len: usize,
}

/// Numbers of rows that are free; the one that was freed last is used first.
pub type FreeRows = Paged<u32, 1_024>;

impl<T, const ROWS: usize> Default for Paged<T, ROWS> {
    fn default() -> Self {
        const { assert!(ROWS.is_power_of_two(), "rows are found by shifting") };
        Self { pages: Vec::new(), len: 0 }
    }
}

impl<T, const ROWS: usize> Clone for Paged<T, ROWS> {
    fn clone(&self) -> Self {
        Self { pages: self.pages.clone(), len: self.len }
    }
}

impl<T: fmt::Debug, const ROWS: usize> fmt::Debug for Paged<T, ROWS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T, const ROWS: usize> Paged<T, ROWS> {
    /// The row.
    #[inline]
    pub fn get(&self, at: usize) -> Option<&T> {
        self.pages.get(at / ROWS)?.get(at % ROWS)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flat_map(|page| page.iter()).take(self.len)
    }

    /// Pages that a clone has as well.
    pub fn shared_pages(&self) -> usize {
        self.pages.iter().filter(|page| Arc::strong_count(page) > 1).count()
    }
}

impl<T: Clone, const ROWS: usize> Paged<T, ROWS> {
    /// The row, to write to it.
    #[inline]
    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        if at >= self.len {
            return None;
        }
        own(self.pages.get_mut(at / ROWS)?, |rows| rows.into())?.get_mut(at % ROWS)
    }

    /// Writes the row; nothing where there is none.
    #[inline]
    pub fn set(&mut self, at: usize, value: T) {
        if let Some(row) = self.get_mut(at) {
            *row = value;
        }
    }
}

impl<T: Clone + Default, const ROWS: usize> Paged<T, ROWS> {
    /// Adds a row; its number is returned.
    #[inline]
    pub fn push(&mut self, value: T) -> usize {
        let at = self.len;
        self.len += 1;
        if self.get(at).is_none() {
            self.grow();
        }
        self.set(at, value);
        at
    }

    /// Puts a value into a row that is free, or into a new one; the row's number.
    #[inline]
    pub fn put(&mut self, free: &mut FreeRows, value: T) -> u32 {
        match free.pop() {
            Some(row) => {
                self.set(row as usize, value);
                row
            }
            None => u32::try_from(self.push(value)).unwrap_or(u32::MAX),
        }
    }

    /// Takes the last row out.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let last = std::mem::take(self.get_mut(self.len.checked_sub(1)?)?);
        self.len -= 1;
        // One page stays beyond the last one in use, for a stack that goes up and down.
        self.pages.truncate(self.len.div_ceil(ROWS) + 1);
        Some(last)
    }

    /// A page more, or a larger one where it is the only one.
    #[cold]
    fn grow(&mut self) {
        match self.pages.as_mut_slice() {
            [only] if only.len() < ROWS => {
                let twice = 2 * only.len();
                let rows = own(only, |rows| rows.into()).into_iter().flatten().map(std::mem::take);
                let larger = page(rows, twice);
                *only = larger;
            }
            [] => self.pages.push(page([], 1)),
            _ => self.pages.push(page([], ROWS)),
        }
    }
}

/// The page, to write to it: a copy where it is shared. There are no weak references, so a count of
/// one is one owner, who alone could make it more. A third of the instructions of
/// [`Arc::make_mut`].
#[inline(always)]
pub(super) fn own<P: ?Sized>(page: &mut Arc<P>, copy: impl FnOnce(&P) -> Arc<P>) -> Option<&mut P> {
    if Arc::strong_count(page) != 1 {
        *page = copy(page);
    }
    Arc::get_mut(page)
}

/// A page of these rows, and of defaults up to `len`.
fn page<T: Default>(rows: impl IntoIterator<Item = T>, len: usize) -> Arc<[T]> {
    rows.into_iter().chain(std::iter::repeat_with(T::default)).take(len).collect()
}

impl<T: Stored + Clone + Default, const ROWS: usize> Stored for Paged<T, ROWS> {
    fn write(&self, out: &mut Writer) {
        out.count(self.len);
        self.iter().for_each(|row| row.write(out));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        let mut rows = Self::default();
        from.each(|_, row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::base::Random;

    /// Any writes, beside a vector; clones stay what they were, and hold no page when they go.
    #[test]
    fn it_is_a_vector_and_clones_stay_as_they_were() {
        let mut random = Random::new(11);
        let mut paged: Paged<u64, 8> = Paged::default();
        let mut plain: Vec<u64> = Vec::new();
        let mut kept: Vec<(Paged<u64, 8>, Vec<u64>)> = Vec::new();
        for step in 0..20_000_u64 {
            let at = random.below(plain.len() + 1);
            match random.below(12) {
                0..=4 => {
                    assert_eq!(paged.push(step), plain.len());
                    plain.push(step);
                }
                5..=7 => assert_eq!(paged.pop(), plain.pop()),
                8 | 9 => {
                    paged.set(at, step);
                    plain.iter_mut().skip(at).take(1).for_each(|row| *row = step);
                }
                10 if kept.len() < 2 => kept.push((paged.clone(), plain.clone())),
                _ => {
                    if let Some((clone, then)) = kept.pop() {
                        assert!(clone.iter().eq(&then), "step {step}");
                    }
                }
            }
            assert_eq!((paged.len(), paged.is_empty()), (plain.len(), plain.is_empty()));
            assert_eq!(paged.get(at).filter(|_| at < plain.len()), plain.get(at));
        }
        assert!(paged.iter().eq(&plain));
        kept.clear();
        assert_eq!(paged.shared_pages(), 0);
    }

    #[test]
    fn the_first_write_copies_one_page_and_no_other() {
        let mut paged: Paged<u32, 64> = Paged::default();
        (0..640).for_each(|at| assert_eq!(paged.push(0), at));
        let clone = paged.clone();
        assert_eq!(paged.shared_pages(), 10);
        paged.set(130, 7);
        paged.set(131, 8);
        assert_eq!((paged.shared_pages(), paged.get(130), clone.get(130)), (9, Some(&7), Some(&0)));
        drop(clone);
        assert_eq!(paged.shared_pages(), 0);
    }

    #[test]
    fn few_rows_take_no_whole_page() {
        let mut paged: Paged<String, 64> = Paged::default();
        for at in 0..65_usize {
            paged.push(at.to_string());
            let sizes = paged.pages.iter().map(|page| page.len()).collect::<Vec<_>>();
            let first = (at + 1).next_power_of_two().min(64);
            assert_eq!(sizes, if at < 64 { vec![first] } else { vec![64, 64] });
        }
        assert!(paged.iter().cloned().eq((0..65).map(|at| at.to_string())));
        assert_eq!((paged.get(127), paged.get(128)), (Some(&String::new()), None));
    }
}
