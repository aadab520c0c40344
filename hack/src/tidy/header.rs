//! Every Rust file begins with a sentence on what it holds; `x/tests.rs` says it by its name.

use crate::finding::Finding;
use crate::source::Source;

/// A Rust file whose first line is not `//!`.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let named = source.path.ends_with("/tests.rs");
    if !source.is_rust() || named || source.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![Finding::new(&source.path, 1, "begin with `//!` and what the file holds, in a sentence")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::findings;

    #[test]
    fn a_header_comes_first() {
        assert!(findings(check, "a.rs", "//! Pods.\n\nuse a;\n").is_empty());
        assert_eq!(findings(check, "a.rs", "use a;\n//! Pods.\n").len(), 1);
        assert!(findings(check, "src/a/tests.rs", "use a;\n").is_empty());
    }
}
