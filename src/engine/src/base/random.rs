//! The one source of chance, seeded from outside.

use crate::stored::stored;

/// SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, passes BigCrush, one multiply chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// A generator; equal seeds give equal sequences.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, uniform to within bound/2^64 (Lemire's multiply-shift).
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

/// How one of equally good nodes is drawn: the only thing in which `evaluate` differs from `run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Draw {
    /// The k-th of the best in node order, k from a seeded generator.
    Seeded(Random),
    /// The first of the best by name.
    FirstByName,
}

stored! { struct Random(state) }
stored! { enum Draw { 0 = Seeded(random), 1 = FirstByName } }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_reproducible_and_spread() {
        let (mut a, mut b) = (Random::new(7), Random::new(7));
        let mut seen = [0u32; 10];
        for _ in 0..10_000 {
            let k = a.below(10);
            assert_eq!(k, b.below(10));
            if let Some(n) = seen.get_mut(k) {
                *n += 1;
            }
        }
        // 1,000 each, standard deviation 30: seven of them either way.
        assert!(seen.iter().all(|n| (790..=1210).contains(n)), "{seen:?}");
    }
}
