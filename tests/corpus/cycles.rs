//! Cycles: what each pod was told, node by node.
//!
//! In a scenario, cycles are compared up to the first in which a plugin had a say that Berth does
//! not have yet: where that pod goes, the pods after it depend on. The names come from the
//! registry, so that more is compared with every plugin that lands.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use berth_engine::Method;

use super::{Comparison, Difference, METHODS, answered};

const FILES: [&str; 10] = [
    "images.jsonl.gz",
    "interpod.jsonl.gz",
    "mixed.jsonl.gz",
    "nodeaffinity.jsonl.gz",
    "ports.jsonl.gz",
    "preemption.jsonl.gz",
    "resources.jsonl.gz",
    "spread.jsonl.gz",
    "taints.jsonl.gz",
    "volumes.jsonl.gz",
];

/// All cycles of the corpus: every plugin that has a say in them is in the tree. Fewer would mean
/// that one was lost, or that the comparison has lost its eyes.
const COMPARED_MIN: usize = 2_394;

#[test]
fn cycles_are_kube_schedulers() {
    let registry = berth_plugins::in_tree().unwrap();
    let have: BTreeSet<&str> = registry.names().collect();
    for method in METHODS {
        let mut all = Comparison::default();
        let mut total = 0;
        std::thread::scope(|scope| {
            let have = &have;
            let files = FILES.map(|file| scope.spawn(move || compared(file, have, method)));
            for (file, thread) in FILES.iter().zip(files) {
                let (comparison, cycles) = thread.join().unwrap();
                println!("{method:?} {file}: {} of {cycles} compared", comparison.compared);
                all.add(&comparison);
                total += cycles;
            }
        });
        println!("{method:?}: {} of {total} cycles compared", all.compared);
        all.assert_all_equal(&format!("cycles by {method:?}"));
        assert!(all.compared >= COMPARED_MIN, "{} cycles compared", all.compared);
    }
}

/// Compares the cycles of a file as far as `have` goes; tells how many there are as well.
fn compared(file: &str, have: &BTreeSet<&str>, method: Method) -> (Comparison, usize) {
    let mut comparison = Comparison::default();
    let mut cycles = 0;
    for (case, answer) in answered(file, method) {
        let expected = case["expect"].as_array().unwrap();
        cycles += expected.len();
        for (at, want) in expected.iter().enumerate() {
            if !plugins_of(want).is_subset(have) {
                break;
            }
            let name = format!("{} {}", text(&case["id"]), text(&want["pod"]));
            let differences = match answer["cycles"].get(at) {
                Some(got) => differences(want, got),
                None => vec![difference("no answer", "a verdict", &answer["error"])],
            };
            comparison.count(&name, &differences);
        }
    }
    (comparison, cycles)
}

/// The plugins that had a say in a verdict: those that rejected, or gave a score other than 0.
fn plugins_of(verdict: &Value) -> BTreeSet<&str> {
    let rejecting = members(&verdict["nodes"]).map(|(_, status)| text(&status["plugin"]));
    let stopping = text(&verdict["preFilter"]["plugin"]);
    let scoring = members(&verdict["scores"]).flat_map(|(_, score)| {
        members(&score["plugins"]).filter(|(_, points)| **points != 0).map(|(plugin, _)| plugin)
    });
    rejecting.chain([stopping]).chain(scoring).filter(|plugin| !plugin.is_empty()).collect()
}

fn differences(want: &Value, got: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |what, a: String, b: String| {
        if a != b {
            found.push(Difference { what, reference: a, here: b });
        }
    };
    // Where it stops the pod, what it says is compared in its order.
    let stop = |verdict: &Value| {
        let status = &verdict["preFilter"];
        let reasons: Vec<&str> = reasons(status).collect();
        format!("{:?} {:?} {reasons:?}", text(&status["code"]), text(&status["plugin"]))
    };
    differ("preFilter", stop(want), stop(got));
    let (a, b) = (nodes(want), nodes(got));
    for node in keys(&a, &b) {
        differ("node", format!("{node} {:?}", a.get(node)), format!("{node} {:?}", b.get(node)));
    }
    let (a, b) = (scores(want), scores(got));
    for node in keys(&a, &b) {
        differ("score", format!("{node} {:?}", a.get(node)), format!("{node} {:?}", b.get(node)));
    }
    let best = |verdict: &Value| format!("{:?}", strings(&verdict["best"]).collect::<Vec<_>>());
    differ("best", best(want), best(got));
    differ("message", text(&want["message"]).to_owned(), text(&got["message"]).to_owned());
    differ("preemption", preemption(want), preemption(got));
    found
}

/// Whether the pod may preempt; per node the victims in their order and the budgets violated; the
/// nodes between which chance decides. Why it may not is not compared.
fn preemption(verdict: &Value) -> String {
    let preemption = &verdict["preemption"];
    let candidates: BTreeMap<&str, (Vec<&str>, Option<i64>)> = members(&preemption["candidates"])
        .map(|(node, candidate)| {
            let victims = strings(&candidate["victims"]).collect();
            (node, (victims, candidate["pdbViolations"].as_i64()))
        })
        .collect();
    let eligible = preemption["eligible"].as_bool().unwrap_or_default();
    let selected: Vec<&str> = strings(&preemption["selected"]).collect();
    format!("eligible: {eligible}, candidates: {candidates:?}, selected: {selected:?}")
}

/// Code, plugin and reasons of each node. The reference walks a map of extended resources: the
/// order of its reasons is chance.
fn nodes(verdict: &Value) -> BTreeMap<&str, (&str, &str, Vec<&str>)> {
    members(&verdict["nodes"])
        .map(|(node, status)| {
            let mut reasons: Vec<&str> = reasons(status).collect();
            reasons.sort_unstable();
            (node, (text(&status["code"]), text(&status["plugin"]), reasons))
        })
        .collect()
}

/// Total and the plugins' scores of each node; a plugin that scores 0 may be left out.
fn scores(verdict: &Value) -> BTreeMap<&str, (i64, BTreeMap<&str, i64>)> {
    let number = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("score {value}"));
    members(&verdict["scores"])
        .map(|(node, score)| {
            let plugins =
                members(&score["plugins"]).map(|(plugin, points)| (plugin, number(points)));
            (node, (number(&score["total"]), plugins.filter(|(_, points)| *points != 0).collect()))
        })
        .collect()
}

fn keys<'a, V>(a: &BTreeMap<&'a str, V>, b: &BTreeMap<&'a str, V>) -> BTreeSet<&'a str> {
    a.keys().chain(b.keys()).copied().collect()
}

fn members(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn reasons(status: &Value) -> impl Iterator<Item = &str> {
    strings(&status["reasons"])
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().map(text)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn difference(what: &'static str, reference: &str, here: &Value) -> Difference {
    Difference { what, reference: reference.to_owned(), here: here.to_string() }
}

/// That the comparison sees what it should.
mod eyes {
    use serde_json::json;

    use super::*;

    fn verdict() -> Value {
        json!({
            "pod": "default/p",
            "nodes": {
                "a": {"code": "Success"},
                "b": {"code": "Unschedulable", "plugin": "Fit", "reasons": ["cpu", "memory"]},
            },
            "scores": {"a": {"total": 7, "plugins": {"Fit": 7, "Image": 0}}},
            "best": ["a"],
        })
    }

    #[test]
    fn order_of_reasons_and_scores_of_nothing_do_not_count() {
        let mut other = verdict();
        other["nodes"]["b"]["reasons"] = json!(["memory", "cpu"]);
        other["scores"]["a"]["plugins"] = json!({"Fit": 7});
        assert!(differences(&verdict(), &other).is_empty());
        assert_eq!(plugins_of(&verdict()), BTreeSet::from(["Fit"]));
    }

    #[test]
    fn all_else_counts() {
        for (at, value) in [
            ("/nodes/a/code", json!("Error")),
            ("/nodes/b/plugin", json!("Ports")),
            ("/nodes/b/reasons", json!(["cpu"])),
            ("/nodes/b", json!(null)),
            ("/scores/a/total", json!(8)),
            ("/scores/a/plugins/Fit", json!(6)),
            ("/scores/a/plugins/Image", json!(1)),
            ("/best", json!(["b"])),
            ("/best", json!([])),
        ] {
            let mut other = verdict();
            *other.pointer_mut(at).unwrap() = value;
            assert_eq!(differences(&verdict(), &other).len(), 1, "{at}");
        }
        for (field, value) in [
            ("message", json!("0/2 nodes are available")),
            ("preFilter", json!({"code": "Unschedulable", "plugin": "Fit", "reasons": ["no"]})),
            ("preemption", json!({"eligible": true})),
            ("preemption", json!({"candidates": {"b": {"victims": ["default/v"]}}})),
            ("preemption", json!({"selected": ["b"]})),
        ] {
            let mut other = verdict();
            other[field] = value;
            assert_eq!(differences(&verdict(), &other).len(), 1, "{field}");
            assert_eq!(differences(&other, &verdict()).len(), 1, "{field}");
        }
    }
}
