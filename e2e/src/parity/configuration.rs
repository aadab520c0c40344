//! The configurations of the rounds: each the same for both schedulers.

use serde_json::{Value, json};

use crate::controlplane::ControlPlane;
use crate::scheduler::{Kind, Options};

/// Name and configuration of each round.
pub fn all() -> [(&'static str, Value); 3] {
    [
        ("defaults", with_profile(&json!({}))),
        ("weights", with_profile(&weights())),
        ("fewer-plugins", with_profile(&fewer_plugins())),
    ]
}

fn with_profile(profile: &Value) -> Value {
    let mut profile = profile.clone();
    profile["schedulerName"] = json!("default-scheduler");
    json!({
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": false},
        "clientConnection": {"qps": 1000, "burst": 1000},
        "profiles": [profile],
    })
}

fn weights() -> Value {
    let constraint = |key: &str| {
        json!({"maxSkew": 2, "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway"})
    };
    json!({
        "plugins": {"score": {
            "disabled": [{"name": "NodeResourcesFit"}, {"name": "ImageLocality"},
                {"name": "TaintToleration"}, {"name": "InterPodAffinity"}],
            "enabled": [{"name": "NodeResourcesFit", "weight": 5},
                {"name": "ImageLocality", "weight": 3}, {"name": "TaintToleration", "weight": 1},
                {"name": "InterPodAffinity", "weight": 4}],
        }},
        "pluginConfig": [
            {"name": "NodeResourcesFit", "args": {"scoringStrategy": {"type": "MostAllocated",
                "resources": [{"name": "cpu", "weight": 2}, {"name": "memory", "weight": 1},
                    {"name": "example.com/gpu", "weight": 5}]}}},
            {"name": "InterPodAffinity", "args": {"hardPodAffinityWeight": 40}},
            {"name": "PodTopologySpread", "args": {"defaultingType": "List",
                "defaultConstraints": [constraint("topology.kubernetes.io/zone")]}},
        ],
    })
}

fn fewer_plugins() -> Value {
    let resources = json!([{"name": "cpu", "weight": 1}, {"name": "memory", "weight": 3}]);
    let shape = json!([{"utilization": 0, "score": 2}, {"utilization": 60, "score": 10},
        {"utilization": 100, "score": 0}]);
    json!({
        "plugins": {
            "multiPoint": {"disabled": [{"name": "NodePorts"}, {"name": "TaintToleration"},
                {"name": "DefaultPreemption"}]},
            "score": {"disabled": [{"name": "NodeResourcesBalancedAllocation"},
                {"name": "ImageLocality"}]},
        },
        "pluginConfig": [
            {"name": "NodeResourcesFit", "args": {"scoringStrategy": {
                "type": "RequestedToCapacityRatio", "resources": resources,
                "requestedToCapacityRatio": {"shape": shape}}}},
            {"name": "InterPodAffinity", "args": {"ignorePreferredTermsOfExistingPods": true}},
        ],
    })
}

/// How to start either scheduler with this configuration: as the administrator, so that rights
/// play no part.
pub fn options(kind: Kind, plane: &ControlPlane, configuration: &Value) -> Options {
    let kubeconfig = plane.kubeconfig();
    let mut config = configuration.clone();
    config["clientConnection"]["kubeconfig"] = json!(kubeconfig);
    let flags = match kind {
        Kind::Berth => vec!["--allow-default-scheduler".to_owned()],
        Kind::KubeScheduler => Vec::new(),
    };
    let name = kind.name().to_owned();
    Options { name, kind, kubeconfig, config: config.to_string(), verbosity: 2, flags }
}
