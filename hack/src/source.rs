//! The text files of the tree.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Not ours to check: build output and what git keeps.
const SKIPPED: [&str; 3] = ["target", ".git", ".build"];

const EXTENSIONS: [&str; 6] = ["rs", "toml", "md", "yaml", "yml", "sh"];

/// Text files without an extension.
const NAMES: [&str; 2] = ["Makefile", ".ci/run"];

/// One text file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path from the workspace, with `/`.
    pub(crate) path: String,
    /// Its content.
    pub(crate) text: String,
}

impl Source {
    /// A Rust file.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// A file of tests and nothing else.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.split('/').any(|part| part == "tests")
    }

    /// The lines with code that ships, numbered from 1, without comments. An inline module of
    /// tests ends them: it is the last thing in its file.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let end = lines
            .windows(2)
            .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod tests {"))
            .unwrap_or(lines.len());
        lines.into_iter().take(end).enumerate().filter_map(|(at, line)| {
            let is_comment = line.trim_start().starts_with("//");
            let code = line.split_once(" // ").map_or(line, |(code, _)| code);
            (!is_comment).then_some((at + 1, code))
        })
    }
}

/// All text files under `root`, by path.
///
/// # Errors
/// A file cannot be read, or is not UTF-8.
pub(crate) fn all(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !SKIPPED.iter().any(|name| entry.file_name() == *name) {
                    folders.push(path);
                }
                continue;
            }
            let name = path.strip_prefix(root)?.display().to_string();
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if EXTENSIONS.contains(&extension) || NAMES.contains(&name.as_str()) {
                let text = fs::read_to_string(&path).with_context(|| name.clone())?;
                sources.push(Source { path: name, text });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_without_comments_and_tests() {
        let text = "//! Head.\nuse a; // why\n    // not\nlet u = \"http://x\";\n#[cfg(test)]\nmod tests {\nuse b;\n}\n";
        let source = Source { path: "a.rs".to_owned(), text: text.to_owned() };
        let code: Vec<_> = source.code().collect();
        assert_eq!(code, [(2, "use a;"), (4, "let u = \"http://x\";")]);
    }
}
