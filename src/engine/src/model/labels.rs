//! Label sets of pods, shared and counted.
//!
//! Pod label values have no bound (`controller-uid`, completion indexes), so they are kept with
//! counts of use and given back with their last pod. A Job's pods share one set; the pods of an
//! indexed Job have a set each, of 8 bytes a label, and share all values but one.

mod check;
mod saved;

use crate::base::{FreeRows, HashKey, LabelSetIdx, Paged, RowIndex, Sym, Symbols, missing};
use crate::record::StringMap;

/// One set: keys and values, in the order of the keys' texts.
#[derive(Debug, Clone, Default)]
pub struct LabelSet {
    pairs: Box<[(Sym, u32)]>,
    users: u32,
    // Rows are used again; serials are not.
    serial: u64,
}

#[derive(Debug, Clone)]
struct Values {
    rows: Paged<Value>,
    free: FreeRows,
    by_text: RowIndex,
    key: HashKey,
}

#[derive(Debug, Clone, Default)]
struct Value {
    text: Box<str>,
    users: u32,
}

/// All label sets in use.
#[derive(Debug, Clone)]
pub struct LabelSets {
    sets: Paged<LabelSet>,
    free: FreeRows,
    table: RowIndex,
    values: Values,
    made: u64,
    key: HashKey,
}

impl LabelSets {
    /// No sets; values are hashed by `key`.
    pub(crate) fn new(key: HashKey) -> Self {
        let values = Values {
            rows: Paged::default(),
            free: Paged::default(),
            by_text: RowIndex::default(),
            key,
        };
        let (sets, free, table) = (Paged::default(), Paged::default(), RowIndex::default());
        Self { sets, free, table, values, made: 0, key }
    }

    /// The set equal to `labels`, counted once more.
    pub fn acquire(&mut self, labels: &StringMap, symbols: &mut Symbols) -> LabelSetIdx {
        let pairs: Box<[(Sym, u32)]> =
            labels.iter().map(|(k, v)| (symbols.intern(k), self.values.acquire(v))).collect();
        let hash = self.key.hash(&pairs);
        let same = |at: u32| self.sets.get(at as usize).is_some_and(|s| s.pairs == pairs);
        if let Some(at) = self.table.find(hash, same) {
            for (_, value) in &pairs {
                self.values.release(*value);
            }
            if let Some(set) = self.sets.get_mut(at as usize) {
                set.users += 1;
            }
            return LabelSetIdx::new(at as usize);
        }
        self.made += 1;
        let set = LabelSet { pairs, users: 1, serial: self.made };
        let at = self.sets.put(&mut self.free, set);
        self.table.insert(hash, at);
        LabelSetIdx::new(at as usize)
    }

    /// Counts one more use of a set that is in use.
    pub(crate) fn hold(&mut self, set: LabelSetIdx) {
        if let Some(set) = self.sets.get_mut(set.at()) {
            set.users += 1;
        }
    }

    /// A number that no other set has or had.
    pub(crate) fn serial(&self, set: LabelSetIdx) -> u64 {
        self.sets.get(set.at()).map_or(0, |s| s.serial)
    }

    /// Keys and the numbers of their values: equal numbers are equal values as long as both are in
    /// use.
    pub(crate) fn pairs(&self, set: LabelSetIdx) -> &[(Sym, u32)] {
        self.sets.get(set.at()).map(|s| s.pairs.as_ref()).unwrap_or_default()
    }

    /// Gives one use of the set back.
    pub fn release(&mut self, set: LabelSetIdx) {
        let Some(slot) = self.sets.get_mut(set.at()) else { return missing("label set", set.at()) };
        slot.users = slot.users.saturating_sub(1);
        if slot.users > 0 {
            return;
        }
        let pairs = std::mem::take(&mut slot.pairs);
        let at = u32::try_from(set.at()).unwrap_or(u32::MAX);
        self.table.remove(self.key.hash(&pairs), at);
        for (_, value) in &pairs {
            self.values.release(*value);
        }
        self.free.push(at);
    }

    /// Whether any set has this value, of whatever key.
    pub fn knows(&self, value: &str) -> bool {
        self.values.find(value).is_some()
    }

    /// The value of `key` in the set.
    pub fn get(&self, set: LabelSetIdx, key: Sym) -> Option<&str> {
        let pairs = &self.sets.get(set.at())?.pairs;
        let (_, value) = pairs.iter().find(|(k, _)| *k == key)?;
        Some(self.values.text(*value))
    }

    /// Keys and values of the set, in the order of the keys' texts.
    pub fn iter(&self, set: LabelSetIdx) -> impl Iterator<Item = (Sym, &str)> {
        let pairs = self.sets.get(set.at()).map(|s| s.pairs.as_ref()).unwrap_or_default();
        pairs.iter().map(|(k, v)| (*k, self.values.text(*v)))
    }

    /// Whether the set equals `labels`.
    pub fn equals(&self, set: LabelSetIdx, labels: &StringMap, symbols: &Symbols) -> bool {
        self.iter(set).map(|(k, v)| (symbols.text(k), v)).eq(labels.iter())
    }

    /// Pages that a snapshot has as well.
    pub(crate) fn shared_pages(&self) -> usize {
        let Values { rows, free, by_text, .. } = &self.values;
        let of_values = rows.shared_pages() + free.shared_pages() + by_text.shared_pages();
        let of_sets = self.sets.shared_pages() + self.free.shared_pages();
        of_sets + self.table.shared_pages() + of_values
    }

    /// Number of distinct sets in use.
    pub fn count(&self) -> usize {
        self.table.len()
    }
}

impl Values {
    fn acquire(&mut self, text: &str) -> u32 {
        if let Some(at) = self.find(text) {
            if let Some(value) = self.rows.get_mut(at as usize) {
                value.users += 1;
            }
            return at;
        }
        let value = Value { text: text.into(), users: 1 };
        let at = self.rows.put(&mut self.free, value);
        self.by_text.insert(self.key.hash(text), at);
        at
    }

    fn find(&self, text: &str) -> Option<u32> {
        self.by_text.find(self.key.hash(text), |at| self.text(at) == text)
    }

    fn release(&mut self, at: u32) {
        let Some(value) = self.rows.get_mut(at as usize) else {
            return missing("label value", at as usize);
        };
        value.users = value.users.saturating_sub(1);
        if value.users == 0 {
            let text = std::mem::take(&mut value.text);
            self.by_text.remove(self.key.hash(&*text), at);
            self.free.push(at);
        }
    }

    #[inline]
    fn text(&self, at: u32) -> &str {
        self.rows.get(at as usize).map_or("", |value| &value.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_shared_and_given_back() {
        let (mut sets, mut symbols) = (LabelSets::new(HashKey::PUBLIC), Symbols::default());
        let labels = |i: usize| -> StringMap {
            [("app", "web".to_owned()), ("index", i.to_string())].into_iter().collect()
        };
        let a = sets.acquire(&labels(1), &mut symbols);
        let b = sets.acquire(&labels(1), &mut symbols);
        let c = sets.acquire(&labels(2), &mut symbols);
        assert!(a == b && a != c);
        assert_eq!(symbols.get("index").and_then(|k| sets.get(c, k)), Some("2"));
        assert!(sets.equals(a, &labels(1), &symbols) && !sets.equals(a, &labels(2), &symbols));
        for set in [a, b, c] {
            sets.release(set);
        }
        assert_eq!((sets.count(), sets.values.by_text.len()), (0, 0));
        let d = sets.acquire(&labels(3), &mut symbols);
        assert!(sets.equals(d, &labels(3), &symbols) && sets.sets.len() == 2);
    }
}
