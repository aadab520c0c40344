//! Durations as Go writes and reads them (`time.ParseDuration`, `metav1.Duration`).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A signed time span in nanoseconds, in Go's notation: `5m`, `1.5s`, `2h45m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct GoDuration(i64);

/// A text that Go would not read as a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// No number where one has to be.
    #[error("{0:?} is no duration: write it like 5m, 1.5s or 2h45m")]
    Syntax(Box<str>),
    /// A number without a unit.
    #[error("missing unit in duration {0:?}: write {0:?} with ms, s, m or h at the end")]
    NoUnit(Box<str>),
    /// A unit that does not exist.
    #[error("unknown unit {unit:?} in duration {text:?}: there are ns, us, ms, s, m and h")]
    Unit {
        /// The unit.
        unit: Box<str>,
        /// The whole text.
        text: Box<str>,
    },
    /// More than 292 years.
    #[error("duration {0:?} is too long")]
    Overflow(Box<str>),
}

/// The `format` of a duration in a JSON schema.
pub const GO_DURATION: &str = "go-duration";

const SECOND: u64 = 1_000_000_000;

impl GoDuration {
    /// A whole number of seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND as i64))
    }

    /// The span in nanoseconds.
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }

    /// The span in whole milliseconds; 0 where it is negative.
    pub fn milliseconds(self) -> u64 {
        u64::try_from(self.0 / 1_000_000).unwrap_or(0)
    }

    /// The span; zero where it is negative.
    pub fn as_duration(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }

    /// Whether it is zero, which `metav1.Duration` fields take for absent.
    pub fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let overflow = || DurationError::Overflow(text.into());
        let syntax = || DurationError::Syntax(text.into());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(syntax());
        }
        let mut total = 0u64;
        while !rest.is_empty() {
            let (whole, after) = digits(rest);
            let (fraction, after_fraction) = match after.strip_prefix('.') {
                Some(after) => digits(after),
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(syntax());
            }
            let end = after_fraction
                .find(|c: char| c == '.' || c.is_ascii_digit())
                .unwrap_or(after_fraction.len());
            let (name, next) = after_fraction.split_at(end);
            if name.is_empty() {
                return Err(DurationError::NoUnit(text.into()));
            }
            let unit = unit(name)
                .ok_or_else(|| DurationError::Unit { unit: name.into(), text: text.into() })?;
            total = add(total, whole, fraction, unit).ok_or_else(overflow)?;
            rest = next;
        }
        let nanoseconds =
            if negative { 0i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() };
        nanoseconds.map(Self).ok_or_else(overflow)
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn unit(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        // U+00B5, the micro sign, and U+03BC, the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        _ => return None,
    })
}

/// `total` and the number `whole.fraction` of `unit`, cut to nanoseconds.
fn add(total: u64, whole: &str, fraction: &str, unit: u64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // 18 digits are finer than a nanosecond of an hour, and fit an integer.
    let kept = fraction.get(..18).unwrap_or(fraction);
    let scale = 10u128.pow(u32::try_from(kept.len()).ok()?);
    let parts: u128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let part = u64::try_from(parts * u128::from(unit) / scale).ok()?;
    let sum = total.checked_add(whole.checked_mul(unit)?)?.checked_add(part)?;
    (sum <= i64::MAX as u64 + 1).then_some(sum)
}

impl fmt::Display for GoDuration {
    /// As Go's `Duration.String`: `0s`, `1.5ms`, `2s`, `1m30s`, `1h0m0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match nanoseconds {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanoseconds}ns"),
            1_000..1_000_000 => write_decimal(f, nanoseconds, 1_000, "\u{b5}s"),
            1_000_000..SECOND => write_decimal(f, nanoseconds, 1_000_000, "ms"),
            _ => {
                let minutes = nanoseconds / (60 * SECOND);
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                write_decimal(f, nanoseconds % (60 * SECOND), SECOND, "s")
            }
        }
    }
}

fn write_decimal(f: &mut fmt::Formatter<'_>, value: u64, unit: u64, name: &str) -> fmt::Result {
    write!(f, "{}", value / unit)?;
    if !value.is_multiple_of(unit) {
        let width = unit.ilog10() as usize;
        let fraction = format!("{:0width$}", value % unit);
        write!(f, ".{}", fraction.trim_end_matches('0'))?;
    }
    f.write_str(name)
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for GoDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": GO_DURATION,
            "description": "A time span in Go's notation, such as 5m, 1.5s or 2h45m.",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn texts_are_read_and_written_as_by_go() {
        for (text, written) in [
            ("0", "0s"),
            ("-0", "0s"),
            ("5m", "5m0s"),
            ("15s", "15s"),
            (".5m", "30s"),
            ("+3s", "3s"),
            ("20000ms", "20s"),
            ("69.5s", "1m9.5s"),
            ("0m38s", "38s"),
            ("1h", "1h0m0s"),
            ("2h45m", "2h45m0s"),
            ("1.5ms", "1.5ms"),
            ("1us", "1\u{b5}s"),
            ("7ns", "7ns"),
            ("-1.25s", "-1.25s"),
            ("1.s", "1s"),
            ("2562047h47m16.854775807s", "2562047h47m16.854775807s"),
            ("0.3333333333333333333h", "19m59.999999999s"),
        ] {
            let read: GoDuration = text.parse().unwrap();
            assert_eq!(read.to_string(), written, "{text}");
            assert_eq!(written.parse::<GoDuration>().unwrap(), read, "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in ["", "3", "-", "s", ".", ".s", "1d", "1 s", "1s ", "+-1s", "1x", "1m3"] {
            assert!(text.parse::<GoDuration>().is_err(), "{text}");
        }
        assert_eq!(
            "2562047h47m16.854775808s".parse::<GoDuration>(),
            Err(DurationError::Overflow("2562047h47m16.854775808s".into()))
        );
    }
}
