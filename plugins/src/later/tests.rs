#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

fn args(name: &str) -> ArgsKind {
    let registry = crate::in_tree().unwrap();
    let built = registry.get(name).ok().and_then(crate::Factory::args);
    built.or_else(|| later().iter().find(|l| l.name == name)?.args).unwrap()
}

fn paths(name: &str, block: &Value) -> Vec<String> {
    (args(name).validate)(block).into_iter().map(|e| e.path).collect()
}

#[test]
fn the_24_names_of_the_tree_are_known_once() {
    let registry = crate::in_tree().unwrap();
    let mut names: Vec<_> = registry.names().chain(later().iter().map(|l| l.name)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 24);
    assert_eq!(registry.names().count() + later().len(), 24);
    assert_eq!(default_plugins().len(), 20);
    assert!(default_plugins().iter().all(|(name, _)| names.contains(name)));
}

#[test]
fn defaults_are_kube_schedulers() {
    for (name, defaults) in [
        (
            "DefaultPreemption",
            json!({ "minCandidateNodesPercentage": 10, "minCandidateNodesAbsolute": 100 }),
        ),
        (
            "InterPodAffinity",
            json!({ "hardPodAffinityWeight": 1, "ignorePreferredTermsOfExistingPods": false }),
        ),
        ("PodTopologySpread", json!({ "defaultingType": "System" })),
        (
            "VolumeBinding",
            json!({ "bindTimeoutSeconds": 600, "shape": [
             { "utilization": 0, "score": 10 }, { "utilization": 100, "score": 0 } ] }),
        ),
        ("DynamicResources", json!({ "filterTimeout": "10s", "bindingTimeout": "10m0s" })),
    ] {
        assert_eq!((args(name).defaults)(), defaults, "{name}");
        let nulls: serde_json::Map<String, Value> =
            defaults.as_object().unwrap().keys().map(|k| (k.clone(), Value::Null)).collect();
        for block in [json!({}), Value::Null, Value::Object(nulls)] {
            assert_eq!((args(name).complete)(&block).unwrap(), defaults, "{name} {block}");
            assert_eq!(paths(name, &block), [""; 0], "{name} {block}");
        }
        assert!((args(name).complete)(&json!({ "unheardOf": 1 })).is_err(), "{name}");
    }
}

#[test]
fn blocks_come_out_as_they_went_in() {
    for (name, block) in [
        (
            "InterPodAffinity",
            json!({ "hardPodAffinityWeight": 0, "ignorePreferredTermsOfExistingPods": true }),
        ),
        (
            "VolumeBinding",
            json!({ "bindTimeoutSeconds": 0, "shape": [{ "utilization": 97, "score": 4 }] }),
        ),
        ("DynamicResources", json!({ "filterTimeout": "250ms", "bindingTimeout": "1s" })),
        (
            "PodTopologySpread",
            json!({ "defaultingType": "List", "defaultConstraints": [
            { "maxSkew": 4, "topologyKey": "rack", "whenUnsatisfiable": "ScheduleAnyway",
              "minDomains": 4, "nodeTaintsPolicy": "Honor", "matchLabelKeys": ["hash"] } ] }),
        ),
    ] {
        assert_eq!((args(name).complete)(&block).unwrap(), block, "{name}");
        assert_eq!(paths(name, &block), [""; 0], "{name}");
    }
}

#[test]
fn wrong_values_are_found_with_their_paths() {
    let constraint = |max_skew, key: &str, action: &str| json!({ "maxSkew": max_skew, "topologyKey": key, "whenUnsatisfiable": action });
    let spread = |constraints: &[Value]| json!({ "defaultingType": "List", "defaultConstraints": constraints });
    let mut selecting = constraint(1, "zone", "DoNotSchedule");
    selecting["labelSelector"] = json!({ "matchLabels": { "a": "b" } });
    for (name, block, expected) in [
        (
            "DefaultPreemption",
            json!({ "minCandidateNodesPercentage": 101 }),
            &["minCandidateNodesPercentage"][..],
        ),
        (
            "DefaultPreemption",
            json!({ "minCandidateNodesPercentage": 0, "minCandidateNodesAbsolute": 0 }),
            &["minCandidateNodesPercentage", "minCandidateNodesAbsolute"],
        ),
        (
            "DefaultPreemption",
            json!({ "minCandidateNodesAbsolute": -1 }),
            &["minCandidateNodesAbsolute"],
        ),
        ("InterPodAffinity", json!({ "hardPodAffinityWeight": 101 }), &["hardPodAffinityWeight"]),
        (
            "VolumeBinding",
            json!({ "bindTimeoutSeconds": -1, "shape": [
             { "utilization": 5, "score": 5 }, { "utilization": 5, "score": 6 } ] }),
            &["shape[1].utilization", "bindTimeoutSeconds"],
        ),
        (
            "DynamicResources",
            json!({ "filterTimeout": "-1s", "bindingTimeout": "999ms" }),
            &["filterTimeout", "bindingTimeout"],
        ),
        ("PodTopologySpread", json!({ "defaultingType": "Listed" }), &["defaultingType"]),
        (
            "PodTopologySpread",
            json!({ "defaultConstraints": [constraint(1, "zone", "DoNotSchedule")] }),
            &["defaultingType"],
        ),
        (
            "PodTopologySpread",
            spread(&[constraint(0, "a b", "Never"), constraint(1, "", "")]),
            &[
                "defaultConstraints[0].maxSkew",
                "defaultConstraints[0].topologyKey",
                "defaultConstraints[0].whenUnsatisfiable",
                "defaultConstraints[1].topologyKey",
                "defaultConstraints[1].whenUnsatisfiable",
            ],
        ),
        (
            "PodTopologySpread",
            spread(&[
                constraint(1, "zone", "DoNotSchedule"),
                constraint(2, "zone", "DoNotSchedule"),
                constraint(2, "zone", "ScheduleAnyway"),
            ]),
            &["defaultConstraints[1]"],
        ),
        ("PodTopologySpread", spread(&[selecting]), &["defaultConstraints[0].labelSelector"]),
        ("DynamicResources", json!({ "filterTimeout": "soon" }), &[""]),
    ] {
        assert_eq!(paths(name, &block), expected, "{name} {block}");
    }
}
