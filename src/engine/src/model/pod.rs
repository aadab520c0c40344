//! Pods: an identity, a class and little beyond it.

mod check;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

use crate::base::{ClassIdx, HashKey, KeyedMap, LabelSetIdx, NodeIdx, PodIdx};

/// A uid in 16 bytes. Kubernetes uids are UUIDs; any other text is kept aside, see [`Pods`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uid(u128);

/// Where a pod is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Unassigned and of a scheduler that has no profile here.
    Foreign,
    /// Ours and waiting: the queue has it.
    Queued,
    /// A node is chosen and counted, the bind is on its way or done but not yet seen.
    Assumed,
    /// Assigned by the API server's word, whoever did it.
    Bound,
}

/// One pod: 64 bytes.
#[derive(Debug, Clone)]
pub struct Pod {
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.name`; the namespace is the class's.
    pub name: Box<str>,
    /// `status.startTime` in milliseconds, `u64::MAX` where absent.
    pub started_ms: u64,
    /// What it shares with its siblings.
    pub class: ClassIdx,
    /// Its labels.
    pub labels: LabelSetIdx,
    /// Node it counts on, or [`NODE_NONE`].
    pub node: NodeIdx,
    /// Its place among the node's pods.
    pub slot: u32,
    /// `spec.priority`.
    pub priority: i32,
    /// Where it is on its way.
    pub stage: Stage,
    /// `metadata.deletionTimestamp` is set.
    pub terminating: bool,
    /// It is terminating because a scheduler preempted it.
    pub preempted: bool,
    /// `preemptionPolicy: Never`.
    pub never_preempts: bool,
}

/// The node of a pod without one.
pub const NODE_NONE: NodeIdx = NodeIdx::NONE;

/// The pod table, indexed by uid.
#[derive(Debug)]
pub struct Pods {
    // Pages instead of one vector: doubling one of 450,000 rows would copy 29 MB at once and leave
    // up to half of it unused.
    pages: Vec<Box<[Option<Pod>]>>,
    free: Vec<PodIdx>,
    by_uid: HashTable<PodIdx>,
    // Texts of uids that are not UUIDs (static pods, tests), by their number in `Uid`.
    odd: Vec<Option<Box<str>>>,
    odd_free: Vec<usize>,
    odd_by_text: KeyedMap<Box<str>, usize>,
}

/// Rows per page: 64 kB.
const PAGE: usize = 1_024;

fn row(pages: &[Box<[Option<Pod>]>], pod: PodIdx) -> Option<&Pod> {
    pages.get(pod.at() / PAGE)?.get(pod.at() % PAGE)?.as_ref()
}

/// Marks a uid that stands for a row of `odd`: the version nibble of a UUID is 1..8, never 15.
const ODD: u128 = 0xF << 76;

impl Pods {
    /// No pods; uids that are not UUIDs are hashed by `key`.
    pub(crate) fn new(key: HashKey) -> Self {
        Self {
            pages: Vec::new(),
            free: Vec::new(),
            by_uid: HashTable::new(),
            odd: Vec::new(),
            odd_free: Vec::new(),
            odd_by_text: KeyedMap::with_hasher(key),
        }
    }

    /// The pod at `pod`.
    pub fn get(&self, pod: PodIdx) -> Option<&Pod> {
        row(&self.pages, pod)
    }

    pub(crate) fn get_mut(&mut self, pod: PodIdx) -> Option<&mut Pod> {
        self.slot(pod)?.as_mut()
    }

    fn slot(&mut self, pod: PodIdx) -> Option<&mut Option<Pod>> {
        self.pages.get_mut(pod.at() / PAGE)?.get_mut(pod.at() % PAGE)
    }

    /// The pod with this uid.
    pub fn find(&self, uid: &str) -> Option<PodIdx> {
        let uid = self.known_uid(uid)?;
        self.find_uid(uid)
    }

    fn find_uid(&self, uid: Uid) -> Option<PodIdx> {
        let same = |pod: &PodIdx| self.get(*pod).is_some_and(|p| p.uid == uid);
        self.by_uid.find(FxBuildHasher.hash_one(uid), same).copied()
    }

    /// The uid's text.
    pub fn uid_text(&self, uid: Uid) -> String {
        if uid.0 & ODD == ODD {
            let at = (uid.0 & 0xFFFF_FFFF) as usize;
            return self.odd.get(at).and_then(Option::as_deref).unwrap_or("").to_owned();
        }
        let digit = |at: u32| {
            let nibble = (uid.0 >> (124 - 4 * at)) as u8 & 0xF;
            nibble + if nibble < 10 { b'0' } else { b'a' - 10 }
        };
        let text = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| group.map(digit));
        let mut bytes = Vec::with_capacity(36);
        for (at, group) in text.into_iter().enumerate() {
            bytes.extend((at > 0).then_some(b'-'));
            bytes.extend(group);
        }
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn known_uid(&self, text: &str) -> Option<Uid> {
        parse_uuid(text).or_else(|| {
            let at = self.odd_by_text.get(text)?;
            Some(Uid(ODD | *at as u128))
        })
    }

    /// The uid of `text`, kept for as long as its pod is.
    pub(crate) fn uid(&mut self, text: &str) -> Uid {
        if let Some(uid) = self.known_uid(text) {
            return uid;
        }
        let at = self.odd_free.pop().unwrap_or_else(|| {
            self.odd.push(None);
            self.odd.len() - 1
        });
        if let Some(slot) = self.odd.get_mut(at) {
            *slot = Some(text.into());
        }
        self.odd_by_text.insert(text.into(), at);
        Uid(ODD | at as u128)
    }

    pub(crate) fn insert(&mut self, pod: Pod) -> PodIdx {
        let hash = FxBuildHasher.hash_one(pod.uid);
        if self.free.is_empty() {
            let from = self.pages.len() * PAGE;
            self.pages.push(vec![None; PAGE].into_boxed_slice());
            self.free.extend((from..from + PAGE).rev().map(PodIdx::new));
        }
        let idx = self.free.pop().unwrap_or(PodIdx::NONE);
        if let Some(slot) = self.slot(idx) {
            *slot = Some(pod);
        }
        let pages = &self.pages;
        self.by_uid.insert_unique(hash, idx, |idx| {
            row(pages, *idx).map_or(0, |pod| FxBuildHasher.hash_one(pod.uid))
        });
        idx
    }

    pub(crate) fn remove(&mut self, pod: PodIdx) -> Option<Pod> {
        let gone = self.slot(pod)?.take()?;
        if let Ok(entry) = self.by_uid.find_entry(FxBuildHasher.hash_one(gone.uid), |x| *x == pod) {
            entry.remove();
        }
        if gone.uid.0 & ODD == ODD {
            let at = (gone.uid.0 & 0xFFFF_FFFF) as usize;
            if let Some(text) = self.odd.get_mut(at).and_then(Option::take) {
                self.odd_by_text.remove(&text);
                self.odd_free.push(at);
            }
        }
        self.free.push(pod);
        Some(gone)
    }

    /// All pods, by row.
    pub fn iter(&self) -> impl Iterator<Item = (PodIdx, &Pod)> {
        let rows = self.pages.iter().flatten().enumerate();
        rows.filter_map(|(at, row)| Some((PodIdx::new(at), row.as_ref()?)))
    }

    /// Number of rows that [`Pods::iter`] looks at, with a pod or without.
    pub fn rows(&self) -> usize {
        self.pages.len() * PAGE
    }

    /// Number of pods.
    pub fn count(&self) -> usize {
        self.by_uid.len()
    }
}

/// A lower-case UUID of 36 characters that prints as it was read, and is no odd number.
fn parse_uuid(text: &str) -> Option<Uid> {
    if text.len() != 36 {
        return None;
    }
    let mut value = 0u128;
    for (at, b) in text.bytes().enumerate() {
        match (at, b) {
            (8 | 13 | 18 | 23, b'-') => {}
            (8 | 13 | 18 | 23, _) => return None,
            (_, b'0'..=b'9') => value = value << 4 | u128::from(b - b'0'),
            (_, b'a'..=b'f') => value = value << 4 | u128::from(b - b'a' + 10),
            _ => return None,
        }
    }
    (value & ODD != ODD).then_some(Uid(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_come_back_as_they_were() {
        let mut pods = Pods::new(HashKey::PUBLIC);
        for text in [
            "0b8f5f3e-7d2c-4a6b-9c1d-123456789abc",
            "0B8F5F3E-7d2c-4a6b-9c1d-123456789abc",
            "static-pod-hash",
            "0b8f5f3e-7d2c-fa6b-9c1d-123456789abc",
            "",
        ] {
            let uid = pods.uid(text);
            assert_eq!(pods.uid_text(uid), text);
            assert_eq!(pods.uid(text), uid);
        }
        assert_eq!(pods.find("static-pod-hash"), None);
    }
}
