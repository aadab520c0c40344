//! Objects that cannot be read, in lists and in watches.

use serde_json::{Value, json};

use crate::pods::{PODS_PER_NODE, node, node_of, nodes, pod};
use crate::stage::{Stage, sandbox};

const NODES: usize = 4;
const PODS: usize = NODES * PODS_PER_NODE;

/// A pod as no API server would store it.
fn broken_pod(name: &str) -> Value {
    let mut broken = pod(name);
    broken["metadata"]["namespace"] = json!("default");
    broken["metadata"]["uid"] = json!(format!("uid-{name}"));
    broken["spec"]["containers"] = json!("none");
    broken
}

fn broken_node(name: &str) -> Value {
    let mut broken = node(name);
    broken["status"]["allocatable"]["cpu"] = json!("lots");
    // Registered already: the sandbox's kubelet would write the node again.
    broken["status"]["nodeInfo"] = json!({});
    broken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_objects_are_skipped_and_counted() {
    let sandbox = sandbox(nodes(NODES), None).await;
    sandbox.create_unchecked("pods", broken_pod("listed")).unwrap();
    sandbox.create_unchecked("nodes", broken_node("node-listed")).unwrap();
    let stage = Stage::of(sandbox).await;
    stage.create_pods("first", PODS / 2);
    stage.bound_at_least(PODS / 2).await;
    let malformed = |kind: &str| {
        stage.metric(&format!("berth_watch_malformed_objects_total{{kind=\"{kind}\"}}"))
    };
    assert_eq!((malformed("Pod"), malformed("Node")), (1, 1), "from the lists");

    stage.sandbox.create_unchecked("pods", broken_pod("watched")).unwrap();
    stage.sandbox.create_unchecked("nodes", broken_node("node-watched")).unwrap();
    let frames = [
        "no JSON at all\n",
        "{\"type\":\"ADDED\",\"object\":{\n",
        "{\"type\":\"UNHEARD-OF\",\"object\":{}}\n",
        "{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"Pod\",\"metadata\":{}}}\n",
        "[]\n",
    ];
    for frame in frames {
        assert!(stage.sandbox.faults().send_raw("pods", frame));
    }
    stage.create_pods("second", PODS / 2);
    // Frames that come between two watches are lost; the watch that met one leads to a list.
    stage
        .until("both watches have met what is malformed, and lists have told the rest", || {
            ["Pod", "Node"].iter().all(|kind| {
                let lists = format!("berth_watch_lists_total{{kind=\"{kind}\"}}");
                let gaps = format!("berth_watch_gaps_total{{kind=\"{kind}\"}}");
                malformed(kind) >= 4 && stage.metric(&gaps) >= 1 && stage.metric(&lists) >= 2
            })
        })
        .await;
    stage.all_placed(PODS).await;
    for broken in ["listed", "watched"] {
        assert_eq!(node_of(&stage.pod(broken).unwrap()), None);
    }
    stage.stop().await;
}
