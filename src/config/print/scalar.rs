//! A scalar as `go.yaml.in/yaml/v2` writes it (`encode.go` `stringv`, `emitterc.go`
//! `yaml_emitter_analyze_scalar`), except that long lines are not folded.

use jiff::civil::Date;
use serde_json::Number;

use crate::config::scalar::resolve;
use crate::config::tree::Kind;

/// A string, in the notation that go-yaml chooses; lines after the first are indented by `indent`.
/// A key stays on one line.
pub(super) fn string(text: &str, indent: usize, is_key: bool) -> String {
    let allowed = Allowed::of(text);
    if text.contains('\n') {
        return if allowed.block && !is_key { literal(text, indent) } else { double_quoted(text) };
    }
    match () {
        () if !reads_as_string(text) => double_quoted(text),
        () if allowed.plain => text.to_owned(),
        () if allowed.single_quoted => format!("'{}'", text.replace('\'', "''")),
        () => double_quoted(text),
    }
}

/// A number; floats as Go's `FormatFloat(f, 'g', -1, 64)`.
pub(super) fn number(number: &Number) -> String {
    let float = match number.as_f64() {
        Some(float) if number.is_f64() => float,
        _ => return number.to_string(),
    };
    // 1.5e-7: digits and exponent, the shortest that reads as the same number.
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // JSON stands in between: what it writes without an exponent or fraction is an integer again.
    let is_integer = float.fract() == 0.0 && exponent < 21;
    if is_integer || (-4..6).contains(&exponent) {
        return float.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// Whether a text without quotes would be read as that text.
fn reads_as_string(text: &str) -> bool {
    matches!(resolve(None, true, text), Ok(Kind::String(_)))
        && !is_timestamp(text)
        && !is_base_60(text)
}

/// `parseTimestamp`: a date, or a date and a time.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let mut next = |most: usize| {
        let part = parts.next().filter(|p| (1..=most).contains(&p.len()))?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i16>().ok())?
    };
    let (Some(year), Some(month), Some(day), None) = (next(4), next(2), next(2), next(2)) else {
        return false;
    };
    let month_and_day = (i8::try_from(month), i8::try_from(day));
    let (Ok(month), Ok(day)) = month_and_day else { return false };
    let is_time =
        |time: &str| time.split(':').count() >= 3 && time.starts_with(|c: char| c.is_ascii_digit());
    date.find('-') == Some(4) && Date::new(year, month, day).is_ok() && time.is_none_or(is_time)
}

/// `^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`: a number in YAML 1.1 that no reader of
/// ours takes for one.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = unsigned.split_once('.').map_or(unsigned, |(whole, fraction)| {
        let is_fraction = fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_');
        if is_fraction { whole } else { "" }
    });
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let is_first = first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut count = 0;
    let is_rest = parts.all(|part| {
        count += 1;
        match part.as_bytes() {
            [digit] => digit.is_ascii_digit(),
            [b'0'..=b'5', digit] => digit.is_ascii_digit(),
            _ => false,
        }
    });
    is_first && is_rest && count > 0
}

/// The notations that hold a text.
struct Allowed {
    plain: bool,
    single_quoted: bool,
    block: bool,
}

impl Allowed {
    fn of(text: &str) -> Self {
        let is_break = |c: char| matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let chars: Vec<char> = text.chars().collect();
        let (first, last) = (chars.first().copied(), chars.last().copied());
        let pair = |left: fn(char) -> bool, right: fn(char) -> bool| {
            chars.windows(2).any(|w| matches!(w, [a, b] if left(*a) && right(*b)))
        };
        let breaks: fn(char) -> bool =
            |c| matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let space: fn(char) -> bool = |c| c == ' ';
        let break_space = pair(breaks, space);
        let space_break = pair(space, breaks);
        let special = chars.iter().any(|c| !is_printable(*c));
        let edge = |c: Option<char>| c.is_some_and(|c| c == ' ' || is_break(c));
        let bare =
            !edge(first) && !edge(last) && !break_space && !chars.iter().any(|c| is_break(*c));
        Self {
            plain: bare && !space_break && !special && !has_indicators(&chars),
            single_quoted: !break_space && !space_break && !special,
            block: last != Some(' ') && !space_break && !special,
        }
    }
}

/// Whether a text has what means something else in block context.
fn has_indicators(chars: &[char]) -> bool {
    let is_blank = |c: Option<&char>| c.is_none_or(|c| matches!(c, ' ' | '\t'));
    if matches!(chars, ['-', '-', '-', ..] | ['.', '.', '.', ..]) {
        return true;
    }
    chars.iter().enumerate().any(|(i, c)| {
        let before_blank = is_blank(chars.get(i + 1));
        match c {
            '#' => i == 0 || is_blank(chars.get(i - 1)),
            ':' => before_blank,
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`' => i == 0,
            '?' | '-' => i == 0 && before_blank,
            _ => false,
        }
    })
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
        | '\u{ff00}'..='\u{fffd}')
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let letter = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            '\u{85}' => 'N',
            c if is_printable(c) => {
                quoted.push(c);
                continue;
            }
            c => {
                let code = u32::from(c);
                quoted.push_str(&match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                });
                continue;
            }
        };
        quoted.push('\\');
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// A literal block, without the line end after it.
fn literal(text: &str, indent: usize) -> String {
    let mut block = String::from("|");
    if text.starts_with([' ', '\n']) {
        block.push('2');
    }
    match text.strip_suffix('\n') {
        None => block.push('-'),
        Some("") => block.push('+'),
        Some(rest) if rest.ends_with('\n') => block.push('+'),
        Some(_) => {}
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        block.push('\n');
        if !line.is_empty() {
            block.extend(std::iter::repeat_n(' ', indent));
            block.push_str(line);
        }
    }
    block
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn strings_are_quoted_as_by_go_yaml() {
        for (text, written) in [
            ("a#b", "a#b"),
            ("a #b", "'a #b'"),
            ("a'b", "a'b"),
            ("'a", "'''a'"),
            ("foo bar", "foo bar"),
            ("é", "é"),
            ("?x", "?x"),
            ("? x", "'? x'"),
            ("-.5x", "-.5x"),
            ("---", "'---'"),
            ("#x", "'#x'"),
            (":x", ":x"),
            ("x:", "'x:'"),
            ("*", "'*'"),
            (" a", "' a'"),
            ("<<", "<<"),
            ("yes", "\"yes\""),
            ("", "\"\""),
            ("12", "\"12\""),
            ("12:30:45", "\"12:30:45\""),
            ("::1", "::1"),
            ("2001-01-01", "\"2001-01-01\""),
            ("2001-13-01", "2001-13-01"),
            ("2001-1-1 5:6:7", "\"2001-1-1 5:6:7\""),
            ("\u{1b}", "\"\\e\""),
            ("a\tb", "\"a\\tb\""),
            ("\u{1F600}", "\"\\U0001F600\""),
            ("a\nb\n", "|\n  a\n  b"),
            ("a\nb", "|-\n  a\n  b"),
            ("a\n b", "|-\n  a\n   b"),
            ("a \nb", "\"a \\nb\""),
            ("\\x", "\\x"),
        ] {
            assert_eq!(string(text, 2, false), written, "{text:?}");
        }
        assert_eq!(string("a\nb", 2, true), "\"a\\nb\"");
    }

    #[test]
    fn floats_are_written_as_by_go() {
        for (float, written) in [
            (33.3, "33.3"),
            (0.5, "0.5"),
            (1e-7, "1e-07"),
            (1e21, "1e+21"),
            (1_234_567.5, "1.2345675e+06"),
            (123_456_790.0, "123456790"),
            (0.0001, "0.0001"),
        ] {
            assert_eq!(number(&Number::from_f64(float).unwrap()), written);
        }
    }
}
