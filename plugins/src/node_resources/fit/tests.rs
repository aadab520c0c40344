#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::testing::{Scene, check_filter, check_scores};
use crate::{Factory, PluginArgs};

fn plugin(args: serde_json::Value) -> NodeResourcesFit {
    let mut args: NodeResourcesFitArgs = serde_json::from_value(args).unwrap();
    args.set_defaults();
    assert_eq!(args.validate(), []);
    NodeResourcesFit::new(args)
}

#[test]
fn every_lack_is_a_reason() {
    let fit = plugin(json!({}));
    for (text, expected) in [
        ("pod cpu=2 / node a cpu=1 / node b cpu=4", "a unresolvable Insufficient cpu | b fits"),
        (
            "pod cpu=2 / node a cpu=4 / on a cpu=2001m / node b cpu=4 / on b cpu=2",
            "a unschedulable Insufficient cpu | b fits",
        ),
        (
            "pod cpu=2 memory=2Gi / node a cpu=1 memory=4Gi / on a memory=3Gi",
            "a unresolvable Insufficient cpu, Insufficient memory",
        ),
        (
            "pod / node a pods=1 / on a / node b pods=2 / on b",
            "a unschedulable Too many pods | b fits",
        ),
        ("pod / node a pods=0", "a unschedulable Too many pods"),
        ("pod cpu=0 nvidia.com/gpu=0 / node a pods=1", "a fits"),
        ("pod cpu=2 / node a cpu=1 pods=0", "a unresolvable Too many pods, Insufficient cpu"),
        (
            "pod ephemeral-storage=2Gi / node a ephemeral-storage=1Gi",
            "a unresolvable Insufficient ephemeral-storage",
        ),
        (
            "pod nvidia.com/gpu=1 hugepages-2Mi=4Mi / node a nvidia.com/gpu=1 hugepages-2Mi=4Mi \
          / on a nvidia.com/gpu=1 / node b",
            "a unschedulable Insufficient nvidia.com/gpu \
          | b unresolvable Insufficient hugepages-2Mi, Insufficient nvidia.com/gpu",
        ),
        // A resource that kube-scheduler does not count.
        ("pod gpu=1 / node a", "a fits"),
        // An over-committed node takes a pod that asks for nothing.
        ("pod / node a cpu=1 / on a cpu=5", "a fits"),
        ("pod cpu=1 / node a cpu=1 / on a cpu=5", "a unschedulable Insufficient cpu"),
        ("pod cpu=1 + cpu=1 / node a cpu=1500m", "a unresolvable Insufficient cpu"),
        ("pod cpu=3 whole.cpu=1 / node a cpu=1500m", "a fits"),
    ] {
        check_filter(&fit, text, expected);
    }
}

#[test]
fn a_rejection_says_how_much_is_asked_for_and_free() {
    let scene = Scene::parse(
        "pod cpu=2 / node a cpu=3 / on a cpu=1500m / node b cpu=9 pods=1 / on b / node c cpu=2",
    );
    let lack = Cause::Resource { resource: Dim::CPU, asked: 2_000, free: 1_500 };
    let expected = [Some(lack), Some(Cause::Pods { allowed: 1 }), None];
    assert_eq!(scene.causes(&plugin(json!({}))), expected);
}

#[test]
fn extended_resources_can_be_ignored() {
    let fit = plugin(json!({
        "ignoredResources": ["example.com/one", "hugepages-2Mi", "cpu"],
        "ignoredResourceGroups": ["vendor.io"],
    }));
    for (pod, expected) in [
        ("pod example.com/one=1", "a fits"),
        ("pod example.com/two=1", "a unresolvable Insufficient example.com/two"),
        ("pod vendor.io/x=1", "a fits"),
        ("pod sub.vendor.io/x=1", "a unresolvable Insufficient sub.vendor.io/x"),
        ("pod hugepages-2Mi=2Mi", "a unresolvable Insufficient hugepages-2Mi"),
        ("pod cpu=1", "a unresolvable Insufficient cpu"),
    ] {
        check_filter(&fit, &format!("{pod} / node a"), expected);
    }
}

#[test]
fn least_allocated_favours_the_empty() {
    let fit = plugin(json!({}));
    for (text, expected) in [
        ("pod cpu=1 memory=1Gi / node a cpu=4 memory=4Gi / node b cpu=2 memory=2Gi", "a 75 | b 50"),
        // Without requests a container counts as 100m and 200Mi, a resource that is 0 as 0.
        ("pod / node a cpu=1 memory=2000Mi", "a 90"),
        ("pod cpu=0 memory=0 / node a cpu=1 memory=2000Mi", "a 100"),
        ("pod + / node a cpu=1 memory=2000Mi / on a cpu=500m", "a 50"),
        // Pod-level requests are not seen of the incoming pod, but of those on the node.
        ("pod cpu=1 memory=0 whole.cpu=2 / node a cpu=4 memory=4Gi", "a 87"),
        ("pod cpu=0 memory=0 / node a cpu=4 memory=4Gi / on a cpu=1 memory=0 whole.cpu=2", "a 75"),
        ("pod cpu=1 / node a memory=2000Mi / node b", "a 90 | b 0"),
        ("pod cpu=5 / node a cpu=1 memory=2000Mi", "a 45"),
    ] {
        check_scores(&fit, text, expected);
    }
}

#[test]
fn the_other_strategies_and_weights_count() {
    let strategy = |strategy| plugin(json!({ "scoringStrategy": strategy }));
    let most = strategy(json!({ "type": "MostAllocated" }));
    check_scores(
        &most,
        "pod cpu=1 memory=1Gi / node a cpu=4 memory=4Gi / node b cpu=2",
        "a 25 | b 50",
    );
    let weighted = strategy(json!({ "type": "MostAllocated", "resources": [
        { "name": "cpu", "weight": 3 }, { "name": "memory" }, { "name": "nvidia.com/gpu", "weight": 0 },
    ] }));
    for (text, expected) in [
        ("pod cpu=1 memory=0 / node a cpu=2 memory=2Gi", "a 37"),
        (
            "pod cpu=1 memory=0 nvidia.com/gpu=1 / node a cpu=2 memory=2Gi nvidia.com/gpu=1 / node b cpu=2",
            "a 50 | b 50",
        ),
        ("pod cpu=1 memory=0 / node a cpu=2 memory=2Gi nvidia.com/gpu=1", "a 37"),
    ] {
        check_scores(&weighted, text, expected);
    }
    let ratio = strategy(json!({ "type": "RequestedToCapacityRatio",
        "requestedToCapacityRatio": { "shape": [
            { "utilization": 0, "score": 0 }, { "utilization": 100, "score": 10 },
        ] } }));
    check_scores(&ratio, "pod cpu=1 memory=0 / node a cpu=2 memory=2Gi", "a 50");
}

#[test]
fn a_dry_run_sees_only_the_copy_of_its_node() {
    let scene = Scene::parse("pod cpu=1 / node a cpu=1 / on a cpu=1");
    let cx = scene.context();
    let node = cx.nodes.live().iter().next().unwrap();
    let (copy, row) = cx.nodes.extract(node);
    let mut slots = vec![Verdict::Fit];
    let fit = plugin(json!({}));
    fit.filter(&cx.on(&copy), &State::default(), &[row], &mut Verdicts::new(&mut slots));
    let cause = Cause::Resource { resource: Dim::CPU, asked: 1_000, free: 0 };
    assert_eq!(slots, [Verdict::unschedulable(Reason::new(&INSUFFICIENT, cause))]);
}

#[test]
fn arguments_are_checked_with_their_paths() {
    let factory = Factory::with_args(NodeResourcesFit::new);
    let shape = |shape| {
        json!({ "scoringStrategy": { "type": "RequestedToCapacityRatio",
                "requestedToCapacityRatio": { "shape": shape } } })
    };
    for (args, paths) in [
        (json!({ "ignoredResources": ["ok", "a b"] }), &["ignoredResources[1]"][..]),
        (json!({ "ignoredResourceGroups": ["a/b"] }), &["ignoredResourceGroups[0]"]),
        (json!({ "scoringStrategy": {} }), &["scoringStrategy.type"]),
        (
            json!({ "scoringStrategy": { "type": "LeastAllocated",
                 "resources": [{ "name": "cpu", "weight": 101 }, { "weight": -1 }] } }),
            &["scoringStrategy.resources[0].weight", "scoringStrategy.resources[1].weight"],
        ),
        (
            json!({ "scoringStrategy": { "type": "RequestedToCapacityRatio" } }),
            &["scoringStrategy.requestedToCapacityRatio"],
        ),
        (
            json!({ "scoringStrategy": { "type": "LeastAllocated", "requestedToCapacityRatio": {} } }),
            &["scoringStrategy.requestedToCapacityRatio"],
        ),
        (shape(json!([])), &["scoringStrategy.requestedToCapacityRatio.shape"]),
        (
            shape(json!([{ "utilization": 50, "score": 11 }, { "utilization": 50 }])),
            &[
                "scoringStrategy.requestedToCapacityRatio.shape[1].utilization",
                "scoringStrategy.requestedToCapacityRatio.shape[0].score",
            ],
        ),
    ] {
        let errors = factory.build(Some(&args)).err().unwrap_or_default();
        let found: Vec<_> = errors.iter().map(|e| e.path.as_str()).collect();
        assert_eq!(found, paths, "{args}");
    }
    assert!(factory.build(Some(&json!({ "ignoredResource": [] }))).is_err());
}

#[test]
fn defaults_are_written_out() {
    let kind = Factory::with_args(NodeResourcesFit::new).args().unwrap();
    let default = json!({ "scoringStrategy": { "type": "LeastAllocated", "resources": [
        { "name": "cpu", "weight": 1 }, { "name": "memory", "weight": 1 } ] } });
    assert_eq!((kind.defaults)(), default);
    for (args, completed) in [
        (json!({}), default.clone()),
        (json!({ "scoringStrategy": null, "ignoredResources": null }), default.clone()),
        (json!({ "scoringStrategy": { "type": "LeastAllocated" } }), default),
        (
            json!({ "scoringStrategy": { "type": "MostAllocated", "resources": [{ "name": "cpu" }] } }),
            json!({ "scoringStrategy": { "type": "MostAllocated",
                 "resources": [{ "name": "cpu", "weight": 1 }] } }),
        ),
    ] {
        assert_eq!((kind.complete)(&args).unwrap(), completed);
    }
}
