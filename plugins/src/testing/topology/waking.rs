//! What opens a node far from where it happens wakes the pods that wait, and nothing else does.

use std::sync::Arc;

use berth_engine::record::{NamespaceRecord, ObjectKey};
use berth_engine::{Change, Config, Effect, Engine, Input, Object};

use super::{labels, node, pod};
use crate::default_profile;

/// One object of the notation, `bound UID NODE …` for a pod with an identity, and `drop UID`.
fn input(line: &str) -> Input {
    let (kind, rest) = line.trim().split_once(' ').unwrap();
    let (name, words) = rest.split_once(' ').unwrap_or((rest, ""));
    match kind {
        "node" => Input::NodeApplied(Arc::new(node(name, words))),
        "ns" => {
            let namespace = NamespaceRecord { name: name.into(), labels: labels(words) };
            Input::Object(Box::new(Object::Namespace(namespace)), Change::Applied)
        }
        "bound" => {
            let (on, words) = words.split_once(' ').unwrap_or((words, ""));
            let mut pod = pod(name, words);
            pod.node_name = Some(on.into());
            Input::PodApplied(Box::new(pod))
        }
        "pod" => Input::PodApplied(Box::new(pod("waiting", rest))),
        "drop" => Input::PodDeleted { key: ObjectKey::new("default", name), uid: name.into() },
        kind => panic!("{kind}"),
    }
}

/// Whether the waiting pod is bound after `event`, at once.
fn wakes(cluster: &str, event: &str) -> bool {
    let mut engine = Engine::new(None);
    let profile = Arc::new(default_profile("").unwrap());
    let config = Config { profiles: vec![profile], ..Config::default() };
    let mut inputs = vec![Input::Config(Arc::new(config))];
    inputs.extend(cluster.lines().filter(|l| !l.trim().is_empty()).map(input));
    let mut effects = Vec::new();
    engine.step(inputs, 0, &mut effects, &mut ());
    let is_bind = |e: &Effect| matches!(e, Effect::Bind { .. });
    assert!(!effects.iter().any(is_bind), "{cluster} has room from the start");
    effects.clear();
    let turn = engine.step([input(event)], 1, &mut effects, &mut ());
    let bound = effects.iter().any(is_bind);
    // No attempt is made for nothing.
    assert_eq!(turn.attempts, usize::from(bound), "{event}");
    bound
}

fn check(clusters: &str, events: &[(&str, bool)]) {
    for (event, woken) in events {
        let cluster = format!("node a zone=1 host=a\nnode b zone=2 host=b\n{clusters}");
        assert_eq!(wakes(&cluster, event), *woken, "{cluster}: {event}");
    }
}

#[test]
fn what_pods_keep_apart_is_read_anew() {
    check(
        "bound p b app=x\nbound q a app=y\npod shun:app~zone",
        &[
            ("drop p", true),
            ("bound p b tier=1", true),
            ("bound p b app=y", false),
            ("node a zone=3 host=a", false),
            ("bound p b app=x terminating", false),
        ],
    );
    // The pod that keeps zone 1 closed moves away with its node.
    let moving = "node c zone=1\nbound p c app=x\nbound q b app=x\npod shun:app~zone";
    check(moving, &[("node c zone=2", true), ("node c zone=1 rack=2", false)]);
    let namespaces = "ns other team=y\nbound p a shun:*~zone~in:team=y\n\
                      bound q b shun:*~zone~in:team=y\npod @other";
    check(namespaces, &[("ns other team=z", true), ("ns other team=y size=3", false)]);
}

#[test]
fn what_pods_look_for_is_read_anew() {
    check("pod join:app~zone", &[("bound p a app=x", true), ("bound p a tier=1", false)]);
    let labels = "node c\nbound p c app=x\npod join:app~zone";
    check(labels, &[("node c zone=2", true), ("node c rack=2", false)]);
    let either = "bound p b app=x\nbound q b\npod join:!app~zone shun:app~zone";
    // Where the last match is gone, the pod, its own match, may be the first.
    check(either, &[("bound r a", true), ("bound r b", false), ("bound q b app=y", true)]);
    let namespaces = "ns other team=y\nbound p a app=x @other\npod join:app~zone~in:team=z";
    check(namespaces, &[("ns other team=z", true), ("ns other team=q", false)]);
}

#[test]
fn domains_are_counted_anew() {
    let emptiest = "node b zone=2 taint:t\nbound p a app=x\npod app=x spread:1:zone:app=x";
    check(
        emptiest,
        &[
            // Nobody can go to b; as long as it is empty, nobody can go to a.
            ("bound q b app=x", true),
            ("bound q b app=y", false),
            ("bound p a app=x terminating", true),
            ("bound p a app=y", true),
            ("bound p a app=x rev=2", false),
            ("node b taint:t", true),
        ],
    );
    let third = "node c zone=3 taint:t\nbound p a app=x\nbound q b app=x\n\
                 pod app=x spread:1:zone:app=x";
    check(third, &[("node c taint:t", true), ("node c zone=4 taint:t", false)]);
    let few =
        "node b taint:t\nbound p a app=x\nbound q b app=x\npod app=x spread:1:zone:app=x:min=2";
    check(few, &[("node b zone=2 taint:t", true), ("node b zone=1 taint:t", false)]);
    for (policy, opens) in [(":honor-taints", true), ("", false)] {
        let taints = format!(
            "node a in=1 zone=1\nnode b in=1 zone=2\nnode c zone=3\nbound p a app=x\n\
             bound q b app=x\npod app=x select:in=1 spread:1:zone:app=x:ignore-affinity{policy}"
        );
        check(&taints, &[("node c zone=3 taint:t", opens)]);
    }
}
