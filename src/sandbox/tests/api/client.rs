//! A small HTTPS client: one connection per request, JSON in and out.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use berth_sandbox::{Options, Sandbox};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio_rustls::TlsConnector;

/// No condition of these tests takes a tenth of this.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) const PODS: &str = "/api/v1/namespaces/default/pods";
pub(crate) const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";

#[derive(Clone)]
pub(crate) struct Client {
    address: String,
    token: String,
    tls: TlsConnector,
}

/// Status code, headers and body of an answer.
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) async fn sandbox() -> (Sandbox, Client) {
    with(Options::default()).await
}

pub(crate) async fn with(options: Options) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(options).await.unwrap();
    let client = Client::of(&sandbox);
    (sandbox, client)
}

impl Client {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(sandbox.ca_pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            address: sandbox.url().trim_start_matches("https://").to_owned(),
            token: sandbox.token().to_owned(),
            tls: TlsConnector::from(Arc::new(config)),
        }
    }

    pub(crate) fn with_token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.token);
        self
    }

    async fn open(
        &self,
    ) -> Result<SendRequest<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        let tcp = tokio::net::TcpStream::connect(&self.address).await?;
        tcp.set_nodelay(true)?;
        let tls = self.tls.connect(ServerName::try_from("localhost")?, tcp).await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// A connection for many requests.
    pub(crate) async fn connect(&self) -> Connection {
        let sender = self.open().await.unwrap();
        Connection { sender, token: self.token.clone() }
    }

    /// Sends a request; the error tells that no answer came.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
        let mut sender = self.open().await?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(sender.send_request(request.body(Full::new(body))?).await?)
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Answer {
        let response = self.send(method, path, headers, body).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned()));
        Answer { code: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.with_body(Method::POST, path, "application/json", body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.with_body(Method::PUT, path, "application/json", body).await
    }

    /// `kind` is `merge-patch+json` and its like.
    pub(crate) async fn patch(&self, path: &str, kind: &str, body: &Value) -> Answer {
        self.with_body(Method::PATCH, path, &format!("application/{kind}"), body).await
    }

    pub(crate) async fn delete(&self, path: &str, body: &Value) -> Answer {
        self.with_body(Method::DELETE, path, "application/json", body).await
    }

    async fn with_body(&self, method: Method, path: &str, kind: &str, body: &Value) -> Answer {
        let bytes = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        self.ask(method, path, &[("content-type", kind)], bytes).await
    }

    pub(crate) async fn watch(&self, path: &str) -> Watch {
        let response = self.send(Method::GET, path, &[], Bytes::new()).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        Watch { body: response.into_body(), buffer: Vec::new() }
    }
}

/// One connection, for one request after the other.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    token: String,
}

impl Connection {
    /// Posts JSON; answers the status code.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> u16 {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        let code = response.status().as_u16();
        response.into_body().collect().await.unwrap();
        code
    }
}

/// The events of a watch.
pub(crate) struct Watch {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Watch {
    /// The next line; `None` at the end, however it came.
    pub(crate) async fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                return Some(std::mem::replace(&mut self.buffer, rest));
            }
            let frame = tokio::time::timeout(DEADLINE, self.body.frame());
            match frame.await.expect("an event or the end of the watch in time") {
                Some(Ok(frame)) => self.buffer.extend_from_slice(&frame.into_data().unwrap()),
                _ => return None,
            }
        }
    }

    /// Type and object of the next event.
    pub(crate) async fn event(&mut self) -> Option<(String, Value)> {
        let line = self.line().await?;
        let mut event: Value = serde_json::from_slice(&line).unwrap();
        Some((event["type"].as_str().unwrap().to_owned(), event["object"].take()))
    }

    /// Types and names of the next `n` events.
    pub(crate) async fn names(&mut self, n: usize) -> Vec<(String, String)> {
        let mut names = Vec::new();
        for _ in 0..n {
            let (kind, object) = self.event().await.expect("another event");
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            names.push((kind, name));
        }
        names
    }
}

/// Waits until the condition gives something.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) -> T {
    let start = tokio::time::Instant::now();
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
