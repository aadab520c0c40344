//! What has happened, in order: the one stream that all read who follow the cache. Rankings read
//! which facts about nodes and the pods on them are different, each from where it was; waiting pods
//! are told once a step of what may help them.

mod check;

use std::collections::VecDeque;

use crate::base::vectorized;
use crate::model::NodeTable;
use crate::model::Reads;
use crate::object::Object;

use super::change::Changed;
use super::entry::{Entry, Logged, Told};
use super::kinds::{Kind, Kinds};

/// Entries kept of what waiting pods have been told: a ranking that is further behind starts anew.
/// 65,536 entries of 32 bytes are 2 MB; evaluating that many single nodes costs more than a scan of
/// a cluster of that size.
pub const LOG_MAX: usize = 65_536;

/// Nodes kept as they were before a change of what they are: a reader that needs an older one
/// counts anew. 1,024 tables of one row are 1.5 MB at 1.5 kB each: a test measures the table, 1 kB
/// is for its lists. Rankings follow far fewer at once (`ranking/follow.rs`).
const FORMER_MAX: usize = 1_024;

/// A place in the log that waiting pods have not been told of yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    // Number of the entry, and how many objects there were.
    entry: u64,
    objects: usize,
}

/// The last things that happened. Where no ranking reads only what waiting pods are told is
/// written, until they are.
#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    // Number of the first entry that is still here.
    first: u64,
    // One more than the number of the last entry that means something to rankings.
    news: u64,
    // Number of the first entry that waiting pods have not been told of.
    heeded: u64,
    // The other objects that they will be told of, in the order of the entries.
    objects: VecDeque<Object>,
    read: bool,
    // Nodes as they were before the entry of this number, in the order of the entries.
    former: VecDeque<(u64, NodeTable)>,
    kinds: Kinds,
    // By row: one more than the number of the last entry about a pod there, its low 32 bits. Filled
    // up to whole words of 64 rows.
    moved: Vec<u32>,
    // One more than the numbers of the last entry that is not about a pod, and of the last about a
    // pod with terms.
    other: u64,
    terms: u64,
}

impl Log {
    /// The number of the first entry that is still here.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Where a ranking is that has read all that means something to it.
    pub fn end(&self) -> u64 {
        self.news
    }

    /// The number of the next entry.
    fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// What was written since `position`; `None` where part of it is gone.
    pub fn since(&self, position: u64) -> Option<impl ExactSizeIterator<Item = &Logged>> {
        let from = usize::try_from(position.checked_sub(self.first)?).ok()?;
        let entries = (from <= self.entries.len()).then(|| self.entries.range(from..))?;
        Some(entries.map(|entry| &entry.fact))
    }

    /// Whether only pods coming and going were written since `position`, and all of it is here.
    pub fn is_of_pods(&self, position: u64) -> bool {
        self.first <= position && self.other <= position
    }

    /// Whether a pod with terms came or went since `position`.
    pub fn has_terms(&self, position: u64) -> bool {
        self.terms > position
    }

    /// The nodes where pods came or went since `position`: `each` is told of b and of a word, whose
    /// bit i is for row 64 b + i.
    ///
    /// 1,000 classes in turn find 1,000 pods each time: eight rows are compared at once, where each
    /// entry of the log takes a step. Of rows where nothing has happened for two billion entries
    /// some are named in vain.
    pub fn moved(&self, position: u64, mut each: impl FnMut(usize, u64)) {
        let position = position as u32;
        let is_new = move |moved: u32| moved.wrapping_sub(position).cast_signed() > 0;
        let bits = move |rows: &[u32; 32]| {
            let bit = |(at, moved): (usize, &u32)| if is_new(*moved) { 1u32 << at } else { 0 };
            rows.iter().enumerate().map(bit).fold(0, |all, bit| all | bit)
        };
        let (halves, _) = self.moved.as_chunks::<32>();
        let (words, _) = halves.as_chunks::<2>();
        vectorized(
            #[inline(always)]
            || {
                for (at, [low, high]) in words.iter().enumerate() {
                    each(at, u64::from(bits(low)) | u64::from(bits(high)) << 32);
                }
            },
        );
    }

    /// The node of entry `number` as it was before, the only row of a table, live if it was; `None`
    /// where that is not known any more, or the entry is not about what a node is.
    pub fn former(&self, number: u64) -> Option<&NodeTable> {
        let at = self.former.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.former.get(at).map(|(_, table)| table)
    }

    /// The first number of a kind that is in use: there are at most [`super::KINDS_MAX`] from it
    /// on, and what one stood for that is smaller is forgotten.
    pub fn first_kind(&self) -> u64 {
        self.kinds.first()
    }

    /// The number of a kind of pods.
    pub(super) fn kind(&mut self, kind: Kind) -> u64 {
        self.kinds.number(kind)
    }

    /// Keeps the node of the next entry as it was.
    pub(super) fn keep(&mut self, former: NodeTable) {
        self.former.push_back((self.next(), former));
        if self.former.len() > FORMER_MAX {
            self.former.pop_front();
        }
    }

    /// Keeps the object of the next entry for waiting pods.
    pub(super) fn keep_object(&mut self, object: Object) {
        self.objects.push_back(object);
    }

    /// Whether rankings read.
    pub(super) fn is_read(&self) -> bool {
        self.read
    }

    /// Rankings read from here on, or none does.
    pub(super) fn set_read(&mut self, read: bool) {
        self.read = read;
    }

    /// The facts whose class and labels are held: all that are here.
    pub(super) fn held(&self) -> impl Iterator<Item = &Logged> {
        self.entries.iter().map(|entry| &entry.fact)
    }

    /// The number of the first entry that waiting pods have not been told of.
    pub(super) fn heeded(&self) -> u64 {
        self.heeded
    }

    /// What waiting pods have not been told yet.
    pub(super) fn heed(&mut self) -> Vec<Changed> {
        let from = usize::try_from(self.heeded.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let unheeded = self.entries.range(from.min(self.entries.len())..);
        let mut objects = self.objects.drain(..);
        let (mut changes, mut was) = (Vec::new(), None);
        for entry in unheeded {
            if entry.told == Told::PodWas {
                was = entry.like();
            } else if let Some(changed) = Changed::of(entry, &mut objects) {
                let moved = Changed::moved_by(entry, was.take());
                changes.push(Changed { moved, ..changed });
            }
        }
        drop(objects);
        self.heeded = self.next();
        changes
    }

    /// Whether waiting pods have been told of everything.
    pub(super) fn is_heeded(&self) -> bool {
        self.heeded == self.next()
    }

    /// Where the log is now.
    pub(super) fn mark(&self) -> Mark {
        Mark { entry: self.next(), objects: self.objects.len() }
    }

    /// Waiting pods are told nothing of the entries since `mark`. Where rankings read, the log is
    /// not cut, as what they have read of it cannot be unread. What is cut off is returned.
    pub(super) fn untell(&mut self, mark: Mark) -> Vec<Logged> {
        debug_assert!(self.heeded <= mark.entry, "changes were heeded while a plan was made");
        let from = usize::try_from(mark.entry.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.objects.truncate(mark.objects);
        if self.read {
            self.entries.iter_mut().skip(from).for_each(|entry| entry.told = Told::Nobody);
            if self.heeded == mark.entry {
                self.heeded = self.next();
            }
            return Vec::new();
        }
        let cut = self.entries.drain(from.min(self.entries.len())..);
        let cut = cut.map(|entry| entry.fact).collect();
        let end = self.next();
        for position in [&mut self.news, &mut self.other, &mut self.terms] {
            *position = end.min(*position);
        }
        cut
    }

    /// Writes one entry; the fact that has to go for it is returned.
    pub(super) fn push(&mut self, entry: Entry) -> Option<Logged> {
        let after = self.next() + 1;
        match entry.fact {
            Logged::Pod { node, terms, .. } => {
                if self.moved.len() <= node.at() {
                    self.moved.resize((node.at() + 1).next_multiple_of(64), 0);
                }
                if let Some(moved) = self.moved.get_mut(node.at()) {
                    *moved = after as u32;
                }
                self.terms = if terms { after } else { self.terms };
                self.news = after;
            }
            Logged::World(Reads::NOTHING) => {}
            Logged::Node(..) | Logged::World(_) => {
                self.other = after;
                self.news = after;
            }
        }
        self.entries.push_back(entry);
        // What waiting pods have not been told yet stays: it is bounded by the inputs of a step.
        let over = self.entries.len() > LOG_MAX && self.first < self.heeded;
        if over { self.pop() } else { None }
    }

    /// Takes the oldest entry out, and returns its fact.
    pub(super) fn pop(&mut self) -> Option<Logged> {
        let oldest = self.entries.pop_front()?;
        self.first += 1;
        self.news = self.news.max(self.first);
        if self.former.front().is_some_and(|(number, _)| *number < self.first) {
            self.former.pop_front();
        }
        if self.entries.is_empty() {
            // The next ones come to the front of the buffer, which is in the cache.
            self.entries.clear();
        }
        Some(oldest.fact)
    }
}

#[cfg(test)]
mod tests;
