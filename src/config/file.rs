//! A configuration's text from a file, and what is in force without one.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use berth_engine::Config;
use berth_plugins::PluginRegistry;

use super::{ConfigErrors, Loaded, load};

/// What is in force without a file: one profile, `berth`.
const WITHOUT_FILE: &str = "\
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: berth
";

/// Reads a configuration file, `-` from stdin.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn read_file(path: &Path) -> Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("reading stdin")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// What is in force without a file: one profile, `berth`, with kube-scheduler's defaults.
///
/// # Errors
/// The registry lacks a default plugin.
pub fn without_file(registry: &PluginRegistry) -> Result<Loaded, ConfigErrors> {
    load(WITHOUT_FILE, "(no --config)", registry)
}

/// The engine's configuration that `demo` and tests run: one profile `berth`, pods that need what
/// is not there are refused.
///
/// # Errors
/// The registry lacks a default plugin.
pub fn default_engine_config(registry: &PluginRegistry) -> Result<Config> {
    let loaded = without_file(registry).map_err(|errors| anyhow!("{errors}"))?;
    Ok(loaded.engine_config(true)?)
}
