//! The one hash of the engine for keys that come from outside.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashMap;
use siphasher::sip::SipHasher13;

/// The key of the hash of names, labels and templates.
///
/// Users choose these texts, so without a secret key they could choose thousands that collide, and
/// each look-up would read them all. The key is given from outside, like the seed of the draw: the
/// engine itself has no chance of its own, and a run that is repeated hashes alike.
///
/// Source: SipHash-1-3 (Aumasson, Bernstein 2012), the hash of the standard library's maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub [u64; 2]);

impl HashKey {
    /// The key where nobody outside chooses names: tests, benchmarks, files that are evaluated.
    pub const PUBLIC: Self = Self([0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908]);

    /// The hash of one value.
    pub fn hash<T: Hash + ?Sized>(self, value: &T) -> u64 {
        self.hash_one(value)
    }
}

impl BuildHasher for HashKey {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        let [low, high] = self.0;
        SipHasher13::new_with_keys(low, high)
    }
}

/// A map whose keys come from outside. It has no default: a key is named where it is made.
pub type KeyedMap<K, V> = HashMap<K, V, HashKey>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_decides_the_hash() {
        let (one, other) = (HashKey([1, 2]), HashKey([1, 3]));
        assert_eq!(one.hash("node-1"), HashKey([1, 2]).hash("node-1"));
        assert_ne!(one.hash("node-1"), other.hash("node-1"));
        assert_ne!(one.hash("node-1"), one.hash("node-2"));
    }
}
