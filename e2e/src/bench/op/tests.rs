#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::*;

fn error(entry: Value) -> String {
    format!("{:#}", Op::parse(entry).unwrap_err())
}

#[test]
fn fields_have_kubernetes_names() {
    let op = Op::parse(json!({
        "opcode": "createPods", "countParam": "$n", "podTemplatePath": "p.yaml",
        "collectMetrics": true, "templateParams": {"app": "$app|web"},
    }));
    let params = Parameters::new(json!({"n": 30}).as_object().unwrap().clone());
    let Op::CreatePods(pods) = op.unwrap().resolve(&params).unwrap() else { panic!("createPods") };
    assert_eq!((pods.count, pods.signature_batch_size), (30, 1));
    assert_eq!(pods.template_params["app"], "web");
    assert!(pods.collect_metrics);
    params.ensure_used().unwrap();
}

#[test]
fn what_is_unknown_is_named() {
    assert!(error(json!({"opcode": "createPods", "cuont": 3})).contains("cuont"));
    assert!(error(json!({"opcode": "conjure"})).contains("conjure: unknown"));
    assert!(error(json!({"count": 3})).contains("without opcode"));
    assert!(error(json!({"opcode": "stopCollectingMetrics", "name": "x"})).contains("name"));
    let known = "labelNodePrepareStrategy";
    assert!(error(json!({"opcode": "createNodes", "labelNodeStrategy": {}})).contains(known));
}

#[test]
fn what_kubernetes_has_and_we_have_not_is_named() {
    for (opcode, why) in ELSEWHERE {
        assert!(error(json!({"opcode": opcode})).ends_with(why), "{opcode}");
    }
    let steady = json!({"opcode": "createPods", "count": 1, "steadyState": true});
    assert!(error(steady).contains("steadyState"));
}

#[test]
fn contradictions_are_refused() {
    let both =
        json!({"opcode": "createPods", "collectMetrics": true, "skipWaitToCompletion": true});
    assert!(error(both).contains("skipWaitToCompletion"));
    let half = json!({"opcode": "createPods", "persistentVolumeTemplatePath": "pv.yaml"});
    assert!(error(half).contains("persistentVolumeClaimTemplatePath"));
    let endless = json!({"opcode": "churn", "mode": "recreate", "templatePaths": ["a"]});
    assert!(error(endless).contains("number"));
    assert!(
        error(json!({"opcode": "churn", "mode": "shake", "templatePaths": ["a"]}))
            .contains("shake")
    );
    assert!(error(json!({"opcode": "barrier", "stageRequirement": "Bound"})).contains("Bound"));
}

#[test]
fn durations_are_gos() {
    assert_eq!(duration("1m30s").unwrap().as_secs(), 90);
    assert_eq!(duration("250ms").unwrap().as_millis(), 250);
    assert_eq!(duration("1.5h").unwrap().as_secs(), 5400);
    assert!(duration("0").unwrap().is_zero());
    assert!(["", "5", "s", "3 s", "-1s"].iter().all(|text| duration(text).is_err()));
}
