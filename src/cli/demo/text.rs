//! Lines of text in colour, cut to the width of the terminal, and numbers as people read them.

use std::time::Duration;

use crate::escape;

/// How a piece of text looks, in the sixteen colours that every terminal's theme defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Cyan,
}

impl Paint {
    /// Parameters of SGR (ECMA-48), or none.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Bold => Some("1"),
            Self::Dim => Some("2"),
            Self::Red => Some("31"),
            Self::Green => Some("32"),
            Self::Yellow => Some("33"),
            Self::Blue => Some("34"),
            Self::Cyan => Some("36"),
        }
    }
}

/// A line without its end. Every character is one column wide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    pieces: Vec<(Paint, String)>,
}

impl Line {
    /// Plain text.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::default().with(Paint::Plain, text)
    }

    /// The line with more text at its end.
    pub(super) fn with(mut self, paint: Paint, text: impl Into<String>) -> Self {
        self.push(paint, text);
        self
    }

    /// Adds text at the end; neighbours of one paint become one piece.
    pub(super) fn push(&mut self, paint: Paint, text: impl Into<String>) {
        let text = text.into();
        let text = escape::line(&text);
        match self.pieces.last_mut() {
            Some((last, before)) if *last == paint => before.push_str(&text),
            _ => self.pieces.push((paint, text.into_owned())),
        }
    }

    /// Columns it takes.
    pub(super) fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text.chars().count()).sum()
    }

    /// As text for a terminal, or without escapes; no wider than `width`, without blanks at its
    /// end.
    pub(super) fn render(&self, colour: bool, width: usize) -> String {
        let (mut rendered, mut left) = (String::new(), width);
        for (paint, text) in &self.pieces {
            let cut: String = text.chars().take(left).collect();
            left -= cut.chars().count();
            match paint.code().filter(|_| colour && !cut.is_empty()) {
                Some(code) => rendered.push_str(&format!("\x1b[{code}m{cut}\x1b[0m")),
                None => rendered.push_str(&cut),
            }
        }
        rendered.truncate(rendered.trim_end_matches(' ').len());
        rendered
    }
}

/// `12345678` as `12,345,678`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count as [`grouped`].
pub(super) fn count(number: usize) -> String {
    grouped(number as u64)
}

/// `4000` and `"pod"` as `4,000 pods`; `1` as `1 pod`.
pub(super) fn plural(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Three digits and a unit: `0.42 ms`, `4.20 ms`, `812 ms`, `1.93 s`, `42.0 s`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (value, unit) = if seconds < 0.9995 { (seconds * 1e3, "ms") } else { (seconds, "s") };
    let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.decimals$} {unit}")
}

/// Whole percent of `part` in `whole`, rounded; 0 of nothing.
pub(super) fn percent(part: u64, whole: u64) -> u64 {
    (part * 100 + whole / 2).checked_div(whole).unwrap_or(0)
}

/// `text` in lines of at most `width` columns, broken at blanks.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_cluster_do_not_draw() {
        let line = Line::plain("0/1 nodes: \u{1b}[2J").with(Paint::Red, "a\u{9b}1m\n");
        let plain = line.render(false, 80);
        assert_eq!(plain, "0/1 nodes: \\u001b[2Ja\\u009b1m\\u000a");
    }

    #[test]
    fn lines_are_cut_by_columns_and_painted_on_request() {
        let line = Line::plain("Job ").with(Paint::Green, "██").with(Paint::Dim, "░░  ");
        assert_eq!(line.width(), 10);
        assert_eq!(line.render(false, 80), "Job ██░░");
        assert_eq!(line.render(false, 5), "Job █");
        assert_eq!(line.render(true, 6), "Job \x1b[32m██\x1b[0m");
        assert_eq!(line.render(true, 7), "Job \x1b[32m██\x1b[0m\x1b[2m░\x1b[0m");
        let same = Line::plain("a").with(Paint::Plain, "b");
        assert_eq!(same, Line::plain("ab"));
    }

    #[test]
    fn numbers() {
        let all: Vec<_> = [0, 999, 1000, 12_345_678].map(grouped).into();
        assert_eq!(all, ["0", "999", "1,000", "12,345,678"]);
        assert_eq!([plural(1, "pod"), plural(0, "pod")], ["1 pod", "0 pods"]);
        let all = [420, 4_200, 99_960, 812_000, 999_600, 42_000_000, 312_000_000]
            .map(|us| duration(Duration::from_micros(us)));
        assert_eq!(all, ["0.42 ms", "4.20 ms", "100 ms", "812 ms", "1.00 s", "42.0 s", "312 s"]);
        assert_eq!([percent(1, 3), percent(2, 3), percent(1, 0)], [33, 67, 0]);
    }

    #[test]
    fn words_wrap() {
        assert_eq!(wrap("a bb ccc  dddddd e", 6), ["a bb", "ccc", "dddddd", "e"]);
        assert_eq!(wrap("", 6), [""; 0]);
    }
}
