#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use berth_engine::record::{ObjectKey, Owner};

use super::*;
use crate::client::fake::{FakeServer, Reply, Seen};
use crate::metrics::Metrics;

const LONG: Duration = Duration::from_secs(60);

fn pod(name: &str) -> Arc<PodName> {
    Arc::new(PodName { key: ObjectKey::new("ns", name), uid: format!("uid-{name}").into() })
}

fn options() -> EventOptions {
    EventOptions {
        repeat_every: Duration::from_secs(300),
        rate: Rate::Unlimited,
        share: Share { patience: Duration::ZERO, beside_binds: 1, alone: 1 },
        granularity: Granularity::Each,
        protobuf: false,
        deadline: LONG,
        hostname: "host".to_owned(),
    }
}

fn failed(note: &str) -> PodEvent {
    PodEvent::FailedScheduling { note: note.to_owned() }
}

fn placed() -> PodEvent {
    PodEvent::Scheduled { node: "n".into(), controller: None }
}

/// Publishes `events` to a server with this script; returns what it saw and the metrics.
async fn published(
    events: Vec<(Arc<PodName>, PodEvent)>,
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Vec<Seen>, String) {
    let server = FakeServer::start(script).await;
    let metrics = Metrics::new(Arc::default());
    let sink = EventSink::spawn(server.client(), options(), metrics.events.clone(), Arc::default());
    for (pod, event) in events {
        sink.handle().publish(pod, "berth".into(), event);
    }
    assert_eq!(sink.drain(LONG).await, 0);
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
    let sink = EventSink::spawn(server.client(), options(), metrics.events.clone(), Arc::default());
    let effect = Effect::Event { pod: pod("p"), profile: "batch".into(), event: placed() };
    sink.handle().take(effect).unwrap();
    let other = Effect::Nominate { pod: (*pod("p")).clone(), node: None };
    assert_eq!(sink.handle().take(other.clone()), Err(Box::new(other)));
    assert_eq!(sink.drain(LONG).await, 0);
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
    let sink = EventSink::spawn(server.client(), options(), metrics.events.clone(), Arc::default());
    // No await: the sink cannot take one out meanwhile.
    for _ in 0..EVENTS_WAITING_MAX + 5 {
        sink.handle().publish(pod("p"), "berth".into(), placed());
    }
    has(&metrics.encode(None).body, "dropped", 5);
    // One has been sent and hangs; the bound is on those that wait.
    assert_eq!(sink.drain(Duration::from_millis(50)).await, EVENTS_WAITING_MAX - 1);
}

#[tokio::test]
async fn events_give_way_to_binds() {
    let server = FakeServer::start(|_| Reply::Hang).await;
    let metrics = Metrics::new(Arc::default());
    let way = Arc::<RightOfWay>::default();
    let options = EventOptions {
        share: Share { patience: Duration::ZERO, beside_binds: 1, alone: 8 },
        ..options()
    };
    let sink = EventSink::spawn(server.client(), options, metrics.events.clone(), Arc::clone(&way));
    way.begin();
    for _ in 0..20 {
        sink.handle().publish(pod("p"), "berth".into(), placed());
    }
    let sent = async |n: usize| {
        while server.requests().len() < n {
            tokio::task::yield_now().await;
        }
        // Whoever would send more has had time to.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(server.requests().len(), n);
    };
    sent(1).await;
    way.end();
    sent(8).await;
    assert_eq!(sink.drain(Duration::from_millis(20)).await, 12);
}

#[tokio::test]
async fn placements_of_a_job_are_one_event() {
    let server = FakeServer::start(ok).await;
    let metrics = Metrics::new(Arc::default());
    let options = EventOptions { granularity: Granularity::Job, ..options() };
    let sink = EventSink::spawn(server.client(), options, metrics.events.clone(), Arc::default());
    let (kind, name) = ("Job".into(), "train".into());
    let owner = Owner { api_version: "batch/v1".into(), kind, name, uid: "u-job".into() };
    let controller = Some(Arc::new(owner));
    for number in 0..412 {
        let event = PodEvent::Scheduled { node: "n".into(), controller: controller.clone() };
        sink.handle().publish(pod(&number.to_string()), "berth".into(), event);
    }
    assert_eq!(sink.drain(LONG).await, 0);
    let seen = server.requests();
    assert_eq!(seen.len(), 1);
    let body = seen[0].json();
    assert_eq!((&body["note"], &body["reason"]), (&"412 pods placed".into(), &"Scheduled".into()));
    let regarding = serde_json::json!({"apiVersion": "batch/v1", "kind": "Job", "name": "train",
        "namespace": "ns", "uid": "u-job"});
    assert_eq!(body["regarding"], regarding);
    let text = metrics.encode(None).body;
    has(&text, "folded", 412);
    assert!(text.contains("berth_api_writes_total{kind=\"event\"} 1\n"), "{text}");
}

#[tokio::test]
async fn a_server_without_protobuf_gets_json() {
    let server = FakeServer::start(|seen| match seen.header("content-type") {
        "application/json" => Reply::json(201, "{}"),
        _ => Reply::status(415, "UnsupportedMediaType", ""),
    })
    .await;
    let metrics = Metrics::new(Arc::default());
    let options = EventOptions { protobuf: true, ..options() };
    let sink = EventSink::spawn(server.client(), options, metrics.events.clone(), Arc::default());
    for _ in 0..2 {
        sink.handle().publish(pod("p"), "berth".into(), placed());
    }
    assert_eq!(sink.drain(LONG).await, 0);
    assert_eq!(server.requests().len(), 3, "refused once");
    has(&metrics.encode(None).body, "created", 2);
}

#[tokio::test]
async fn why_a_pod_waits_is_told_in_the_middle_of_a_burst_of_binds() {
    const PLACED: usize = 50;
    let server = FakeServer::start(ok).await;
    let metrics = Metrics::new(Arc::default());
    let way = Arc::<RightOfWay>::default();
    way.begin();
    let options =
        EventOptions { share: Share { patience: LONG, beside_binds: 1, alone: 1 }, ..options() };
    let events = metrics.events.clone();
    let sink = EventSink::spawn(server.client(), options, events, Arc::clone(&way));
    for number in 0..PLACED {
        sink.handle().publish(pod(&format!("placed-{number}")), "berth".into(), placed());
    }
    // The lane is waiting for the burst to end by then.
    tokio::time::sleep(Duration::from_millis(20)).await;
    for name in ["waits", "waits-too"] {
        sink.handle().publish(pod(name), "berth".into(), failed("no room"));
    }
    let told = async {
        while server.requests().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(LONG / 2, told).await.unwrap();
    way.end();
    assert_eq!(sink.drain(LONG).await, 0);
    let seen = server.requests();
    assert_eq!(seen.len(), PLACED + 2);
    let about: Vec<_> = seen.iter().map(|one| one.json()["regarding"]["name"].clone()).collect();
    assert_eq!(about[..3], ["waits", "waits-too", "placed-0"]);
}
