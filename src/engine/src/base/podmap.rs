//! Values for some rows of the pod table.

use std::array;
use std::sync::Arc;

use crate::stored::{LoadError, Reader, Stored, Writer};

use super::PodIdx;
use super::paged::own;

/// Rows of one page: 16 of what waiting pods have, of up to 160 bytes each (a test below), are at
/// most 2.5 kB, and copied with their texts in 2 to 3 µs.
const PAGE: usize = 16;

/// A map from pods to what few of them have, in pages by row.
///
/// Pods that come together have rows beside one another and are asked for in that order, so their
/// values are read as from a vector, where a hash table would miss the cache at each. A page is
/// there as long as one of its rows has a value: at worst, with one pod in 16, it costs what all
/// rows would.
///
/// A clone shares all pages; a page is copied by the first write to it while it is shared.
#[derive(Debug)]
pub struct PodMap<T> {
    pages: Vec<Option<Arc<Page<T>>>>,
    len: usize,
}

#[derive(Debug, Clone)]
struct Page<T> {
    used: usize,
    rows: [Option<T>; PAGE],
}

impl<T> Default for PodMap<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), len: 0 }
    }
}

impl<T> Clone for PodMap<T> {
    fn clone(&self) -> Self {
        Self { pages: self.pages.clone(), len: self.len }
    }
}

impl<T> PodMap<T> {
    /// The pod's value.
    pub fn get(&self, pod: PodIdx) -> Option<&T> {
        self.pages.get(pod.at() / PAGE)?.as_ref()?.rows.get(pod.at() % PAGE)?.as_ref()
    }

    /// How many pods have a value.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Pods and their values, by row.
    pub fn iter(&self) -> impl Iterator<Item = (PodIdx, &T)> {
        self.pages.iter().enumerate().flat_map(|(at, page)| {
            let rows = page.iter().flat_map(|page| page.rows.iter().enumerate());
            rows.filter_map(move |(row, value)| {
                Some((PodIdx::new(at * PAGE + row), value.as_ref()?))
            })
        })
    }

    /// Pages that a clone has as well.
    pub fn shared_pages(&self) -> usize {
        self.pages.iter().flatten().filter(|page| Arc::strong_count(page) > 1).count()
    }
}

impl<T: Clone> PodMap<T> {
    /// The pod's value, to change it.
    pub fn get_mut(&mut self, pod: PodIdx) -> Option<&mut T> {
        let page = own(self.pages.get_mut(pod.at() / PAGE)?.as_mut()?, copy)?;
        page.rows.get_mut(pod.at() % PAGE)?.as_mut()
    }

    /// Sets the pod's value; the one it had is returned.
    pub fn insert(&mut self, pod: PodIdx, value: T) -> Option<T> {
        let at = pod.at() / PAGE;
        if self.pages.len() <= at {
            self.pages.resize_with(at + 1, || None);
        }
        let page = self
            .pages
            .get_mut(at)?
            .get_or_insert_with(|| Arc::new(Page { used: 0, rows: array::from_fn(|_| None) }));
        let page = own(page, copy)?;
        let old = page.rows.get_mut(pod.at() % PAGE)?.replace(value);
        if old.is_none() {
            page.used += 1;
            self.len += 1;
        }
        old
    }

    /// Takes the pod's value out.
    pub fn remove(&mut self, pod: PodIdx) -> Option<T> {
        let slot = self.pages.get_mut(pod.at() / PAGE)?;
        // A page is not copied for a pod that has none.
        slot.as_ref()?.rows.get(pod.at() % PAGE)?.as_ref()?;
        let page = own(slot.as_mut()?, copy)?;
        let gone = page.rows.get_mut(pod.at() % PAGE)?.take()?;
        page.used -= 1;
        self.len -= 1;
        if page.used == 0 {
            *slot = None;
        }
        Some(gone)
    }
}

fn copy<T: Clone>(page: &Page<T>) -> Arc<Page<T>> {
    Arc::new(page.clone())
}

impl<T: Stored + Clone> Stored for PodMap<T> {
    fn write(&self, out: &mut Writer) {
        out.count(self.len);
        for (pod, value) in self.iter() {
            pod.write(out);
            value.write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        let mut map = Self::default();
        from.each(|from, (pod, value)| match map.insert(pod, value) {
            None => Ok(()),
            Some(_) => Err(from.malformed("a pod twice")),
        })?;
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::Random;

    #[test]
    fn a_page_is_small() {
        use crate::{cache::Pending, queue::Entry};
        let sizes = (size_of::<Option<Pending>>(), size_of::<Option<Entry>>());
        assert!(sizes.0 <= 160 && sizes.1 <= 160, "{sizes:?}");
    }

    #[test]
    fn it_is_a_map_and_keeps_no_empty_page() {
        let mut random = Random::new(5);
        let (mut map, mut plain) = (PodMap::default(), BTreeMap::new());
        let mut kept = (map.clone(), plain.clone());
        for step in 0..20_000 {
            let pod = PodIdx::new(random.below(200));
            match random.below(3) {
                0 => assert_eq!(map.insert(pod, step), plain.insert(pod, step)),
                1 => assert_eq!(map.remove(pod), plain.remove(&pod)),
                _ => {
                    assert_eq!(map.get(pod), plain.get(&pod));
                    if let Some(value) = map.get_mut(pod) {
                        *value += 1;
                    }
                    plain.entry(pod).and_modify(|value| *value += 1);
                }
            }
            assert_eq!((map.len(), map.is_empty()), (plain.len(), plain.is_empty()));
            if step % 1_000 == 0 {
                assert!(kept.0.iter().map(|(pod, value)| (pod, *value)).eq(kept.1));
                kept = (map.clone(), plain.clone());
            }
        }
        drop(kept);
        assert_eq!(map.shared_pages(), 0);
        assert!(map.iter().map(|(pod, value)| (pod, *value)).eq(plain.clone()));
        for pod in plain.keys() {
            assert!(map.remove(*pod).is_some());
        }
        assert!(map.is_empty() && map.pages.iter().all(Option::is_none));
    }
}
