#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1 as client;
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio_rustls::TlsConnector;

use super::*;
use crate::client::fake::{FakeServer, Reply, Seen};
use crate::metrics::Metrics;

/// Trusts any certificate, like a scraper with `insecure_skip_verify`.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

struct Read {
    status: u16,
    headers: http::HeaderMap,
    body: String,
}

/// One request over TLS on a connection of its own.
async fn send(address: SocketAddr, method: &str, path: &str, token: Option<&str>) -> Read {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    driver.abort();
    Read { status: head.status.as_u16(), headers: head.headers, body }
}

/// An API server that knows the token `good`, which may read everything.
fn script(seen: &Seen) -> Reply {
    let body = seen.json();
    let status = if seen.path.ends_with("tokenreviews") {
        let good = body["spec"]["token"] == "good";
        json!({"authenticated": good, "user": {"username": if good { "prometheus" } else { "" }}})
    } else {
        json!({"allowed": body["spec"]["user"] == "prometheus"})
    };
    Reply::json(201, &json!({ "status": status }).to_string())
}

struct Bench {
    _api: FakeServer,
    server: Server,
    synced: Arc<AtomicBool>,
}

impl Bench {
    async fn start() -> Self {
        let api = FakeServer::start(script).await;
        let metrics = Metrics::new(Arc::default());
        let synced = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&synced);
        let sync = move || if seen.load(SeqCst) { Ok(()) } else { Err("Pod: listing".to_owned()) };
        let pages = Pages {
            live: vec![Check::ping()],
            ready: vec![Check::ping(), Check::new("sched-handler-sync", sync)],
            metrics: Box::new(move |accept| metrics.encode(accept)),
            config: Box::new(|| json!({"componentconfig": {"kind": "KubeSchedulerConfiguration"}})),
            profiling: true,
            debug: vec![("/debug/queue", Box::new(|| "active 0\n".to_owned()))],
        };
        let open = ["/healthz", "/readyz", "/livez"].map(str::to_owned).to_vec();
        let access = Access::new(api.client(), api.client(), open);
        let options = ServeOptions {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            certificate: CertificateOptions::default(),
        };
        let server = Server::start(&options, pages, access).await.unwrap();
        Self { _api: api, server, synced }
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Read {
        send(self.server.address(), "GET", path, token).await
    }
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
async fn a_taken_port_is_named() {
    let bench = Bench::start().await;
    let options = ServeOptions {
        address: Ipv4Addr::LOCALHOST.into(),
        port: bench.server.address().port(),
        certificate: CertificateOptions::default(),
    };
    let pages = Pages {
        live: Vec::new(),
        ready: Vec::new(),
        metrics: Box::new(|_| Metrics::new(Arc::default()).encode(None)),
        config: Box::new(|| json!({})),
        profiling: false,
        debug: Vec::new(),
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
