//! Where the demo prints, and what is possible there.

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result};

use super::text::Line;

/// Width of lines where nobody says how wide the output is.
const WIDTH: usize = 80;

/// Narrower output is not made: lines are cut by the terminal.
const WIDTH_MIN: usize = 40;

/// Wider than this nothing gets more readable.
const WIDTH_MAX: usize = 160;

/// What the output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Abilities {
    /// Lines can be drawn over, and are seen by someone.
    pub(super) live: bool,
    pub(super) colour: bool,
    /// Block elements (U+2581 and others); else ASCII.
    pub(super) blocks: bool,
    /// Columns.
    pub(super) width: usize,
    /// Rows, where there is a terminal.
    pub(super) height: usize,
}

impl Abilities {
    /// Of standard output now: a terminal's size may change.
    pub(super) fn now() -> Self {
        let stdout = std::io::stdout();
        let size = terminal_size::terminal_size_of(&stdout).map(|(w, h)| (w.0.into(), h.0.into()));
        Self::of(|name| std::env::var(name).ok(), stdout.is_terminal(), size)
    }

    /// From the environment, whether the output is a terminal, and its columns and rows.
    fn of(
        variable: impl Fn(&str) -> Option<String>,
        terminal: bool,
        size: Option<(usize, usize)>,
    ) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_none_or(|term| term == "dumb");
        let capable = terminal && !dumb;
        let asked = set("COLUMNS").and_then(|columns| columns.parse().ok());
        let given = size.map(|(width, _)| width);
        let width: usize = match (asked, given) {
            // A line wider than the terminal wraps, and cannot be drawn over.
            (Some(asked), Some(given)) => std::cmp::min(asked, given),
            (asked, given) => asked.or(given).unwrap_or(WIDTH),
        };
        // POSIX: the first that is set and not empty decides.
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
        let locale = locale.unwrap_or_default().to_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        Self {
            live: capable,
            // https://no-color.org: any value but the empty one.
            colour: capable && set("NO_COLOR").is_none(),
            blocks: utf8 && !(terminal && dumb),
            width: width.clamp(WIDTH_MIN, WIDTH_MAX),
            height: size.map_or(0, |(_, height)| height),
        }
    }
}

/// Lines on an output, and a block at its end that is drawn over and over.
#[derive(Debug)]
pub(super) struct Page<W> {
    out: W,
    /// Lines of the block at the end.
    drawn: usize,
}

/// A page on standard output.
pub(super) type Screen = Page<std::io::Stdout>;

impl<W: Write> Page<W> {
    /// A page on an output.
    pub(super) fn new(out: W) -> Self {
        Self { out, drawn: 0 }
    }

    /// Prints lines for good, in place of the block.
    pub(super) fn print(&mut self, lines: &[Line], abilities: Abilities) -> Result<()> {
        self.draw(lines, abilities)?;
        self.drawn = 0;
        Ok(())
    }

    /// Draws the block again, or prints it where the last lines were printed for good.
    pub(super) fn draw(&mut self, lines: &[Line], abilities: Abilities) -> Result<()> {
        // One write per frame: a terminal shows no half of it.
        let mut frame = String::new();
        if self.drawn > 0 {
            // Cursor up to the block's first line, then clear to the end of the screen.
            frame.push_str(&format!("\x1b[{}A\r\x1b[J", self.drawn));
        }
        for line in lines {
            frame.push_str(&line.render(abilities.colour, abilities.width));
            frame.push('\n');
        }
        self.drawn = lines.len();
        let written = self.out.write_all(frame.as_bytes()).and_then(|()| self.out.flush());
        written.context("writing to standard output")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(variables: &[(&str, &str)], terminal: bool, size: Option<(usize, usize)>) -> Abilities {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name);
        Abilities::of(|name| find(name).map(|(_, v)| (*v).to_owned()), terminal, size)
    }

    #[test]
    fn what_the_environment_allows() {
        let xterm = [("TERM", "xterm-256color"), ("LANG", "en_US.UTF-8")];
        let full = Abilities { live: true, colour: true, blocks: true, width: 120, height: 40 };
        assert_eq!(of(&xterm, true, Some((120, 40))), full);

        let colourless = [xterm[0], xterm[1], ("NO_COLOR", "1"), ("COLUMNS", "100")];
        let expected = Abilities { colour: false, width: 100, ..full };
        assert_eq!(of(&colourless, true, Some((120, 40))), expected);
        let empty = [xterm[0], xterm[1], ("NO_COLOR", "")];
        assert_eq!(of(&empty, true, Some((120, 40))), full);

        let dumb = [("TERM", "dumb"), ("LANG", "en_US.UTF-8")];
        let expected = Abilities { live: false, colour: false, blocks: false, ..full };
        assert_eq!(of(&dumb, true, Some((120, 40))), expected);

        let piped = Abilities { live: false, colour: false, width: 80, height: 0, ..full };
        assert_eq!(of(&xterm, false, None), piped);
        assert_eq!(
            of(&[("LC_ALL", "C"), xterm[1]], false, None),
            Abilities { blocks: false, ..piped }
        );
        assert_eq!(of(&[("COLUMNS", "5")], false, None).width, WIDTH_MIN);
    }

    #[test]
    fn the_block_is_drawn_over_until_lines_are_printed() {
        let abilities =
            Abilities { live: true, colour: false, blocks: true, width: 80, height: 24 };
        let mut page = Page::new(Vec::new());
        let lines = |text: &str| text.lines().map(Line::plain).collect::<Vec<_>>();
        page.draw(&lines("a\nb"), abilities).unwrap();
        page.draw(&lines("c"), abilities).unwrap();
        page.print(&lines("d"), abilities).unwrap();
        page.print(&lines("e"), abilities).unwrap();
        let written = String::from_utf8(page.out).unwrap();
        assert_eq!(written, "a\nb\n\x1b[2A\r\x1b[Jc\n\x1b[1A\r\x1b[Jd\ne\n");
    }
}
