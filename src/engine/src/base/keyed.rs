//! The one hash of the engine for keys that come from outside.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;
use hashbrown::HashMap;

/// The key of the hash of names, labels and templates.
///
/// Users choose these texts, so without a secret key they could choose thousands that collide, and
/// each look-up would read them all. The key is given from outside, like the seed of the draw: the
/// engine itself has no chance of its own, and a run that is repeated hashes alike.
///
/// The hash is foldhash, as hashbrown's own maps have it. SipHash-1-3 costs 7 % more instructions
/// for a plain pod.
#[derive(Clone, Copy)]
pub struct HashKey {
    key: [u64; 2],
    // Made from the second half of the key.
    seed: &'static SharedSeed,
}

// Digits of pi. With 1 as the key a list of one number would hash to 0 whatever the number, as its
// length and the key cancel out.
const PUBLIC_KEY: [u64; 2] = [0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344];
static PUBLIC_SEED: SharedSeed = SharedSeed::from_u64(PUBLIC_KEY[1]);

impl HashKey {
    /// The key where nobody outside chooses names: tests, benchmarks, files that are evaluated.
    pub const PUBLIC: Self = Self { key: PUBLIC_KEY, seed: &PUBLIC_SEED };

    /// A key, for as long as the process lives: 48 bytes that are not given back. A process makes
    /// one; only tests make hundreds.
    pub fn new(key: [u64; 2]) -> Self {
        let [_, shared] = key;
        Self { key, seed: Box::leak(Box::new(SharedSeed::from_u64(shared))) }
    }

    /// The hash of one value.
    pub fn hash<T: Hash + ?Sized>(self, value: &T) -> u64 {
        self.hash_one(value)
    }
}

impl PartialEq for HashKey {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for HashKey {}

/// The key stays a secret.
impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

impl BuildHasher for HashKey {
    type Hasher = FoldHasher<'static>;

    fn build_hasher(&self) -> FoldHasher<'static> {
        let [own, _] = self.key;
        FoldHasher::with_seed(own, self.seed)
    }
}

/// A map whose keys come from outside. It has no default: a key is named where it is made.
pub type KeyedMap<K, V> = HashMap<K, V, HashKey>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_decides_the_hash() {
        let [own, shared] = PUBLIC_KEY;
        let one = HashKey::new([own, shared]);
        assert_eq!(one, HashKey::PUBLIC);
        assert_eq!(one.hash("node-1"), HashKey::PUBLIC.hash("node-1"));
        assert_ne!(one.hash("node-1"), HashKey::new([own, 3]).hash("node-1"));
        assert_ne!(one.hash("node-1"), HashKey::new([3, shared]).hash("node-1"));
        assert_ne!(one.hash("node-1"), one.hash("node-2"));
    }

    #[test]
    fn short_lists_hash_apart_by_the_public_key() {
        let hashes = (0..1_000_u32).map(|n| HashKey::PUBLIC.hash(&[(7_u32, n)][..]));
        let distinct: std::collections::BTreeSet<u64> = hashes.collect();
        assert_eq!(distinct.len(), 1_000);
    }
}
