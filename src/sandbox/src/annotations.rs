//! The sandbox's own annotations on a pod: what its containers do.

use serde_json::{Value, json};

use crate::timestamp;

/// How long the pod's containers run, as a Go duration.
pub(crate) const RUN_FOR: &str = "sandbox.berth.dev/run-for";

/// With what they exit.
pub(crate) const EXIT_CODE: &str = "sandbox.berth.dev/exit-code";

/// What is wrong with the sandbox's own annotations on a pod, if anything.
pub(crate) fn check(annotations: &Value) -> Vec<(String, Value, &'static str)> {
    let mut wrong = Vec::new();
    let path = |name: &str| format!("metadata.annotations[{name}]");
    let run_for = &annotations[RUN_FOR];
    if run_for.as_str().is_some_and(|d| timestamp::parse_duration(d).is_none()) {
        wrong.push((
            path(RUN_FOR),
            run_for.clone(),
            "must be a duration such as \"2s\" or \"500ms\"",
        ));
    }
    let code = &annotations[EXIT_CODE];
    if code.as_str().is_some_and(|c| c.parse::<u8>().is_err()) {
        wrong.push((path(EXIT_CODE), json!(code), "must be a number from 0 to 255"));
    }
    wrong
}
