//! `pods/binding` by the real server's rules.

use berth_sandbox::Options;
use serde_json::json;

use crate::client::{PODS, sandbox, until, with};
use crate::object::{binding, pod};

#[tokio::test]
async fn a_pod_is_bound_once_and_runs() {
    let options = Options { nodes: berth_sandbox::nodes(2), ..Options::default() };
    let (_sandbox, client) = with(options).await;
    let created = client.post(PODS, &pod("a")).await;
    assert_eq!(created.code, 201, "{}", created.body);
    let path = format!("{PODS}/a/binding");

    let mut stale = binding(&created.body, "node-00000");
    stale["metadata"]["uid"] = json!("other");
    let refused = client.post(&path, &stale).await;
    assert_eq!((refused.code, refused.body["reason"].as_str()), (409, Some("Conflict")));

    let bound = client.post(&path, &binding(&created.body, "node-00000")).await;
    assert_eq!((bound.code, bound.body["kind"].as_str()), (201, Some("Status")));

    let again = client.post(&path, &binding(&created.body, "node-00001")).await;
    assert_eq!(again.code, 409);
    assert!(
        again.body["message"]
            .as_str()
            .unwrap()
            .contains("on pods/binding \"a\": pod a is already assigned to node")
    );

    let gone = client.post(&format!("{PODS}/b/binding"), &binding(&pod("b"), "node-00000")).await;
    assert_eq!((gone.code, gone.body["reason"].as_str()), (404, Some("NotFound")));

    let ended = until("the pod succeeds", || async {
        let pod = client.get(&format!("{PODS}/a")).await.body;
        (pod["status"]["phase"] == "Succeeded").then_some(pod)
    })
    .await;
    assert_eq!(ended["spec"]["nodeName"], "node-00000");
    assert_eq!(ended["metadata"]["labels"]["topology.kubernetes.io/zone"], "zone-a");
    let conditions = ended["status"]["conditions"].as_array().unwrap();
    let scheduled = conditions.iter().find(|c| c["type"] == "PodScheduled").unwrap();
    assert_eq!(scheduled["status"], "True");
    assert_eq!(ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"], 0);
}

#[tokio::test]
async fn gated_and_terminating_pods_are_not_bound() {
    let (_sandbox, client) = sandbox().await;
    let mut gated = pod("a");
    gated["spec"]["schedulingGates"] = json!([{"name": "example.com/wait"}]);
    let gated = client.post(PODS, &gated).await.body;
    assert_eq!(gated["status"]["conditions"][0]["reason"], "SchedulingGated");
    assert_eq!(client.post(&format!("{PODS}/a/binding"), &binding(&gated, "n")).await.code, 409);

    let mut held = pod("b");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let held = client.post(PODS, &held).await.body;
    client.delete(&format!("{PODS}/b"), &json!(null)).await;
    let refused = client.post(&format!("{PODS}/b/binding"), &binding(&held, "n")).await;
    assert_eq!(refused.code, 409);
    assert!(refused.body["message"].as_str().unwrap().contains("being deleted"));
}

#[tokio::test]
async fn binding_clears_the_nomination() {
    let (_sandbox, client) = sandbox().await;
    let created = client.post(PODS, &pod("a")).await.body;
    let nomination = json!({"status": {"nominatedNodeName": "n"}});
    let path = format!("{PODS}/a/status");
    let patched = client.patch(&path, "merge-patch+json", &nomination).await;
    assert_eq!(patched.body["status"]["nominatedNodeName"], "n");
    client.post(&format!("{PODS}/a/binding"), &binding(&created, "n")).await;
    let pod = client.get(&format!("{PODS}/a")).await.body;
    assert!(pod["status"]["nominatedNodeName"].is_null());
    assert_eq!(pod["spec"]["nodeName"], "n");
}

#[tokio::test]
async fn a_pod_bound_before_its_node_came_starts_with_the_node() {
    let (sandbox, client) = sandbox().await;
    let created = client.post(PODS, &pod("a")).await.body;
    client.post(&format!("{PODS}/a/binding"), &binding(&created, "late")).await;
    let shape = &berth_sandbox::SHAPES[0];
    sandbox.create("nodes", berth_sandbox::shaped("late", shape, "zone-a")).unwrap();
    until("the pod ends", || async {
        let pod = sandbox.get("pods", "default", "a").unwrap()?;
        (pod["status"]["phase"] == "Succeeded").then_some(())
    })
    .await;
    let node = sandbox.get("nodes", "", "late").unwrap().unwrap();
    assert_eq!(node["status"]["conditions"].as_array().unwrap().len(), 4);
    assert!(
        sandbox.get("leases.coordination.k8s.io", "kube-node-lease", "late").unwrap().is_some()
    );
}
