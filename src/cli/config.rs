//! `berth config`.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use berth_plugins::PluginRegistry;

use super::args::ConfigCommand;
use crate::client::{RateBounds, START_QPS};
use crate::config::{Loaded, load, schema, without_file};
use crate::escape;

/// Beside a printed configuration whose `qps` and `burst` are kube-scheduler's defaults.
fn rate_in_force(bounds: RateBounds) -> String {
    let RateBounds { min_qps, max_qps } = bounds;
    let start = START_QPS.min(f64::from(max_qps)).max(f64::from(min_qps));
    format!(
        "# clientConnection: qps 50 and burst 100 are kube-scheduler's defaults. The file has no \
         number, so\n# berth run starts at {start} requests per second and follows the API server, \
         from {min_qps} up to {max_qps}."
    )
}

/// Carries out a subcommand: its answer goes to `out`, errors go to `err`.
///
/// # Errors
/// Nobody takes the answer: a closed pipe, a full disk.
pub fn run(
    command: &ConfigCommand,
    registry: &PluginRegistry,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> std::io::Result<ExitCode> {
    match command {
        ConfigCommand::Check { file } => {
            let Some(loaded) = loaded(Some(file), registry, err)? else {
                return Ok(ExitCode::FAILURE);
            };
            for warning in loaded.warnings_of_a_run(None) {
                writeln!(err, "warning: {warning}")?;
            }
            if let Err(errors) = loaded.runnable() {
                writeln!(err, "{errors}")?;
                return Ok(ExitCode::FAILURE);
            }
            let names: Vec<&str> = loaded.scheduler_names().collect();
            let answer = format!("{}: ok: profiles {}", loaded.origin, names.join(", "));
            writeln!(out, "{}", escape::line(&answer))?;
        }
        ConfigCommand::Print { file } => {
            let Some(loaded) = loaded(file.as_deref(), registry, err)? else {
                return Ok(ExitCode::FAILURE);
            };
            write!(out, "{}", loaded.text())?;
            if loaded.qps.is_none() {
                // Not to `out`: its first document is byte for byte what kube-scheduler writes.
                writeln!(err, "{}", rate_in_force(loaded.berth().rate_bounds()))?;
            }
        }
        ConfigCommand::Schema => writeln!(out, "{:#}", schema(registry))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a file, or stdin for `-`, or what is in force without one. None where it is wrong: all
/// errors have been written then.
fn loaded(
    file: Option<&Path>,
    registry: &PluginRegistry,
    err: &mut dyn Write,
) -> std::io::Result<Option<Loaded>> {
    let loaded = match file {
        None => without_file(registry),
        Some(file) => {
            let origin =
                if file == Path::new("-") { "stdin".into() } else { file.display().to_string() };
            match read(file) {
                Ok(text) => load(&text, &origin, registry),
                Err(e) => {
                    writeln!(err, "{}: {e}", escape::line(&origin))?;
                    return Ok(None);
                }
            }
        }
    };
    match loaded {
        Ok(loaded) => Ok(Some(loaded)),
        Err(errors) => {
            writeln!(err, "{errors}")?;
            Ok(None)
        }
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file)
}

#[cfg(test)]
mod tests;
