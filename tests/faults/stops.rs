//! A scheduler that stops in mid-load, and the next one.

use std::time::Duration;

use berth::client::Rate;

use crate::ledger::Ledger;
use crate::pods::{PODS_PER_NODE, node_of, nodes};
use crate::stage::{Stage, create_pods, sandbox};

const NODES: usize = 30;
const PODS: usize = NODES * PODS_PER_NODE;
/// Between two looks at an engine that should have ended, and how many: 9 s in all.
const PAUSE: Duration = Duration::from_millis(300);
const TRIES: usize = 30;

/// Steps of the engine so far.
fn steps(health: &berth::scheduler::Health) -> u64 {
    let text = health.metrics().encode(None).body;
    let line = text.lines().find_map(|line| line.strip_prefix("berth_engine_steps_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_leaves_binds_unanswered_leaves_nothing_running() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    let never = Duration::from_secs(60);
    stage.sandbox.faults().delay_next("create", "pods/binding", PODS as u64, never);
    stage.create_pods("open", 20);
    let health = stage.scheduler.health();
    stage
        .until("binds are decided", || {
            let text = health.metrics().encode(None).body;
            text.contains("berth_api_writes_total{kind=\"binding\"} 20\n")
        })
        .await;
    let left = stage.scheduler.stop(Duration::from_millis(100)).await;
    assert_eq!(left, 20, "binds in doubt");
    // The last of what was on its way when the stop ended is a few steps more, then none:
    // a thread that still turned would do thousands in each pause.
    let mut done = steps(&health);
    for _ in 0..TRIES {
        tokio::time::sleep(PAUSE).await;
        let before = std::mem::replace(&mut done, steps(&health));
        if done == before {
            return;
        }
    }
    panic!("the engine still turns, {done} steps so far");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_mid_load_leaves_nothing_in_doubt() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    // Binds that take a while are what a stop has to wait for.
    let slow = Duration::from_millis(100);
    stage.sandbox.faults().delay_next("create", "pods/binding", PODS as u64, slow);
    stage.create_pods("before", PODS / 2);
    stage.bound_at_least(20).await;
    let health = stage.scheduler.health();
    let Stage { sandbox, scheduler } = stage;
    // The stop begins when it is first polled, before the other pods are made.
    let (left, ()) = tokio::join!(scheduler.stop(Duration::from_secs(30)), async {
        create_pods(&sandbox, "after", PODS / 2);
    });
    assert_eq!(left, 0, "binds in doubt");
    assert!(health.is_stopping());
    let text = health.metrics().encode(None).body;
    let bound = sandbox.count("pods", |pod| node_of(pod).is_some()).unwrap();
    assert!(bound <= PODS / 2, "{bound} pods bound: some were taken after the stop began");
    let ledger = Ledger::read(&sandbox);
    ledger.assert_sound(bound, 0);
    let known = format!("berth_bind_outcomes_total{{outcome=\"bound\"}} {bound}\n");
    assert!(text.contains(&known), "every bind's end is known\n{text}");

    let stage = Stage::of(sandbox).await;
    stage.all_placed(PODS).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_at_a_low_rate_drops_the_binds_that_were_never_sent() {
    const PODS: usize = 20;
    // One bind at once, and the next after 100 s.
    let rate = Rate::Limited { qps: 0.01, burst: 1 };
    let stage = Stage::at_rate(sandbox(nodes(NODES), None).await, rate).await;
    stage.create_pods("slow", PODS);
    stage.bound_at_least(1).await;
    let Stage { sandbox, scheduler } = stage;
    let stop = scheduler.stop_then(Duration::from_secs(3600), std::future::ready(()));
    let drained = tokio::time::timeout(Duration::from_secs(60), stop).await;
    let drained = drained.expect("a stop waits for no token");
    assert_eq!(drained.left, 0, "binds in doubt");
    assert!((1..PODS).contains(&drained.unposted), "{drained:?}");
    assert_eq!(sandbox.count("pods", |pod| node_of(pod).is_some()).unwrap(), 1);
    let stage = Stage::of(sandbox).await;
    stage.all_placed(PODS).await;
    stage.stop().await;
}
