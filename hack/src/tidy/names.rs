//! Files and types are named by the field's nouns; words that fit everything name nothing.

use crate::finding::Finding;
use crate::source::Source;

const EMPTY_FILES: [&str; 12] = [
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "misc",
    "shared",
    "manager",
    "managers",
    "handler",
    "handlers",
    "processor",
];

const EMPTY_SUFFIXES: [&str; 5] = ["Manager", "Handler", "Processor", "Helper", "Util"];

/// `mod.rs`, a file or folder with a name that says nothing, a type with such an ending.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    if !source.is_rust() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if source.path.ends_with("/mod.rs") {
        findings.push(Finding::new(&source.path, 1, "`x.rs` beside `x/`, never mod.rs"));
    }
    let name = source.path.trim_end_matches(".rs");
    if let Some(empty) = name.split('/').find(|part| EMPTY_FILES.contains(part)) {
        let what = format!("`{empty}` fits everything: name it by what it holds");
        findings.push(Finding::new(&source.path, 1, what));
    }
    for (line, code) in source.code() {
        let Some(name) = type_name(code) else { continue };
        if let Some(suffix) = EMPTY_SUFFIXES.iter().find(|suffix| name.ends_with(**suffix)) {
            let what = format!("type {name}: `{suffix}` fits everything, name it by what it is");
            findings.push(Finding::new(&source.path, line, what));
        }
    }
    findings
}

/// The name of the type that a line defines.
fn type_name(code: &str) -> Option<&str> {
    let mut words =
        code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty());
    words.find(|word| !matches!(*word, "pub" | "crate" | "super" | "in")).and_then(|word| {
        matches!(word, "struct" | "enum" | "trait" | "type").then(|| words.next()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::findings;

    #[test]
    fn names_that_say_nothing_are_found() {
        assert!(findings(check, "src/cache.rs", "pub(crate) struct Cache;\n").is_empty());
        assert!(findings(check, "src/utilization.rs", "fn handler() {}\n").is_empty());
        assert_eq!(findings(check, "src/utils/pod.rs", "").len(), 1);
        assert_eq!(findings(check, "src/cache/mod.rs", "").len(), 1);
        let found = findings(check, "src/a.rs", "\npub(super) struct PodManager<T> {\n");
        let expected =
            "src/a.rs:2: type PodManager: `Manager` fits everything, name it by what it is";
        assert_eq!(found, [expected]);
    }
}
