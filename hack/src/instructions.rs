//! The engine's instructions on fixed small workloads, held against the counts in
//! `hack/instructions.txt`: wall time on a shared machine tells nothing, instructions do.
//!
//! valgrind's callgrind counts what runs below one function of the bench, so that neither the start
//! of the process nor the bench itself is in it. Counts of one build differ by a few in 100,000;
//! another C library or another CPU may shift them by a percent, through its own memcpy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::task::{self, workspace};

/// Workloads of plugins/benches/instructions.rs.
const WORKLOADS: [&str; 3] = ["plain", "classes", "mixed"];

/// What counts: `step` of plugins/benches/scene/drive.rs.
const COUNTED: &str = "--toggle-collect=instructions::scene::drive::step";

/// Growth that is not explained by another machine, in percent.
const GROWTH_MAX: u64 = 5;

const FILE: &str = "hack/instructions.txt";

const HEAD: &str = "\
# Instructions of the engine on the workloads of plugins/benches/instructions.rs, by callgrind, on
# a processor with AVX2: some loops take more without, and nothing is compared there.
# `make verify` fails where one grows by more than 5 %. Where that is meant:
#   cargo run -p hack -- instructions --update
";

/// What to do with the counts.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Write the counts to hack/instructions.txt
    #[arg(long)]
    update: bool,
}

type Counts = BTreeMap<String, u64>;

/// Counts, and compares or writes.
///
/// # Errors
/// A count has grown by more than 5 %, valgrind is missing, or the bench fails; or the file is to
/// be written on a processor without AVX2.
pub(crate) fn run(options: &Options) -> Result<()> {
    let counted = count()?;
    let path = workspace()?.join(FILE);
    let known = match fs::read_to_string(&path) {
        Ok(text) => parse(&text)?,
        Err(_) if options.update => Counts::new(),
        Err(error) => return Err(error).context(FILE),
    };
    for (name, now) in &counted {
        let before = known.get(name).copied();
        let change =
            before.map_or(String::new(), |before| format!("  {:+.2} %", percent(before, *now)));
        println!("instructions: {name:<8} {now:>12}{change}");
    }
    if options.update {
        ensure!(is_wide(), "{FILE} is of a processor with AVX2: update it on one");
        let lines = counted.iter().map(|(name, count)| format!("{name} {count}\n"));
        return fs::write(&path, HEAD.to_owned() + &lines.collect::<String>()).context(FILE);
    }
    if !is_wide() {
        println!("instructions: not compared: {FILE} is of a processor with AVX2");
        return Ok(());
    }
    let grown = grown(&known, &counted);
    ensure!(
        grown.is_empty(),
        "{FILE}: {}. Where that is meant: `cargo run -p hack -- instructions --update`",
        grown.join("; ")
    );
    Ok(())
}

/// The check of `verify`.
///
/// # Errors
/// As [`run`].
pub(crate) fn check() -> Result<()> {
    run(&Options { update: false })
}

/// Whether the processor has what the loops of `vectorized` are compiled for.
fn is_wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

fn percent(before: u64, now: u64) -> f64 {
    (now as f64 / before.max(1) as f64 - 1.0) * 100.0
}

/// What has grown too much, or is not in both.
fn grown(known: &Counts, counted: &Counts) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, now) in counted {
        match known.get(name) {
            Some(before) if now.saturating_mul(100) > before.saturating_mul(100 + GROWTH_MAX) => {
                let by = percent(*before, *now);
                problems.push(format!("{name} grew by {by:.1} %, from {before} to {now}"));
            }
            Some(_) => {}
            None => problems.push(format!("{name} is not in the file")),
        }
    }
    for name in known.keys().filter(|name| !counted.contains_key(*name)) {
        problems.push(format!("{name} is in the file and is no workload"));
    }
    problems
}

fn parse(text: &str) -> Result<Counts> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let (name, count) = line.split_once(' ').unwrap_or((line, ""));
            let count = count.trim().parse().with_context(|| format!("{FILE}: `{line}`"))?;
            Ok((name.to_owned(), count))
        })
        .collect()
}

fn count() -> Result<Counts> {
    let installed = Command::new("valgrind").arg("--version").output();
    ensure!(
        installed.is_ok_and(|output| output.status.success()),
        "valgrind is not installed: `apt-get install valgrind`"
    );
    let program = build()?;
    WORKLOADS.iter().map(|name| Ok(((*name).to_owned(), count_one(&program, name)?))).collect()
}

/// Builds the bench with the release profile, whatever the environment asks for besides, and says
/// where it is.
fn build() -> Result<PathBuf> {
    let arguments = ["bench", "--locked", "-p", "berth-plugins", "--bench", "instructions"];
    let mut cargo = task::cargo(&arguments)?;
    cargo.args(["--no-run", "--message-format=json-render-diagnostics"]);
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.stderr(std::process::Stdio::inherit());
    let output = cargo.output().context("cannot run cargo")?;
    ensure!(output.status.success(), "cargo {}: {}", arguments.join(" "), output.status);
    let told = String::from_utf8(output.stdout)?;
    let built = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    built
        .filter(|message| message["target"]["name"] == "instructions")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo built no bench `instructions`")
}

fn count_one(program: &Path, workload: &str) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", COUNTED]);
    // The environment lies on the stack and shifts it.
    valgrind.arg(program).arg(workload).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        valgrind.env("PATH", path);
    }
    let output = valgrind.output().context("cannot run valgrind")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "valgrind, workload {workload}: {}\n{told}", output.status);
    match collected(&told) {
        None | Some(0) => bail!("valgrind, workload {workload}: nothing was counted\n{told}"),
        Some(count) => Ok(count),
    }
}

/// The number after `Collected :`.
fn collected(told: &str) -> Option<u64> {
    told.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn counts(pairs: &[(&str, u64)]) -> Counts {
        pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn five_percent_are_borne_and_more_are_not() {
        let known = counts(&[("plain", 1_000)]);
        assert!(grown(&known, &counts(&[("plain", 1_050)])).is_empty());
        assert!(grown(&known, &counts(&[("plain", 10)])).is_empty());
        assert_eq!(
            grown(&known, &counts(&[("plain", 1_051)])),
            ["plain grew by 5.1 %, from 1000 to 1051"]
        );
    }

    #[test]
    fn the_file_and_the_workloads_are_the_same_set() {
        assert_eq!(
            grown(&counts(&[("old", 1)]), &counts(&[("new", 1)])),
            ["new is not in the file", "old is in the file and is no workload"]
        );
        let text = include_str!("../instructions.txt");
        let names: Vec<String> = parse(text).unwrap().into_keys().collect();
        let mut workloads = WORKLOADS;
        workloads.sort_unstable();
        assert_eq!(names, workloads);
        assert!(text.starts_with(HEAD));
    }

    #[test]
    fn reads_what_valgrind_says() {
        assert_eq!(collected("==7== Events : Ir\n==7== Collected : 96231905\n"), Some(96_231_905));
        assert_eq!(collected("==7== nothing"), None);
    }
}
