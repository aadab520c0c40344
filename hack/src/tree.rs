//! The dependency tree as cargo resolves it, features and all.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use crate::task;

/// Crates by name; two versions of one crate count as one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    /// The licence field of each crate.
    pub(crate) licences: BTreeMap<String, String>,
    /// Who depends on each crate directly.
    dependents: BTreeMap<String, BTreeSet<String>>,
}

impl Tree {
    /// The tree of what `selection` picks (`--workspace`, or `-p` and a package), on every
    /// platform, with `edges` (such as `normal,build,dev`). The lock file stays as it is.
    ///
    /// # Errors
    /// The lock file is out of step with the manifests, or cargo fails.
    pub(crate) fn read(selection: &[&str], edges: &str) -> Result<Self> {
        let fixed =
            ["tree", "--locked", "--target=all", "--prefix=depth", "--format=\t{p}\t{l}", "-e"];
        Self::parse(&task::output(&[&fixed[..], &[edges], selection].concat())?)
    }

    /// Reads lines of `depth TAB name version ... TAB licence`, where a crate's dependencies follow
    /// it once and `(*)` stands for them later.
    fn parse(text: &str) -> Result<Self> {
        let mut tree = Self::default();
        let mut path: Vec<&str> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let mut fields = line.split('\t');
            let (Some(depth), Some(package), Some(licence)) =
                (fields.next(), fields.next(), fields.next())
            else {
                anyhow::bail!("cargo tree: unexpected line: {line}");
            };
            let depth: usize = depth.parse().with_context(|| format!("cargo tree: {line}"))?;
            let name = package.split(' ').next().unwrap_or(package);
            path.truncate(depth);
            if let Some(parent) = path.last() {
                let parents = tree.dependents.entry(name.to_owned()).or_default();
                parents.insert((*parent).to_owned());
            }
            path.push(name);
            let licence = licence.trim_end_matches(" (*)").to_owned();
            tree.licences.insert(name.to_owned(), licence);
        }
        Ok(tree)
    }

    /// Whether the crate is in the tree.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.licences.contains_key(name)
    }

    /// Who depends on the crate directly.
    pub(crate) fn dependents(&self, name: &str) -> impl Iterator<Item = &str> {
        self.dependents.get(name).into_iter().flatten().map(String::as_str)
    }

    /// On which of `names` the crate depends directly.
    pub(crate) fn uses<'a>(&self, name: &str, names: &[&'a str]) -> Vec<&'a str> {
        let used = |other: &&&str| self.dependents(other).any(|dependent| dependent == name);
        names.iter().filter(used).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn depths_become_edges() {
        let text = "0\ta v1.0.0 (/x)\tMIT\n1\tb v1.0.0\tISC\n2\tc v2.0.0 (proc-macro)\tMIT OR ISC\n\
                    1\tc v2.0.0 (proc-macro)\tMIT OR ISC (*)\n\n0\tb v1.0.0\tISC (*)\n";
        let tree = Tree::parse(text).unwrap();
        assert_eq!(tree.dependents("c").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(tree.uses("a", &["a", "b", "c"]), ["b", "c"]);
        assert_eq!(tree.licences["c"], "MIT OR ISC");
        assert!(tree.has("b") && !tree.has("d"));
        assert!(Tree::parse("x\n").is_err());
    }
}
