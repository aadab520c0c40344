//! White space that no formatter sees, and comments too wide to read.

use crate::finding::Finding;
use crate::source::Source;

/// As rustfmt.toml's max_width, which leaves comments alone. (It leaves strings alone too, and so
/// do we: a message is easier to find whole.)
const COLUMNS_MAX: usize = 100;

/// Space at the end of a line, a file without a newline at its end, a comment above 100 columns.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in source.text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            findings.push(Finding::new(&source.path, at + 1, "space at the end of the line"));
        }
        let columns = line.chars().count();
        // A table's row and an address cannot be broken.
        let is_whole = line.contains("//! |") || line.contains("/// |") || line.contains("://");
        let is_comment = source.is_rust() && line.trim_start().starts_with("//");
        if is_comment && !is_whole && columns > COLUMNS_MAX {
            let what = format!("{columns} columns, above {COLUMNS_MAX}");
            findings.push(Finding::new(&source.path, at + 1, what));
        }
    }
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        let last = source.text.lines().count();
        findings.push(Finding::new(&source.path, last, "no newline at the end of the file"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::findings;

    #[test]
    fn space_and_width_are_found() {
        assert!(findings(check, "a.rs", "fn a() {}\n").is_empty());
        assert_eq!(findings(check, "a.md", "word \n"), ["a.md:1: space at the end of the line"]);
        assert_eq!(findings(check, "a.md", "word"), ["a.md:1: no newline at the end of the file"]);
        let long = format!("//! {}\n", "x".repeat(97));
        assert_eq!(findings(check, "a.rs", &long), ["a.rs:1: 101 columns, above 100"]);
        assert!(findings(check, "a.md", &long).is_empty());
    }
}
