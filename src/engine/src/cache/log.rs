//! What has happened to nodes and to the pods on them, in order, for whoever keeps answers about
//! nodes current: the rankings of classes.

mod check;

use std::collections::VecDeque;

use crate::base::{ClassIdx, LabelSetIdx, NodeIdx, PodIdx, vectorized};
use crate::framework::Reads;
use crate::model::{NODE_NONE, NodeTable};
use crate::object::Object;

use super::Cache;
use super::kinds::Kinds;

/// Entries kept: a reader that is further behind starts anew. 65,536 entries of 24 bytes are
/// 1.5 MB; evaluating that many single nodes costs more than a scan of a cluster of that size.
pub const LOG_MAX: usize = 65_536;

/// Nodes kept as they were before a change of what they are: a reader that needs an older one
/// counts anew. 1,024 tables of one row are 1.5 MB at 1.5 kB each: a test measures the table, 1 kB
/// is for its lists. Rankings follow far fewer at once (`ranking/follow.rs`).
const FORMER_MAX: usize = 1_024;

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logged {
    /// A pod that counts on `node` came there (`amount` 1) or went from there (-1).
    Pod {
        /// The node, with an object or without.
        node: NodeIdx,
        /// The pod's class, held as long as the entry is here.
        class: ClassIdx,
        /// Its labels, held as well.
        labels: LabelSetIdx,
        /// 1 or -1.
        amount: i8,
        /// Whether it is being deleted.
        terminating: bool,
        /// Whether its class has affinity terms of any kind.
        terms: bool,
        /// The number of its kind: pods of one count alike wherever pods are counted.
        kind: u64,
    },
    /// These facts about a node are different.
    Node(NodeIdx, Reads),
    /// These facts about other objects are different.
    World(Reads),
}

/// The last things that happened. Nothing is written where nobody reads.
#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<Logged>,
    // Number of the first entry that is still here.
    first: u64,
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

    /// The number of the next entry.
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// What was written since `position`; `None` where part of it is gone.
    pub fn since(&self, position: u64) -> Option<impl ExactSizeIterator<Item = &Logged>> {
        let from = usize::try_from(position.checked_sub(self.first)?).ok()?;
        (from <= self.entries.len()).then(|| self.entries.range(from..))
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

    /// Keeps the node of the next entry as it was.
    fn keep(&mut self, former: NodeTable) {
        self.former.push_back((self.end(), former));
        if self.former.len() > FORMER_MAX {
            self.former.pop_front();
        }
    }

    /// Whether anyone reads.
    pub(super) fn is_read(&self) -> bool {
        self.read
    }

    pub(super) fn set_read(&mut self, read: bool) {
        self.read = read;
    }

    /// Writes one entry; the one that has to go for it is returned.
    pub(super) fn push(&mut self, entry: Logged) -> Option<Logged> {
        let after = self.end() + 1;
        match entry {
            Logged::Pod { node, terms, .. } => {
                if self.moved.len() <= node.at() {
                    self.moved.resize((node.at() + 1).next_multiple_of(64), 0);
                }
                if let Some(moved) = self.moved.get_mut(node.at()) {
                    *moved = after as u32;
                }
                self.terms = if terms { after } else { self.terms };
            }
            Logged::Node(..) | Logged::World(_) => self.other = after,
        }
        self.entries.push_back(entry);
        if self.entries.len() <= LOG_MAX { None } else { self.pop() }
    }

    /// Takes the oldest entry out.
    pub(super) fn pop(&mut self) -> Option<Logged> {
        let oldest = self.entries.pop_front()?;
        self.first += 1;
        if self.former.front().is_some_and(|(number, _)| *number < self.first) {
            self.former.pop_front();
        }
        if self.entries.is_empty() {
            // The next ones come to the front of the buffer, which is in the cache.
            self.entries.clear();
        }
        Some(oldest)
    }
}

impl Cache {
    /// What has happened to nodes and the pods on them.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Begins to write the log, or ends it.
    pub(crate) fn follow_log(&mut self, read: bool) {
        self.log.set_read(read);
        if !read {
            self.trim_log(u64::MAX);
        }
    }

    /// Drops what stands before `position`.
    pub(crate) fn trim_log(&mut self, position: u64) {
        while self.log.first < position {
            let Some(entry) = self.log.pop() else { return };
            self.let_go(entry);
        }
    }

    /// Keeps a label set in use.
    pub(crate) fn hold_labels(&mut self, labels: LabelSetIdx) {
        self.labels.hold(labels);
    }

    /// Gives a held label set back.
    pub(crate) fn release_labels(&mut self, labels: LabelSetIdx) {
        self.labels.release(labels);
    }

    /// Writes down that a pod, as it is, has come to its node (1) or goes from there (-1).
    pub(super) fn log_pod(&mut self, pod: PodIdx, amount: i8) {
        if !self.log.is_read() {
            return;
        }
        let Some(row) = self.pods.get(pod).filter(|row| row.node != NODE_NONE) else { return };
        let (node, class, labels, terminating) = (row.node, row.class, row.labels, row.terminating);
        let known = self.classes.get(class).map(|class| (class.serial, class.pod_terms.is_some()));
        let (serial, terms) = known.unwrap_or((u64::MAX, false));
        let kind = self.log.kinds.number((serial, self.labels.serial(labels), terminating));
        self.classes.hold(class);
        self.labels.hold(labels);
        self.write(Logged::Pod { node, class, labels, amount, terminating, terms, kind });
    }

    /// What a node is before it changes; `None` where nobody will ask.
    pub(super) fn former_node(&self, node: NodeIdx, reads: Reads) -> Option<NodeTable> {
        let asked = self.log.is_read() && reads.intersects(Reads::NODE_OBJECT);
        asked.then(|| self.nodes.extract_object(node).0)
    }

    /// Writes down that facts about a node are different; `former` is from before.
    pub(super) fn log_node(&mut self, node: NodeIdx, reads: Reads, former: Option<NodeTable>) {
        if self.log.is_read() {
            if let Some(former) = former {
                self.log.keep(former);
            }
            self.write(Logged::Node(node, reads));
        }
    }

    /// Writes down that another object is different, where any answer that is kept reads it.
    pub(super) fn log_world(&mut self, object: &Object, reads: Reads) {
        // Who keeps the names that a namespace selector means must find those of pods to come.
        if let Object::Namespace(namespace) = object {
            self.symbols.intern(&namespace.name);
        }
        if let Object::Service(o)
        | Object::ReplicationController(o)
        | Object::ReplicaSet(o)
        | Object::StatefulSet(o) = object
        {
            for key in o.selector.iter().flat_map(|s| s.keys()) {
                let key = self.symbols.intern(key);
                self.classes.select(key);
            }
        }
        let kept = Reads::NAMESPACES | Reads::SELECTOR_OWNERS | Reads::STORAGE;
        if self.log.is_read() && reads.intersects(kept) {
            self.write(Logged::World(reads));
        }
    }

    fn write(&mut self, entry: Logged) {
        if let Some(oldest) = self.log.push(entry) {
            self.let_go(oldest);
        }
    }

    fn let_go(&mut self, entry: Logged) {
        if let Logged::Pod { class, labels, .. } = entry {
            self.classes.release(class);
            self.labels.release(labels);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn former_nodes_are_bounded_and_found_by_their_entry() {
        assert!(size_of::<(u64, NodeTable)>() <= 544, "{}", size_of::<(u64, NodeTable)>());
        let mut log = Log::default();
        let more = FORMER_MAX + 2;
        for at in 0..more {
            log.keep(NodeTable::default());
            log.push(Logged::Node(NodeIdx::new(at), Reads::NODE_LABELS));
        }
        log.push(Logged::Node(NodeIdx::new(more), Reads::NODE_ROOM));
        assert_eq!(log.former.len(), FORMER_MAX);
        let known = |log: &Log, number: usize| log.former(number as u64).is_some();
        assert!(!known(&log, 1) && known(&log, 2) && known(&log, more - 1) && !known(&log, more));
        for _ in 0..3 {
            log.pop();
        }
        assert!(!known(&log, 2) && known(&log, 3), "it goes with its entry");
    }

    #[test]
    fn moved_rows_are_named_from_any_position() {
        let (class, labels) = (ClassIdx::FIRST, LabelSetIdx::FIRST);
        let moved = |at: usize, terms| Logged::Pod {
            node: NodeIdx::new(at),
            class,
            labels,
            amount: 1,
            terminating: false,
            terms,
            kind: 0,
        };
        // As after so many entries that their low bits begin anew.
        let mut log = Log { first: u64::from(u32::MAX) - 258, ..Log::default() };
        for at in 0..256 {
            log.push(moved(at, false));
        }
        let start = log.end();
        for (at, terms) in [(0, false), (63, true), (64, false), (0, false), (200, false)] {
            log.push(moved(at, terms));
        }
        let named = |log: &Log, position| {
            let mut rows: Vec<usize> = Vec::new();
            log.moved(position, |at, word| {
                rows.extend((0..64).filter(|b| word >> b & 1 == 1).map(|b| 64 * at + b));
            });
            rows
        };
        assert_eq!(named(&log, start), [0, 63, 64, 200]);
        assert_eq!(named(&log, start + 2), [0, 64, 200]);
        assert_eq!(named(&log, start + 4), [200]);
        assert_eq!(named(&log, log.end()), []);
        assert!(log.has_terms(start + 1) && !log.has_terms(start + 2));
        assert!(log.is_of_pods(start) && !log.is_of_pods(start - 257), "some of it is gone");
        log.push(Logged::World(Reads::NAMESPACES));
        assert!(!log.is_of_pods(start) && log.is_of_pods(log.end()));
    }

    #[test]
    fn readers_too_far_behind_are_told() {
        let mut log = Log::default();
        let entry = |at: usize| Logged::Node(NodeIdx::new(at), Reads::NODE_ROOM);
        for at in 0..LOG_MAX {
            assert!(log.push(entry(at)).is_none());
        }
        assert_eq!(log.since(0).unwrap().len(), LOG_MAX);
        assert_eq!(log.push(entry(LOG_MAX)), Some(entry(0)));
        assert!(log.since(0).is_none() && log.since(log.end() + 1).is_none());
        let mut rest = log.since(LOG_MAX as u64).unwrap();
        assert_eq!((rest.next(), rest.next()), (Some(&entry(LOG_MAX)), None));
        assert_eq!(log.since(log.end()).unwrap().len(), 0);
    }
}
