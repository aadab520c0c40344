//! Pods: an identity, a class and little beyond it.

mod check;
mod saved;

pub(crate) use saved::Standing;

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

use crate::base::{ClassIdx, FreeRows, HashKey, LabelSetIdx, NodeIdx, Paged, PodIdx, RowIndex};

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
#[derive(Debug, Clone)]
pub struct Pods {
    // Pages of 2 kB, copied with 32 names in 2 to 4 µs.
    rows: Paged<Option<Pod>>,
    free: FreeRows,
    by_uid: RowIndex,
    // Texts of uids that are not UUIDs (static pods, tests), by their number in `Uid`.
    odd: Paged<Option<Box<str>>>,
    odd_free: FreeRows,
    odd_by_text: RowIndex,
    key: HashKey,
}

/// Marks a uid that stands for a row of `odd`: the version nibble of a UUID is 1..8, never 15.
const ODD: u128 = 0xF << 76;

impl Pods {
    /// No pods; uids that are not UUIDs are hashed by `key`.
    pub(crate) fn new(key: HashKey) -> Self {
        Self {
            rows: Paged::default(),
            free: Paged::default(),
            by_uid: RowIndex::default(),
            odd: Paged::default(),
            odd_free: Paged::default(),
            odd_by_text: RowIndex::default(),
            key,
        }
    }

    /// The pod at `pod`.
    #[inline]
    pub fn get(&self, pod: PodIdx) -> Option<&Pod> {
        self.rows.get(pod.at())?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, pod: PodIdx) -> Option<&mut Pod> {
        self.rows.get_mut(pod.at())?.as_mut()
    }

    /// The pod with this uid.
    pub fn find(&self, uid: &str) -> Option<PodIdx> {
        let uid = self.known_uid(uid)?;
        self.find_uid(uid)
    }

    fn find_uid(&self, uid: Uid) -> Option<PodIdx> {
        let same = |row: u32| self.get(PodIdx::new(row as usize)).is_some_and(|p| p.uid == uid);
        let row = self.by_uid.find(FxBuildHasher.hash_one(uid), same)?;
        Some(PodIdx::new(row as usize))
    }

    /// The uid's text.
    pub fn uid_text(&self, uid: Uid) -> String {
        if uid.0 & ODD == ODD {
            let at = (uid.0 & 0xFFFF_FFFF) as usize;
            return self.odd_text(at).unwrap_or("").to_owned();
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
            let same = |at: u32| self.odd_text(at as usize) == Some(text);
            let at = self.odd_by_text.find(self.key.hash(text), same)?;
            Some(Uid(ODD | u128::from(at)))
        })
    }

    fn odd_text(&self, at: usize) -> Option<&str> {
        self.odd.get(at)?.as_deref()
    }

    /// The uid of `text`, kept for as long as its pod is.
    pub(crate) fn uid(&mut self, text: &str) -> Uid {
        if let Some(uid) = self.known_uid(text) {
            return uid;
        }
        let at = self.odd.put(&mut self.odd_free, Some(text.into()));
        self.odd_by_text.insert(self.key.hash(text), at);
        Uid(ODD | u128::from(at))
    }

    pub(crate) fn insert(&mut self, pod: Pod) -> PodIdx {
        let hash = FxBuildHasher.hash_one(pod.uid);
        let row = self.rows.put(&mut self.free, Some(pod));
        self.by_uid.insert(hash, row);
        PodIdx::new(row as usize)
    }

    pub(crate) fn remove(&mut self, pod: PodIdx) -> Option<Pod> {
        let gone = self.rows.get_mut(pod.at())?.take()?;
        let row = pod.at() as u32;
        self.by_uid.remove(FxBuildHasher.hash_one(gone.uid), row);
        if gone.uid.0 & ODD == ODD {
            let at = (gone.uid.0 & 0xFFFF_FFFF) as u32;
            if let Some(text) = self.odd.get_mut(at as usize).and_then(Option::take) {
                self.odd_by_text.remove(self.key.hash(&*text), at);
                self.odd_free.push(at);
            }
        }
        self.free.push(row);
        Some(gone)
    }

    /// All pods, by row.
    pub fn iter(&self) -> impl Iterator<Item = (PodIdx, &Pod)> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(at, row)| Some((PodIdx::new(at), row.as_ref()?)))
    }

    /// Number of rows that [`Pods::iter`] looks at, with a pod or without.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Pages that a snapshot has as well.
    pub(crate) fn shared_pages(&self) -> usize {
        let of_odd = self.odd.shared_pages() + self.odd_free.shared_pages();
        let of_rows = self.rows.shared_pages() + self.free.shared_pages();
        of_rows + self.by_uid.shared_pages() + of_odd + self.odd_by_text.shared_pages()
    }

    /// Number of pods.
    pub fn count(&self) -> usize {
        self.by_uid.len()
    }
}

/// What a byte is as a lower-case digit of a number in base 16; above 15 where it is none.
const DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut digit = 0;
    while digit < 16 {
        digits[b"0123456789abcdef"[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// A lower-case UUID of 36 characters that prints as it was read, and is no odd number. Read four
/// times for each pod that is bound: a table takes a quarter of what comparing each byte with its
/// place and the ranges of digits does, a tenth of all that a plain pod costs.
fn parse_uuid(text: &str) -> Option<Uid> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != [b'-'; 4] {
        return None;
    }
    let mut all = 0;
    let mut number = |digits: &[u8]| {
        digits.iter().fold(0u64, |number, byte| {
            let digit = DIGITS[usize::from(*byte)];
            all |= digit;
            number << 4 | u64::from(digit & 15)
        })
    };
    let upper = number(&text[..8]) << 32 | number(&text[9..13]) << 16 | number(&text[14..18]);
    let lower = number(&text[19..23]) << 48 | number(&text[24..]);
    let value = u128::from(upper) << 64 | u128::from(lower);
    (all <= 15 && value & ODD != ODD).then_some(Uid(value))
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
            "0b8f5f3e-7d2c-4a6b-9c1d-123456789abg",
            "0b8f5f3e-7d2c-4a6b-9c1d0123456789abc",
            "0b8f5f3e07d2c-4a6b-9c1d-123456789abc",
            "0b8f5f3e-7d2c-4a6b-9c1d-123456789ab",
            "0b8f5f3e-7d2c-4a6b-9c1d-1234567é9ab",
            "ffffffff-ffff-4fff-bfff-ffffffffffff",
            "",
        ] {
            let uid = pods.uid(text);
            assert_eq!(pods.uid_text(uid), text);
            assert_eq!(pods.uid(text), uid);
        }
        assert_eq!(pods.find("static-pod-hash"), None);
    }
}
