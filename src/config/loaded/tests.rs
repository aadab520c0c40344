//! What the configuration has to do with the texts that pods show.

#![allow(clippy::unwrap_used)]

mod extremes;

use berth_engine::{Effect, Engine, Input};
use serde_json::{Value, json};

use crate::config;
use crate::watch::decode_object;

/// The message that `pod` shows after its attempt on nodes `a`, `b` and `c` of one CPU each, with
/// a pod of priority -1 on `c` that takes it whole.
fn message(plugins: &str, pod: &Value) -> String {
    let mut lesser = needing("1");
    lesser["metadata"] = json!({"name": "lesser", "namespace": "d", "uid": "lesser"});
    lesser["spec"]["priority"] = json!(-1);
    lesser["spec"]["nodeName"] = json!("c");
    let (_, effects) = step(plugins, &[lesser, pod.clone()]);
    let text = |effect| match effect {
        Effect::Condition { message, .. } => Some(message),
        _ => None,
    };
    effects.into_iter().find_map(text).unwrap()
}

/// An engine as `run` sets it up, after its first step with nodes `a`, `b` and `c` of one CPU each
/// and these objects.
fn step(plugins: &str, objects: &[Value]) -> (Engine, Vec<Effect>) {
    let text = format!(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
         profiles: [{{schedulerName: berth, plugins: {plugins}}}]\n"
    );
    let loaded = config::load(&text, "f", &berth_plugins::in_tree().unwrap()).unwrap();
    let mut inputs = vec![Input::Config(loaded.engine_config(true).unwrap().into())];
    let node = |name| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"allocatable": {"cpu": "1", "pods": "10"}}})
    };
    let nodes = ["a", "b", "c"].map(node);
    let read = |object: &Value| decode_object(object.to_string().as_bytes()).unwrap();
    inputs.extend(nodes.iter().chain(objects).map(read));
    let (mut engine, mut effects) = (Engine::new(None), Vec::new());
    engine.step(inputs, 0, &mut effects, &mut ());
    (engine, effects)
}

/// A pod that asks for `cpu`.
fn needing(cpu: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "namespace": "d", "uid": "p"},
        "spec": {"schedulerName": "berth",
            "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}})
}

/// A pod that VolumeBinding's PreFilter rejects for good.
fn without_claim() -> Value {
    let mut pod = needing("100m");
    pod["spec"]["volumes"] = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}]);
    pod
}

/// A pod for `nodes` only.
fn bound_for(mut pod: Value, nodes: &[&str]) -> Value {
    let field = |name| json!({"key": "metadata.name", "operator": "In", "values": [name]});
    let terms: Vec<Value> =
        nodes.iter().map(|name| json!({"matchFields": [field(name)]})).collect();
    let terms = json!({"nodeSelectorTerms": terms});
    pod["spec"]["affinity"] =
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}});
    pod
}

const NO_CLAIM: &str = "0/3 nodes are available: persistentvolumeclaim \"x\" not found.";
const NO_CPU: &str = "0/3 nodes are available: 3 Insufficient cpu.";

#[test]
fn dynamic_resources_says_not_found_where_its_pre_filter_was_not_asked() {
    for (plugins, suffix) in [
        ("{}", " not found"),
        ("{multiPoint: {disabled: [{name: DynamicResources}]}}", ""),
        ("{postFilter: {disabled: [{name: DynamicResources}]}}", ""),
        ("{postFilter: {disabled: [{name: DefaultPreemption}]}}", " not found"),
        // Its error is the last word, whoever spoke before it.
        ("{postFilter: {enabled: [{name: DefaultPreemption}]}}", " not found"),
        // It comes before VolumeBinding.
        ("{preFilter: {enabled: [{name: DynamicResources}]}}", ""),
        ("{preFilter: {enabled: [{name: VolumeBinding}, {name: DynamicResources}]}}", " not found"),
        ("{preFilter: {disabled: [{name: DynamicResources}]}}", " not found"),
    ] {
        let expected = format!("{NO_CLAIM}{suffix}");
        assert_eq!(message(plugins, &without_claim()), expected, "{plugins}");
    }
}

#[test]
fn dynamic_resources_without_a_pre_filter_fails_for_every_pod_that_fits_nowhere() {
    assert_eq!(message("{}", &needing("2")), NO_CPU);
    let without = "preFilter: {disabled: [{name: DynamicResources}]}";
    let failed = format!("{NO_CPU} not found");
    assert_eq!(message(&format!("{{{without}}}"), &needing("2")), failed);
    let preempting =
        format!("{{{without}, postFilter: {{enabled: [{{name: DefaultPreemption}}]}}}}");
    assert_eq!(message(&preempting, &needing("2")), failed);
    // Where preemption finds victims it succeeds, and the failing plugin is not asked.
    let lesser = message(&preempting, &bound_for(needing("500m"), &["c"]));
    let expected = "0/3 nodes are available: 1 Insufficient cpu, \
                    2 node(s) didn't satisfy plugin(s) [NodeAffinity].";
    assert_eq!(lesser, expected);
}

#[test]
fn nodes_left_out_are_counted_under_the_plugins_known_when_they_were_left_out() {
    let pod = bound_for(needing("2"), &["a", "b"]);
    let left_out = "1 node(s) didn't satisfy plugin(s)";
    assert_eq!(
        message("{}", &pod),
        format!("0/3 nodes are available: {left_out} [NodeAffinity], 2 Insufficient cpu.")
    );
    // The node that the pod is promised is judged before the others are left out.
    let mut promised = pod;
    promised["status"] = json!({"nominatedNodeName": "b"});
    assert_eq!(
        message("{}", &promised),
        format!(
            "0/3 nodes are available: {left_out} [NodeAffinity NodeResourcesFit], \
             2 Insufficient cpu."
        )
    );
}

/// A claim that VolumeBinding finds bound, and its volume.
fn bound_claim() -> [Value; 2] {
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": "volume"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany"],
            "nfs": {"server": "s", "path": "/"},
            "claimRef": {"namespace": "d", "name": "x"}}});
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "x", "namespace": "d",
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"accessModes": ["ReadWriteMany"], "storageClassName": "",
            "volumeName": "volume", "resources": {"requests": {"storage": "1Gi"}}}});
    [volume, claim]
}

#[test]
fn pods_are_ranked_by_a_profile_as_it_runs() {
    let bound = |objects: &[Value]| {
        let (engine, effects) = step("{}", objects);
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Bind { .. })), "{effects:?}");
        engine.rankings().answers()
    };
    assert_eq!(bound(&[needing("1")]), 1);
    let [volume, claim] = bound_claim();
    assert_eq!(bound(&[volume, claim, without_claim()]), 1, "all its claims are bound");
}
