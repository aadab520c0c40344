//! Bindings that are refused, put off, or answered by nobody.

use std::time::Duration;

use serde_json::json;

use crate::ledger::Ledger;
use crate::pods::{PODS_PER_NODE, node_of, nodes};
use crate::stage::Stage;

const NODES: usize = 10;
const PODS: usize = NODES * PODS_PER_NODE;

/// More failures than any test meets before it clears them.
const ALWAYS: u64 = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_429_on_bindings_passes() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    stage.sandbox.faults().fail_next("create", "pods/binding", 40, 429);
    stage.create_pods("pod", PODS);
    let ledger = stage.all_placed(PODS).await;
    assert_eq!(ledger.posts(429), 40);
    let throttled = stage.metric("berth_bind_outcomes_total{outcome=\"throttled\"}");
    assert_eq!(throttled, 40);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_429_on_everything_passes() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    stage.create_pods("before", PODS / 2);
    stage.bound_at_least(1).await;
    stage.sandbox.faults().fail_next("*", "*", ALWAYS, 429);
    // Lists are asked for as well.
    stage.sandbox.compact();
    stage.sandbox.faults().cut_watches();
    stage.create_pods("meanwhile", PODS / 2);
    let refused = || -> u64 {
        let requests = stage.sandbox.requests();
        requests.iter().filter(|((_, _, code), _)| *code == 429).map(|(_, n)| n).sum()
    };
    // Each of 15 kinds has been refused by then, most of them twice.
    stage.until("enough was refused", || refused() >= 30).await;
    stage.sandbox.faults().clear();
    stage.all_placed(PODS).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_server_are_looked_into_and_tried_again() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    stage.sandbox.faults().fail_next("create", "pods/binding", 20, 500);
    stage.sandbox.faults().fail_next("create", "pods/binding", 20, 503);
    stage.create_pods("pod", PODS);
    let ledger = stage.all_placed(PODS).await;
    assert_eq!((ledger.posts(500), ledger.posts(503)), (20, 20));
    // etcd's timeouts are 500 and may have been carried out; a 503 never is.
    assert_eq!(stage.metric("berth_bind_lookups_total"), 20);
    let outcome = |name| stage.metric(&format!("berth_bind_outcomes_total{{outcome=\"{name}\"}}"));
    assert_eq!((outcome("not_bound"), outcome("unavailable")), (20, 20));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bind_whose_answer_was_lost_is_not_posted_again() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    stage.sandbox.faults().lose_answers("create", "pods/binding", 30);
    stage.create_pods("pod", PODS);
    let ledger = stage.all_placed(PODS).await;
    assert_eq!(ledger.all_posts(), PODS as u64, "{ledger:?}");
    stage
        .until("all binds are known to the scheduler", || {
            stage.metric("berth_bind_outcomes_total{outcome=\"bound\"}") == PODS as u64
        })
        .await;
    assert_eq!(stage.metric("berth_bind_lookups_total"), 30);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bind_that_was_lost_on_its_way_is_posted_again() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    let long = Duration::from_secs(3600);
    stage.sandbox.faults().delay_next("create", "pods/binding", ALWAYS, long);
    stage.create_pods("pod", PODS);
    // Those still connecting when the server goes were never sent, and are nothing to look into.
    stage.until("bindings have arrived", || stage.sandbox.faults().met() >= 10).await;
    assert_eq!(stage.bound(), 0, "none was carried out");
    stage.sandbox.faults().clear();
    // The connections go, and the bindings on them.
    stage.sandbox.restart(Duration::ZERO).await.unwrap();
    stage.all_placed(PODS).await;
    assert!(stage.metric("berth_bind_outcomes_total{outcome=\"not_bound\"}") >= 10);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn binds_that_are_carried_out_late_over_commit_nothing() {
    const LATE: u64 = 30;
    let stage = Stage::with_nodes(nodes(NODES)).await;
    let late = Duration::from_millis(1_500);
    stage.sandbox.faults().apply_late("create", "pods/binding", LATE, late);
    // More pods than there is room: what is given away is taken at once.
    stage.create_pods("pod", PODS + LATE as usize);
    stage.bound_at_least(PODS).await;
    // A late bind finds its pod written meanwhile, or bound by then. Others are refused as their
    // pods' conditions were written, and posted again.
    let retried = || stage.metric("berth_bind_retries_total");
    let refused = || stage.answers("create", "pods/binding", 409).saturating_sub(retried());
    stage.until("the late binds have arrived", || refused() >= LATE).await;
    let ledger = Ledger::read(&stage.sandbox);
    ledger.assert_nothing_over_committed();
    assert_eq!((stage.bound(), refused()), (PODS, LATE), "{ledger:?}");
    assert!(stage.metric("berth_bind_fences_total") >= LATE / 2, "their pods were written");
    assert_eq!(stage.metric("berth_bind_outcomes_total{outcome=\"not_bound\"}"), LATE);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_was_edited_before_its_bind_is_bound_at_once() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    // The scheduler holds its binds back, and the pods change under them.
    let hold = Duration::from_millis(300);
    stage.sandbox.faults().delay_next("create", "pods/binding", PODS as u64, hold);
    stage.create_pods("pod", PODS);
    stage.until("binds wait", || stage.sandbox.faults().met() >= PODS as u64).await;
    let mut edited = 0;
    for i in (0..PODS).step_by(3) {
        let mut pod = stage.pod(&format!("pod-{i:03}")).unwrap();
        pod["metadata"]["labels"] = json!({"edited": "true"});
        edited += u64::from(
            node_of(&pod).is_none() && { stage.sandbox.update("pods", false, &pod).is_ok() },
        );
    }
    stage.bound_at_least(PODS).await;
    let bound = || stage.metric("berth_bind_outcomes_total{outcome=\"bound\"}") == PODS as u64;
    stage.until("all binds are answered", bound).await;
    Ledger::read(&stage.sandbox).assert_nothing_over_committed();
    assert!(edited >= 10, "{edited} pods were edited in time");
    let retries = stage.metric("berth_bind_retries_total");
    assert!((edited..=edited + 10).contains(&retries), "{retries} for {edited}");
    // None took the way through backoff, which is a second long.
    let attempts = stage.metric("scheduler_pod_scheduling_attempts_sum");
    assert_eq!(attempts, PODS as u64);
    stage.stop().await;
}
