//! Answers remembered for a while, few enough to be counted.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A map whose entries expire and whose size is bounded.
#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    entries: Mutex<HashMap<K, (Instant, V)>>,
    ttl: Duration,
    max: usize,
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    pub(super) fn new(ttl: Duration, max: usize) -> Self {
        Self { entries: Mutex::default(), ttl, max }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, (Instant, V)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer, while it is fresh.
    pub(super) fn get(&self, key: &K, now: Instant) -> Option<V> {
        let entries = self.entries();
        let (expires, value) = entries.get(key)?;
        (*expires > now).then(|| value.clone())
    }

    /// Remembers an answer from now on; where there is no room even without the expired ones, it
    /// is not remembered.
    pub(super) fn put(&self, key: K, value: V, now: Instant) {
        let mut entries = self.entries();
        if entries.len() >= self.max {
            entries.retain(|_, (expires, _)| *expires > now);
        }
        if entries.len() < self.max || entries.contains_key(&key) {
            entries.insert(key, (now + self.ttl, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_expire_and_make_room() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let cache = Remembered::new(10 * second, 2);
        cache.put("a", 1, start);
        cache.put("b", 2, start + second);
        cache.put("c", 3, start + second);
        assert_eq!(cache.get(&"a", start + 9 * second), Some(1));
        assert_eq!(cache.get(&"c", start + second), None, "no room");
        assert_eq!(cache.get(&"a", start + 10 * second), None, "expired");
        cache.put("c", 3, start + 10 * second);
        assert_eq!(cache.get(&"c", start + 10 * second), Some(3));
        cache.put("b", 4, start + 10 * second);
        assert_eq!(cache.get(&"b", start + 19 * second), Some(4), "a known key keeps its room");
    }
}
