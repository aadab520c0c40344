//! Berth is killed or stopped in mid-load, and the API server is killed: no pod is lost.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::ensure;

use e2e::audit::{self, BERTH};
use e2e::batch::JobShape;
use e2e::controlplane::{ControlPlane, Options};
use e2e::installed;
use e2e::nodes::NodePool;
use e2e::record::{Recorder, SlimPod};
use e2e::scheduler::{self, Scheduler};

const POOL: &str = "own";
const PODS: usize = 2000;
/// How many pods are bound when something ends; dozens of binds are in flight then.
const EARLY: usize = 300;
const LIMIT: Duration = Duration::from_secs(180);

/// 20 nodes of 8 CPU hold 1,600 pods of 100m at a time: the last 400 need the room of others.
/// All pods are there, and wait, before the scheduler starts.
async fn start(name: &str) -> (ControlPlane, Recorder, scheduler::Options, JobShape) {
    let options = Options { name: name.to_owned(), controllers: true, kwok: true, load: false };
    let plane = ControlPlane::start(&options).await.unwrap();
    let pool = NodePool::new(POOL, 20);
    pool.create(&plane.client()).await.unwrap();
    pool.wait_untainted(&plane.client(), LIMIT).await.unwrap();
    let recorder = Recorder::start(&plane.client()).await.unwrap();
    let berth = installed::install(&plane).await.unwrap();
    let job = JobShape { cpu: "100m".to_owned(), ..JobShape::new("load", "berth", POOL, PODS) };
    job.submit(&plane.client()).await.unwrap();
    recorder
        .until("the Job's pods made", LIMIT, |record| {
            let made = record.of_scheduler("berth").count();
            ensure!(made == PODS, "{made} of {PODS}");
            Ok(())
        })
        .await
        .unwrap();
    (plane, recorder, berth, job)
}

async fn bound(recorder: &Recorder, count: usize) {
    let of_berth = |pod: &SlimPod| pod.spec.scheduler_name == "berth";
    let what = format!("{count} pods bound");
    recorder.until(&what, LIMIT, |record| record.ensure_bound(count, of_berth)).await.unwrap();
}

/// Every pod of the Job ran once, in a place with room for it.
fn check(plane: &ControlPlane, recorder: &Recorder, name: &str) {
    let entries = plane.audit().entries().unwrap();
    let mut binds: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.binds() && entry.code() == 201) {
        *binds.entry(entry.object()).or_default() += 1;
    }
    let record = recorder.read();
    assert_eq!(record.of_scheduler("berth").count(), PODS);
    assert_eq!(record.moved, Vec::<String>::new());
    assert!(binds.values().all(|count| *count == 1), "bound twice: {binds:?}");
    assert!(record.overcommits.is_empty(), "over-committed: {:?}", record.overcommits);
    let codes = audit::binding_codes(&entries, BERTH);
    println!("{name}: {PODS} pods placed once each; bind answers {codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn a_killed_berth_loses_no_pod() {
    let (plane, recorder, options, job) = start("killed").await;
    let mut first = Scheduler::start(&plane, &options).await.unwrap();
    bound(&recorder, EARLY).await;
    first.process.kill().unwrap();
    let at_kill = recorder.read().bound.len();
    // Ready when the Lease of the dead has run out, 15 s after it has seen it.
    let second = Scheduler::start(&plane, &options).await.unwrap();
    assert!(second.process.log_text().unwrap().contains("Another instance holds the Lease"));
    bound(&recorder, PODS).await;
    job.complete(&plane.client(), LIMIT).await.unwrap();
    println!("killed: SIGKILL after about {at_kill} of {PODS} pods");
    check(&plane, &recorder, "killed");
    drop(second);
    plane.stop().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn a_killed_apiserver_loses_no_pod() {
    let (mut plane, recorder, options, job) = start("apiserver").await;
    let mut berth = Scheduler::start(&plane, &options).await.unwrap();
    bound(&recorder, EARLY).await;
    plane.restart_apiserver().await.unwrap();
    bound(&recorder, PODS).await;
    job.complete(&plane.client(), LIMIT).await.unwrap();
    berth.process.running().unwrap();
    check(&plane, &recorder, "apiserver");
    plane.stop().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn a_stopped_berth_finishes_its_binds() {
    let (plane, recorder, options, job) = start("stopped").await;
    let mut first = Scheduler::start(&plane, &options).await.unwrap();
    bound(&recorder, EARLY).await;
    let status = first.process.terminate(LIMIT).await.unwrap();
    assert!(status.success(), "SIGTERM ended Berth with {status}");
    assert!(first.process.log_text().unwrap().contains("Lease released"));
    let codes = audit::binding_codes(&plane.audit().entries().unwrap(), BERTH);
    // A request whose client is gone is answered with 5xx, or not at all (0).
    assert_eq!(codes.keys().collect::<Vec<_>>(), [&201], "binds were cut off: {codes:?}");
    let at_stop = codes[&201];
    let second = Scheduler::start(&plane, &options).await.unwrap();
    bound(&recorder, PODS).await;
    job.complete(&plane.client(), LIMIT).await.unwrap();
    println!("stopped: SIGTERM after {at_stop} of {PODS} pods, {status}");
    check(&plane, &recorder, "stopped");
    drop(second);
    plane.stop().unwrap();
}
