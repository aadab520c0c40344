//! What must hold besides the tests: the house in order, the dependencies as designed, every
//! package by itself.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::generate;
use crate::instructions;
use crate::licence::is_met;
use crate::lock;
use crate::policy::Policy;
use crate::rights;
use crate::task::{self, workspace};
use crate::tidy;
use crate::tree::Tree;

/// A package of the workspace.
struct Package {
    name: &'static str,
    /// Packages of the workspace it may depend on.
    may_use: &'static [&'static str],
    /// Crates that must not be in its tree, however far down, in which kinds of dependencies.
    without: (&'static str, &'static [&'static str]),
}

/// The table of packages in src/ARCHITECTURE.md. Nothing depends on `berth` but tests and tools.
const PACKAGES: [Package; 7] = [
    Package {
        name: "berth-engine",
        may_use: &[],
        without: ("normal,build,dev", &["tokio", "kube", "k8s-openapi", "serde_json", "tracing"]),
    },
    Package {
        name: "berth-plugins",
        may_use: &["berth-engine"],
        without: ("normal,build,dev", &["tokio", "kube", "k8s-openapi", "tracing"]),
    },
    Package {
        name: "berth-sandbox",
        may_use: &[],
        without: ("normal,build", &["kube", "k8s-openapi"]),
    },
    Package {
        name: "berth",
        may_use: &["berth-engine", "berth-plugins", "berth-sandbox"],
        without: ("normal,build", &["openssl-sys", "native-tls", "ring"]),
    },
    Package {
        name: "e2e",
        may_use: &["berth", "berth-engine", "berth-plugins", "berth-sandbox"],
        without: ("normal,build,dev", &["openssl-sys", "native-tls", "ring"]),
    },
    Package {
        name: "warm-cache-scheduler",
        may_use: &["berth", "berth-engine", "berth-plugins", "berth-sandbox"],
        without: ("normal,build", &["openssl-sys", "native-tls", "ring"]),
    },
    Package {
        name: "hack",
        may_use: &["berth", "berth-engine", "berth-plugins"],
        without: ("normal,build,dev", &["openssl-sys", "native-tls", "ring"]),
    },
];

type Check = fn() -> Result<()>;

/// The checks, the quick ones first.
const CHECKS: [(&str, Check); 9] = [
    ("tidy", tidy::run),
    ("generated files", generate::check),
    ("rights", || none("manifests", &rights::problems()?)),
    ("bans and licences", bans_and_licences),
    ("lock of the fuzz targets", lock::check),
    ("directions", || none("packages", &directions(&whole_tree()?))),
    ("trees", || none("packages", &trees()?)),
    ("packages by themselves", packages_by_themselves),
    ("instructions", instructions::check),
];

/// Runs every check, also after one that fails.
///
/// # Errors
/// A check fails; it has said why.
pub(crate) fn run() -> Result<()> {
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        let done = check();
        println!("verify: {name}: {}", if done.is_ok() { "ok" } else { "FAILED" });
        if let Err(error) = done {
            eprintln!("{error:#}");
            failed.push(name);
        }
    }
    ensure!(failed.is_empty(), "verify: {}", failed.join(", "));
    Ok(())
}

fn none(of: &str, problems: &[String]) -> Result<()> {
    ensure!(problems.is_empty(), "{of}:\n  {}", problems.join("\n  "));
    Ok(())
}

fn whole_tree() -> Result<Tree> {
    Tree::read(&["--workspace"], "normal,build,dev")
}

fn bans_and_licences() -> Result<()> {
    let text = fs::read_to_string(workspace()?.join("deny.toml")).context("deny.toml")?;
    let policy = Policy::parse(&text)?;
    let tree = whole_tree()?;
    none("deny.toml", &[bans(&tree, &policy), licences(&tree, &policy)].concat())
}

/// By itself: with the whole workspace, one package may lean on another's features.
fn packages_by_themselves() -> Result<()> {
    for package in &PACKAGES {
        task::run(&["check", "--quiet", "--locked", "--all-targets", "-p", package.name])?;
    }
    Ok(())
}

/// Banned crates that somebody depends on who may not.
fn bans(tree: &Tree, policy: &Policy) -> Vec<String> {
    let mut problems = Vec::new();
    for ban in &policy.bans {
        for dependent in tree.dependents(&ban.name) {
            if !ban.wrappers.iter().any(|wrapper| wrapper == dependent) {
                problems.push(format!("{dependent} depends on {}: {}", ban.name, ban.reason));
            }
        }
    }
    problems
}

/// Crates whose licence we do not take.
fn licences(tree: &Tree, policy: &Policy) -> Vec<String> {
    let refused = |(name, licence): (&String, &String)| {
        (!is_met(licence, &policy.licences)).then(|| format!("{name}: licence `{licence}`"))
    };
    tree.licences.iter().filter_map(refused).collect()
}

/// Dependencies between packages of the workspace that the table does not have.
fn directions(tree: &Tree) -> Vec<String> {
    let names = PACKAGES.map(|package| package.name);
    let mut problems = Vec::new();
    for package in &PACKAGES {
        for used in tree.uses(package.name, &names) {
            if !package.may_use.contains(&used) {
                problems.push(format!("{} may not depend on {used}", package.name));
            }
        }
    }
    problems
}

/// Crates in a package's tree that must not be there. Each tree is of the package by itself.
fn trees() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for Package { name, without: (edges, crates), .. } in &PACKAGES {
        let tree = Tree::read(&["-p", name], edges)?;
        for found in crates.iter().filter(|found| tree.has(found)) {
            let by: Vec<&str> = tree.dependents(found).collect();
            problems.push(format!("{name} has {found} in its tree, by {}", by.join(", ")));
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_is_the_workspace() {
        let manifest = include_str!("../../Cargo.toml");
        let members = manifest.lines().find(|line| line.starts_with("members")).unwrap();
        assert_eq!(members.matches('"').count() / 2, PACKAGES.len(), "{members}");
    }
}
