#![allow(clippy::unwrap_used)]

use berth_engine::base::Sym;
use berth_engine::framework::{Cause, Reason};
use serde_json::json;

use super::*;
use crate::testing::TopologyScene;

const NODES: &str = "node a zone=1 host=a\nnode b zone=1 host=b\n\
                     node x zone=2 host=x\nnode y zone=2 host=y\n";

fn system() -> PodTopologySpread {
    PodTopologySpread::new(PodTopologySpreadArgs::default())
}

fn listed(constraints: &serde_json::Value) -> PodTopologySpread {
    let args = json!({ "defaultingType": "List", "defaultConstraints": constraints });
    PodTopologySpread::new(serde_json::from_value(args).unwrap())
}

fn scene(text: &str) -> TopologyScene {
    TopologyScene::parse(&format!("{NODES}{text}"))
}

fn check_filter(text: &str, expected: &str) {
    assert_eq!(scene(text).filter(&system()), expected, "{text}");
}

/// `foo` pods on the nodes, as many as are counted out.
fn foos(counts: &[(&str, usize)]) -> String {
    let all = counts.iter().flat_map(|(node, n)| std::iter::repeat_n(node, *n));
    all.map(|node| format!("\non {node} foo=")).collect()
}

#[test]
fn one_hard_constraint() {
    // Cases of TestSingleConstraint.
    check_filter("pod foo=", "skip");
    check_filter("pod foo= spread:1:zone:foo:soft", "skip");
    check_filter("pod foo= spread:1:zone:foo", "a+ b+ x+ y+");
    check_filter("pod foo= spread:1:zone:bar", "a+ b+ x+ y+");
    let elsewhere = "\non a foo= @ns1\non a foo= @ns2\non x foo=\non y foo=";
    check_filter(&format!("pod foo= spread:1:zone:foo{elsewhere}"), "a+ b+ x- y-");
    check_filter("pod foo= spread:1:zone:-\non x foo=\non y foo=", "a+ b+ x+ y+");
    let three = foos(&[("a", 2), ("b", 1), ("y", 3)]);
    check_filter(&format!("pod foo= spread:1:zone:foo{three}"), "a+ b+ x+ y+");
    check_filter(&format!("pod foo= spread:1:host:foo{three}"), "a- b- x+ y-");
    check_filter(&format!("pod foo= spread:2:host:foo{three}"), "a- b+ x+ y-");
    check_filter(&format!("pod bar= spread:1:host:foo{three}"), "a- b+ x+ y-");
    check_filter("pod foo= spread:1:rack:foo", "a! b! x! y!");
    check_filter("pod foo= spread:1:host:foo\non a foo= terminating\non b foo=", "a+ b- x+ y+");
    // An empty selector counts nobody, and the pod itself.
    check_filter("pod spread:1:host:*\non a foo=\non a foo=", "a+ b+ x+ y+");
    // A node without the label is in no domain, and its pods are not counted.
    let off = format!("node z host=z\npod foo= spread:1:zone:foo{}", foos(&[("z", 3), ("a", 1)]));
    check_filter(&off, "a- b- x+ y+ z!");
    let skew = |constraint, pods| Cause::Skew { constraint, pods, least: 0 };
    for (text, words, cause) in [
        ("pod foo= spread:1:rack:foo", &REASON_LABEL, Cause::NoLabel(Sym::NONE)),
        ("pod foo= spread:1:host:foo\non a foo=", &REASON, skew(0, 1)),
        ("pod foo= spread:9:zone:foo spread:1:host:foo\non a foo=\non a foo=", &REASON, skew(1, 2)),
    ] {
        let verdicts = scene(text).verdicts(&system(), &State::default());
        let reason = Reason::new(words, cause);
        assert_eq!(verdicts.first().map(Verdict::reasons), Some(&[reason][..]), "{text}");
    }
}

#[test]
fn domains_below_the_least_number_are_empty_ones() {
    let one = foos(&[("a", 1), ("x", 1)]);
    for (min, expected) in [(1, "a+ b+ x+ y+"), (2, "a+ b+ x+ y+"), (3, "a- b- x- y-")] {
        check_filter(&format!("pod foo= spread:1:zone:foo:min={min}{one}"), expected);
    }
    check_filter("pod foo= select:disk=ssd spread:1:zone:foo:min=1", "a+ b+ x+ y+");
}

#[test]
fn nodes_that_are_out_of_question_count_only_where_told() {
    // x has none: it pulls the minimum down unless the pod cannot go there anyway.
    let text = |words: &str, node: &str| {
        format!(
            "node q {node}host=q\npod foo= {words}{}",
            foos(&[("a", 1), ("b", 1), ("x", 1), ("y", 1)])
        )
    };
    // Only q is included: the pods elsewhere are in no domain that counts.
    let select = "select:gpu=1 spread:1:host:foo";
    assert_eq!(scene(&text(select, "gpu=1 ")).filter(&system()), "a+ b+ x+ y+ q+");
    // Nothing is included: no domains, and so a minimum of 0.
    assert_eq!(scene(&text(select, "")).filter(&system()), "a+ b+ x+ y+ q+");
    let ignore = "select:gpu=1 spread:1:host:foo:ignore-affinity";
    assert_eq!(scene(&text(ignore, "")).filter(&system()), "a- b- x- y- q+");
    // "incoming pod has nodeAffinity, pods spread as 2/~1~/~0~/3, hence node-a fits": those that
    // are not included fail NodeAffinity.
    let nodes = "node a in=1 host=a\nnode b host=b\nnode x host=x\nnode y in=1 host=y\n";
    let counts = foos(&[("a", 2), ("b", 1), ("y", 3)]);
    let text_of = format!("{nodes}pod foo= select:in=1 spread:1:host:foo{counts}");
    assert_eq!(TopologyScene::parse(&text_of).filter(&system()), "a+ b+ x+ y-");
    assert_eq!(scene(&text("spread:1:host:foo", "taint:t ")).filter(&system()), "a- b- x- y- q+");
    let honor = "spread:1:host:foo:honor-taints";
    assert_eq!(scene(&text(honor, "taint:t ")).filter(&system()), "a+ b+ x+ y+ q+");
    let tolerated = "tolerate:t spread:1:host:foo:honor-taints";
    assert_eq!(scene(&text(tolerated, "taint:t ")).filter(&system()), "a- b- x- y- q+");
}

#[test]
fn several_hard_constraints_count_nodes_with_all_keys() {
    let spread = "spread:1:zone:foo spread:1:host:foo";
    let text = format!("pod foo= {spread}{}", foos(&[("a", 1), ("b", 1), ("y", 1)]));
    check_filter(&text, "a- b- x+ y-");
    let text = format!("node z zone=3\npod foo= {spread}{}", foos(&[("a", 1), ("x", 1)]));
    // z, without a host name, makes no zone.
    check_filter(&text, "a- b+ x- y+ z!");
}

#[test]
fn match_label_keys_ask_for_the_pods_own_values() {
    let others = "\non a app=x rev=1\non a app=x rev=1\non x app=x rev=2";
    let text = |keys: &str| format!("pod app=x rev=2 spread:1:zone:app=x{keys}{others}");
    check_filter(&text(""), "a- b- x+ y+");
    check_filter(&text(":keys=rev"), "a+ b+ x- y-");
    check_filter(&text(":keys=rev+absent"), "a+ b+ x- y-");
    // An absent selector stays one that matches nothing.
    check_filter(&format!("pod rev=2 spread:1:zone:-:keys=rev{others}"), "a+ b+ x+ y+");
}

#[test]
fn soft_constraints_prefer_emptier_domains() {
    // Cases of TestPodTopologySpreadScore.
    let check = |pod: &str, counts: &[(&str, usize)], infeasible: &[&str], expected: &str| {
        let text = format!("pod foo= {pod}{}", foos(counts));
        assert_eq!(scene(&text).scores(&system(), infeasible), expected, "{text}");
    };
    check("", &[], &[], "skip");
    check("spread:1:host:foo", &[], &[], "skip");
    check("spread:1:host:foo:soft", &[("a", 2), ("b", 1), ("y", 3)], &[], "a:20 b:60 x:100 y:0");
    check("spread:1:host:-:soft", &[("a", 2), ("b", 1)], &[], "a:100 b:100 x:100 y:100");
    check("spread:2:host:foo:soft", &[("a", 2), ("b", 1), ("y", 3)], &[], "a:33 b:66 x:100 y:16");
    let four = [("a", 4), ("b", 3), ("x", 2), ("y", 1)];
    check("spread:3:host:foo:soft", &four, &[], "a:44 b:66 x:77 y:100");
    let three = [("a", 4), ("b", 2), ("x", 1), ("y", 3)];
    check("spread:1:host:foo:soft", &three, &["y"], "a:33 b:83 x:100");
    check("spread:1:zone:foo:soft", &three, &["y"], "a:75 b:75 x:100");
    check("spread:1:rack:foo:soft", &three, &[], "a:0 b:0 x:0 y:0");
}

#[test]
fn nodes_without_a_key_are_ignored_except_with_system_defaults() {
    let nodes = "node a host=a\nnode b n=b\nnode x host=x\nnode y host=y\n";
    let counts = foos(&[("a", 4), ("b", 2), ("x", 1), ("y", 3)]);
    let text = format!("{nodes}pod foo= spread:1:host:foo:soft{counts}");
    assert_eq!(TopologyScene::parse(&text).scores(&system(), &["y"]), "a:16 b:0 x:100");
    // "system defaulting, nodes don't have zone, pods match service"
    let nodes = "node a host=a\nnode b host=b\nnode c host=c\nnode d host=d\n";
    let counts = foos(&[("a", 4), ("b", 3), ("c", 2), ("d", 1)]);
    let text = format!("{nodes}service default/s foo=\npod foo={counts}");
    assert_eq!(TopologyScene::parse(&text).scores(&system(), &[]), "a:44 b:66 c:77 d:100");
    let zone = json!([{ "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
                        "whenUnsatisfiable": "ScheduleAnyway" }]);
    assert_eq!(TopologyScene::parse(&text).scores(&listed(&zone), &[]), "a:0 b:0 c:0 d:0");
}

#[test]
fn default_constraints_select_as_services_and_owners_do() {
    let hard = json!([{ "maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
                        "whenUnsatisfiable": "DoNotSchedule" }]);
    let plugin = listed(&hard);
    assert!(plugin.reads().intersects(Reads::SELECTOR_OWNERS));
    assert!(!system().reads().intersects(Reads::SELECTOR_OWNERS));
    let others = "\non a app=x tier=1\non b app=x\non x tier=1";
    for (text, expected) in [
        ("pod app=x tier=1", "skip"),
        ("service default/s app=x\npod app=x tier=1", "a- b- x+ y+"),
        ("service other/s app=x\npod app=x tier=1", "skip"),
        ("service default/s app=y\npod app=x tier=1", "skip"),
        ("service default/s\npod app=x tier=1", "skip"),
        ("service default/s app=x\nservice default/t tier=1\npod app=x tier=1", "a- b+ x+ y+"),
        ("replicaset default/r app=x\npod app=x owner:apps/v1:ReplicaSet:r", "a- b- x+ y+"),
        ("statefulset default/r tier=1\npod tier=1 owner:apps/v1:StatefulSet:r", "a- b+ x- y+"),
        ("rc default/r app=x\npod app=x owner:v1:ReplicationController:r", "a- b- x+ y+"),
        (
            "service default/s app=x\nreplicaset default/r tier=1\n\
          pod app=x tier=1 owner:apps/v1:ReplicaSet:r",
            "a- b+ x+ y+",
        ),
        // Other owners, of other groups or names, and those of other namespaces.
        ("replicaset default/r app=x\npod app=x owner:apps/v1:ReplicaSet:q", "skip"),
        ("replicaset other/r app=x\npod app=x owner:apps/v1:ReplicaSet:r", "skip"),
        ("statefulset default/r app=x\npod app=x owner:kruise.io/v1:StatefulSet:r", "skip"),
        ("replicaset default/r app=x\npod app=x owner:batch/v1:Job:r", "skip"),
        // The owner need not select the pod; the pod's own constraints win.
        ("replicaset default/r app=x\npod owner:apps/v1:ReplicaSet:r", "a+ b+ x+ y+"),
        ("service default/s app=x\npod app=x spread:9:zone:app", "a+ b+ x+ y+"),
    ] {
        assert_eq!(scene(&format!("{text}{others}")).filter(&plugin), expected, "{text}");
    }
}

#[test]
fn unsound_selectors_end_the_attempt() {
    let said = scene("pod spread:1:zone:app={{bad}}").filter(&system());
    let text = "Broken(\"get constraints from pod: obtaining pod's hard topology spread \
                constraints: values[0][app]: Invalid value";
    assert!(said.starts_with(text), "{said}");
    let said = scene("pod spread:1:zone:app={{bad}}:soft").scores(&system(), &[]);
    let text = "calculating preScoreState: obtaining pod's soft topology spread constraints: ";
    assert!(said.starts_with(text), "{said}");
}

#[test]
fn marks_tell_apart_what_verdicts_tell_apart() {
    let mark = |words: &str| scene(&format!("pod {words}")).mark(&system());
    assert_eq!(mark("index=1"), 0);
    let spread = "spread:1:zone:app=x:keys=rev";
    let of = |labels: &str| mark(&format!("{labels} {spread}"));
    assert_eq!(of("app=x rev=1 index=1"), of("app=x rev=1 index=2"));
    assert_ne!(of("app=x rev=1"), of("app=x rev=2"));
    assert_ne!(of("app=x rev=1"), of("app=y rev=1"));
}
