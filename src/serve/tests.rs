#![allow(clippy::unwrap_used)]

mod certificates;
mod floods;
mod protocol;
mod visitor;

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use serde_json::json;
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::client::fake::{FakeServer, Reply, Seen};
use crate::metrics::Metrics;
use visitor::{Read, send};

/// An API server that knows the token `good`, which may read everything.
fn script(seen: &Seen) -> Reply {
    let body = seen.json();
    let status = if seen.path.ends_with("tokenreviews") {
        let good = body["spec"]["token"] == "good";
        json!({"authenticated": good, "user": {"username": if good { "prometheus" } else { "" }}})
    } else {
        json!({"allowed": body["spec"]["user"] == "prometheus"})
    };
    Reply::json(201, &json!({"kind": body["kind"], "status": status}).to_string())
}

struct Bench {
    api: FakeServer,
    server: Server,
    synced: Arc<AtomicBool>,
}

impl Bench {
    async fn start() -> Self {
        Self::with(CertificateOptions::default(), ClientAuthority::None).await
    }

    /// That reads certificates again ten times a second.
    async fn with(certificate: CertificateOptions, authority: ClientAuthority) -> Self {
        Self::open(certificate, authority, Protocol::default(), true).await
    }

    async fn open(
        certificate: CertificateOptions,
        authority: ClientAuthority,
        protocol: Protocol,
        profiling: bool,
    ) -> Self {
        let api = FakeServer::start(script).await;
        let synced = Arc::new(AtomicBool::new(false));
        let open = ["/healthz", "/readyz", "/livez"].map(str::to_owned).to_vec();
        let access = Access::new(api.client(), api.client(), open);
        let options = ServeOptions {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            certificate,
            protocol,
            authority,
            read_every: Duration::from_millis(100),
        };
        let pages = Pages { profiling, ..pages(&synced) };
        let server = Server::start(&options, pages, access).await.unwrap();
        Self { api, server, synced }
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Read {
        send(self.server.address(), "GET", path, token).await
    }
}

fn pages(synced: &Arc<AtomicBool>) -> Pages {
    let metrics = Metrics::new(Arc::default());
    let seen = Arc::clone(synced);
    let sync = move || if seen.load(SeqCst) { Ok(()) } else { Err("Pod: listing".to_owned()) };
    Pages {
        live: vec![Check::ping()],
        ready: vec![Check::ping(), Check::new("sched-handler-sync", sync)],
        metrics: Box::new(move |accept| metrics.encode(accept)),
        config: Box::new(|| json!({"componentconfig": {"kind": "KubeSchedulerConfiguration"}})),
        profiling: true,
        debug: vec![("/debug/queue", Box::new(|| "active 0\n".to_owned()))],
        asked: vec![("/debug/pod", Box::new(|query| Box::pin(async move { pod_page(&query) })))],
    }
}

fn pod_page(query: &str) -> Answer {
    match query {
        "name=a" => Ok(json!({"pod": "a"})),
        _ => Err((404, "no such pod".to_owned())),
    }
}

#[tokio::test]
async fn questions_are_answered_to_those_who_may_ask() {
    let bench = Bench::start().await;
    assert_ne!(bench.get("/debug/pod?name=a", None).await.status, 200);
    let told = bench.get("/debug/pod?name=a", Some("good")).await;
    assert_eq!((told.status, &*told.body), (200, r#"{"pod":"a"}"#));
    let unknown = bench.get("/debug/pod?name=b", Some("good")).await;
    assert_eq!((unknown.status, &*unknown.body), (404, "no such pod\n"));
}

#[tokio::test]
async fn health_is_open_and_follows_the_watches() {
    let bench = Bench::start().await;
    let live = bench.get("/livez?verbose", None).await;
    assert_eq!((live.status, &*live.body), (200, "[+]ping ok\nlivez check passed\n"));
    assert_eq!(bench.get("/healthz", None).await.body, "ok");
    let ready = bench.get("/readyz", None).await;
    assert_eq!(ready.status, 500);
    assert!(ready.body.contains("[-]sched-handler-sync failed"), "{}", ready.body);
    bench.synced.store(true, SeqCst);
    assert_eq!(bench.get("/readyz", None).await.status, 200);
    let one = bench.get("/readyz/sched-handler-sync", Some("good")).await;
    assert_eq!((one.status, &*one.body), (200, "ok"));
    assert_eq!(bench.get("/readyz/etcd", Some("good")).await.status, 404);
}

#[tokio::test]
async fn everything_else_needs_a_token() {
    let bench = Bench::start().await;
    for path in [
        "/metrics",
        "/configz",
        "/debug/queue",
        "/debug/pprof/profile",
        "/debug/pprof/heap",
        "/nothing",
    ] {
        let none = bench.get(path, None).await;
        assert_eq!(none.status, 403, "{path}");
        let status: serde_json::Value = serde_json::from_str(&none.body).unwrap();
        assert_eq!((&status["kind"], &status["reason"]), (&json!("Status"), &json!("Forbidden")));
        let text = format!("forbidden: User \"system:anonymous\" cannot get path \"{path}\"");
        assert_eq!(status["message"], text);
        let bad = bench.get(path, Some("bad")).await;
        assert_eq!(bad.status, 401, "{path}");
        let status: serde_json::Value = serde_json::from_str(&bad.body).unwrap();
        assert_eq!(status["message"], "Unauthorized");
    }
    let metrics = bench.get("/metrics", Some("good")).await;
    assert_eq!(metrics.status, 200);
    assert_eq!(metrics.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(metrics.body.contains("\n# TYPE scheduler_pending_pods gauge\n"), "{}", metrics.body);
    let config = bench.get("/configz", Some("good")).await;
    let config: serde_json::Value = serde_json::from_str(&config.body).unwrap();
    assert_eq!(config["componentconfig"]["kind"], "KubeSchedulerConfiguration");
    let queue = bench.get("/debug/queue", Some("good")).await;
    assert_eq!(queue.body, "active 0\n");
    assert_eq!(queue.headers["cache-control"], "no-cache, private");
    assert_eq!(bench.get("/nothing", Some("good")).await.status, 404);
    let wrong = bench.get("/debug/pprof/profile?seconds=0", Some("good")).await;
    assert_eq!((wrong.status, &*wrong.body), (400, "seconds: a whole number from 1 to 300\n"));
}

#[tokio::test]
async fn only_reading_is_served() {
    let bench = Bench::start().await;
    let address = bench.server.address();
    assert_eq!(send(address, "POST", "/healthz", None).await.status, 405);
    let head = send(address, "HEAD", "/healthz", None).await;
    assert_eq!((head.status, &*head.body), (200, ""));
    assert_eq!(head.headers["content-length"], "2");
}

#[tokio::test]
async fn plain_http_gets_no_page() {
    use tokio::io::AsyncWriteExt as _;
    let bench = Bench::start().await;
    let mut stream = TcpStream::connect(bench.server.address()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // A reset is as good as an end.
    let _ended = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(bench.get("/livez", None).await.status, 200);
}

#[tokio::test]
async fn without_profiling_there_are_no_profiles() {
    let (certificate, protocol) = (CertificateOptions::default(), Protocol::default());
    let bench = Bench::open(certificate, ClientAuthority::None, protocol, false).await;
    for path in ["/debug/pprof/profile?seconds=1", "/debug/pprof/heap"] {
        assert_eq!(bench.get(path, Some("good")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let bench = Bench::start().await;
    let options = ServeOptions {
        protocol: Protocol::default(),
        address: Ipv4Addr::LOCALHOST.into(),
        port: bench.server.address().port(),
        certificate: CertificateOptions::default(),
        authority: ClientAuthority::None,
        read_every: READ_EVERY,
    };
    let pages = Pages {
        live: Vec::new(),
        ready: Vec::new(),
        metrics: Box::new(|_| Metrics::new(Arc::default()).encode(None)),
        config: Box::new(|| json!({})),
        profiling: false,
        debug: Vec::new(),
        asked: Vec::new(),
    };
    let api = FakeServer::start(script).await;
    let access = Access::new(api.client(), api.client(), Vec::new());
    let error = Server::start(&options, pages, access).await.unwrap_err().to_string();
    assert!(error.contains(&format!("--secure-port {}", options.port)), "{error}");
}

#[tokio::test]
async fn a_stopped_server_accepts_nothing() {
    let bench = Bench::start().await;
    let address = bench.server.address();
    assert_eq!(bench.get("/livez", None).await.status, 200);
    bench.server.stop(Duration::from_secs(60)).await;
    assert!(TcpStream::connect(address).await.is_err());
}
