//! Kept connections to the API server, one request on each at a time. Enter at [`Pool`].
//!
//! hyper's own connections without the pool of its legacy client and kube's stack over it: a
//! request takes one task less and half the allocations. And the pool sees what they hide: whether
//! a request that failed was ever handed to a connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::HOST;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use kube::Config;
use kube::client::ConfigExt as _;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tower::Service;

use super::answer::Failure;
use super::tunnel::{CONNECT_TIME_MAX, Dialer, ProxyError};
use crate::causes::chain;

/// Idle connections kept: as many as all lanes together hold in flight (128 binds, 128 events that
/// were on their way when a burst began, 8 conditions), at about 30 kB each with TLS: 8 MB.
const IDLE_MAX: usize = 264;

/// An idle connection is not used again after so long, as in client-go (`IdleConnTimeout`).
const IDLE_TIME_MAX: Duration = Duration::from_secs(90);

/// Longest answer read. An object is at most 1.5 MiB in etcd; JSON of it stays below twice that.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// What a request carries.
pub(super) type Content = Full<Bytes>;

/// Why a connection cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The URL has no host.
    #[error("the API server's URL {0} has no host")]
    NoHost(Uri),
    /// Neither a DNS name nor an address.
    #[error("{0:?} is no name to verify a certificate against")]
    ServerName(String),
    /// The host cannot stand in a header.
    #[error("the API server's URL {0} cannot be the Host of a request")]
    Host(Uri),
    /// The proxy is of another kind than HTTP.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// Certificates or keys cannot be used.
    #[error(transparent)]
    Tls(Box<kube::Error>),
}

/// Sends requests over connections that it keeps; cheap to clone.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    target: Target,
    /// The last used comes last, and is used first: the others may then grow old.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    sender: SendRequest<Content>,
    since: Instant,
}

/// Where connections go.
struct Target {
    host: String,
    port: u16,
    /// Header `Host`.
    authority: HeaderValue,
    /// Path of the API server's URL, for a server behind a proxy; without a slash at its end.
    prefix: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    connect_time_max: Duration,
    dialer: Dialer,
}

impl Pool {
    pub(super) fn new(config: &Config) -> Result<Self, TargetError> {
        let (target, idle) = (Target::new(config)?, Mutex::default());
        Ok(Self(Arc::new(Inner { target, idle })))
    }
}

impl Service<Request<Content>> for Pool {
    type Response = Response<Bytes>;
    type Error = tower::BoxError;
    type Future = BoxFuture<'static, Result<Response<Bytes>, tower::BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Content>) -> Self::Future {
        let pool = Arc::clone(&self.0);
        async move { pool.send(request).await.map_err(tower::BoxError::from) }.boxed()
    }
}

impl Inner {
    async fn send(&self, mut request: Request<Content>) -> Result<Response<Bytes>, Failure> {
        self.target.direct(&mut request)?;
        // Ends: each turn but the last uses up an idle connection.
        loop {
            let (mut sender, fresh) = match self.take().await {
                Some(sender) => (sender, false),
                None => (self.target.connect().await?, true),
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let answer = read(response).await;
                    self.keep(sender);
                    return answer;
                }
                Err(mut error) => match error.take_message() {
                    // The server closed it while it was idle, before a byte was written.
                    Some(unsent) if !fresh => request = unsent,
                    Some(_) => return Err(Failure::Unsent(chain(error.error()))),
                    None => return Err(Failure::Lost(chain(error.error()))),
                },
            }
        }
    }

    async fn take(&self) -> Option<SendRequest<Content>> {
        loop {
            let Idle { mut sender, since } = self.idle().pop()?;
            // Ready as soon as the connection's task has seen the end of the last answer.
            if since.elapsed() < IDLE_TIME_MAX && sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    fn keep(&self, sender: SendRequest<Content>) {
        let mut idle = self.idle();
        let old = idle.iter().take_while(|one| one.since.elapsed() >= IDLE_TIME_MAX).count();
        idle.drain(..old);
        if !sender.is_closed() && idle.len() < IDLE_MAX {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Nothing can panic while it is held.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target {
    fn new(config: &Config) -> Result<Self, TargetError> {
        let url = &config.cluster_url;
        let authority = url.authority().ok_or_else(|| TargetError::NoHost(url.clone()))?;
        // An IPv6 address stands in brackets in a URL, and without them everywhere else.
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let secure = url.scheme() == Some(&Scheme::HTTPS);
        let tls = if secure {
            let name = config.tls_server_name.clone().unwrap_or_else(|| host.clone());
            let server = ServerName::try_from(name.clone());
            let server = server.map_err(|_| TargetError::ServerName(name))?;
            let client = config.rustls_client_config();
            let client = client.map_err(|error| TargetError::Tls(Box::new(error)))?;
            Some((TlsConnector::from(Arc::new(client)), server))
        } else {
            None
        };
        let header = match authority.port() {
            Some(port) => HeaderValue::from_str(&format!("{}:{port}", authority.host())),
            None => HeaderValue::from_str(authority.host()),
        };
        Ok(Self {
            host,
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            authority: header.map_err(|_| TargetError::Host(url.clone()))?,
            prefix: url.path().trim_end_matches('/').to_owned(),
            tls,
            connect_time_max: config.connect_timeout.unwrap_or(CONNECT_TIME_MAX),
            dialer: Dialer::new(config.proxy_url.as_ref())?,
        })
    }

    /// Gives a request its `Host` and, behind a proxy, its whole path.
    fn direct(&self, request: &mut Request<Content>) -> Result<(), Failure> {
        request.headers_mut().insert(HOST, self.authority.clone());
        if !self.prefix.is_empty() {
            let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
            let whole = format!("{}{path}", self.prefix).parse::<Uri>();
            *request.uri_mut() = whole.map_err(|error| Failure::Unsent(error.to_string()))?;
        }
        Ok(())
    }

    async fn connect(&self) -> Result<SendRequest<Content>, Failure> {
        let Self { host, port, .. } = self;
        let unsent = |what: &dyn std::error::Error| {
            Failure::Unsent(format!("connecting to {host}:{port}: {}", chain(what)))
        };
        let connecting = async {
            let stream = self.dialer.dial(host, *port).await.map_err(|e| unsent(&e))?;
            // A request is one write: waiting for more would only delay it.
            stream.set_nodelay(true).map_err(|e| unsent(&e))?;
            match &self.tls {
                Some((connector, server)) => {
                    let tls = connector.connect(server.clone(), stream).await;
                    open(tls.map_err(|e| unsent(&e))?).await.map_err(|e| unsent(&e))
                }
                None => open(stream).await.map_err(|e| unsent(&e)),
            }
        };
        tokio::time::timeout(self.connect_time_max, connecting)
            .await
            .unwrap_or_else(|elapsed| Err(unsent(&elapsed)))
    }
}

async fn open<S>(stream: S) -> hyper::Result<SendRequest<Content>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // Whoever has a request on it hears of it too.
        if let Err(error) = connection.await {
            tracing::debug!(error = chain(&error), "connection to the API server ended");
        }
    });
    Ok(sender)
}

/// Reads an answer to its end even where only the status counts: a connection with an unread body
/// cannot be used again.
async fn read(response: Response<Incoming>) -> Result<Response<Bytes>, Failure> {
    let (head, body) = response.into_parts();
    let body = match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if head.status.is_success() && head.status != StatusCode::OK => {
            tracing::debug!(%error, status = %head.status, "answer cut after its status");
            Bytes::new()
        }
        Err(error) => return Err(Failure::Lost(format!("answer cut: {error}"))),
    };
    Ok(Response::from_parts(head, body))
}

#[cfg(test)]
mod tests;
