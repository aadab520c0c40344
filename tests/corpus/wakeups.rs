//! Which events wake a pod that fits nowhere.
//!
//! The reference is the floor here, not the goal: it misses events after which the pod fits, and
//! wakes for nothing. A pod must move where it fits; where it does not, it may move only where the
//! reference moves it too. A gated pod moves exactly where the reference moves it.

use std::collections::BTreeSet;

use serde_json::Value;

use berth_engine::Method;

use super::{Comparison, Difference, METHODS, answered};

/// Events of cases without claims for devices.
const COMPARED_MIN: usize = 418;

/// Reads `resourceClaims`, also of pods that another plugin rejects.
const DEVICES: &str = "DynamicResources";

#[test]
fn pods_wake_where_they_fit() {
    let registry = berth_plugins::in_tree().unwrap();
    let have: BTreeSet<&str> = registry.names().collect();
    for method in METHODS {
        compare(&have, method);
    }
}

fn compare(have: &BTreeSet<&str>, method: Method) {
    let (mut cases, mut events) = (Comparison::default(), Comparison::default());
    let mut needless = (0, 0);
    for (case, answer) in answered("wakeups.jsonl.gz", method) {
        if !plugins_of(&case).is_subset(have) {
            continue;
        }
        let name = case["id"].as_str().unwrap();
        cases.count(name, &first_attempt(&case["expect"], &answer));
        let told = case["events"].as_array().unwrap();
        for (at, event) in told.iter().enumerate() {
            let judged = Judged::read(&case["expect"], &answer, at);
            needless.0 += usize::from(judged.is_needless(judged.here));
            needless.1 += usize::from(judged.is_needless(Some(judged.reference)));
            let name = format!("{name} {}: {}", event["verb"], event["what"]);
            events.count(&name, judged.difference().as_slice());
        }
    }
    println!("{method:?}: {} needless wake-ups, {} of the reference", needless.0, needless.1);
    cases.assert_all_equal(&format!("first attempts by {method:?}"));
    events.assert_all_equal(&format!("events by {method:?}"));
    assert!(needless.0 <= needless.1, "{needless:?}");
    assert!(events.compared >= COMPARED_MIN, "{} events compared", events.compared);
}

/// The plugins that a case is about.
fn plugins_of(case: &Value) -> BTreeSet<&str> {
    let claims = case["pod"]["spec"]["resourceClaims"].as_array();
    let devices = claims.filter(|claims| !claims.is_empty()).map(|_| DEVICES);
    strings(&case["expect"]["rejectedBy"]).chain(devices).collect()
}

/// What the first attempt came to.
fn first_attempt(want: &Value, got: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |what, a: String, b: String| {
        if a != b {
            found.push(Difference { what, reference: a, here: b });
        }
    };
    differ("error", Value::Null.to_string(), got["error"].to_string());
    differ("state", want["state"].to_string(), got["state"].to_string());
    let list = |value: &Value| format!("{:?}", strings(value).collect::<Vec<_>>());
    differ("rejectedBy", list(&want["rejectedBy"]), list(&got["rejectedBy"]));
    differ("pendingPlugins", list(&want["pendingPlugins"]), list(&got["pendingPlugins"]));
    let answers = |value: &Value| format!("{:?}", value["moved"].as_array().map(Vec::len));
    differ("number of events", answers(want), answers(got));
    found
}

/// One event.
struct Judged {
    /// The pod must move.
    must: bool,
    /// The reference moves it.
    reference: bool,
    /// Berth moves it, where it said.
    here: Option<bool>,
}

impl Judged {
    fn read(want: &Value, got: &Value, at: usize) -> Self {
        let reference = want["moved"][at].as_bool().unwrap();
        // A pod whose gate is lifted gets its first attempt, whether it fits or not.
        let gated = want["state"] == "gated";
        let must = if gated { reference } else { want["fits"][at].as_bool().unwrap() };
        Self { must, reference, here: got["moved"][at].as_bool() }
    }

    fn is_needless(&self, moved: Option<bool>) -> bool {
        moved == Some(true) && !self.must
    }

    fn difference(&self) -> Option<Difference> {
        let what = match self.here {
            None => "no answer for the event",
            Some(false) if self.must => "stayed though it fits",
            Some(true) if !self.must && !self.reference => "moved for nothing",
            Some(_) => return None,
        };
        let here = format!("{:?}", self.here);
        Some(Difference { what, reference: self.reference.to_string(), here })
    }
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// That the comparison sees what it should.
mod eyes {
    use super::*;

    #[test]
    fn a_pod_must_move_where_it_fits_and_may_where_the_reference_moves_it() {
        let wrong = |must, reference, here| {
            Judged { must, reference, here }.difference().map_or("", |found| found.what)
        };
        for reference in [false, true] {
            assert_eq!(wrong(true, reference, Some(true)), "");
            assert_eq!(wrong(true, reference, Some(false)), "stayed though it fits");
            assert_eq!(wrong(false, reference, Some(false)), "");
            assert_eq!(wrong(false, reference, None), "no answer for the event");
        }
        assert_eq!(wrong(false, true, Some(true)), "");
        assert_eq!(wrong(false, false, Some(true)), "moved for nothing");
    }
}
