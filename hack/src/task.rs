//! Running cargo, and where the workspace is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The folder of the workspace's Cargo.toml.
///
/// # Errors
/// We were not started by `cargo run`.
pub(crate) fn workspace() -> Result<PathBuf> {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").context("run it as `cargo run -p hack`")?;
    let root = Path::new(&package).parent().context("the package `hack` has no parent folder")?;
    Ok(root.to_owned())
}

/// The cargo that runs us, in the workspace.
///
/// # Errors
/// See [`workspace`].
pub(crate) fn cargo(args: &[&str]) -> Result<Command> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(workspace()?);
    Ok(command)
}

/// Runs cargo, its output to ours.
///
/// # Errors
/// It cannot be started, or fails.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let status = cargo(args)?.status().context("cannot run cargo")?;
    ensure!(status.success(), "cargo {}: {status}", args.join(" "));
    Ok(())
}

/// Runs cargo and gives what it prints.
///
/// # Errors
/// It cannot be started, or fails.
pub(crate) fn output(args: &[&str]) -> Result<String> {
    let output = cargo(args)?.output().context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "cargo {}: {}\n{}",
        args.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
