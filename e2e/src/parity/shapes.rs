//! What a pod of a round may ask for: one function for each thing, together all plugins.

use serde_json::{Value, json};

use super::cluster::{CLAIMS, NODES, node_name};
use super::draw::Draw;

/// A thing to ask for: it changes a pod.
pub type Shape = fn(&mut Draw, &mut Value);

/// All of them, by name.
pub const SHAPES: [(&str, Shape); 20] = [
    ("resources", resources),
    ("extended", extended),
    ("init", init_containers),
    ("port", host_port),
    ("selector", node_selector),
    ("node-affinity", node_affinity),
    ("preferred-nodes", preferred_nodes),
    ("toleration", toleration),
    ("image", image),
    ("affinity", affinity),
    ("anti-affinity", anti_affinity),
    ("preferred-pods", preferred_pods),
    ("spread", spread),
    ("soft-spread", soft_spread),
    ("claim", claim),
    ("lost-claim", lost_claim),
    ("disk", disk),
    ("never", never),
    ("many-domains", many_domains),
    ("nothing", |_, _| {}),
];

const ZONE: &str = "topology.kubernetes.io/zone";
const HOST: &str = "kubernetes.io/hostname";

fn add(list: &mut Value, item: Value) {
    match list.as_array_mut() {
        Some(items) => items.push(item),
        None => *list = json!([item]),
    }
}

fn resources(draw: &mut Draw, pod: &mut Value) {
    pod["spec"]["containers"][0]["resources"]["requests"] = json!({
        "cpu": draw.pick(&["1", "2500m", "4", "7"]),
        "memory": draw.pick(&["1Gi", "4Gi", "9Gi", "14Gi"]),
        "ephemeral-storage": draw.pick(&["1Gi", "15Gi", "60Gi"]),
    });
}

fn extended(draw: &mut Draw, pod: &mut Value) {
    let count = draw.pick(&["1", "1", "2", "3"]);
    pod["spec"]["containers"][0]["resources"]["limits"]["example.com/gpu"] = json!(count);
    pod["spec"]["containers"][0]["resources"]["requests"]["example.com/gpu"] = json!(count);
}

fn init_containers(draw: &mut Draw, pod: &mut Value) {
    for index in 0..draw.between(1, 3) {
        let mut container = json!({"name": format!("init-{index}"), "image": "init",
            "resources": {"requests": {"cpu": draw.pick(&["100m", "2", "3500m"]),
                "memory": draw.pick(&["100Mi", "5Gi"])}}});
        if draw.chance(50) {
            container["restartPolicy"] = json!("Always");
        }
        add(&mut pod["spec"]["initContainers"], container);
    }
}

/// Asks for a port of the host.
pub fn host_port(draw: &mut Draw, pod: &mut Value) {
    let port = draw.pick(&[8080, 9090]);
    let mut entry = json!({"containerPort": port, "hostPort": port,
        "protocol": draw.pick(&["TCP", "TCP", "UDP"])});
    if draw.chance(40) {
        entry["hostIP"] = json!(draw.pick(&["10.0.0.1", "127.0.0.1", "0.0.0.0"]));
    }
    add(&mut pod["spec"]["containers"][0]["ports"], entry);
}

fn node_selector(draw: &mut Draw, pod: &mut Value) {
    pod["spec"]["nodeSelector"]["disk"] = json!(draw.pick(&["ssd", "hdd", "nvme", "tape"]));
    if draw.chance(30) {
        pod["spec"]["nodeSelector"][ZONE] = json!("zone-1");
    }
}

fn node_expression(draw: &mut Draw) -> Value {
    match draw.below(6) {
        0 => json!({"key": "disk", "operator": "In", "values": ["ssd", "nvme"]}),
        1 => json!({"key": "disk", "operator": "NotIn", "values": ["hdd"]}),
        2 => json!({"key": "disk", "operator": "Exists"}),
        3 => json!({"key": "disk", "operator": "DoesNotExist"}),
        4 => json!({"key": "cores", "operator": "Gt", "values": ["4"]}),
        _ => json!({"key": "cores", "operator": "Lt", "values": ["16"]}),
    }
}

fn node_affinity(draw: &mut Draw, pod: &mut Value) {
    let mut terms = Vec::new();
    for _ in 0..draw.between(1, 2) {
        let expressions = [node_expression(draw), node_expression(draw)];
        terms.push(json!({"matchExpressions": expressions}));
    }
    if draw.chance(25) {
        let values = [node_name(draw.below(NODES))];
        let field = json!({"key": "metadata.name", "operator": "In", "values": values});
        terms = vec![json!({"matchFields": [field]})];
    }
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    pod["spec"]["affinity"]["nodeAffinity"][required] = json!({"nodeSelectorTerms": terms});
}

fn preferred_nodes(draw: &mut Draw, pod: &mut Value) {
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for _ in 0..draw.between(1, 3) {
        let term = json!({"weight": draw.between(1, 100),
            "preference": {"matchExpressions": [node_expression(draw)]}});
        add(&mut pod["spec"]["affinity"]["nodeAffinity"][preferred], term);
    }
}

fn toleration(draw: &mut Draw, pod: &mut Value) {
    let one = match draw.below(5) {
        0 => json!({"operator": "Exists"}),
        1 => json!({"key": "dedicated", "operator": "Equal", "value": "batch",
            "effect": "NoSchedule"}),
        2 => json!({"key": "dedicated", "operator": "Exists"}),
        3 => json!({"key": "spot", "operator": "Exists", "effect": "PreferNoSchedule"}),
        _ => json!({"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}),
    };
    add(&mut pod["spec"]["tolerations"], one);
}

fn image(draw: &mut Draw, pod: &mut Value) {
    let second = json!({"name": "second", "image": draw.pick(&super::cluster::IMAGES).0});
    add(&mut pod["spec"]["containers"], second);
}

fn pod_term(draw: &mut Draw, keys: &[&str]) -> Value {
    let mut term = json!({"topologyKey": draw.pick(keys),
        "labelSelector": {"matchLabels": {"app": draw.pick(&["a", "b", "c", "d"])}}});
    match draw.below(5) {
        0 => term["namespaceSelector"] = json!({}),
        1 => term["namespaceSelector"] = json!({"matchLabels": {"team": "blue"}}),
        2 => term["namespaces"] = json!(["green"]),
        3 => term["matchLabelKeys"] = json!(["track"]),
        _ => {}
    }
    term
}

/// Must be near pods.
pub fn affinity(draw: &mut Draw, pod: &mut Value) {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let term = pod_term(draw, &[ZONE, ZONE, HOST]);
    add(&mut pod["spec"]["affinity"]["podAffinity"][required], term);
}

/// Must be away from pods.
pub fn anti_affinity(draw: &mut Draw, pod: &mut Value) {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let mut term = pod_term(draw, &[HOST, HOST, HOST, ZONE]);
    if term["topologyKey"] == ZONE {
        // A whole zone kept free of one app would leave nothing to decide for the rest.
        term["labelSelector"]["matchLabels"]["app"] = json!("e");
    }
    add(&mut pod["spec"]["affinity"]["podAntiAffinity"][required], term);
}

/// Had better be near some pods and away from others.
pub fn preferred_pods(draw: &mut Draw, pod: &mut Value) {
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for kind in ["podAffinity", "podAntiAffinity"] {
        let term = pod_term(draw, &[ZONE, HOST]);
        let weighted = json!({"weight": draw.between(1, 100), "podAffinityTerm": term});
        add(&mut pod["spec"]["affinity"][kind][preferred], weighted);
    }
}

fn constraint(draw: &mut Draw, pod: &Value, keys: &[&str], when: &str) -> Value {
    let mut one = json!({"maxSkew": draw.between(1, 3), "topologyKey": draw.pick(keys),
        "whenUnsatisfiable": when,
        "labelSelector": {"matchLabels": {"app": pod["metadata"]["labels"]["app"]}}});
    if draw.chance(25) {
        one["matchLabelKeys"] = json!(["track"]);
    }
    if draw.chance(30) {
        one["nodeAffinityPolicy"] = json!(draw.pick(&["Honor", "Ignore"]));
        one["nodeTaintsPolicy"] = json!(draw.pick(&["Honor", "Ignore"]));
    }
    one
}

fn spread(draw: &mut Draw, pod: &mut Value) {
    let mut one = constraint(draw, pod, &[ZONE, HOST], "DoNotSchedule");
    if draw.chance(30) {
        one["minDomains"] = json!(draw.pick(&[2, 3]));
    }
    add(&mut pod["spec"]["topologySpreadConstraints"], one);
}

fn soft_spread(draw: &mut Draw, pod: &mut Value) {
    for key in [ZONE, HOST] {
        let one = constraint(draw, pod, &[key], "ScheduleAnyway");
        add(&mut pod["spec"]["topologySpreadConstraints"], one);
    }
}

/// More domains wanted than there are: the least of them counts as empty. A key of its own, or the
/// API server refuses it beside the other constraints.
fn many_domains(draw: &mut Draw, pod: &mut Value) {
    let mut one = constraint(draw, pod, &["disk"], "DoNotSchedule");
    one["minDomains"] = json!(9);
    add(&mut pod["spec"]["topologySpreadConstraints"], one);
}

fn volume(pod: &mut Value, mut source: Value) {
    let count = pod["spec"]["volumes"].as_array().map_or(0, Vec::len);
    source["name"] = json!(format!("volume-{count}"));
    add(&mut pod["spec"]["volumes"], source);
}

fn claim(draw: &mut Draw, pod: &mut Value) {
    for _ in 0..draw.between(1, 2) {
        let name = format!("claim-{}", draw.below(CLAIMS));
        volume(pod, json!({"persistentVolumeClaim": {"claimName": name}}));
    }
}

fn lost_claim(draw: &mut Draw, pod: &mut Value) {
    let name = draw.pick(&["unbound", "missing"]);
    volume(pod, json!({"persistentVolumeClaim": {"claimName": name}}));
}

/// A disk in the pod itself: two writers may not share a node.
pub fn disk(draw: &mut Draw, pod: &mut Value) {
    let name = draw.pick(&["disk-a", "disk-b"]);
    let read_only = draw.chance(30);
    volume(pod, json!({"gcePersistentDisk": {"pdName": name, "readOnly": read_only}}));
}

fn never(draw: &mut Draw, pod: &mut Value) {
    let (resource, amount) =
        draw.pick(&[("cpu", "1000"), ("memory", "9Ti"), ("ephemeral-storage", "9Ti")]);
    pod["spec"]["containers"][0]["resources"]["requests"][resource] = json!(amount);
}
