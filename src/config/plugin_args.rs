//! `pluginConfig[].args`: read strictly against the schema of each plugin's arguments, completed,
//! checked, and made into plugins.

use std::collections::BTreeSet;
use std::sync::Arc;

use berth_engine::framework::{Plugin, Point};
use berth_plugins::{ArgsKind, FieldError};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::known::{Built, Known};
use super::problem::{Problems, Stage};
use super::shape;
use super::tree::{Kind, Node};
use super::v1::{API_VERSION, KubeSchedulerProfile, PluginConfig, Plugins};

/// kube-scheduler looks for these arguments under a wrong name when it validates, so it finds out
/// only when it builds the plugin, and only if it does.
const VALIDATED_LATE: &str = "NodeResourcesFit";

/// Walks all argument blocks of a file. Blocks of plugins that nobody knows stay as they are.
pub(super) fn fit(root: &mut Node, known: Known<'_>, problems: &mut Problems) {
    for (i, profile) in list_mut(root, "profiles").iter_mut().enumerate() {
        for (j, config) in list_mut(profile, "pluginConfig").iter_mut().enumerate() {
            let name = config.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
            let Some(kind) = known.args(&name) else { continue };
            let Kind::Map(entries) = &mut config.kind else { continue };
            let Some(at) = entries.iter().position(|e| e.key.as_ref() == "args") else { continue };
            let path = format!("profiles[{i}].pluginConfig[{j}].args");
            let Some(entry) = entries.get_mut(at) else { continue };
            header(&mut entry.value, &name, kind, &path, problems);
            let words = !Known::is_in_tree(&name);
            shape::fit(&mut entry.value, &schema(kind), &path, words, problems);
            if !matches!(entry.value.kind, Kind::Map(_)) {
                entries.remove(at);
            }
        }
    }
}

fn list_mut<'a>(node: &'a mut Node, key: &str) -> &'a mut [Node] {
    let Kind::Map(entries) = &mut node.kind else { return &mut [] };
    match entries.iter_mut().find(|e| e.key.as_ref() == key).map(|e| &mut e.value.kind) {
        Some(Kind::List(nodes)) => nodes,
        _ => &mut [],
    }
}

/// The schema of an argument block, with all it refers to.
fn schema(kind: ArgsKind) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = (kind.schema)(&mut generator).to_value();
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("$defs".to_owned(), Value::Object(generator.take_definitions(true)));
    }
    schema
}

/// Checks and takes out the `apiVersion` and `kind` of a block.
fn header(args: &mut Node, name: &str, kind: ArgsKind, path: &str, problems: &mut Problems) {
    let Kind::Map(entries) = &mut args.kind else { return };
    entries.retain(|entry| {
        let (wanted, field) = match entry.key.as_ref() {
            "apiVersion" => (API_VERSION, "apiVersion"),
            "kind" => (kind.kind, "kind"),
            _ => return true,
        };
        let found = match &entry.value.kind {
            Kind::Null => "",
            Kind::String(text) => text,
            _ => "?",
        };
        // The group of arguments from outside the tree is their author's choice.
        let free = field == "apiVersion" && !Known::is_in_tree(name);
        if !found.is_empty() && found != wanted && !free {
            let message = format!("must be {wanted:?} for plugin {name:?}");
            problems.add(Stage::Decode, format!("{path}.{field}"), Some(entry.line), message);
        }
        false
    });
}

/// Fills in the arguments of a profile: defaults in the blocks that are there, and blocks for the
/// plugins that have none (`setDefaults_KubeSchedulerProfile`).
pub(super) fn complete(
    profile: &mut KubeSchedulerProfile,
    path: &str,
    known: Known<'_>,
    problems: &mut Problems,
) {
    for (j, config) in profile.plugin_config.iter_mut().enumerate() {
        let Some(kind) = known.args(&config.name) else { continue };
        let path = format!("{path}.pluginConfig[{j}].args");
        let args = config.args.take().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        match (kind.complete)(&args) {
            Ok(args) => config.args = Some(args),
            Err(errors) => {
                // Where the walk has found something, this is its echo.
                if !problems.misread(&path) {
                    add(errors, Stage::Decode, &path, problems);
                }
                config.args = Some((kind.defaults)());
            }
        }
    }
    let Some(plugins) = &profile.plugins else { return };
    for name in with_default_args(plugins) {
        if profile.plugin_config.iter().any(|c| c.name == name) {
            continue;
        }
        if let Some(kind) = known.args(name) {
            let args = Some((kind.defaults)());
            profile.plugin_config.push(PluginConfig { name: name.to_owned(), args });
        }
    }
}

/// The plugins that get a block of default arguments (`pluginsNames`, which leaves out the last
/// point).
fn with_default_args(plugins: &Plugins) -> BTreeSet<&str> {
    let points = Point::ALL.into_iter();
    let sets = points.filter(|p| *p != Point::PodGroupPostFilter).map(|p| plugins.at(p));
    let enabled = sets.chain([&plugins.multi_point]).flat_map(|set| &set.enabled);
    enabled.map(|p| p.name.as_str()).collect()
}

/// Checks all arguments of a profile, and builds the plugins it needs.
pub(super) fn build<'a>(
    profile: &KubeSchedulerProfile,
    path: &str,
    needed: &BTreeSet<&str>,
    known: Known<'a>,
    problems: &mut Problems,
) -> Built<'a> {
    for (j, config) in profile.plugin_config.iter().enumerate() {
        let (Some(kind), Some(args)) = (known.args(&config.name), &config.args) else { continue };
        let path = format!("{path}.pluginConfig[{j}].args");
        let late = config.name == VALIDATED_LATE || !Known::is_in_tree(&config.name);
        let stage = if late { Stage::Profiles } else { Stage::Validate };
        if late && !needed.contains(config.name.as_str()) {
            continue;
        }
        add((kind.validate)(args), stage, &path, problems);
    }
    let mut built = Built { known, plugins: Default::default() };
    for name in needed {
        // Arguments by default go to plugins at any other point (see `with_default_args`).
        let has_args = profile.plugin_config.iter().any(|c| c.name == **name);
        if !has_args && Known::is_in_tree(name) && known.args(name).is_some() {
            let path = format!("{path}.plugins.{}", Point::PodGroupPostFilter.field());
            let message =
                format!("plugin {name:?} needs its pluginConfig where it is enabled here only");
            problems.add(Stage::Profiles, path, None, message);
        }
        let Some(factory) = known.factory(name) else { continue };
        let config = profile.plugin_config.iter().find(|c| c.name == **name);
        // What in-tree plugins without arguments are given, kube-scheduler ignores.
        let ignored = factory.args().is_none() && Known::is_in_tree(name);
        let args = config.and_then(|c| c.args.as_ref()).filter(|_| !ignored);
        // With wrong arguments the default ones show where the plugin takes part.
        let plugin: Option<Arc<dyn Plugin>> = match factory.build(args) {
            Ok(plugin) => Some(plugin),
            Err(errors) => {
                let place = profile.plugin_config.iter().position(|c| c.name == **name);
                if let (None, Some(j)) = (factory.args(), place) {
                    let path = format!("{path}.pluginConfig[{j}].args");
                    add(errors, Stage::Profiles, &path, problems);
                }
                factory.build(None).ok()
            }
        };
        if let Some(plugin) = plugin {
            built.plugins.insert((*name).to_owned(), plugin);
        }
    }
    built
}

fn add(errors: Vec<FieldError>, stage: Stage, path: &str, problems: &mut Problems) {
    for error in errors {
        let path = match error.path.as_str() {
            "" => path.to_owned(),
            below if below.starts_with('[') => format!("{path}{below}"),
            below => format!("{path}.{below}"),
        };
        if !problems.misread(&path) {
            problems.add(stage, path, None, error.message);
        }
    }
}

/// The blocks as kube-scheduler writes them once the plugins are built: those of plugins that are
/// enabled, by name, with `apiVersion` and `kind`.
pub(super) fn written(
    profile: &KubeSchedulerProfile,
    needed: &BTreeSet<&str>,
    known: Known<'_>,
) -> Vec<PluginConfig> {
    let used = profile.plugin_config.iter().filter(|c| needed.contains(c.name.as_str()));
    let mut configs: Vec<PluginConfig> = used.filter(|c| c.args.is_some()).cloned().collect();
    for config in &mut configs {
        let fields = config.args.as_mut().and_then(Value::as_object_mut);
        if let (Some(kind), Some(fields)) = (known.args(&config.name), fields) {
            fields.insert("apiVersion".to_owned(), API_VERSION.into());
            fields.insert("kind".to_owned(), kind.kind.into());
        }
    }
    configs.sort_by(|a, b| a.name.cmp(&b.name));
    configs
}
