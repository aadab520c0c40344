//! The fuzz targets: built once, their corpus replayed, then fuzzed for a while, as many at a time
//! as there are cores. `hack/fuzz` holds the targets and their corpus.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::task::{self, workspace};

/// Coverage as libFuzzer reads it, from stable rustc: counters of edges with their places, and
/// what is compared with what. `cargo fuzz` asks for the same, and a sanitizer that needs nightly.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// What one input may take before it counts as a hang, in seconds; the slowest take milliseconds.
const INPUT_SECONDS: u32 = 10;

/// How long, and what.
#[derive(Debug, Args)]
pub(crate) struct Limits {
    /// Inputs to try per target
    #[arg(long, conflicts_with = "seconds")]
    runs: Option<u64>,
    /// Seconds per target
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only this target
    target: Option<String>,
}

/// What libFuzzer told of a target.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    runs: u64,
    edges: u64,
}

/// Replays the corpus and fuzzes.
///
/// # Errors
/// The targets do not build, or one fails; the input is kept then, and the error says where.
pub(crate) fn run(limits: &Limits) -> Result<()> {
    let root = workspace()?;
    let program = build(&root)?;
    let mut targets = Vec::new();
    for entry in fs::read_dir(root.join("hack/fuzz/corpus")).context("hack/fuzz/corpus")? {
        targets.push(entry?.file_name().to_string_lossy().into_owned());
    }
    targets.sort_unstable();
    if let Some(only) = &limits.target {
        ensure!(targets.contains(only), "no target {only:?}; there are {}", targets.join(", "));
        targets.retain(|target| target == only);
    }
    println!("fuzz: {:>10} {:>12} {:>8}", "target", "runs", "edges");
    targets.reverse();
    let (queue, failed) = (Mutex::new(targets), Mutex::new(Vec::new()));
    let next = || queue.lock().ok().and_then(|mut queue| queue.pop());
    let work = || {
        while let Some(target) = next() {
            match fuzz(&root, &program, &target, limits) {
                Ok(told) => println!("fuzz: {target:>10} {:>12} {:>8}", told.runs, told.edges),
                Err(error) => {
                    if let Ok(mut failed) = failed.lock() {
                        failed.push(format!("{target}: {error:#}"));
                    }
                }
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    ensure!(failed.is_empty(), "fuzz:\n{}", failed.join("\n"));
    Ok(())
}

/// Builds the program with all targets. `--target` keeps the flags from build scripts, which are
/// linked without libFuzzer.
fn build(root: &Path) -> Result<PathBuf> {
    let host = host()?;
    let folder = root.join("target/fuzz");
    let args = ["build", "--quiet", "--release", "--locked", "--target", &host, "--manifest-path"];
    let status = task::cargo(&args)?
        .arg("hack/fuzz/Cargo.toml")
        .arg("--target-dir")
        .arg(&folder)
        .env("RUSTFLAGS", RUSTFLAGS)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "hack/fuzz does not build; it needs a C++ compiler");
    Ok(folder.join(host).join("release/berth-fuzz"))
}

fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().context("cannot run rustc")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

/// Replays a target's corpus, then fuzzes. What is found to reach further is kept beside the build.
fn fuzz(root: &Path, program: &Path, target: &str, limits: &Limits) -> Result<Told> {
    let folder = root.join("target/fuzz/found").join(target);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let log = root.join(format!("target/fuzz/{target}.log"));
    let committed = root.join("hack/fuzz/corpus").join(target);
    let command = |limit: String, folders: &[&Path]| -> Result<String> {
        let status = Command::new(program)
            .args([limit, format!("-timeout={INPUT_SECONDS}"), "-print_final_stats=1".into()])
            .arg(format!("-artifact_prefix={}/finding-", root.join("target/fuzz").display()))
            .args(folders)
            .env("BERTH_FUZZ_TARGET", target)
            .stderr(File::create(&log).with_context(|| log.display().to_string())?)
            .status()
            .context("cannot run the target")?;
        let told = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        if !status.success() {
            let lines: Vec<&str> = told.lines().collect();
            bail!("{status}\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
        Ok(told)
    };
    command("-runs=0".to_owned(), &[&committed])?;
    let limit = match limits.runs {
        Some(runs) => format!("-runs={runs}"),
        None => format!("-max_total_time={}", limits.seconds),
    };
    Told::read(&command(limit, &[&folder, &committed])?)
}

impl Told {
    /// Reads libFuzzer's log: `#8192 pulse cov: 512 ft: …` and `stat::number_of_executed_units: 9`.
    fn read(log: &str) -> Result<Self> {
        let number = |text: &str| text.split_whitespace().next().and_then(|n| n.parse().ok());
        let after = |words: &str| {
            let mut found = log.lines().rev().filter_map(|line| Some(line.split_once(words)?.1));
            found.find_map(number).with_context(|| format!("no `{words}` in libFuzzer's log"))
        };
        Ok(Self { runs: after("stat::number_of_executed_units:")?, edges: after(" cov: ")? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_last_numbers_count() {
        let log = "#2\tINITED cov: 10 ft: 11\n#90\tDONE   cov: 34 ft: 50 corp: 3/9b\n\
                   stat::number_of_executed_units: 90\nstat::average_exec_per_sec: 90\n";
        assert_eq!(Told::read(log).unwrap(), Told { runs: 90, edges: 34 });
        assert!(Told::read("cov: none").is_err());
    }
}
