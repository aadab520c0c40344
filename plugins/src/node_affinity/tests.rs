#![allow(clippy::unwrap_used)]

use berth_engine::record::{Affinity, NodeSelector, NodeSelectorTerm, PodSpec, Requirement};
use serde_json::json;

use super::*;
use crate::testing::Scene;
use crate::{Factory, PluginArgs};

const NODES: &str = "node a label=zone=x label=cores=8 / node b label=zone=y / node c";

/// A term such as `zone in x,y & cores gt 4 & @metadata.name in a`.
fn term(text: &str) -> NodeSelectorTerm {
    let mut term = NodeSelectorTerm::default();
    for part in text.split(" & ").filter(|p| !p.is_empty()) {
        let mut words = part.split(' ');
        let key = words.next().unwrap();
        let op = match words.next().unwrap() {
            "in" => SelectorOp::In,
            "notin" => SelectorOp::NotIn,
            "exists" => SelectorOp::Exists,
            "absent" => SelectorOp::DoesNotExist,
            "gt" => SelectorOp::Gt,
            other => panic!("{other}"),
        };
        let values = words.next().map(|v| v.split(',').map(Into::into).collect());
        let requirement = |key: &str| Requirement {
            key: key.into(),
            op,
            values: values.clone().unwrap_or_default(),
        };
        match key.strip_prefix('@') {
            Some(field) => term.match_fields.push(requirement(field)),
            None => term.match_expressions.push(requirement(key)),
        }
    }
    term
}

fn require(terms: &[&str]) -> impl FnOnce(&mut PodSpec) {
    let terms = terms.iter().map(|t| term(t)).collect();
    move |spec: &mut PodSpec| {
        let affinity =
            Affinity { node_required: Some(NodeSelector { terms }), ..Affinity::default() };
        spec.affinity = Some(Box::new(affinity));
    }
}

fn prefer(terms: &[(i32, &str)]) -> impl FnOnce(&mut PodSpec) {
    let node_preferred =
        terms.iter().map(|(weight, t)| Preferred { weight: *weight, term: term(t) }).collect();
    move |spec: &mut PodSpec| {
        spec.affinity = Some(Box::new(Affinity { node_preferred, ..Affinity::default() }));
    }
}

fn plugin(added: &serde_json::Value) -> NodeAffinity {
    let args: NodeAffinityArgs = serde_json::from_value(json!({ "addedAffinity": added })).unwrap();
    assert_eq!(args.validate(), []);
    NodeAffinity::new(args)
}

/// `+` for a node that fits, `-` for one that does not match the pod, `!` for the added affinity.
fn listed(marks: &str) -> String {
    let verdict = |mark| match mark {
        '+' => "fits".to_owned(),
        '-' => format!("unresolvable {REASON}"),
        _ => format!("unresolvable {REASON_ENFORCED}"),
    };
    let nodes = ["a", "b", "c"].into_iter().zip(marks.chars());
    nodes.map(|(n, mark)| format!("{n} {}", verdict(mark))).collect::<Vec<_>>().join(" | ")
}

#[test]
fn selectors_and_terms_are_matched() {
    let plugin = NodeAffinity::default();
    for (terms, marks) in [
        (&["zone in x"][..], "+--"),
        (&["zone in x,y"], "++-"),
        (&["zone notin x"], "-++"),
        (&["zone exists"], "++-"),
        (&["zone absent"], "--+"),
        (&["cores gt 7"], "+--"),
        (&["cores gt 8"], "---"),
        (&["zone in x", "zone in y"], "++-"),
        (&["zone in x & cores gt 8"], "---"),
        (&["@metadata.name notin b"], "+-+"),
        (&["@metadata.name notin b & zone exists"], "+--"),
        (&[""], "---"),
        (&[], "---"),
        // A term that cannot be parsed matches nothing, the other one still does.
        (&["cores gt many", "zone in y"], "-+-"),
    ] {
        let scene = Scene::with(&format!("pod / {NODES}"), require(terms));
        scene.check_filter(&plugin, &listed(marks));
    }
    let pod = "pod select=zone=x";
    Scene::parse(&format!("{pod} / {NODES}")).check_filter(&plugin, &listed("+--"));
    let both = Scene::with(&format!("{pod} / {NODES}"), require(&["zone in y"]));
    both.check_filter(&plugin, &listed("---"));
    Scene::parse(&format!("pod / {NODES}")).check_filter(&plugin, "skip");
}

#[test]
fn names_in_match_fields_narrow_the_nodes() {
    let conflict = PreFiltered::unresolvable(REASON_CONFLICT);
    let narrow = |names: &[&str]| PreFiltered::Narrow(names.iter().map(|n| (*n).into()).collect());
    for (terms, expected) in [
        (&["@metadata.name in a"][..], narrow(&["a"])),
        (&["@metadata.name in b", "@metadata.name in a"], narrow(&["a", "b"])),
        (&["@metadata.name in a & zone in x", "@metadata.name in z"], narrow(&["a", "z"])),
        (&["@metadata.name in a", "zone in x"], PreFiltered::Proceed),
        (&["@metadata.name notin a"], PreFiltered::Proceed),
        (&["@metadata.name in a & @metadata.name in b"], conflict),
        (&["@metadata.name in a & @metadata.name in b", "@metadata.name in c"], narrow(&["c"])),
        (&["@metadata.name in a,b & @metadata.name in b"], narrow(&["b"])),
        (&[], PreFiltered::Proceed),
    ] {
        let scene = Scene::with(&format!("pod / {NODES}"), require(terms));
        scene.check_pre_filter(&NodeAffinity::default(), &expected);
    }
}

#[test]
fn preferences_add_their_weights() {
    let plugin = NodeAffinity::default();
    for (terms, expected) in [
        (&[][..], "skip"),
        (&[(5, "")], "skip"),
        (&[(0, "zone in x")], "skip"),
        (&[(10, "zone in x"), (30, "zone in y")], "a 33 | b 100 | c 0"),
        (&[(10, "zone exists"), (5, "zone in x")], "a 100 | b 66 | c 0"),
        (&[(10, "zone in z")], "a 0 | b 0 | c 0"),
    ] {
        let scene = Scene::with(&format!("pod / {NODES}"), prefer(terms));
        scene.check_scores(&plugin, expected);
    }
    let scene = Scene::with(&format!("pod / {NODES}"), prefer(&[(1, "cores gt many")]));
    let broken = plugin.pre_score(&scene.context(), &[], &mut State::default());
    assert!(matches!(broken, PreScored::Broken(_)));
}

#[test]
fn added_affinity_counts_for_every_pod() {
    let plugin = plugin(&json!({
        "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [
            { "matchExpressions": [{ "key": "zone", "operator": "In", "values": ["x", "never"] }] },
            { "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["c"] }] },
        ] },
        "preferredDuringSchedulingIgnoredDuringExecution": [
            { "weight": 20, "preference": { "matchExpressions": [
                { "key": "rack", "operator": "DoesNotExist" },
                { "key": "cores", "operator": "Gt", "values": ["4"] } ] } },
        ],
    }));
    let scene = Scene::parse(&format!("pod / {NODES}"));
    scene.check_filter(&plugin, &listed("+!+"));
    scene.check_scores(&plugin, "a 100 | b 0 | c 0");
    let scene = Scene::with(&format!("pod select=zone=x / {NODES}"), prefer(&[(10, "zone in y")]));
    scene.check_filter(&plugin, &listed("+!-"));
    scene.check_scores(&plugin, "a 100 | b 50 | c 0");
    let nothing = self::plugin(&json!({ "requiredDuringSchedulingIgnoredDuringExecution": {} }));
    Scene::parse(&format!("pod / {NODES}")).check_filter(&nothing, &listed("!!!"));
}

#[test]
fn arguments_are_checked_with_their_paths() {
    let factory = Factory::with_args(NodeAffinity::new);
    let required = "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    let preferred = "addedAffinity.preferredDuringSchedulingIgnoredDuringExecution";
    let expression = |key: &str, operator: &str, values: &[&str]| json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] });
    for (term, below) in [
        (expression("a b", "In", &["x"]), &["matchExpressions[0].key"][..]),
        (expression("k", "In", &[]), &["matchExpressions[0].values"]),
        (expression("k", "Exists", &["x"]), &["matchExpressions[0].values"]),
        (expression("k", "Within", &[]), &["matchExpressions[0].operator"]),
        (expression("k", "Gt", &["x"]), &["matchExpressions[0].values[0]"]),
        (expression("k", "In", &["a b"]), &["matchExpressions[0].values[0][k]"]),
        (
            json!({ "matchFields": [{ "key": "metadata.name", "operator": "Exists" },
                                 { "key": "metadata.name", "operator": "In" }] }),
            &["matchFields[0].operator", "matchFields[1].values"],
        ),
    ] {
        let paths = |args| {
            let errors = factory.build(Some(&args)).err().unwrap_or_default();
            errors.into_iter().map(|e| e.path).collect::<Vec<_>>()
        };
        let under =
            |prefix: &str| below.iter().map(|b| format!("{prefix}.{b}")).collect::<Vec<_>>();
        let args = json!({ "addedAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [{}, term] } } });
        assert_eq!(paths(args), under(&format!("{required}[1]")));
        let args = json!({ "addedAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [
            { "weight": 0, "preference": term }, { "weight": 1, "preference": term } ] } });
        assert_eq!(paths(args), under(&format!("{preferred}[1]")));
    }
}

#[test]
fn blocks_come_out_as_they_went_in() {
    let kind = Factory::with_args(NodeAffinity::new).args().unwrap();
    assert_eq!((kind.defaults)(), json!({}));
    for args in [
        json!({ "addedAffinity": {} }),
        json!({ "addedAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [
            { "weight": 1, "preference": {} } ] } }),
        json!({ "addedAffinity": { "requiredDuringSchedulingIgnoredDuringExecution":
            { "nodeSelectorTerms": null } } }),
    ] {
        assert_eq!((kind.complete)(&args).unwrap(), args);
    }
}
