//! What a file says that has no effect, or hardly the one that was meant. kube-scheduler takes it,
//! so these are no errors.

use berth_engine::framework::Point;

use super::berth::{self, BerthConfiguration};
use super::doubtful;
use super::known::Known;
use super::quotes;
use super::tree::{Document, Kind, Node};
use super::v1::KubeSchedulerConfiguration;
use super::yaml::push_key;
use crate::escape;

/// All warnings, each as `FILE:LINE: PATH: MESSAGE`; `completed` is what the document has become.
pub(super) fn all(
    document: &Document,
    completed: &KubeSchedulerConfiguration,
    origin: &str,
    known: Known<'_>,
) -> Vec<String> {
    let root = &document.root;
    let mut found = Found { root, origin, warnings: Vec::new() };
    let profiles = root.get("profiles");
    if profiles.is_some_and(|list| list.elements().is_empty()) {
        found.add(
            "profiles",
            "no profile is here: one named default-scheduler is made, with the default plugins",
        );
    }
    for (i, profile) in profiles.map_or(&[][..], Node::elements).iter().enumerate() {
        let path = format!("profiles[{i}]");
        ignored_args(profile, &path, known, &mut found);
        for point in Point::ALL.map(Some).into_iter().chain([None]) {
            plugins(profile, point, &path, known, &mut found);
        }
    }
    in_quotes(root, &mut String::new(), &mut found);
    for (path, message) in doubtful::all(completed) {
        found.add(&path, &message);
    }
    found.warnings
}

/// The warnings of a BerthConfiguration; `qps` is what `clientConnection.qps` says as a number.
pub(super) fn of_berth(
    document: &Document,
    completed: &BerthConfiguration,
    qps: Option<f32>,
    origin: &str,
) -> Vec<String> {
    let mut found = Found { root: &document.root, origin, warnings: Vec::new() };
    for (path, message) in berth::warnings(&document.root, completed, qps) {
        found.add(path, &message);
    }
    found.warnings
}

struct Found<'a> {
    root: &'a Node,
    origin: &'a str,
    warnings: Vec<String>,
}

impl Found<'_> {
    fn add(&mut self, path: &str, message: &str) {
        let line = self.root.line_of(path).unwrap_or(1);
        let warning = format!("{}:{line}: {path}: {message}", self.origin);
        self.warnings.push(escape::line(&warning).into_owned());
    }
}

fn elements<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).map_or(&[], Node::elements)
}

fn name_of(node: &Node) -> &str {
    node.get("name").and_then(Node::as_str).unwrap_or_default()
}

/// Arguments of plugins that nobody knows.
fn ignored_args(profile: &Node, path: &str, known: Known<'_>, found: &mut Found<'_>) {
    for (j, config) in elements(profile, "pluginConfig").iter().enumerate() {
        let name = name_of(config);
        if !known.exists(name) {
            let hint = known.hint(name, None);
            let message = format!("plugin {name:?} does not exist, its args are ignored{hint}");
            found.add(&format!("{path}.pluginConfig[{j}]"), &message);
        }
    }
}

/// Names that disable nothing, and weights that weigh nothing. `point` is none for multiPoint.
fn plugins(
    profile: &Node,
    point: Option<Point>,
    path: &str,
    known: Known<'_>,
    found: &mut Found<'_>,
) {
    let field = point.map_or("multiPoint", Point::field);
    let Some(set) = profile.get("plugins").and_then(|plugins| plugins.get(field)) else { return };
    let path = format!("{path}.plugins.{field}");
    for (j, plugin) in elements(set, "disabled").iter().enumerate() {
        let name = name_of(plugin);
        if name != "*" && !known.exists(name) {
            let hint = known.hint(name, point);
            found.add(
                &format!("{path}.disabled[{j}]"),
                &format!("plugin {name:?} does not exist{hint}"),
            );
        }
    }
    for (j, plugin) in elements(set, "enabled").iter().enumerate() {
        let Some(Kind::Number(weight)) = plugin.get("weight").map(|node| &node.kind) else {
            continue;
        };
        let name = name_of(plugin);
        let scores = match point {
            Some(point) => point.is_weighted(),
            None => Point::ALL
                .into_iter()
                .any(|point| point.is_weighted() && known.implements(name, point)),
        };
        let path = format!("{path}.enabled[{j}].weight");
        if !scores {
            let what = match point {
                Some(_) => format!("at {field}"),
                None => format!("of {name:?}, which gives no scores"),
            };
            found.add(&path, &format!("a weight has no effect {what}: only scores are weighed"));
        } else if weight.as_ref() == "0" {
            let message =
                format!("0 means 1: to switch {name:?} off, name it under disabled at score");
            found.add(&path, &message);
        }
    }
}

/// Texts in the quotes of a word processor, which are letters to YAML.
fn in_quotes(node: &Node, path: &mut String, found: &mut Found<'_>) {
    let end = path.len();
    match &node.kind {
        Kind::String(text) => {
            if let Some(hint) = quotes::hint(text) {
                found.add(path, &format!("{text:?}{hint}"));
            }
        }
        Kind::List(nodes) => {
            for (i, node) in nodes.iter().enumerate() {
                path.push_str(&format!("[{i}]"));
                in_quotes(node, path, found);
                path.truncate(end);
            }
        }
        Kind::Map(entries) => {
            for entry in entries {
                push_key(path, &entry.key);
                in_quotes(&entry.value, path, found);
                path.truncate(end);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::config::load;

    fn load_body(body: &str) -> Result<Vec<String>, String> {
        let header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: \
                      KubeSchedulerConfiguration\n";
        let registry = berth_plugins::in_tree().unwrap();
        let loaded = load(&format!("{header}{body}"), "f", &registry);
        loaded.map(|loaded| loaded.warnings).map_err(|errors| errors.to_string())
    }

    /// Bodies that kube-scheduler takes, and what is remarkable about them.
    const REMARKABLE: &[(&str, &str)] = &[
        ("profiles: []", "f:3: profiles: no profile is here: one named default-scheduler is made"),
        (
            "profiles: [{plugins: {score: {enabled: [{name: ImageLocality, weight: 0}]}}}]",
            "f:3: profiles[0].plugins.score.enabled[0].weight: 0 means 1: to switch",
        ),
        (
            "profiles: [{plugins: {multiPoint: {enabled: [{name: ImageLocality, weight: 0}]}}}]",
            "multiPoint.enabled[0].weight: 0 means 1",
        ),
        (
            "profiles: [{plugins: {filter: {enabled: [{name: NodePorts, weight: 3}]}}}]",
            "filter.enabled[0].weight: a weight has no effect at filter",
        ),
        (
            "profiles: [{plugins: {multiPoint: {enabled: [{name: NodePorts, weight: 3}]}}}]",
            "a weight has no effect of \"NodePorts\", which gives no scores",
        ),
        (
            "leaderElection: {resourceName: “a”}",
            "leaderElection.resourceName: \"“a”\": “ is a letter to YAML",
        ),
    ];

    #[test]
    fn what_is_taken_and_hardly_meant_is_warned_of() {
        for (body, expected) in REMARKABLE {
            let warnings = load_body(body).unwrap();
            assert!(warnings.len() == 1 && warnings[0].contains(expected), "{body}: {warnings:?}");
        }
    }

    #[test]
    fn the_closest_name_is_one_of_the_point() {
        for (body, expected) in [
            (
                "profiles: [{plugins: {queueSort: {enabled: [{name: PrioritySorts}]}}}]",
                "did you mean \"PrioritySort\"?",
            ),
            (
                "profiles: [{plugins: {score: {enabled: [{name: NodePort}]}}}]",
                "did you mean \"NodePorts\", which is not for score?",
            ),
            (
                "profiles: [{plugins: {bind: {enabled: [{name: Xyzzy}]}}}]",
                "does not exist: for bind there are DefaultBinder",
            ),
            (
                "profiles: [{plugins: {filter: {enabled: [{name: “NodePorts”}]}}}]",
                "“ is a letter to YAML",
            ),
            ("“profiles”: []", "unknown field \"“profiles”\": “ is a letter to YAML"),
            ("profiles: [{schedulerName: ''}]", "without the field it is default-scheduler"),
        ] {
            let errors = load_body(body).unwrap_err();
            assert!(errors.contains(expected), "{body}: {errors}");
        }
    }
}
