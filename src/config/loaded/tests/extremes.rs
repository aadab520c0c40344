//! Numbers at the ends of what a configuration may say: no arithmetic overflows, what is for ever
//! lasts for ever, and weights of any size choose as the plain scan does.

use berth_engine::{BindOutcome, Control, Effect, Engine, Input, Method};
use serde_json::json;

use crate::config;
use crate::watch::decode_object;

const HEAD: &str = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";

/// An engine of this configuration with nodes of 1 to 4 CPUs.
fn engine(more: &str) -> Engine {
    let registry = berth_plugins::in_tree().unwrap();
    let loaded = config::load(&format!("{HEAD}{more}"), "f", &registry).unwrap();
    let mut inputs = vec![Input::Config(loaded.engine_config(true).unwrap().into())];
    inputs.extend((1..=4).map(|cpu| {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {
                "name": format!("n{cpu}"), "labels": {"disk": "fast", "zone": cpu.to_string()}},
            "status": {"allocatable": {"cpu": cpu.to_string(), "memory": "8Gi", "pods": "10"}}});
        decode_object(node.to_string().as_bytes()).unwrap()
    }));
    let mut engine = Engine::new(None);
    engine.step(inputs, 1_000, &mut Vec::new(), &mut ());
    engine
}

fn pod(name: &str) -> Input {
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "d", "uid": name, "labels": {"app": "a"}},
        "spec": {"schedulerName": "berth", "containers": [
            {"name": "c", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}]}});
    decode_object(pod.to_string().as_bytes()).unwrap()
}

/// How often a pod is attempted in ten minutes whose binds all fail, looked at ten times a second.
fn attempts(initial: i64, max: i64) -> usize {
    let mut engine = engine(&format!(
        "podInitialBackoffSeconds: {initial}\npodMaxBackoffSeconds: {max}\n\
         profiles: [{{schedulerName: berth}}]\n"
    ));
    let (mut inputs, mut attempts) = (vec![pod("p")], 0);
    for tenth in 0..6_000 {
        let mut effects = Vec::new();
        let turn =
            engine.step(std::mem::take(&mut inputs), 2_000 + tenth * 100, &mut effects, &mut ());
        assert!(!turn.more);
        for effect in effects {
            if let Effect::Bind { cycle, .. } = effect {
                attempts += 1;
                let outcome = BindOutcome::Throttled("not now".to_owned());
                inputs.push(Input::BindOutcome { cycle, outcome });
            }
        }
    }
    attempts
}

#[test]
fn a_backoff_of_any_length_is_kept() {
    // Waits of 1, 2, 4, … 256 s, cut to whole seconds.
    assert_eq!(attempts(1, i64::MAX), 10);
    assert_eq!(attempts(i64::MAX, i64::MAX), 1);
    assert_eq!(attempts(i64::MAX / 1_000, i64::MAX), 1);
    assert_eq!(attempts(1, 1), 300);
}

/// Where ten pods go, by the rankings or by the plain scan.
fn placed(more: &str, method: Method) -> Vec<String> {
    let mut engine = engine(more);
    let mut effects = Vec::new();
    let mut inputs = vec![Input::Control(Control::Method(method))];
    inputs.extend((0..10).map(|i| pod(&format!("p{i}"))));
    engine.step(inputs, 2_000, &mut effects, &mut ());
    let bind = |effect: &Effect| match effect {
        Effect::Bind { pod, node, decision, .. } => {
            Some(format!("{} {node} {}", pod.key.name, decision.score))
        }
        _ => None,
    };
    effects.iter().filter_map(bind).collect()
}

#[test]
fn weights_at_the_ends_choose_as_the_plain_scan() {
    let with = |plugins: &str| {
        format!(
            "parallelism: 2147483647\nclientConnection: {{qps: 3.4e38, burst: 2147483647}}\n\
             profiles: [{{schedulerName: berth, plugins: {plugins}, \
             pluginConfig: [\
             {{name: InterPodAffinity, args: {{hardPodAffinityWeight: 100}}}}, \
             {{name: NodeAffinity, args: {{addedAffinity: {{\
             preferredDuringSchedulingIgnoredDuringExecution: [{{weight: 100, preference: \
             {{matchExpressions: [{{key: disk, operator: Exists}}]}}}}]}}}}}}, \
             {{name: VolumeBinding, args: {{bindTimeoutSeconds: 9223372036854775807}}}}, \
             {{name: PodTopologySpread, args: {{defaultingType: List, defaultConstraints: \
             [{{maxSkew: 2147483647, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}}]}}}}]}}]\n"
        )
    };
    let score = |weights: &str| format!("{{score: {{enabled: [{weights}]}}}}");
    // A weight below 0 passes where it comes last.
    let alone = |weights: &str| {
        format!(
            "{{multiPoint: {{disabled: [{{name: '*'}}], enabled: [\
             {{name: PrioritySort}}, {{name: DefaultBinder}}, {weights}]}}}}"
        )
    };
    for weights in [
        score("{name: NodeResourcesFit, weight: 2147483647}"),
        score(
            "{name: NodeResourcesFit, weight: 2147483647}, \
             {name: NodeResourcesBalancedAllocation, weight: 2147483647}, \
             {name: TaintToleration, weight: 2147483647}",
        ),
        alone("{name: ImageLocality, weight: 100}, {name: NodeResourcesFit, weight: -1}"),
        alone(
            "{name: TaintToleration, weight: 2147483647}, \
             {name: NodeResourcesFit, weight: -2147483648}",
        ),
    ] {
        let text = with(&weights);
        let (ranked, scanned) = (placed(&text, Method::Class), placed(&text, Method::Scan));
        assert_eq!(ranked.len(), 10, "{weights}");
        assert_eq!(ranked, scanned, "{weights}");
    }
}
