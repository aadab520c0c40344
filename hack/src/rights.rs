//! Whether the manifests grant what Berth uses, and no more: the rules of its ClusterRole against
//! the kinds it watches.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use berth::watch::Kind;
use serde_json::Value;

use crate::task::workspace;

const MANIFEST: &str = "manifests/rbac.yaml";

/// What is wrong with the rules.
///
/// # Errors
/// The manifest cannot be read.
pub(crate) fn problems() -> Result<Vec<String>> {
    let text = fs::read_to_string(workspace()?.join(MANIFEST)).context(MANIFEST)?;
    let roles: Vec<Value> = serde_saphyr::from_multiple(&text).context(MANIFEST)?;
    let watched =
        Kind::ALL.iter().map(|kind| (kind.group().to_owned(), kind.resource().to_owned()));
    Ok(judge(&roles, &watched.collect()))
}

/// Group and resource.
type Resource = (String, String);

fn judge(objects: &[Value], watched: &BTreeSet<Resource>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut granted = BTreeSet::new();
    for object in objects {
        let role = object["metadata"]["name"].as_str().unwrap_or_default();
        for rule in object["rules"].as_array().into_iter().flatten() {
            let words = |field: &str| -> Vec<&str> {
                rule[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
            };
            let (groups, resources, verbs) =
                (words("apiGroups"), words("resources"), words("verbs"));
            if [&groups, &resources, &verbs].iter().any(|list| list.contains(&"*")) {
                problems.push(format!("{role}: a wildcard in {rule}"));
            }
            let watches = ["get", "list", "watch"].iter().all(|verb| verbs.contains(verb));
            if object["kind"] == "ClusterRole" && watches {
                let pairs = groups.iter().flat_map(|g| resources.iter().map(move |r| (*g, *r)));
                granted.extend(pairs.map(|(g, r)| (g.to_owned(), r.to_owned())));
            }
        }
    }
    for (group, resource) in watched.difference(&granted) {
        problems.push(format!("Berth watches {resource} of {group:?}, and no rule allows it"));
    }
    for (group, resource) in granted.difference(watched) {
        problems
            .push(format!("a rule allows to watch {resource} of {group:?}, and Berth does not"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn role(resources: &[&str], verbs: &[&str]) -> Value {
        json!({
            "kind": "ClusterRole",
            "metadata": { "name": "berth" },
            "rules": [{ "apiGroups": [""], "resources": resources, "verbs": verbs }],
        })
    }

    #[test]
    fn rules_and_watches_must_agree() {
        let watched = BTreeSet::from([(String::new(), "pods".to_owned())]);
        let all = ["get", "list", "watch"];
        assert!(judge(&[role(&["pods"], &all)], &watched).is_empty());
        assert_eq!(judge(&[role(&["pods"], &["get", "list"])], &watched).len(), 1);
        assert_eq!(judge(&[role(&["pods", "secrets"], &all)], &watched).len(), 1);
        assert_eq!(judge(&[role(&["pods"], &all), role(&["nodes"], &["*"])], &watched).len(), 1);
    }
}
