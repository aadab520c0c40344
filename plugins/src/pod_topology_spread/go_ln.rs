//! The natural logarithm as Go computes it on amd64, bit for bit.
//!
//! Scores are rounded to integers: where the C library's logarithm differs in the last bit, as
//! for 3, a score may differ by one, and with it the chosen node.
//!
//! Source: `src/math/log.go` of Go, after FreeBSD's `e_log.c`; `log_amd64.s` takes the same steps.

#![allow(clippy::excessive_precision, reason = "written as in the source")]

const LN2_HI: f64 = 6.931_471_803_691_238_164_90e-1;
const LN2_LO: f64 = 1.908_214_929_270_587_700_02e-10;
const L1: f64 = 6.666_666_666_666_735_130e-1;
const L2: f64 = 3.999_999_999_940_941_908e-1;
const L3: f64 = 2.857_142_874_366_239_149e-1;
const L4: f64 = 2.222_219_843_214_978_396e-1;
const L5: f64 = 1.818_357_216_161_805_012e-1;
const L6: f64 = 1.531_383_769_920_937_332e-1;
const L7: f64 = 1.479_819_860_511_658_591e-1;

/// The logarithm of a positive, normal number.
pub(super) fn ln(x: f64) -> f64 {
    // x = f · 2^k with f in [√½, √2): the exponent's bits, then those of a number in [½, 1).
    let bits = x.to_bits();
    let mut k = ((bits >> 52) & 0x7FF) as i64 - 0x3FE;
    let mut fraction = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FE0_0000_0000_0000);
    if fraction < std::f64::consts::SQRT_2 / 2.0 {
        fraction *= 2.0;
        k -= 1;
    }
    let f = fraction - 1.0;
    let k = k as f64;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let t1 = s2 * (L1 + s4 * (L3 + s4 * (L5 + s4 * L7)));
    let t2 = s4 * (L2 + s4 * (L4 + s4 * L6));
    let r = t1 + t2;
    let hfsq = 0.5 * f * f;
    k * LN2_HI - ((hfsq - (s * (hfsq + r) + k * LN2_LO)) - f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by Go 1.26 on amd64: `math.Float64bits(math.Log(float64(n)))`.
    const TABLE: [(u32, u64); 25] = [
        (2, 0x3FE62E42FEFA39EF),
        (3, 0x3FF193EA7AAD030A),
        (4, 0x3FF62E42FEFA39EF),
        (5, 0x3FF9C041F7ED8D33),
        (6, 0x3FFCAB0BFA2A2002),
        (7, 0x3FFF2272AE325A57),
        (8, 0x4000A2B23F3BAB73),
        (9, 0x400193EA7AAD030B),
        (10, 0x40026BB1BBB55516),
        (11, 0x40032EE3B77F374C),
        (12, 0x4003E116BCD39E7D),
        (13, 0x400485042B318C51),
        (17, 0x4006AA6BC1FA7F7A),
        (19, 0x40078E360604B32C),
        (23, 0x4009157DFDD1B3F0),
        (29, 0x400AF038CBCDFE1F),
        (33, 0x400BF8D8F4D5B8D1),
        (64, 0x4010A2B23F3BAB73),
        (100, 0x40126BB1BBB55516),
        (102, 0x40127FF8DF87C7BD),
        (501, 0x4018DDCDFD611821),
        (1002, 0x401BA3965D405F5F),
        (5002, 0x40210901F6DC84B9),
        (15002, 0x40233B5C54BB9573),
        (1000002, 0x402BA18ADCABD9BD),
    ];

    #[test]
    fn logarithms_are_gos_to_the_bit() {
        for (n, bits) in TABLE {
            assert_eq!(ln(f64::from(n)).to_bits(), bits, "{n}");
        }
        // All clusters up to 100,000 nodes, folded into one number by the same program.
        let fold = |all: u64, n: u32| {
            (all.rotate_left(7) ^ ln(f64::from(n)).to_bits()).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        };
        assert_eq!((2..=100_002).fold(0, fold), 0xA907_C394_7A8D_D09F);
    }
}
