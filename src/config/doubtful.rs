//! Values that are right in themselves and that the API server, or this machine, hardly takes.
//! kube-scheduler starts with them, so these are no errors.

use std::path::Path;

use super::name::{is_label, qualified_name_errors};
use super::v1::KubeSchedulerConfiguration;

/// Below so many requests a second, and above 0 (none).
const QPS_MIN: f32 = 1.0;

/// What the API server speaks that a scheduler does.
const CONTENT_TYPES: [&str; 2] = ["application/json", "application/vnd.kubernetes.protobuf"];

/// Each with its field.
pub(super) fn all(configuration: &KubeSchedulerConfiguration) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (i, profile) in configuration.profiles.iter().enumerate() {
        let name = profile.scheduler_name.as_deref().unwrap_or_default();
        let errors = qualified_name_errors(name);
        if !errors.is_empty() {
            let message = format!(
                "the API server takes no event whose reportingController is {name:?}, so nothing is \
                 told of these pods by events: {}",
                errors.join(", and ")
            );
            found.push((format!("profiles[{i}].schedulerName"), message));
        }
    }
    connection(configuration, &mut found);
    let namespace = &configuration.leader_election.resource_namespace;
    if !is_label(namespace) {
        let message = format!(
            "{namespace:?} cannot be a namespace, so no Lease is held there and no pod scheduled: \
             give at most 63 lowercase letters, digits and '-'"
        );
        found.push(("leaderElection.resourceNamespace".to_owned(), message));
    }
    found
}

fn connection(configuration: &KubeSchedulerConfiguration, found: &mut Vec<(String, String)>) {
    let connection = &configuration.client_connection;
    let mut add = |field: &str, message: String| {
        found.push((format!("clientConnection.{field}"), message));
    };
    let qps = connection.qps;
    if qps > 0.0 && qps < QPS_MIN {
        let seconds = 1.0 / f64::from(qps);
        let burst = connection.burst;
        let wait = if seconds > 86_400.0 {
            "none after that in a day".to_owned()
        } else {
            format!("then one in {seconds:.0} s")
        };
        add("qps", format!("{burst} pods are placed (burst), {wait}: leave qps out, or give 50"));
    }
    for (field, text) in [
        ("acceptContentTypes", &connection.accept_content_types),
        ("contentType", &connection.content_type),
    ] {
        // Of several, in the form of a header, one is enough.
        let known = |part: &str| {
            let kind = part.split(';').next().unwrap_or_default().trim();
            CONTENT_TYPES.contains(&kind) || kind == "*/*"
        };
        if !text.is_empty() && !text.split(',').any(known) {
            let names = CONTENT_TYPES.join(" or ");
            add(field, format!("{text:?} is not spoken, JSON is: give {names}"));
        }
    }
    let kubeconfig = &connection.kubeconfig;
    if !kubeconfig.is_empty()
        && let Err(error) = std::fs::File::open(Path::new(kubeconfig))
    {
        add(
            "kubeconfig",
            format!("{kubeconfig:?} cannot be read here ({error}): a run does not start so"),
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::config::load;

    fn warnings(body: &str) -> Vec<String> {
        let header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: \
                      KubeSchedulerConfiguration\n";
        let registry = berth_plugins::in_tree().unwrap();
        load(&format!("{header}{body}"), "f", &registry).unwrap().warnings
    }

    #[test]
    fn what_hardly_works_is_warned_of_with_its_line() {
        let long = format!("profiles: [{{schedulerName: {}}}]", "x".repeat(64));
        for (body, expected) in [
            ("profiles:\n- schedulerName: my berth", "f:4: profiles[0].schedulerName: the API"),
            (&long, "the name must have 63 characters at most"),
            ("clientConnection: {qps: 1e-30}", "f:3: clientConnection.qps: 100 pods are placed"),
            ("clientConnection: {qps: 1e-30}", "none after that in a day"),
            ("clientConnection: {qps: 0.1, burst: 3}", "3 pods are placed (burst), then one in 10"),
            ("clientConnection: {contentType: foo}", "contentType: \"foo\" is not spoken"),
            ("clientConnection: {acceptContentTypes: foo}", "acceptContentTypes: \"foo\" is not"),
            ("clientConnection: {kubeconfig: /no/such}", "\"/no/such\" cannot be read here (No"),
            ("leaderElection: {resourceNamespace: my ns}", "\"my ns\" cannot be a namespace"),
        ] {
            let warnings = warnings(body);
            assert!(warnings.len() == 1 && warnings[0].contains(expected), "{body}: {warnings:?}");
        }
    }

    #[test]
    fn what_works_is_not_warned_of() {
        for body in [
            "",
            "clientConnection: {qps: -1}",
            "clientConnection: {qps: 1, contentType: application/json}",
            "clientConnection: {acceptContentTypes: 'application/json;q=1, text/plain'}",
            "profiles: [{schedulerName: my.domain_x-1}]",
            "leaderElection: {leaderElect: false, resourceNamespace: berth-system}",
        ] {
            assert_eq!(warnings(body), Vec::<String>::new(), "{body}");
        }
    }
}
