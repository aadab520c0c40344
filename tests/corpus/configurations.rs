//! Configuration files: accepted with which meaning, or refused for which fields.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use berth_engine::Method;

use super::{Comparison, Difference, answered};

/// Extension points as the verdict names them; one without plugins may be left out.
const POINTS: [&str; 15] = [
    "preEnqueue",
    "queueSort",
    "preFilter",
    "filter",
    "postFilter",
    "preScore",
    "score",
    "reserve",
    "permit",
    "preBind",
    "bind",
    "postBind",
    "placementGenerate",
    "placementScore",
    "podGroupPostFilter",
];

/// Configurations in the corpus.
const ALL: usize = 120;

#[test]
fn configurations_mean_what_they_mean_to_kube_scheduler() {
    let mut comparison = Comparison::default();
    for (case, answer) in answered("config.jsonl.gz", Method::default()) {
        let name = format!("{} ({})", case["id"], case["topic"]);
        comparison.count(&name, &differences(&case["expect"], &answer));
    }
    comparison.assert_all_equal("configurations");
    assert_eq!(comparison.compared, ALL);
}

fn differences(want: &Value, got: &Value) -> Vec<Difference> {
    let difference = |what, a: &Value, b: &Value| {
        vec![Difference { what, reference: a.to_string(), here: b.to_string() }]
    };
    let (Some(right), Some(said)) = (want["ok"].as_bool(), got["ok"].as_bool()) else {
        return difference("no answer", want, got);
    };
    match (right, said) {
        (true, false) => difference("refused, is right", &want["ok"], &got["errors"]),
        (false, true) => difference("accepted, is wrong", &want["errors"], &got["ok"]),
        (false, false) => {
            let mut found = Vec::new();
            if !says_why(&got["errors"]) {
                found.extend(difference("no error text", &want["errors"], &got["errors"]));
            }
            if want["stage"] == "validate" && fields(want) != fields(got) {
                found.extend(difference("fields", &want["fields"], &got["fields"]));
            }
            found
        }
        (true, true) => {
            let config = first(Some(&want["config"]), Some(&got["config"]), "config");
            let (a, b) = (profiles(want), profiles(got));
            config.into_iter().chain(first(Some(&a), Some(&b), "profiles")).collect()
        }
    }
}

/// Whether there are error messages, and each says something.
fn says_why(errors: &Value) -> bool {
    let one = |error: &Value| error.as_str().is_some_and(|text| !text.trim().is_empty());
    errors.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(one))
}

fn fields(verdict: &Value) -> BTreeSet<&str> {
    verdict["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The profiles with every extension point written out.
fn profiles(verdict: &Value) -> Value {
    let complete = |profile: &Value| {
        let mut profile = profile.as_object().cloned().unwrap_or_default();
        for point in POINTS {
            let plugins = profile.entry(point).or_insert(Value::Null);
            if plugins.is_null() {
                *plugins = Value::Array(Vec::new());
            }
        }
        Value::Object(profile)
    };
    verdict["profiles"].as_array().into_iter().flatten().map(complete).collect()
}

/// The first place where two values differ. The order of keys does not matter; a key that is left
/// out is not the same as null.
fn first(a: Option<&Value>, b: Option<&Value>, path: &str) -> Option<Difference> {
    let same = match (a, b) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: BTreeSet<&String> = Map::keys(a).chain(Map::keys(b)).collect();
            let at = |key: &String| first(a.get(key), b.get(key), &format!("{path}.{key}"));
            return keys.into_iter().find_map(at);
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            let at = |i: usize| first(a.get(i), b.get(i), &format!("{path}[{i}]"));
            return (0..a.len().max(b.len())).find_map(at);
        }
        (Some(Value::Number(x)), Some(Value::Number(y))) => {
            x == y
                || x.as_f64() == y.as_f64()
                // A float32: 33.3 may also be written with the digits of a float64.
                || path.ends_with(".qps") && single(x.as_f64()) == single(y.as_f64())
        }
        (a, b) => a == b,
    };
    let short = |value: Option<&Value>| {
        let text = value.map_or_else(|| "(absent)".to_owned(), Value::to_string);
        format!("{path} = {}", text.chars().take(240).collect::<String>())
    };
    (!same).then(|| Difference { what: "value", reference: short(a), here: short(b) })
}

/// A number as a float32; as it is where it is too large for one.
fn single(number: Option<f64>) -> Option<f64> {
    number.map(|x| if (x as f32).is_finite() { f64::from(x as f32) } else { x })
}

/// That the comparison sees what it should.
mod eyes {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let at = |a: Value, b: Value| first(Some(&a), Some(&b), "c").map(|d| d.reference);
        assert_eq!(at(json!({"a": 1, "b": [1.0]}), json!({"b": [1], "a": 1})), None);
        assert_eq!(at(json!({"qps": 33.3}), json!({"qps": 33.3_f32})), None);
        assert_eq!(at(json!({"qps": 33.3}), json!({"qps": 33.4})).unwrap(), "c.qps = 33.3");
        assert_eq!(at(json!({"a": null}), json!({})).unwrap(), "c.a = null");
        assert_eq!(at(json!({}), json!({"a": null})).unwrap(), "c.a = (absent)");
        assert_eq!(at(json!([[1], [2, 3]]), json!([[1], [2]])).unwrap(), "c[1][1] = 3");
        assert_eq!(at(json!(true), json!(1)).unwrap(), "c = true");
    }

    #[test]
    fn verdicts_must_agree() {
        let accepted = |profile: Value| json!({"ok": true, "config": {}, "profiles": [profile]});
        let refused = |field: &str, error: &str| json!({"ok": false, "stage": "validate", "fields": [field], "errors": [error]});
        let what = |a: &Value, b: &Value| -> Vec<&'static str> {
            differences(a, b).iter().map(|d| d.what).collect()
        };
        let bare = accepted(json!({"schedulerName": "a"}));
        let same = accepted(json!({"schedulerName": "a", "filter": null, "score": []}));
        assert_eq!(what(&bare, &same), [""; 0]);
        let more = accepted(json!({"schedulerName": "a", "filter": ["NodeName"]}));
        assert_eq!(what(&bare, &more), ["value"]);
        assert_eq!(what(&bare, &refused("f", "no")), ["refused, is right"]);
        assert_eq!(what(&refused("f", "no"), &bare), ["accepted, is wrong"]);
        assert_eq!(what(&refused("f", "no"), &refused("f", "never")), [""; 0]);
        assert_eq!(what(&refused("f", "no"), &refused("g", " ")), ["no error text", "fields"]);
        assert_eq!(what(&bare, &json!({"error": "broken"})), ["no answer"]);
    }
}
