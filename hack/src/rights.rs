//! Whether the manifests grant what Berth uses, and no more: the rules of its roles against the
//! kinds it watches, and against what it asks for besides.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use berth::watch::Kind;
use serde_json::Value;

use crate::task::workspace;

const MANIFEST: &str = "manifests/base/rbac.yaml";

/// What Berth asks for besides lists and watches: group, resource and verb.
const ASKED: [(&str, &str, &str); 13] = [
    // `bind`, and its look at a pod after a lost answer.
    ("", "pods", "get"),
    ("", "pods/binding", "create"),
    // `status`, and the fence of `bind`.
    ("", "pods/status", "patch"),
    // `events`: a series is patched.
    ("events.k8s.io", "events", "create"),
    ("events.k8s.io", "events", "patch"),
    // `serve`: who may read /metrics.
    ("authentication.k8s.io", "tokenreviews", "create"),
    ("authorization.k8s.io", "subjectaccessreviews", "create"),
    // `scheduler/lease`: whether its namespace is there.
    ("", "namespaces", "get"),
    // `scheduler/lease`: kube-scheduler's is read; Berth's own are written.
    ("coordination.k8s.io", "leases", "create"),
    ("coordination.k8s.io", "leases", "get"),
    ("coordination.k8s.io", "leases", "update"),
    // `reload`: the uid of the ConfigMap that events are about.
    ("", "configmaps", "get"),
    // For whoever scrapes.
    ("", "/metrics", "get"),
];

/// What is wrong with the rules.
///
/// # Errors
/// The manifest cannot be read.
pub(crate) fn problems() -> Result<Vec<String>> {
    let text = fs::read_to_string(workspace()?.join(MANIFEST)).context(MANIFEST)?;
    let roles: Vec<Value> = serde_saphyr::from_multiple(&text).context(MANIFEST)?;
    let watched =
        Kind::ALL.iter().map(|kind| (kind.group().to_owned(), kind.resource().to_owned()));
    let mut problems = judge(&roles, &watched.collect(), &ASKED);
    problems.extend(leases(&roles));
    Ok(problems)
}

/// What is wrong with the rights to Leases: `berth run` makes, reads and renews its own in its own
/// namespace, and needs them nowhere else but for a look at kube-scheduler's.
fn leases(objects: &[Value]) -> Vec<String> {
    let words = |rule: &Value, field: &str| -> BTreeSet<String> {
        let list = rule[field].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut problems = Vec::new();
    let mut own = BTreeSet::new();
    for object in objects {
        let (kind, namespace) = (&object["kind"], &object["metadata"]["namespace"]);
        for rule in object["rules"].as_array().into_iter().flatten() {
            if !words(rule, "resources").contains("leases") {
                continue;
            }
            let verbs = words(rule, "verbs");
            if kind == "Role" && namespace == "berth-system" && rule["resourceNames"].is_null() {
                own.extend(verbs);
            } else if kind != "Role" || verbs != BTreeSet::from(["get".to_owned()]) {
                problems.push(format!("Leases beside Berth's own are only read: {rule}"));
            }
        }
    }
    let used = ["create", "get", "update"].map(str::to_owned).into();
    if own != used {
        problems.push(format!("Berth uses {used:?} on its Leases, and the rules allow {own:?}"));
    }
    problems
}

/// Group and resource.
type Resource = (String, String);

fn judge(
    objects: &[Value],
    watched: &BTreeSet<Resource>,
    asked: &[(&str, &str, &str)],
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut granted = BTreeSet::new();
    let mut besides = BTreeSet::new();
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
            let (watching, verbs): (Vec<&str>, Vec<&str>) =
                verbs.into_iter().partition(|verb| ["list", "watch"].contains(verb));
            let pairs = || groups.iter().flat_map(|g| resources.iter().map(move |r| (*g, *r)));
            if object["kind"] == "ClusterRole" && watching.len() == 2 {
                granted.extend(pairs().map(|(g, r)| (g.to_owned(), r.to_owned())));
            } else if !watching.is_empty() {
                problems.push(format!("{role}: what is listed is watched: {rule}"));
            }
            let urls = words("nonResourceURLs");
            for (group, resource) in pairs().chain(urls.iter().map(|url| ("", *url))) {
                besides.extend(
                    verbs
                        .iter()
                        .map(|verb| (group.to_owned(), resource.to_owned(), (*verb).to_owned())),
                );
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
    let owned =
        |(g, r, v): &(&str, &str, &str)| ((*g).to_owned(), (*r).to_owned(), (*v).to_owned());
    let asked: BTreeSet<_> = asked.iter().map(owned).collect();
    for (group, resource, verb) in asked.difference(&besides) {
        problems.push(format!(
            "Berth asks for {verb} of {resource} of {group:?}, and no rule allows it"
        ));
    }
    for (group, resource, verb) in besides.difference(&asked) {
        problems.push(format!(
            "a rule allows {verb} of {resource} of {group:?}, and Berth asks for no such thing"
        ));
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
    fn leases_are_written_in_berths_namespace_alone() {
        let role = |kind: &str, namespace: &str, verbs: &[&str]| {
            json!({
                "kind": kind,
                "metadata": { "name": "berth", "namespace": namespace },
                "rules": [{ "resources": ["leases"], "verbs": verbs }],
            })
        };
        let used = ["get", "create", "update"];
        let own = role("Role", "berth-system", &used);
        let peer = role("Role", "kube-system", &["get"]);
        assert!(leases(&[own.clone(), peer]).is_empty());
        assert_eq!(leases(&[]).len(), 1);
        assert_eq!(leases(&[role("Role", "berth-system", &["get", "create"])]).len(), 1);
        assert_eq!(leases(&[own.clone(), role("Role", "kube-system", &used)]).len(), 1);
        assert_eq!(leases(&[own, role("ClusterRole", "", &["get"])]).len(), 1);
    }

    #[test]
    fn rules_and_watches_must_agree() {
        let watched = BTreeSet::from([(String::new(), "pods".to_owned())]);
        let all = ["list", "watch"];
        let judge = |roles: &[Value]| judge(roles, &watched, &[]).len();
        assert_eq!(judge(&[role(&["pods"], &all)]), 0);
        assert_eq!(judge(&[role(&["pods"], &["list"])]), 2);
        assert_eq!(judge(&[role(&["pods"], &["get", "list", "watch"])]), 1);
        assert_eq!(judge(&[role(&["pods", "secrets"], &all)]), 1);
        assert_eq!(judge(&[role(&["pods"], &all), role(&["nodes"], &["*"])]), 2);
    }

    #[test]
    fn what_is_asked_for_besides_and_what_is_granted_must_agree() {
        let none = BTreeSet::new();
        let asked = [("", "pods/binding", "create")];
        assert!(judge(&[role(&["pods/binding"], &["create"])], &none, &asked).is_empty());
        assert_eq!(judge(&[], &none, &asked).len(), 1);
        let more = [role(&["pods/binding"], &["create"]), role(&["pods"], &["delete"])];
        assert_eq!(judge(&more, &none, &asked).len(), 1);
    }
}
