//! The pods of a round.

use serde_json::{Value, json};

use super::Step;
use super::cluster::{IMAGES, NAMESPACES, NODES, node_name};
use super::draw::Draw;
use super::shapes::{self, SHAPES};

/// Pods that run already.
const ASSIGNED: usize = 90;

/// The pods that run already.
pub fn running(draw: &mut Draw) -> Vec<Value> {
    (0..ASSIGNED).map(|index| assigned(draw, index)).collect()
}

/// A pod that runs already, with what weighs on the pods to come: labels, ports, and terms that
/// keep others away or draw them near.
fn assigned(draw: &mut Draw, index: usize) -> Value {
    let mut pod = plain(draw, &format!("running-{index:02}"));
    match draw.below(8) {
        0 => shapes::host_port(draw, &mut pod),
        1 => shapes::anti_affinity(draw, &mut pod),
        2 => shapes::preferred_pods(draw, &mut pod),
        3 => shapes::affinity(draw, &mut pod),
        4 => shapes::disk(draw, &mut pod),
        _ => {}
    }
    pod["spec"]["nodeName"] = json!(node_name(draw.below(NODES)));
    pod
}

/// The pods to try: every shape in turn, most with a second one drawn.
pub fn steps(draw: &mut Draw, count: usize) -> Vec<Step> {
    (0..count).map(|index| step(draw, index)).collect()
}

fn step(draw: &mut Draw, index: usize) -> Step {
    let mut pod = plain(draw, &format!("pod-{index:03}"));
    let (name, apply) = SHAPES[index % SHAPES.len()];
    apply(draw, &mut pod);
    let mut shape = name.to_owned();
    if draw.chance(60) {
        let (name, apply) = draw.pick(&SHAPES);
        // Twice the same would repeat a list entry, which the API server refuses for some.
        if name != shape {
            apply(draw, &mut pod);
            shape = format!("{shape}+{name}");
        }
    }
    let held_for = if draw.chance(8) { draw.between(1, 5) } else { 0 };
    if held_for > 0 {
        pod["spec"]["schedulingGates"] = json!([{"name": "example.com/quota"}]);
        shape.push_str("+gate");
    }
    Step { shape, pod, held_for }
}

/// A pod that asks for a little; labels are drawn so that selectors match some pods.
fn plain(draw: &mut Draw, name: &str) -> Value {
    let mut requests = json!({});
    if draw.chance(85) {
        requests["cpu"] = json!(draw.pick(&["50m", "100m", "250m", "500m", "1"]));
        requests["memory"] = json!(draw.pick(&["64Mi", "256Mi", "500M", "1Gi"]));
    }
    let container = json!({"name": "main", "image": draw.pick(&IMAGES).0,
        "resources": {"requests": requests}});
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": draw.pick(&NAMESPACES), "labels": {
            "app": draw.pick(&["a", "b", "c", "d"]), "track": draw.pick(&["stable", "canary"])}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}})
}
