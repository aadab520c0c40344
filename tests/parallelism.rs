//! `berth run --parallelism`: threads change no placement, from the flag to the binds.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use berth_engine::{cycle, ranking};
use berth_sandbox::{Options, SHAPES, Sandbox, ZONES, shaped};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::Instant;

/// Pods of each template.
const PODS: usize = 8;

/// How long a run may take. Not a measurement: what has not come by then never will.
const DEADLINE: Duration = Duration::from_secs(120);

/// Pods by name, with their nodes.
type Placements = BTreeMap<String, String>;

/// As many nodes as threads are used for by rankings and by the plain scan, none tainted, so that
/// scoring has as many too.
fn nodes() -> Vec<Value> {
    let node = |i: usize| shaped(&format!("node-{i:05}"), &SHAPES[i % 2], ZONES[i % ZONES.len()]);
    let least = ranking::PARALLEL_NODES_MIN.max(cycle::PARALLEL_NODES_MIN);
    (0..least + 300).map(node).collect()
}

/// Pods that are ranked by room, pods that are ranked by their counts in zones, and pods that have
/// a claim for one pod alone, which go by the plain scan.
fn workload() -> Vec<(&'static str, Value)> {
    let pod = |name: String, more: &[(&str, Value)]| {
        let mut pod = json!({
            "metadata": {"name": name, "labels": {"app": name[..5]}},
            "spec": {
                "schedulerName": "berth",
                "restartPolicy": "Always",
                "containers": [
                    {"name": "c", "image": "i", "resources": {"requests": {"cpu": "500m"}}},
                ],
            },
        });
        for (field, value) in more {
            pod["spec"][field] = value.clone();
        }
        ("pods", pod)
    };
    let spread = json!([{
        "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "zoned"}},
    }]);
    let mut all = Vec::new();
    for i in 0..PODS {
        let name = format!("claim-{i}");
        let volumes = json!([{"name": "v", "persistentVolumeClaim": {"claimName": name}}]);
        all.extend(stored(&name));
        all.push(pod(format!("plain-{i}"), &[]));
        all.push(pod(format!("zoned-{i}"), &[("topologySpreadConstraints", spread.clone())]));
        all.push(pod(name, &[("volumes", volumes)]));
    }
    all
}

/// A bound claim for one pod alone, and its volume of the same name.
fn stored(name: &str) -> [(&'static str, Value); 2] {
    let volume = json!({
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOncePod"],
            "nfs": {"server": "s", "path": "/"},
            "claimRef": {"namespace": "default", "name": name},
        },
        "status": {"phase": "Bound"},
    });
    let claim = json!({
        "metadata": {
            "name": name, "annotations": {"pv.kubernetes.io/bind-completed": "yes"},
        },
        "spec": {
            "accessModes": ["ReadWriteOncePod"], "storageClassName": "", "volumeName": name,
            "resources": {"requests": {"storage": "1Gi"}},
        },
        "status": {"phase": "Bound"},
    });
    [("persistentvolumes", volume), ("persistentvolumeclaims", claim)]
}

/// Where the pods go, all of them there before the scheduler starts.
async fn placed(threads: usize, seed: u64) -> Placements {
    let options = Options { nodes: nodes(), heartbeat: None, ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    for (resource, object) in workload() {
        sandbox.create(resource, object).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
    let mut scheduler = Command::new(env!("CARGO_BIN_EXE_berth"))
        .args(["run", "--secure-port=0", "--leader-elect=false", "--kubeconfig"])
        .arg(&kubeconfig)
        .args([format!("--parallelism={threads}"), format!("--seed={seed}")])
        .env("RUST_LOG", "warn")
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + DEADLINE;
    let bound = |pod: &Value| pod["spec"]["nodeName"].is_string();
    while sandbox.count("pods", bound).unwrap() < 3 * PODS {
        let ended = scheduler.try_wait().unwrap();
        let pods = sandbox.list("pods", None).unwrap();
        assert!(ended.is_none() && Instant::now() < deadline, "{ended:?} {pods:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scheduler.kill().await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let place = |pod: Value| (text(&pod["metadata"]["name"]), text(&pod["spec"]["nodeName"]));
    let placements = sandbox.list("pods", None).unwrap().into_iter().map(place).collect();
    sandbox.stop().await;
    placements
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_change_no_placement() {
    let alone = placed(1, 37).await;
    assert_eq!(alone, placed(3, 37).await);
    // What is compared depends on what is drawn.
    assert_ne!(alone, placed(3, 38).await);
}
