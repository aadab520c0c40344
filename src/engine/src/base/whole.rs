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
