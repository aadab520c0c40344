//! The JSON schema of the configuration, as `berth config schema` prints it.

use anyhow::Result;

/// The schema with every plugin of the tree.
pub(super) fn text() -> Result<String> {
    let schema = berth::config::schema(&berth_plugins::in_tree()?);
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}
