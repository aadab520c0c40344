//! Texts from objects and files on their way to a terminal.
//!
//! A key, a taint or a message may hold bytes that a terminal obeys: colours, titles, a cleared
//! screen, letters in another order than they are read. Everything that prints such a text passes
//! it through here; what is ours to draw (the demo's picture) does not.

use std::borrow::Cow;
use std::fmt::Write;

/// The text on one line: control characters and those that turn the direction of writing are
/// written `\u001b`, as JSON and Go write them, so that a line of JSON stays the same JSON.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// As [`line`], with line feeds and tabs as they are: for texts of several lines.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, keep: fn(char) -> bool) -> Cow<'_, str> {
    let obeyed = |c: char| is_obeyed(c) && !keep(c);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if obeyed(c) {
            let _infallible = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// C0, DEL and C1 (ECMA-48: U+009B begins a sequence as ESC [ does), line and paragraph separators,
/// and the marks, embeddings, overrides and isolates of bidirectional text (Unicode TR 36, 3.1).
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_out() {
        assert_eq!(line("a\u{1b}[31mb\u{7}\u{9b}2J\u{7f}"), "a\\u001b[31mb\\u0007\\u009b2J\\u007f");
        assert_eq!(line("a\nb\tc\rd"), "a\\u000ab\\u0009c\\u000dd");
        assert_eq!(lines("a\nb\tc\rd"), "a\nb\tc\\u000dd");
        assert_eq!(line("\u{202e}txt\u{2066}"), "\\u202etxt\\u2066");
    }

    #[test]
    fn other_text_is_not_touched() {
        for text in ["", "0/3 nodes are available: 3 Insufficient cpu.", "zone-ä 日本 “q” \\u001b"]
        {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn a_line_of_json_stays_the_same_json() {
        let value = serde_json::json!({"a\u{9b}": "b\u{1b}\u{7f}\u{202e}\n"});
        let text = value.to_string();
        let escaped = line(&text);
        assert!(!escaped.contains(is_obeyed) && escaped != text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }
}
