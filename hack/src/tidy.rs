//! What rustfmt and clippy do not see: sizes, names, words, headers, module edges.

mod circles;
mod edges;
mod header;
mod names;
mod paths;
mod purity;
mod serde;
mod size;
mod space;
mod words;

use anyhow::Result;

use crate::finding::{Finding, report};
use crate::source::{self, Source};
use crate::task::workspace;

const CHECKS: [fn(&Source) -> Vec<Finding>; 8] = [
    edges::check,
    header::check,
    names::check,
    purity::check,
    serde::check,
    size::check,
    space::check,
    words::check,
];

/// Runs every check on every file.
///
/// # Errors
/// Something is not tidy, or a file cannot be read.
pub(crate) fn run() -> Result<()> {
    let sources = source::all(&workspace()?)?;
    let of_files = sources.iter().flat_map(|s| CHECKS.iter().flat_map(move |check| check(s)));
    report("tidy", of_files.chain(circles::check(&sources)).collect())?;
    size::print_large(&sources);
    println!("tidy: {} files", sources.len());
    Ok(())
}

#[cfg(test)]
fn findings(check: fn(&Source) -> Vec<Finding>, path: &str, text: &str) -> Vec<String> {
    let source = Source { path: path.to_owned(), text: text.to_owned() };
    check(&source).iter().map(ToString::to_string).collect()
}
