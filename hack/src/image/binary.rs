//! The binary of the image, and the commit that it is made of.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::task;

/// The commit that is built.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) version: String,
    pub(super) repository: String,
    /// The commit's hash, with `-dirty` where files differ from it.
    pub(super) commit: String,
    /// Its time, RFC 3339.
    pub(super) created: String,
    /// Its time, seconds since the epoch.
    pub(super) seconds: u64,
    pub(super) licence: Vec<u8>,
}

impl Source {
    /// Reads the commit in `root`.
    ///
    /// # Errors
    /// It is no git repository.
    pub(super) fn of(root: &Path) -> Result<Self> {
        let mut commit = git(root, &["rev-parse", "HEAD"])?;
        if !git(root, &["status", "--porcelain"])?.is_empty() {
            eprintln!("image: files differ from commit {commit}: it is marked -dirty");
            commit.push_str("-dirty");
        }
        let time = git(root, &["log", "-1", "--format=%ct"])?;
        let licence = root.join("LICENSE");
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            repository: env!("CARGO_PKG_REPOSITORY").to_owned(),
            commit,
            created: git(root, &["log", "-1", "--format=%cd", "--date=format-local:%FT%TZ"])?,
            seconds: time.parse().with_context(|| format!("time of the commit: {time:?}"))?,
            licence: std::fs::read(&licence).with_context(|| format!("{}", licence.display()))?,
        })
    }
}

fn git(root: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("git").args(args).current_dir(root).env("TZ", "UTC").output();
    let output = output.context("cannot run git")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {}: {}", args.join(" "), error.trim());
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Builds the cluster's binary, without sandbox and demo, stripped. Its own target folder keeps the
/// flags from outdating the other builds.
///
/// # Errors
/// cargo fails.
pub(super) fn build(root: &Path, source: &Source) -> Result<PathBuf> {
    let target = root.join("target/image-build");
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    let home = home.context("neither CARGO_HOME nor HOME is set")?;
    // The target folder first: the last prefix that fits counts.
    let paths = [(root, "/berth"), (&home, "/cargo"), (&target, "/target")];
    let mapped = |flag: &str, between: &str| {
        let flags = paths.map(|(from, to)| format!("{flag}{}={to}", from.display()));
        flags.join(between)
    };
    let mut cargo = task::cargo(&["build", "--release", "--locked", "--package", "berth"])?;
    let status = cargo
        .args(["--no-default-features", "--bin", "berth", "--target-dir"])
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", mapped("--remap-path-prefix=", "\x1f"))
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        // The C code of the cryptography names its files in assertions.
        .env("CFLAGS", mapped("-ffile-prefix-map=", " "))
        .env("SOURCE_DATE_EPOCH", source.seconds.to_string())
        .env("BERTH_COMMIT", &source.commit)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo build of the image's binary: {status}");
    Ok(target.join("release/berth"))
}
