#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use berth_engine::record::ObjectKey;

use super::*;
use crate::client::fake::{FakeServer, Reply, Seen};
use crate::metrics::Metrics;

const LONG: Duration = Duration::from_secs(60);

fn pod(name: &str) -> PodName {
    PodName { key: ObjectKey::new("ns", name), uid: format!("uid-{name}").into() }
}

fn options() -> EventOptions {
    EventOptions {
        rate: Rate::Unlimited,
        in_flight_max: 1,
        deadline: LONG,
        hostname: "host".to_owned(),
    }
}

fn failed(note: &str) -> PodEvent {
    PodEvent::FailedScheduling { note: note.to_owned() }
}

/// Publishes `events` to a server with this script; returns what it saw and the metrics.
async fn published(
    events: Vec<(PodName, PodEvent)>,
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Vec<Seen>, String) {
    let server = FakeServer::start(script).await;
    let metrics = Metrics::new(Arc::default());
    let sink = EventSink::spawn(server.client(), options(), metrics.events.clone());
    for (pod, event) in events {
        sink.handle().publish(pod, "berth".into(), event);
    }
    assert!(sink.drain(LONG).await);
    (server.requests(), metrics.encode(None).body)
}

fn has(metrics: &str, result: &str, value: usize) {
    let line = format!("berth_events_total{{result=\"{result}\"}} {value}\n");
    assert!(metrics.contains(&line), "missing {line}\n{metrics}");
}

fn ok(_: &Seen) -> Reply {
    Reply::json(201, "{}")
}

#[tokio::test]
async fn repeats_are_counted_on_the_first() {
    let events = ["a", "b", "c"].map(|note| (pod("p"), failed(note)));
    let (seen, metrics) = published(events.into(), ok).await;
    let methods: Vec<_> = seen.iter().map(|s| s.method.as_str()).collect();
    assert_eq!(methods, ["POST", "PATCH"]);
    assert_eq!(seen[0].path, "/apis/events.k8s.io/v1/namespaces/ns/events");
    let created = seen[0].json();
    assert_eq!(created["note"], "a");
    let name = created["metadata"]["name"].as_str().unwrap();
    assert_eq!(seen[1].path, format!("{}/{name}", seen[0].path));
    assert_eq!(seen[1].header("content-type"), "application/strategic-merge-patch+json");
    assert_eq!(seen[1].json()["series"]["count"], 2);
    has(&metrics, "created", 1);
    has(&metrics, "series", 1);
}

#[tokio::test]
async fn effects_are_taken() {
    let server = FakeServer::start(ok).await;
    let metrics = Metrics::new(Arc::default());
    let sink = EventSink::spawn(server.client(), options(), metrics.events.clone());
    let event = PodEvent::Scheduled { node: "n".into() };
    let effect = Effect::Event { pod: pod("p"), profile: "batch".into(), event };
    sink.handle().take(effect).unwrap();
    let other = Effect::Nominate { pod: pod("p"), node: None };
    assert_eq!(sink.handle().take(other.clone()), Err(Box::new(other)));
    assert!(sink.drain(LONG).await);
    let body = server.requests()[0].json();
    assert_eq!(body["reportingController"], "batch");
    assert_eq!(body["reportingInstance"], "batch-host");
    assert_eq!(body["regarding"]["uid"], "uid-p");
}

#[tokio::test]
async fn faults_are_tried_again() {
    let replies = Mutex::new(
        vec![
            Reply::Close,
            Reply::status(503, "ServiceUnavailable", ""),
            Reply::status(429, "TooManyRequests", "").with_header("retry-after", "0"),
        ]
        .into_iter(),
    );
    let script = move |_: &Seen| replies.lock().unwrap().next().unwrap_or(Reply::json(201, "{}"));
    let (seen, metrics) = published(vec![(pod("p"), failed("x"))], script).await;
    assert_eq!(seen.len(), 4);
    has(&metrics, "created", 1);
}

#[tokio::test]
async fn refusals_and_duplicates_end() {
    for (code, reason, result) in [
        (403, "Forbidden", "failed"),
        (422, "Invalid", "failed"),
        (409, "AlreadyExists", "created"),
    ] {
        let script = move |_: &Seen| Reply::status(code, reason, "");
        let (seen, metrics) = published(vec![(pod("p"), failed("x"))], script).await;
        assert_eq!(seen.len(), 1, "{code}");
        has(&metrics, result, 1);
    }
}

#[tokio::test]
async fn an_expired_event_is_written_anew() {
    let script = |seen: &Seen| match seen.method.as_str() {
        "PATCH" => Reply::status(404, "NotFound", ""),
        _ => Reply::json(201, "{}"),
    };
    let events = vec![(pod("p"), failed("x")), (pod("p"), failed("y"))];
    let (seen, _) = published(events, script).await;
    let methods: Vec<_> = seen.iter().map(|s| s.method.as_str()).collect();
    assert_eq!(methods, ["POST", "PATCH", "POST"]);
    assert_eq!(seen[2].json()["series"]["count"], 2);
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let server = FakeServer::start(|_| Reply::Hang).await;
    let metrics = Metrics::new(Arc::default());
    let sink = EventSink::spawn(server.client(), options(), metrics.events.clone());
    let event = PodEvent::Scheduled { node: "n".into() };
    // No await: the sink cannot take one out meanwhile.
    for _ in 0..EVENT_QUEUE_MAX + 5 {
        sink.handle().publish(pod("p"), "berth".into(), event.clone());
    }
    has(&metrics.encode(None).body, "dropped", 5);
    assert!(!sink.drain(Duration::from_millis(50)).await);
}
