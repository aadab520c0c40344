#![allow(clippy::unwrap_used)]

mod doubt;
mod way;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use berth_engine::record::ObjectKey;
use serde_json::json;

use super::*;
use crate::client::fake::{FakeServer, Reply, Seen};
use crate::metrics::Metrics;

/// Long enough that it passes only where a test means it to.
const LONG: Duration = Duration::from_secs(60);

/// Each bind is one of a cycle of its own.
fn bind_of(pod: &str) -> Bind {
    static CYCLES: AtomicU64 = AtomicU64::new(1);
    Bind {
        cycle: CycleId(CYCLES.fetch_add(1, SeqCst)),
        pod: PodName { key: ObjectKey::new("ns", pod), uid: format!("uid-{pod}").into() }.into(),
        resource_version: 7,
        node: "n1".into(),
        profile: "berth".into(),
        decision: Decision::default(),
        started: Instant::now(),
        decided: Instant::now(),
    }
}

fn options() -> BindOptions {
    BindOptions {
        rate: Rate::Unlimited,
        in_flight_max: 4,
        deadline: LONG,
        protobuf: false,
        doubts: None,
        lookup: LookupOptions {
            deadline: LONG,
            backoff_initial: Duration::from_millis(1),
            backoff_max: Duration::from_millis(4),
            refused_max: Duration::from_millis(50),
        },
    }
}

struct Bench {
    server: FakeServer,
    binder: Binder,
    metrics: Metrics,
    outcomes: mpsc::Receiver<Input>,
}

impl Bench {
    async fn new(
        options: BindOptions,
        script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let server = FakeServer::start(script).await;
        let metrics = Metrics::new(Arc::default());
        let (sender, outcomes) = mpsc::channel(BIND_QUEUE_MAX);
        let binder = Binder::spawn(server.client(), options, metrics.bind.clone(), sender);
        Self { server, binder, metrics, outcomes }
    }

    async fn bind(&mut self, pod: &str) -> BindOutcome {
        let bind = bind_of(pod);
        let asked = bind.cycle;
        self.binder.handle().try_send(bind).unwrap();
        let (answered, outcome) = self.outcome().await;
        assert_eq!(answered, asked);
        outcome
    }

    async fn outcome(&mut self) -> (CycleId, BindOutcome) {
        match self.outcomes.recv().await.unwrap() {
            Input::BindOutcome { cycle, outcome } => (cycle, outcome),
            other => panic!("{other:?}"),
        }
    }
}

fn pod_on(node: &str) -> Reply {
    pod_at(7, node)
}

/// The pod in a version, on a node or on none.
fn pod_at(version: u64, node: &str) -> Reply {
    let metadata = json!({"uid": "uid-p", "resourceVersion": version.to_string()});
    let pod = json!({"kind": "Pod", "metadata": metadata, "spec": {"nodeName": node}});
    Reply::json(200, &pod.to_string())
}

fn created() -> Reply {
    Reply::json(201, r#"{"kind":"Status","status":"Success","code":201}"#)
}

#[tokio::test]
async fn a_bind_says_pod_uid_and_node() {
    let mut bench = Bench::new(options(), |_| created()).await;
    assert_eq!(bench.bind("p").await, BindOutcome::Bound);
    let seen = &bench.server.requests()[0];
    assert_eq!((&*seen.method, &*seen.path), ("POST", "/api/v1/namespaces/ns/pods/p/binding"));
    assert_eq!(seen.query, "timeout=60s");
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(
        seen.json(),
        json!({"kind": "Binding", "apiVersion": "v1",
            "metadata": {"name": "p", "namespace": "ns", "uid": "uid-p", "resourceVersion": "7"},
            "target": {"kind": "Node", "name": "n1"}})
    );
    let text = bench.metrics.encode(None).body;
    for line in [
        "berth_bind_outcomes_total{outcome=\"bound\"} 1\n",
        "scheduler_schedule_attempts_total{result=\"scheduled\",profile=\"berth\"} 1\n",
        "berth_bind_duration_seconds_count 1\n",
        "scheduler_goroutines{operation=\"binding\"} 0\n",
    ] {
        assert!(text.contains(line), "missing {line}\n{text}");
    }
}

#[tokio::test]
async fn refusals_are_final_and_posted_once() {
    let table = [
        (404, "NotFound", BindOutcome::Gone),
        (403, "Forbidden", BindOutcome::Denied("403 Forbidden: why".into())),
        (503, "ServiceUnavailable", {
            BindOutcome::Unavailable("503 ServiceUnavailable: why".into())
        }),
    ];
    for (code, reason, expected) in table {
        let mut bench = Bench::new(options(), move |_| Reply::status(code, reason, "why")).await;
        assert_eq!(bench.bind("p").await, expected);
        assert_eq!(bench.server.requests().len(), 1, "{code} must not be repeated");
    }
}

#[tokio::test]
async fn a_passed_deadline_is_looked_up() {
    let options = BindOptions { deadline: Duration::from_millis(50), ..options() };
    let mut bench = Bench::new(options, |seen| match seen.method.as_str() {
        "POST" => Reply::Hang,
        _ => pod_on("n1"),
    })
    .await;
    assert_eq!(bench.bind("p").await, BindOutcome::Bound);
    assert!(bench.metrics.encode(None).body.contains("berth_bind_lookups_total 1\n"));
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let server = FakeServer::start(|_| Reply::Close).await;
    let client = server.client();
    drop(server);
    let (sender, mut outcomes) = mpsc::channel(1);
    let metrics = Metrics::new(Arc::default());
    let binder = Binder::spawn(client, options(), metrics.bind.clone(), sender);
    binder.handle().try_send(bind_of("p")).unwrap();
    let outcome = outcomes.recv().await.unwrap();
    let Input::BindOutcome { outcome: BindOutcome::Unavailable(_), .. } = outcome else {
        panic!("{outcome:?}")
    };
}

#[tokio::test]
async fn requests_in_flight_are_bounded() {
    let mut bench = Bench::new(options(), |_| Reply::Hang).await;
    for pod in 0..10 {
        bench.binder.handle().try_send(bind_of(&pod.to_string())).unwrap();
    }
    while bench.server.requests().len() < 4 {
        tokio::task::yield_now().await;
    }
    let drained = bench.binder.drain(Duration::from_millis(50)).await;
    assert_eq!(drained, Drained { left: 4, unposted: 6 });
    assert_eq!(bench.server.requests().len(), 4);
    assert!(bench.outcomes.recv().await.is_none(), "nothing is reported that is not known");
}

#[tokio::test]
async fn a_drain_waits_for_what_was_posted() {
    let mut bench = Bench::new(options(), |_| created()).await;
    let handle = bench.binder.handle();
    for pod in 0..4 {
        handle.try_send(bind_of(&pod.to_string())).unwrap();
    }
    while bench.server.requests().len() < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.binder.drain(LONG).await, Drained { left: 0, unposted: 0 });
    assert!(handle.try_send(bind_of("late")).is_err(), "a drained binder takes nothing");
    let mut outcomes = 0;
    while let Some(Input::BindOutcome { outcome, .. }) = bench.outcomes.recv().await {
        assert_eq!(outcome, BindOutcome::Bound);
        outcomes += 1;
    }
    assert_eq!(outcomes, 4);
}

#[tokio::test]
async fn a_drain_drops_at_once_what_waits_for_a_rate() {
    // One token, and the next in a day.
    let rate = Rate::Limited { qps: 1e-5, burst: 1 };
    let mut bench = Bench::new(BindOptions { rate, ..options() }, |_| created()).await;
    let handle = bench.binder.handle();
    for pod in 0..100 {
        handle.try_send(bind_of(&pod.to_string())).unwrap();
    }
    assert_eq!(bench.outcome().await.1, BindOutcome::Bound);
    let way = bench.binder.right_of_way();
    let drain = bench.binder.drain(Duration::from_secs(86_400));
    let drained = tokio::time::timeout(LONG, drain).await.expect("nothing is waited for");
    assert_eq!(drained, Drained { left: 0, unposted: 99 });
    assert_eq!((bench.server.requests().len(), way.binds()), (1, 0));
    assert!(bench.outcomes.recv().await.is_none(), "nothing is reported that was not sent");
}

#[tokio::test]
async fn a_drain_ends_a_bind_that_would_be_posted_again() {
    let rate = Rate::Limited { qps: 1e-5, burst: 1 };
    let script = |seen: &Seen| match &*seen.method {
        "POST" => Reply::status(409, "Conflict", "written since"),
        _ => pod_at(8, ""),
    };
    let mut bench = Bench::new(BindOptions { rate, ..options() }, script).await;
    bench.binder.handle().try_send(bind_of("p")).unwrap();
    while bench.server.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    let drain = bench.binder.drain(Duration::from_secs(86_400));
    let drained = tokio::time::timeout(LONG, drain).await.expect("no token is waited for");
    assert_eq!(drained, Drained { left: 0, unposted: 0 });
    let Some(Input::BindOutcome { outcome, .. }) = bench.outcomes.recv().await else { panic!() };
    assert_eq!(outcome, BindOutcome::Conflict("409 Conflict: written since".into()));
}

#[tokio::test]
async fn a_full_queue_gives_back() {
    let bench = Bench::new(options(), |_| Reply::Hang).await;
    let handle = bench.binder.handle();
    // Four in flight and one between them and the queue leave it in time; none more.
    let mut refused = None;
    for pod in 0..BIND_QUEUE_MAX + 6 {
        refused = handle.try_send(bind_of(&pod.to_string())).err();
    }
    assert!(refused.is_some());
    assert_eq!(handle.room(), 0);
}

#[tokio::test]
async fn too_many_requests_pause_all_binds() {
    let mut bench = Bench::new(options(), |_| {
        Reply::status(429, "TooManyRequests", "slow").with_header("retry-after", "3600")
    })
    .await;
    let slow = BindOutcome::Throttled("429 TooManyRequests: slow".into());
    assert_eq!(bench.bind("a").await, slow);
    // The pause of 30 s (the cap) outlasts the drain: the second bind is never posted.
    bench.binder.handle().try_send(bind_of("b")).unwrap();
    let drained = bench.binder.drain(Duration::from_millis(50)).await;
    assert_eq!(drained, Drained { left: 0, unposted: 1 });
    assert_eq!(bench.server.requests().len(), 1);
}

#[tokio::test]
async fn binds_go_on_after_a_pause() {
    let posts = AtomicUsize::new(0);
    let mut bench = Bench::new(options(), move |_| match posts.fetch_add(1, SeqCst) {
        0 => Reply::status(429, "TooManyRequests", "slow").with_header("retry-after", "0"),
        _ => created(),
    })
    .await;
    assert!(matches!(bench.bind("a").await, BindOutcome::Throttled(_)));
    assert_eq!(bench.bind("b").await, BindOutcome::Bound);
}

#[tokio::test]
async fn a_bind_in_protobuf() {
    let options = BindOptions { protobuf: true, ..options() };
    let mut bench = Bench::new(options, |_| created()).await;
    assert_eq!(bench.bind("p").await, BindOutcome::Bound);
    let seen = &bench.server.requests()[0];
    assert_eq!(seen.header("content-type"), "application/vnd.kubernetes.protobuf");
    // Envelope, type, metadata with name, namespace, uid and version, target with kind and name.
    let expected = b"k8s\0\x0a\x0d\x0a\x02v1\x12\x07Binding\x12\x1f\
        \x0a\x11\x0a\x01p\x1a\x02ns\x2a\x05uid-p\x32\x017\x12\x0a\x0a\x04Node\x1a\x02n1";
    assert_eq!(seen.body.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

#[tokio::test]
async fn a_server_without_protobuf_gets_json() {
    let options = BindOptions { protobuf: true, ..options() };
    let mut bench = Bench::new(options, |seen| match seen.header("content-type") {
        "application/json" => created(),
        _ => Reply::status(415, "UnsupportedMediaType", ""),
    })
    .await;
    assert_eq!(bench.bind("p").await, BindOutcome::Bound);
    assert_eq!(bench.bind("q").await, BindOutcome::Bound);
    assert_eq!(bench.server.requests().len(), 3, "refused once");
}

#[tokio::test]
async fn connections_are_used_again() {
    let mut bench = Bench::new(options(), |_| created()).await;
    let handle = bench.binder.handle();
    for pod in 0..200 {
        handle.try_send(bind_of(&pod.to_string())).unwrap();
    }
    for _ in 0..200 {
        bench.outcome().await;
    }
    assert!(bench.server.connections() <= 4, "{} connections", bench.server.connections());
}
