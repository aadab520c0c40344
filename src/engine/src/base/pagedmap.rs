//! Hash maps in pages, for what comes from outside by name.

use std::hash::Hash;
use std::sync::Arc;

use hashbrown::Equivalent;

use super::{FreeRows, HashKey, Paged, RowIndex};

/// Entries of a page. Each is an `Arc`, whose count is likely not in the cache: a page is copied in
/// 32 misses, 3 µs.
const ROWS: usize = 32;

/// A map as [`super::KeyedMap`] is, whose clone shares all entries. An entry of the table costs 8
/// bytes, its place in the index 11 to 21, and its own allocation 16.
#[derive(Debug, Clone)]
pub struct PagedMap<K, V> {
    entries: Paged<Option<Arc<(K, V)>>, ROWS>,
    free: FreeRows,
    index: RowIndex,
    key: HashKey,
}

impl<K: Hash + Eq, V> PagedMap<K, V> {
    /// An empty map; keys are hashed by `key`.
    pub fn with_hasher(key: HashKey) -> Self {
        let (entries, free, index) = (Paged::default(), Paged::default(), RowIndex::default());
        Self { entries, free, index, key }
    }

    fn entry(&self, row: u32) -> Option<&(K, V)> {
        self.entries.get(row as usize)?.as_deref()
    }

    fn row<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<(u64, u32)> {
        let hash = self.key.hash(key);
        let is = |row| self.entry(row).is_some_and(|(known, _)| key.equivalent(known));
        self.index.find(hash, is).map(|row| (hash, row))
    }

    /// The value of a key.
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&V> {
        let (_, row) = self.row(key)?;
        self.entry(row).map(|(_, value)| value)
    }

    /// Whether the key has a value.
    pub fn contains_key<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.row(key).is_some()
    }

    /// Sets the value of a key; true where it had none.
    pub fn insert(&mut self, key: K, value: V) -> bool {
        if let Some((_, row)) = self.row(&key) {
            self.entries.set(row as usize, Some(Arc::new((key, value))));
            return false;
        }
        let hash = self.key.hash(&key);
        let row = self.entries.put(&mut self.free, Some(Arc::new((key, value))));
        self.index.insert(hash, row);
        true
    }

    /// Takes the value of a key out; false where it has none.
    pub fn remove<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) -> bool {
        let Some((hash, row)) = self.row(key) else { return false };
        self.index.remove(hash, row);
        self.entries.set(row as usize, None);
        self.free.push(row);
        true
    }

    /// All keys and values, in an order that says nothing.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().filter_map(|entry| entry.as_deref().map(|(key, value)| (key, value)))
    }

    /// All values, in an order that says nothing.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Pages that a clone has as well.
    pub fn shared_pages(&self) -> usize {
        self.entries.shared_pages() + self.free.shared_pages() + self.index.shared_pages()
    }
}

impl<K: Hash + Eq + Clone, V: Clone> PagedMap<K, V> {
    /// The value of a key, to change it.
    pub fn get_mut<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) -> Option<&mut V> {
        let (_, row) = self.row(key)?;
        let entry = self.entries.get_mut(row as usize)?.as_mut()?;
        Some(&mut Arc::make_mut(entry).1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::Random;

    #[test]
    fn it_is_a_map_and_clones_stay_as_they_were() {
        let mut random = Random::new(29);
        let mut map: PagedMap<String, u64> = PagedMap::with_hasher(HashKey::PUBLIC);
        let mut plain: BTreeMap<String, u64> = BTreeMap::new();
        let mut kept = (map.clone(), plain.clone());
        let same = |map: &PagedMap<String, u64>, plain: &BTreeMap<String, u64>| {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            assert!(sorted.into_iter().eq(plain));
            assert_eq!((map.len(), map.is_empty()), (plain.len(), plain.is_empty()));
            for key in (0..300).map(|at| at.to_string()) {
                assert_eq!(map.get(key.as_str()), plain.get(&key));
                assert_eq!(map.contains_key(key.as_str()), plain.contains_key(&key));
            }
        };
        for step in 0..20_000_u64 {
            let key = random.below(300).to_string();
            match random.below(5) {
                0 | 1 => {
                    assert_eq!(map.insert(key.clone(), step), plain.insert(key, step).is_none());
                }
                2 => assert_eq!(map.remove(key.as_str()), plain.remove(&key).is_some()),
                _ => {
                    assert_eq!(map.get_mut(key.as_str()), plain.get_mut(&key));
                    if let Some(value) = map.get_mut(key.as_str()) {
                        *value += 1;
                        *plain.entry(key).or_default() += 1;
                    }
                }
            }
            if step % 2_000 == 0 {
                same(&kept.0, &kept.1);
                kept = (map.clone(), plain.clone());
            }
        }
        same(&map, &plain);
        kept = (map.clone(), plain);
        assert!(map.shared_pages() > 0);
        drop(kept);
        assert_eq!(map.shared_pages(), 0);
    }
}
