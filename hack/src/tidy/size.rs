//! Files stay small: one idea each, 100 to 300 lines.

use crate::finding::Finding;
use crate::source::Source;

/// Nobody reads more in one go.
const LINES_MAX: usize = 600;
/// From here on the file is named, so that its next change thinks of splitting it.
const LINES_LARGE: usize = 400;

/// A Rust file above 600 lines, tests included.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    if !source.is_rust() || lines <= LINES_MAX {
        return Vec::new();
    }
    let what = format!("{lines} lines, above {LINES_MAX}: split it by its nouns");
    vec![Finding::new(&source.path, LINES_MAX + 1, what)]
}

/// Names the files that are worth a thought.
pub(super) fn print_large(sources: &[Source]) {
    for source in sources.iter().filter(|s| s.is_rust()) {
        let lines = source.text.lines().count();
        if lines > LINES_LARGE {
            println!("tidy: note: {} has {lines} lines", source.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::findings;

    #[test]
    fn six_hundred_lines_are_the_limit() {
        assert!(findings(check, "a.rs", &"x\n".repeat(600)).is_empty());
        let found = findings(check, "a.rs", &"x\n".repeat(601));
        assert_eq!(found, ["a.rs:601: 601 lines, above 600: split it by its nouns"]);
        assert!(findings(check, "a.md", &"x\n".repeat(601)).is_empty());
    }
}
