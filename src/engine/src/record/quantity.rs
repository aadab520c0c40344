//! Kubernetes quantities, exact: `100m`, `1.5Gi`, `2e3`.
//!
//! Source: `staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go`.

use std::ops::Add;

use crate::stored::stored;

/// An amount in nano-units, the finest that Kubernetes keeps.
///
/// `i128` holds the largest Kubernetes quantity (2^63 − 1 units = 9.2·10^27 nano) ten billion
/// times over, so sums of container requests are exact and rounded once, as in Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Quantity {
    nanos: i128,
}

/// The text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a quantity: write a number with an optional suffix, such as 500m, 2, 1.5Gi or 1e3"
)]
pub struct ParseQuantityError(pub Box<str>);

const NANOS: i128 = 1_000_000_000;
/// Go caps larger numbers at `1<<63 - 1` (`maxAllowed` in quantity.go).
const MAX_NANOS: i128 = i64::MAX as i128 * NANOS;
/// Digits kept of a number; more than 60 significant ones are above the cap or below nano anyway.
const DIGITS_MAX: usize = 60;

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0 };

    /// `units` whole units.
    pub const fn from_units(units: i64) -> Self {
        Self { nanos: units as i128 * NANOS }
    }

    /// `milli` thousandths, as `500m` of a CPU.
    pub const fn from_milli(milli: i64) -> Self {
        Self { nanos: milli as i128 * 1_000_000 }
    }

    /// Whole units, rounded up (away from zero below it), as Go's `Quantity.Value`.
    pub fn value(self) -> i64 {
        round_away(self.nanos, NANOS)
    }

    /// Thousandths, rounded up, as Go's `Quantity.MilliValue`.
    pub fn milli_value(self) -> i64 {
        round_away(self.nanos, 1_000_000)
    }

    /// Whether the amount is zero.
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Reads a quantity as Go's `ParseQuantity` does: capped at ±(2^63−1) units, parts finer than
    /// nano rounded away from zero.
    ///
    /// # Errors
    /// The text is not a number with one of the suffixes n u m k M G T P E Ki Mi Gi Ti Pi Ei or a
    /// decimal exponent.
    pub fn parse(text: &str) -> Result<Self, ParseQuantityError> {
        parse(text)
            .ok_or_else(|| ParseQuantityError(text.chars().take(64).collect::<String>().into()))
    }
}

impl Add for Quantity {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { nanos: self.nanos.saturating_add(other.nanos) }
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

fn round_away(nanos: i128, unit: i128) -> i64 {
    let whole = nanos / unit;
    let rest = nanos % unit;
    let rounded = whole + rest.signum();
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

fn parse(text: &str) -> Option<Quantity> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let number_len = unsigned.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (number, suffix) = unsigned.split_at(number_len);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let (multiplier, exponent) = scale(suffix)?;
    let magnitude = magnitude(whole, fraction, multiplier, exponent);
    Some(Quantity { nanos: if negative { -magnitude } else { magnitude } })
}

/// A suffix as (binary multiplier, decimal exponent).
fn scale(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        _ => {
            let digits = suffix.strip_prefix(['e', 'E'])?;
            let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
            if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            // Go refuses exponents that do not fit 32 bits; so does this parse.
            (1, digits.parse::<i32>().ok()?)
        }
    })
}

/// `whole.fraction · multiplier · 10^exponent` in nano-units, rounded up and capped.
fn magnitude(whole: &str, fraction: &str, multiplier: i128, exponent: i32) -> i128 {
    let digits = whole.bytes().chain(fraction.bytes()).skip_while(|b| *b == b'0');
    let mut exponent = i64::from(exponent) + 9 - fraction.len() as i64;
    let mut mantissa: i128 = 0;
    let mut inexact = false;
    for (i, digit) in digits.enumerate() {
        // 10^18 · 2^60 < 2^127: the mantissa stays multipliable; later digits only scale it.
        if i < DIGITS_MAX && mantissa < 1_000_000_000_000_000_000 {
            mantissa = mantissa * 10 + i128::from(digit - b'0');
        } else {
            exponent += 1;
            inexact |= digit != b'0';
        }
    }
    if mantissa == 0 {
        return 0;
    }
    let mut value = mantissa * multiplier;
    while exponent > 0 && value <= MAX_NANOS {
        value = value.saturating_mul(10);
        exponent -= 1;
    }
    while exponent < 0 && value > 0 {
        inexact |= value % 10 != 0;
        value /= 10;
        exponent += 1;
    }
    (value + i128::from(inexact)).min(MAX_NANOS)
}

stored! { struct Quantity { nanos } }

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn q(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn suffixes_scale() {
        for (text, milli) in [
            ("1", 1000),
            ("100m", 100),
            ("1.5", 1500),
            (".5", 500),
            ("5.", 5000),
            ("1k", 1_000_000),
            ("1Ki", 1_024_000),
            ("1.5Gi", 1_610_612_736_000),
            ("2e3", 2_000_000),
            ("2E-3", 2),
            ("+1", 1000),
            ("-1", -1000),
            ("1u", 1),
            ("1n", 1),
            ("0.0001", 1),
        ] {
            assert_eq!(q(text).milli_value(), milli, "{text}");
        }
    }

    #[test]
    fn values_round_up_away_from_zero() {
        assert_eq!(q("1500m").value(), 2);
        assert_eq!(q("-1500m").value(), -2);
        assert_eq!(q("0.1n"), q("1n"));
        assert_eq!((q("0.5m") + q("0.5m")).milli_value(), 1);
    }

    #[test]
    fn huge_numbers_are_capped() {
        assert_eq!(q("100E").value(), i64::MAX);
        assert_eq!(q("-9999999999999999999999").value(), -i64::MAX);
        assert_eq!(q("1e999999999").value(), i64::MAX);
        assert_eq!(q("1e-999999999"), Quantity { nanos: 1 });
        assert_eq!(q(&"0".repeat(5000)), Quantity::ZERO);
        assert_eq!(q("9223372036854775807").value(), i64::MAX);
        assert_eq!(q("123456789012345678").value(), 123_456_789_012_345_678);
        assert_eq!(q("8Ei").value(), i64::MAX);
        assert_eq!(q("1234567890123456789").value(), 1_234_567_890_123_456_789);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "m", ".", "1.2.3", "1 Gi", "1gi", "0x10", "1e", "1e+", "--1", "1é", "NaN"]
        {
            assert!(Quantity::parse(text).is_err(), "{text}");
        }
    }
}
