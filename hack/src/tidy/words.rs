//! Words that must not be left behind.

use crate::finding::Finding;
use crate::source::Source;

/// In any file. Written in two parts so that this file does not hold them.
const ANYWHERE: [(&str, &str); 2] = [
    (concat!("FIX", "ME"), "do it now, or file it as an issue"),
    (concat!("TO", "DO"), "do it now, or file it as an issue"),
];

/// In code.
const IN_CODE: [(&str, &str); 5] = [
    (concat!("dbg", "!("), "take it out"),
    (concat!("to", "do!("), "build it, or leave the function out"),
    (concat!("unimpl", "emented!("), "build it, or leave the function out"),
    (concat!("#[should_", "panic"), "assert the error instead: a panic anywhere would pass"),
    (concat!("#[ig", "nore]"), "give the reason: #[ignore = \"needs ...\"]"),
];

/// First folders of absolute paths on machines of people who work on the project.
const HOMES: [&str; 6] = ["home", "root", "Users", "work", "workspace", "mnt"];

/// A banned word, or a path that exists only on somebody's machine.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in source.text.lines().enumerate() {
        for (word, instead) in ANYWHERE {
            if line.split(|c: char| !c.is_alphanumeric()).any(|part| part == word) {
                findings.push(Finding::new(&source.path, at + 1, format!("{word}: {instead}")));
            }
        }
        if let Some(home) = home(line) {
            let what = format!("/{home}/: a path of somebody's machine");
            findings.push(Finding::new(&source.path, at + 1, what));
        }
    }
    if source.is_rust() {
        for (at, line) in source.text.lines().enumerate() {
            for (word, instead) in IN_CODE {
                if line.contains(word) && !line.trim_start().starts_with("//") {
                    findings.push(Finding::new(&source.path, at + 1, format!("{word}: {instead}")));
                }
            }
        }
    }
    findings
}

/// The first folder of an absolute path that a line holds, where it is one of [`HOMES`].
fn home(line: &str) -> Option<&'static str> {
    HOMES.into_iter().find(|home| {
        let path = format!("/{home}/");
        line.match_indices(&path).any(|(at, _)| {
            // `https://example.com/home/` and `var/root/` go on from something.
            let before = line[..at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && !"._-/}*$".contains(c))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::findings;

    #[test]
    fn words_left_behind_are_found() {
        assert!(
            findings(check, "a.rs", "// A todo list.\nlet home = \"/homestead/\";\n").is_empty()
        );
        for (word, _) in ANYWHERE {
            assert_eq!(findings(check, "a.md", &format!("# {word}: more\n")).len(), 1, "{word}");
            assert!(findings(check, "a.md", &format!("# {word}S\n")).is_empty(), "{word}");
        }
        for (word, _) in IN_CODE {
            assert_eq!(findings(check, "a.rs", &format!("    {word}\n")).len(), 1, "{word}");
            assert!(findings(check, "a.rs", &format!("    // {word}\n")).is_empty(), "{word}");
        }
    }

    #[test]
    fn paths_of_machines_are_found() {
        for home in HOMES {
            assert_eq!(findings(check, "a.md", &format!("see `/{home}/x`\n")).len(), 1, "{home}");
            assert!(findings(check, "a.md", &format!("http://a.b/{home}/x\n")).is_empty());
        }
    }
}
