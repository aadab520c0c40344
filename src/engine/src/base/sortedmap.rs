//! Sorted maps in pages.

use std::borrow::Borrow;
use std::sync::Arc;

/// Entries that a page holds at most: 32 with two texts each are copied in 2 to 3 µs.
const PAGE: usize = 32;

/// A map in the order of its keys, whose clone shares all pages: what a `BTreeMap` is to one owner.
/// A page is copied by the first write to it while it is shared. Entering or taking out a page
/// moves the list of pages, 8 bytes for each: 3,000 pages of 50,000 names are 24 kB.
#[derive(Debug)]
pub struct SortedMap<K, V> {
    // None is empty.
    pages: Vec<Arc<Vec<(K, V)>>>,
    len: usize,
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self { pages: Vec::new(), len: 0 }
    }
}

impl<K, V> Clone for SortedMap<K, V> {
    fn clone(&self) -> Self {
        Self { pages: self.pages.clone(), len: self.len }
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let page = self.pages.get(self.page_of(key))?;
        let at = place_in(page, key).ok()?;
        page.get(at).map(|(_, value)| value)
    }

    /// Entries from this key on, in order.
    pub fn range_from<'a, Q: Ord + ?Sized>(
        &'a self,
        key: &Q,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let first = self.page_of(key);
        let skip = self.pages.get(first).map_or(0, |page| match place_in(page, key) {
            Ok(at) | Err(at) => at,
        });
        let pages = self.pages.get(first..).unwrap_or_default().iter();
        pages.flat_map(|page| page.iter()).skip(skip).map(|(key, value)| (key, value))
    }

    /// All values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.pages.iter().flat_map(|page| page.iter()).map(|(key, value)| (key, value))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Pages that a clone has as well.
    pub fn shared_pages(&self) -> usize {
        self.pages.iter().filter(|page| Arc::strong_count(page) > 1).count()
    }

    /// The first page whose last key is not before this one; the number of pages where there is
    /// none.
    fn page_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        let is_before =
            |page: &Arc<Vec<(K, V)>>| page.last().is_none_or(|(last, _)| last.borrow() < key);
        self.pages.partition_point(is_before)
    }
}

impl<K: Ord + Clone, V: Clone> SortedMap<K, V> {
    /// Sets the value of a key; true where it had none.
    pub fn insert(&mut self, key: K, value: V) -> bool {
        let last = self.pages.len().saturating_sub(1);
        let at = self.page_of(&key).min(last);
        let Some(page) = self.pages.get_mut(at) else {
            self.pages.push(Arc::new(vec![(key, value)]));
            self.len = 1;
            return true;
        };
        let entries = Arc::make_mut(page);
        match place_in(entries, &key) {
            Ok(place) => {
                if let Some((_, known)) = entries.get_mut(place) {
                    *known = value;
                }
                return false;
            }
            Err(place) => entries.insert(place, (key, value)),
        }
        self.len += 1;
        if entries.len() > PAGE {
            let upper = entries.split_off(PAGE / 2);
            self.pages.insert(at + 1, Arc::new(upper));
        }
        true
    }

    /// Takes the value of a key out; false where it has none.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let at = self.page_of(key);
        let Some(page) = self.pages.get_mut(at) else { return false };
        let Ok(place) = place_in(page, key) else { return false };
        let entries = Arc::make_mut(page);
        entries.remove(place);
        self.len -= 1;
        self.close_up(at);
        true
    }

    /// Joins a page that has lost an entry with one beside it where both have few, so that any two
    /// neighbours have more than half a page.
    fn close_up(&mut self, at: usize) {
        let entries = |at: usize| self.pages.get(at).map(|page| page.len());
        let few =
            |at: usize| entries(at).zip(entries(at + 1)).is_some_and(|(a, b)| a + b <= PAGE / 2);
        let first = match at.checked_sub(1) {
            _ if entries(at) == Some(0) => {
                self.pages.remove(at);
                return;
            }
            _ if few(at) => at,
            Some(before) if few(before) => before,
            _ => return,
        };
        let second = self.pages.remove(first + 1);
        if let Some(page) = self.pages.get_mut(first) {
            Arc::make_mut(page).extend(second.iter().cloned());
        }
    }
}

fn place_in<K: Borrow<Q>, Q: Ord + ?Sized, V>(page: &[(K, V)], key: &Q) -> Result<usize, usize> {
    page.binary_search_by(|(known, _)| known.borrow().cmp(key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::Random;

    #[test]
    fn it_is_a_sorted_map_and_clones_stay_as_they_were() {
        let mut random = Random::new(31);
        let (mut map, mut plain) = (SortedMap::default(), BTreeMap::new());
        let mut kept = (map.clone(), plain.clone());
        // It grows to about 700 and shrinks again.
        for step in 0..30_000_u64 {
            let key = random.below(1_000).to_string();
            if random.below(10) < if step < 15_000 { 7 } else { 3 } {
                assert_eq!(map.insert(key.clone(), step), plain.insert(key, step).is_none());
            } else {
                assert_eq!(map.remove(key.as_str()), plain.remove(&key).is_some());
            }
            if step % 1_000 == 0 {
                assert!(kept.0.iter().eq(&kept.1), "step {step}");
                kept = (map.clone(), plain.clone());
                assert!(map.iter().eq(&plain) && map.len() == plain.len());
                for from in ["", "0", "5", "77", "999", "x"] {
                    let rest = plain.range(from.to_owned()..);
                    assert!(map.range_from(from).eq(rest), "from {from:?} at step {step}");
                    assert_eq!(map.get(from), plain.get(from));
                }
                let most = 2 + map.len() / (PAGE / 4);
                assert!(map.pages.len() <= most, "{} pages for {}", map.pages.len(), map.len());
            }
        }
        for key in plain.into_keys() {
            assert!(map.remove(key.as_str()));
        }
        assert!(map.is_empty() && map.pages.is_empty());
    }
}
