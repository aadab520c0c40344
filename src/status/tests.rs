#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use berth_engine::FailureReason;
use berth_engine::record::ObjectKey;

use super::*;
use crate::client::Bucket;
use crate::client::fake::{FakeServer, Reply, Seen};
use crate::metrics::Metrics;

const LONG: Duration = Duration::from_secs(60);

fn pod(name: &str) -> PodName {
    PodName { key: ObjectKey::new("ns", name), uid: format!("uid-{name}").into() }
}

fn options() -> StatusOptions {
    StatusOptions {
        rate: Rate::Unlimited,
        binds: None,
        share: Share { patience: Duration::ZERO, beside_binds: 1, alone: 2 },
        deadline: LONG,
    }
}

/// Writes `changes` in order to a server with this script; returns what the server saw and the
/// metrics.
async fn wrote(
    changes: Vec<(PodName, StatusChange)>,
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Vec<Seen>, String) {
    wrote_but(0, changes, script).await
}

/// [`wrote`] where so many pods are left when the writer ends.
async fn wrote_but(
    left: usize,
    changes: Vec<(PodName, StatusChange)>,
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Vec<Seen>, String) {
    let server = FakeServer::start(script).await;
    let metrics = Metrics::new(Arc::default());
    let writer =
        StatusWriter::spawn(server.client(), options(), metrics.status.clone(), Arc::default());
    for (pod, change) in changes {
        writer.handle().publish(pod, change);
    }
    assert_eq!(writer.drain(LONG).await, left);
    (server.requests(), metrics.encode(None).body)
}

fn says(text: &str) -> StatusChange {
    StatusChange::condition("Unschedulable", text.to_owned(), 0)
}

fn ok(_: &Seen) -> Reply {
    Reply::json(200, "{}")
}

#[tokio::test]
async fn a_condition_is_a_patch_of_the_status() {
    let server = FakeServer::start(ok).await;
    let metrics = Metrics::new(Arc::default());
    let writer =
        StatusWriter::spawn(server.client(), options(), metrics.status.clone(), Arc::default());
    let effect = Effect::Condition {
        pod: pod("p"),
        reason: FailureReason::Unschedulable,
        message: "0/1 nodes are available".into(),
        generation: 3,
    };
    writer.handle().take(effect).unwrap();
    writer.handle().take(Effect::Nominate { pod: pod("p"), node: Some("n".into()) }).unwrap();
    let other = Effect::Evict { victim: pod("v"), preemptor: pod("p"), node: "n".into() };
    assert_eq!(writer.handle().take(other.clone()), Err(Box::new(other)));
    assert_eq!(writer.drain(LONG).await, 0);
    let seen = &server.requests()[0];
    assert_eq!((&*seen.method, &*seen.path), ("PATCH", "/api/v1/namespaces/ns/pods/p/status"));
    assert_eq!(seen.header("content-type"), "application/strategic-merge-patch+json");
    let body = seen.json();
    assert_eq!(body["metadata"]["uid"], "uid-p");
    let condition = &body["status"]["conditions"][0];
    assert_eq!(condition["message"], "0/1 nodes are available");
    assert_eq!(condition["observedGeneration"], 3);
    assert!(condition["lastTransitionTime"].is_string());
    assert_eq!(body["status"]["nominatedNodeName"], "n");
    assert_eq!(server.requests().len(), 1, "both changes go in one patch");
}

#[tokio::test]
async fn the_last_word_about_a_pod_stands() {
    let changes = (0..50).map(|n| (pod("p"), says(&n.to_string()))).collect();
    let (seen, metrics) = wrote(changes, ok).await;
    let last = seen.last().unwrap().json();
    assert_eq!(last["status"]["conditions"][0]["message"], "49");
    let replaced = 50 - seen.len();
    let line = format!("berth_status_patches_total{{result=\"replaced\"}} {replaced}\n");
    assert!(metrics.contains(&line), "{line}\n{metrics}");
}

#[tokio::test]
async fn conflicts_and_errors_are_tried_four_times_and_the_pod_is_kept() {
    for reply in [
        Reply::status(401, "Unauthorized", ""),
        Reply::status(409, "Conflict", ""),
        Reply::status(500, "InternalError", ""),
        Reply::status(503, "ServiceUnavailable", ""),
        Reply::Close,
    ] {
        let changes = vec![(pod("p"), says("x"))];
        let (seen, metrics) = wrote_but(1, changes, move |_| reply.clone()).await;
        assert_eq!(seen.len(), 4);
        assert!(metrics.contains("berth_status_patches_total{result=\"failed\"} 1\n"));
    }
}

#[tokio::test]
async fn a_condition_outlasts_a_server_that_was_away() {
    let tries = AtomicUsize::new(0);
    let server = FakeServer::start(move |_| match tries.fetch_add(1, SeqCst) {
        0..4 => Reply::status(503, "ServiceUnavailable", ""),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let metrics = Metrics::new(Arc::default());
    let writer =
        StatusWriter::spawn(server.client(), options(), metrics.status.clone(), Arc::default());
    writer.handle().publish(pod("p"), says("x"));
    let written = async {
        while writer.handle.queue.pending().len() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, written).await.unwrap();
    assert_eq!(server.requests().len(), 5);
    assert!(metrics.encode(None).body.contains("{result=\"written\"} 1\n"));
    assert_eq!(writer.drain(LONG).await, 0);
}

#[tokio::test]
async fn a_pod_that_is_bound_is_not_told_to_wait() {
    let server = FakeServer::start(|_| Reply::status(503, "ServiceUnavailable", "")).await;
    let metrics = Metrics::new(Arc::default());
    let writer =
        StatusWriter::spawn(server.client(), options(), metrics.status.clone(), Arc::default());
    let handle = writer.handle();
    handle.publish(pod("tried"), says("x"));
    let tried = async {
        while server.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(LONG, tried).await.unwrap();
    handle.publish(pod("waits"), says("x"));
    handle.withdraw_condition(&pod("tried"));
    handle.withdraw_condition(&pod("waits"));
    assert_eq!(writer.drain(LONG).await, 0);
    let of = |name: &str| {
        let seen = server.requests();
        seen.iter().filter(|one| one.path.contains(&format!("/{name}/"))).count()
    };
    assert!((1..4).contains(&of("tried")), "{}", of("tried"));
}

#[tokio::test]
async fn a_gone_pod_or_a_refusal_is_tried_once() {
    let table =
        [(404, "NotFound", "gone"), (403, "Forbidden", "failed"), (422, "Invalid", "failed")];
    for (code, reason, result) in table {
        let script = move |_: &Seen| Reply::status(code, reason, "");
        let (seen, metrics) = wrote(vec![(pod("p"), says("x"))], script).await;
        assert_eq!(seen.len(), 1, "{code}");
        let line = format!("berth_status_patches_total{{result=\"{result}\"}} 1\n");
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn too_many_requests_do_not_use_up_the_tries() {
    let tries = AtomicUsize::new(0);
    let (seen, metrics) =
        wrote(vec![(pod("p"), says("x"))], move |_| match tries.fetch_add(1, SeqCst) {
            0..10 => Reply::status(429, "TooManyRequests", "").with_header("retry-after", "0"),
            _ => Reply::json(200, "{}"),
        })
        .await;
    assert_eq!(seen.len(), 11);
    assert!(metrics.contains("berth_status_patches_total{result=\"written\"} 1\n"));
}

#[tokio::test]
async fn a_drain_gives_up_at_its_deadline() {
    let server = FakeServer::start(|_| Reply::Hang).await;
    let metrics = Metrics::new(Arc::default());
    let writer =
        StatusWriter::spawn(server.client(), options(), metrics.status.clone(), Arc::default());
    for name in ["a", "b", "c"] {
        writer.handle().publish(pod(name), says("x"));
    }
    assert_eq!(writer.drain(Duration::from_millis(50)).await, 3);
}

/// Waits until the server has seen so many requests, and that no more come with them.
async fn seen(server: &FakeServer, requests: usize) {
    let come = async {
        while server.requests().len() < requests {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, come).await.expect("they are sent");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(server.requests().len(), requests);
}

#[tokio::test]
async fn first_conditions_take_of_the_binds_tokens_and_others_do_not() {
    // What is there at once, and nothing more for a day.
    let now = tokio::time::Instant::now().into_std();
    let of = |burst| Rate::Limited { qps: 1e-5, burst };
    let binds = SharedBucket::new(Bucket::new(of(50), now));
    let options = StatusOptions { rate: of(1), binds: Some(binds.clone()), ..options() };
    let server = FakeServer::start(ok).await;
    let metrics = Metrics::new(Arc::default());
    let metrics = metrics.status.clone();
    let writer = StatusWriter::spawn(server.client(), options, metrics, Arc::default());
    let say = |text: &str| {
        for number in 0..40 {
            writer.handle().publish(pod(&number.to_string()), says(text));
        }
    };
    say("1");
    seen(&server, 40).await;
    say("2");
    seen(&server, 40).await;
    // Binds still have theirs: one of the 40 was paid by the lane itself.
    for _ in 0..11 {
        assert_eq!(binds.take().await.0, Duration::ZERO);
    }
    writer.handle().publish(pod("new"), says("1"));
    seen(&server, 40).await;
    assert_eq!(writer.drain(Duration::from_millis(20)).await, 41);
}

#[tokio::test]
async fn a_drain_waits_for_no_token_where_nothing_is_to_be_written() {
    let rate = Rate::Limited { qps: 1e-5, burst: 1 };
    let server = FakeServer::start(ok).await;
    let metrics = Metrics::new(Arc::default()).status.clone();
    let options = StatusOptions { rate, ..options() };
    let writer = StatusWriter::spawn(server.client(), options, metrics, Arc::default());
    writer.handle().publish(pod("a"), says("x"));
    seen(&server, 1).await;
    let drain = tokio::time::timeout(LONG, writer.drain(Duration::from_secs(86_400)));
    assert_eq!(drain.await.expect("at once"), 0);
}
