//! The fields of a BerthConfiguration, from its JSON schema.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;

use super::NOTICE;

/// The document, and what it says where nothing is said.
pub(super) fn text() -> Result<String> {
    let registry = berth_plugins::in_tree()?;
    let schema = berth::config::schema(&registry);
    let root = schema.pointer("/$defs/BerthConfiguration").context("BerthConfiguration")?;
    let loaded = berth::config::without_file(&registry)?;
    let mut text = format!(
        "# BerthConfiguration\n\n{NOTICE}\n\
         What is Berth's own in a configuration file: a document beside the \
         KubeSchedulerConfiguration, which is described by kube-scheduler's documentation. \
         `berth config check` tells every error of both with its line, `berth config print` fills \
         in the defaults:\n\n```\n{}```\n\n| Field | Values | |\n|---|---|---|\n",
        berth::config::print_berth(loaded.berth())
    );
    rows(&schema, root, "", &mut text)?;
    Ok(text)
}

fn rows(schema: &Value, object: &Value, path: &str, text: &mut String) -> Result<()> {
    for (name, field) in object["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}{name}");
        let meaning = field["description"].as_str().unwrap_or_default().replace('\n', " ");
        let target = resolve(schema, field);
        writeln!(text, "| `{path}` | {} | {meaning} |", values(field, target))?;
        rows(schema, target, &format!("{path}."), text)?;
    }
    Ok(())
}

/// The part of the schema that a reference, or the `anyOf` of an optional field, leads to.
fn resolve<'a>(schema: &'a Value, field: &'a Value) -> &'a Value {
    let choices = field["anyOf"].as_array().into_iter().flatten();
    let reference = choices.chain([field]).find_map(|part| part["$ref"].as_str());
    let pointer = reference.and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| schema.pointer(pointer)).unwrap_or(field)
}

fn values(field: &Value, target: &Value) -> String {
    let constants: Vec<&str> = target["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .chain([field])
        .filter_map(|choice| choice["const"].as_str())
        .collect();
    if !constants.is_empty() {
        return format!("`{}`", constants.join("`, `"));
    }
    let kinds = [target["type"].as_str()].into_iter().flatten();
    let kinds =
        kinds.chain(target["type"].as_array().into_iter().flatten().filter_map(Value::as_str));
    let kinds: Vec<&str> = kinds.filter(|kind| *kind != "null").collect();
    match kinds.as_slice() {
        ["object"] if target["additionalProperties"].is_object() => "names and booleans".to_owned(),
        other => other.join(", "),
    }
}
