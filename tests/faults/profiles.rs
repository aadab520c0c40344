//! Profiles that go and return while pods wait for them.

use std::sync::Arc;

use berth::config;
use berth::config::default_engine_config;
use serde_json::json;

use crate::pods::{PODS_PER_NODE, nodes, refusal};
use crate::stage::Stage;

const WAITING: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_of_a_profile_that_goes_say_so_and_are_placed_when_it_returns() {
    let stage = Stage::with_nodes(nodes(1)).await;
    stage.create_pods("placed", PODS_PER_NODE);
    stage.bound_at_least(PODS_PER_NODE).await;
    stage.create_pods("waiting", WAITING);
    let all_show = |reason: &str, text: &str| {
        (0..WAITING).all(|i| {
            let pod = stage.pod(&format!("waiting-{i:03}")).unwrap();
            refusal(&pod).is_some_and(|condition| {
                condition["reason"] == *reason
                    && condition["message"].as_str().unwrap().contains(text)
            })
        })
    };
    stage.until("pods wait for room", || all_show("Unschedulable", "Insufficient cpu")).await;

    let registry = berth_plugins::in_tree().unwrap();
    let batch = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
                 profiles: [{schedulerName: batch}]\n";
    let batch = config::load(batch, "batch.yaml", &registry).unwrap();
    let configs = stage.scheduler.configs();
    configs.send(Arc::new(batch.engine_config(true).unwrap())).await.unwrap();
    let gone = "profile \"berth\" is no longer in the scheduler's configuration";
    stage.until("they say that their profile is gone", || all_show("SchedulerError", gone)).await;
    assert_eq!(stage.answers("patch", "pods/status", 200), 2 * WAITING as u64);

    for more in nodes(4).into_iter().skip(1) {
        stage.sandbox.create("nodes", more).unwrap();
    }
    configs.send(Arc::new(default_engine_config(&registry).unwrap())).await.unwrap();
    stage.all_placed(PODS_PER_NODE + WAITING).await;
    let placed = stage.pod("waiting-000").unwrap();
    assert_eq!(refusal(&placed), None, "{}", json!(placed["status"]));
    stage.stop().await;
}
