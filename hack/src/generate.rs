//! The files that are made from the code, so that they cannot say something else.

mod commands;
mod configuration;
mod metrics;
mod plugins;
mod schema;

use std::fs;

use anyhow::{Context, Result};

use crate::finding::{Finding, report};
use crate::task::workspace;

/// Below the first line of every generated text.
const NOTICE: &str = "<!-- Made by `make generate` from the code: change it there. -->\n";

type Make = fn() -> Result<String>;

/// Each file and what makes it.
const FILES: [(&str, Make); 5] = [
    ("manifests/config.schema.json", schema::text),
    ("src/reference/commands.md", commands::text),
    ("src/reference/configuration.md", configuration::text),
    ("src/reference/metrics.md", metrics::text),
    ("src/reference/plugins.md", plugins::text),
];

/// Writes the files that differ.
///
/// # Errors
/// A file cannot be made or written.
pub(crate) fn run() -> Result<()> {
    let root = workspace()?;
    for (name, make) in FILES {
        let (path, text) = (root.join(name), make().context(name)?);
        if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            let folder = path.parent().context(name)?;
            fs::create_dir_all(folder).context(name)?;
            fs::write(&path, text).context(name)?;
            println!("generate: {name}");
        }
    }
    Ok(())
}

/// Compares the files with what the code makes now.
///
/// # Errors
/// One differs or is missing.
pub(crate) fn check() -> Result<()> {
    let root = workspace()?;
    let mut findings = Vec::new();
    for (name, make) in FILES {
        let made = make().context(name)?;
        let found = fs::read_to_string(root.join(name)).unwrap_or_default();
        if let Some(line) = first_difference(&found, &made) {
            findings.push(Finding::new(name, line, "differs from the code: run `make generate`"));
        }
    }
    report("generate", findings)
}

/// The first line, from 1, in which two texts differ.
fn first_difference(found: &str, made: &str) -> Option<usize> {
    if found == made {
        return None;
    }
    let same = found.lines().zip(made.lines()).take_while(|(found, made)| found == made).count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_found_where_they_begin() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
        assert_eq!(first_difference("a\n", "a"), Some(2));
    }
}
