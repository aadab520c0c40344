//! What a YAML scalar means: YAML 1.1 as `go.yaml.in/yaml/v2` reads it for Kubernetes
//! (`resolve.go`), which is neither YAML 1.2 nor what the parser crate would say.

use super::base64;
use super::tree::Kind;

/// A scalar that cannot stand in a configuration.
pub(super) type Unreadable = String;

/// The value of a scalar. `plain` is whether it stands there without quotes, `tag` an explicit
/// tag in its short form (`!!int`).
pub(super) fn resolve(tag: Option<&str>, plain: bool, text: &str) -> Result<Kind, Unreadable> {
    let string = || Kind::String(text.into());
    match tag {
        None if !plain => return Ok(string()),
        Some("!!binary") => {
            let bytes = base64::decode(text).ok_or("!!binary has to be base64")?;
            let text = String::from_utf8(bytes).map_err(|_| "!!binary has to hold UTF-8")?;
            return Ok(Kind::String(text.into()));
        }
        // Any other tag leaves the text as it is.
        Some(tag) if !is_resolvable(tag) => return Ok(string()),
        Some("!!str") => return Ok(string()),
        // A time stays the text it is.
        Some("!!timestamp") if text.as_bytes().get(4) == Some(&b'-') => return Ok(string()),
        _ => {}
    }
    let (found, kind) = guess(text)?;
    match tag {
        None => Ok(kind),
        Some(tag) if tag == found => Ok(kind),
        Some("!!float") if found == "!!int" => Ok(kind),
        Some(tag) => Err(format!("cannot read {found} {text:?} as {tag}")),
    }
}

fn is_resolvable(tag: &str) -> bool {
    matches!(tag, "!!str" | "!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp")
}

/// The tag and value of a text without a tag.
fn guess(text: &str) -> Result<(&'static str, Kind), Unreadable> {
    let string = ("!!str", Kind::String(text.into()));
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(("!!bool", Kind::Bool(true)));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(("!!bool", Kind::Bool(false)));
        }
        "" | "~" | "null" | "Null" | "NULL" => return Ok(("!!null", Kind::Null)),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => {
            return Err(format!("{text} is not a number that JSON can hold"));
        }
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'.') => Ok(float(text).map_or(string, |f| ("!!float", Kind::Number(f)))),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let plain = text.replace('_', "");
            if let Some(digits) = integer(&plain) {
                return Ok(("!!int", Kind::Number(digits)));
            }
            if !is_float(&plain) {
                return Ok(string);
            }
            Ok(float(&plain).map_or(string, |f| ("!!float", Kind::Number(f))))
        }
        _ => Ok(string),
    }
}

/// A map key as `sigs.k8s.io/yaml` turns it into a string.
pub(super) fn key(kind: &Kind) -> Result<Box<str>, Unreadable> {
    match kind {
        Kind::String(text) => Ok(text.clone()),
        Kind::Bool(b) => Ok(b.to_string().into()),
        Kind::Number(digits) => Ok(digits.clone()),
        Kind::Null => Err("a key must not be null".to_owned()),
        Kind::List(_) | Kind::Map(_) => Err("a key must be a scalar".to_owned()),
    }
}

/// An integer by Go's `strconv.ParseInt(text, 0, 64)` or `ParseUint`: `0x`, `0o`, `0b` and a
/// leading 0 for octal.
fn integer(text: &str) -> Option<Box<str>> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, text.get(1..)?),
        b'+' => (false, true, text.get(1..)?),
        _ => (false, false, text),
    };
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") => (16, digits.get(2..)?),
        Some("0o") => (8, digits.get(2..)?),
        Some("0b") => (2, digits.get(2..)?),
        Some(two) if two.starts_with('0') => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    // Rust's own parser would take another sign here.
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    match (negative, signed) {
        (true, _) => 0i64.checked_sub_unsigned(value).map(|v| v.to_string().into()),
        (false, true) => i64::try_from(value).ok().map(|v| v.to_string().into()),
        (false, false) => Some(value.to_string().into()),
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && all_digits(fraction),
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction),
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    mantissa_fits && exponent_fits
}

/// A float as Go's `encoding/json` writes it; none where it does not parse or is out of range.
fn float(text: &str) -> Option<Box<str>> {
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    let magnitude = value.abs();
    let scientific = magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude);
    Some(if scientific { format!("{value:e}").into() } else { value.to_string().into() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plain(text: &str) -> Kind {
        resolve(None, true, text).unwrap()
    }

    #[test]
    fn scalars_mean_what_yaml_1_1_in_go_says() {
        for (text, digits) in [
            ("4", "4"),
            ("+4", "4"),
            ("-4", "-4"),
            ("0x10", "16"),
            ("-0X10", "-16"),
            ("0777", "511"),
            ("0o17", "15"),
            ("0b101", "5"),
            ("-0b1", "-1"),
            ("08", "8"),
            ("1_000", "1000"),
            ("1e1", "10"),
            ("1e21", "1e21"),
            ("4.0", "4"),
            ("4.", "4"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("18446744073709551615", "18446744073709551615"),
            ("0", "0"),
        ] {
            assert_eq!(plain(text), Kind::Number(digits.into()), "{text}");
        }
        for text in ["2001-01-01", "1.2.3", "1e", "1e400", "0xg", "+-1", "--1", "5m", "-", "+", "."]
        {
            assert_eq!(plain(text), Kind::String(text.into()), "{text}");
        }
        assert_eq!(plain("yes"), Kind::Bool(true));
        assert_eq!(plain("Off"), Kind::Bool(false));
        assert_eq!(plain("nO"), Kind::String("nO".into()));
        assert_eq!(plain("~"), Kind::Null);
        assert!(resolve(None, true, ".inf").is_err());
    }

    #[test]
    fn quotes_and_tags_decide() {
        assert_eq!(resolve(None, false, "4").unwrap(), Kind::String("4".into()));
        assert_eq!(resolve(Some("!!str"), true, "4").unwrap(), Kind::String("4".into()));
        assert_eq!(resolve(Some("!!int"), false, "4").unwrap(), Kind::Number("4".into()));
        assert_eq!(resolve(Some("!!float"), true, "4").unwrap(), Kind::Number("4".into()));
        assert_eq!(resolve(Some("!mine"), true, "4").unwrap(), Kind::String("4".into()));
        assert!(resolve(Some("!!int"), true, "x").is_err());
        assert!(resolve(Some("!!bool"), true, "4").is_err());
    }
}
