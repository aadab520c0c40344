//! Whether a document is a configuration at all: its `apiVersion` and `kind`.

use super::problem::{Problems, Stage};
use super::tree::{Kind, Node};
use super::v1::{API_VERSION, KIND};

/// Versions that kube-scheduler had (`k8s.io/kube-scheduler/config`).
const REMOVED: [&str; 4] = ["v1alpha1", "v1beta1", "v1beta2", "v1beta3"];

/// Notes what is wrong with the header. `true` where the rest is worth a look: a configuration of
/// another version, or one that does not say what it is.
pub(super) fn check(root: &Node, problems: &mut Problems) -> bool {
    if let Some(message) = config_map(root) {
        problems.add(Stage::Decode, "kind", None, message);
        return false;
    }
    let (version, kind) = (field(root, "apiVersion"), field(root, "kind"));
    let mut wrong = |field, message: String| problems.add(Stage::Decode, field, None, message);
    match version {
        Field::Text(API_VERSION) | Field::Misspelt => {}
        Field::Text(found) => wrong("apiVersion", wrong_version(found)),
        Field::Absent => wrong("apiVersion", format!("required: apiVersion: {API_VERSION}")),
        Field::Other => wrong("apiVersion", format!("must be {API_VERSION}")),
    }
    match kind {
        Field::Text(KIND) | Field::Misspelt => {}
        Field::Text(found) => wrong("kind", format!("must be {KIND}, not {found:?}")),
        Field::Absent => wrong("kind", format!("required: kind: {KIND}")),
        Field::Other => wrong("kind", format!("must be {KIND}")),
    }
    let is_named = matches!(version, Field::Text(API_VERSION));
    match kind {
        Field::Text(KIND) => true,
        Field::Text(_) | Field::Other => false,
        Field::Misspelt => true,
        Field::Absent => is_named || root.get("profiles").is_some(),
    }
}

/// What a field of the header says.
#[derive(Clone, Copy)]
enum Field<'a> {
    Text(&'a str),
    /// No text.
    Other,
    /// It is there in other letters: the strict walk says so.
    Misspelt,
    Absent,
}

fn field<'a>(root: &'a Node, name: &str) -> Field<'a> {
    match root.get(name).map(|node| (node.as_str(), &node.kind)) {
        Some((Some(""), _)) | Some((_, Kind::Null)) => Field::Absent,
        Some((Some(text), _)) => Field::Text(text),
        Some((None, _)) => Field::Other,
        None if root.keys().any(|key| key.eq_ignore_ascii_case(name)) => Field::Misspelt,
        None => Field::Absent,
    }
}

fn wrong_version(found: &str) -> String {
    let group = API_VERSION.split('/').next().unwrap_or_default();
    let version = found.strip_prefix(group).and_then(|rest| rest.strip_prefix('/'));
    if version.is_some_and(|version| REMOVED.contains(&version)) {
        return format!("{found} was removed: use {API_VERSION}");
    }
    format!("must be {API_VERSION}, not {found:?}")
}

/// What to say of a whole ConfigMap.
fn config_map(root: &Node) -> Option<String> {
    let Field::Text("ConfigMap") = field(root, "kind") else { return None };
    let keys: Vec<&str> = root.get("data").into_iter().flat_map(Node::keys).collect();
    let key = match keys.as_slice() {
        [only] => only,
        _ => "config.yaml",
    };
    // In a template of jsonpath a dot is escaped.
    let path = key.replace('.', "\\.");
    Some(format!(
        "this is a whole ConfigMap: check its data[{key:?}]: kubectl patch --local -f FILE \
         --type=merge -p '{{}}' -o jsonpath='{{.data.{path}}}' | berth config check -"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::config::load;

    fn errors(text: &str) -> String {
        let registry = berth_plugins::in_tree().unwrap();
        load(text, "f", &registry).unwrap_err().to_string()
    }

    #[test]
    fn the_rest_of_a_file_of_another_version_is_checked() {
        let file = |version: &str| {
            errors(&format!(
                "apiVersion: {version}\nkind: KubeSchedulerConfiguration\nparallelism: 0\n"
            ))
        };
        assert_eq!(
            file("kubescheduler.config.k8s.io/v1beta3"),
            "f:1: apiVersion: kubescheduler.config.k8s.io/v1beta3 was removed: use \
             kubescheduler.config.k8s.io/v1\nf:3: parallelism: must be greater than 0"
        );
        assert_eq!(
            file("v1"),
            "f:1: apiVersion: must be kubescheduler.config.k8s.io/v1, not \"v1\"\n\
             f:3: parallelism: must be greater than 0"
        );
    }

    #[test]
    fn a_header_in_other_letters_is_named() {
        let text = "apiversion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
                    parallelism: 0\n";
        assert_eq!(
            errors(text),
            "f:1: apiversion: unknown field \"apiversion\": did you mean \"apiVersion\"?\n\
             f:3: parallelism: must be greater than 0"
        );
        let text = "apiVersion: kubescheduler.config.k8s.io/v1\nprofile: []\n";
        let said = errors(text);
        assert!(
            said.contains("kind: required") && said.contains("f:2: profile: unknown"),
            "{said}"
        );
    }

    #[test]
    fn a_whole_config_map_is_told_how_to_check_its_file() {
        let text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  config.yaml: |\n    a: b\n";
        let said = errors(text);
        assert!(
            said.starts_with("f:2: kind: this is a whole ConfigMap: check its data["),
            "{said}"
        );
        assert!(said.ends_with(
            "kubectl patch --local -f FILE --type=merge -p '{}' -o \
             jsonpath='{.data.config\\.yaml}' | berth config check -"
        ));
        assert_eq!(said.lines().count(), 1);
    }

    #[test]
    fn what_is_something_else_gets_one_message() {
        assert_eq!(
            errors("apiVersion: kubescheduler.config.k8s.io/v1\nkind: Pod\nspec: {}\n"),
            "f:2: kind: must be KubeSchedulerConfiguration, not \"Pod\""
        );
    }
}
