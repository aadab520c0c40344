//! Whole numbers as floats and back, in steps that even the oldest x86-64 has a vector instruction
//! for.

/// 2^52: from here on floats are whole numbers, and the last bits of a float are the number above.
const WHOLE: f64 = (1_u64 << 52) as f64;

/// An integer from 0 to 2^52 as a float.
#[inline(always)]
pub fn float(integer: i64) -> f64 {
    f64::from_bits(integer as u64 | WHOLE.to_bits()) - WHOLE
}

/// A float from 0 to 2^51, cut to a whole number.
#[inline(always)]
pub fn cut(float: f64) -> f64 {
    let near = (float + WHOLE) - WHOLE;
    if near > float { near - 1.0 } else { near }
}

/// A whole number from 0 to 2^52 as an integer.
#[inline(always)]
pub fn integer(float: f64) -> i64 {
    ((float + WHOLE).to_bits() ^ WHOLE.to_bits()).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Random, vectorized};

    #[test]
    fn floats_are_cut_and_come_back() {
        for (number, whole) in [(0.0, 0), (0.999, 0), (1.0, 1), (1.5, 1), (2.5, 2), (99.75, 99)] {
            assert_eq!(integer(cut(number)), whole, "{number}");
        }
        for whole in [0, 1, 63, (1 << 46) - 1, (1 << 51) + 1] {
            assert_eq!(integer(float(whole)), whole);
        }
    }

    /// Many at once, with wide vectors where there are any, are cut as each by itself.
    #[test]
    fn vectors_cut_as_single_numbers_are() {
        let mut random = Random::new(3);
        let numbers: Vec<f64> = (0..1_000)
            .map(|_| random.below(1 << 50) as f64 / (1 + random.below(1 << 20)) as f64)
            .collect();
        let mut at_once = vec![0.0; numbers.len()];
        vectorized(
            #[inline(always)]
            || at_once.iter_mut().zip(&numbers).for_each(|(slot, number)| *slot = cut(*number)),
        );
        let single: Vec<f64> = numbers.iter().map(|number| number.floor()).collect();
        assert_eq!(at_once, single);
    }
}
