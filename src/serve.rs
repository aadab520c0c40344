//! Metrics, health and debug views over HTTPS (`--secure-port`). Enter at [`Server::start`].
//!
//! Everything but the paths of `--authorization-always-allow-paths` is behind TokenReview and
//! SubjectAccessReview. Client certificates are not asked for, and HTTP is 1.1.

mod access;
mod certificate;
mod health;
mod heap;
mod page;
mod profile;
mod remembered;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::events::hostname;
pub use access::Access;
pub use certificate::{CertificateError, CertificateOptions};
pub use health::Check;
use page::Page;
pub use page::Pages;

/// Connections at once. A few scrapers and one kubelet need ten; each takes about 40 kB with its
/// TLS buffers, so 10 MB at most. Beyond that, connections wait to be accepted.
const CONNECTIONS_MAX: usize = 256;

/// Longest TLS handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// Longest wait for a request's head, also between two requests of a connection: a slow client
/// holds one of [`CONNECTIONS_MAX`] no longer than this.
const HEAD_MAX: Duration = Duration::from_secs(30);

/// Longest time for one answer, beyond what a CPU profile is to take; the reviews before it have
/// 10 s each.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Wait after a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where and with which certificate to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// `--bind-address`.
    pub address: IpAddr,
    /// `--secure-port`; the caller serves nothing at 0. (Tests pass 0 for any free port.)
    pub port: u16,
    /// The serving certificate.
    pub certificate: CertificateOptions,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The port cannot be listened on.
    #[error("--bind-address {address}, --secure-port {port}: {source}")]
    Listen {
        /// As given.
        address: IpAddr,
        /// As given.
        port: u16,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    closing: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens and serves on the current tokio runtime.
    ///
    /// # Errors
    /// The certificate cannot be used or the port not be listened on.
    pub async fn start(
        options: &ServeOptions,
        pages: Pages,
        access: Access,
    ) -> Result<Self, ServeError> {
        let tls = certificate::configure(&options.certificate, &hostname(), options.address)?;
        let (address, port) = (options.address, options.port);
        let failed = |source| ServeError::Listen { address, port, source };
        let listener = TcpListener::bind((address, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let closing = CancellationToken::new();
        let site = Arc::new(Site { pages, access });
        let task = tokio::spawn(accept(listener, tls, site, closing.clone()));
        Ok(Self { address, closing, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, answers what has been asked, and gives up at the deadline.
    pub async fn stop(mut self, deadline: Duration) {
        self.closing.cancel();
        // Where it is late, dropping it ends it.
        let _in_time = tokio::time::timeout(deadline, &mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The task owns its connections, which end with it.
        self.task.abort();
    }
}

/// What all connections share.
struct Site {
    pages: Pages,
    access: Access,
}

async fn accept(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    site: Arc<Site>,
    closing: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(tls);
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = closing.cancelled() => break,
            permit = Arc::clone(&permits).acquire_owned() => {
                let Ok(permit) = permit else { break };
                tokio::select! {
                    () = closing.cancelled() => break,
                    accepted = listener.accept() => accepted.map(|(stream, _)| (stream, permit)),
                }
            }
        };
        match accepted {
            Ok((stream, permit)) => {
                let (acceptor, site) = (acceptor.clone(), Arc::clone(&site));
                let closing = closing.clone();
                connections.spawn(async move {
                    serve(stream, acceptor, site, closing).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "Cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    site: Arc<Site>,
    closing: CancellationToken,
) {
    let stream = match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        // Port scans and TCP probes: not worth an operator's time.
        Ok(Err(error)) => return tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => return tracing::debug!("TLS handshake took too long"),
    };
    let service = service_fn(move |request| answer(Arc::clone(&site), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "Connection ended");
    }
}

async fn answer(
    site: Arc<Site>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let limit = site.profile_asked(&request).map_or(ANSWER_MAX, |asked| match asked {
        Ok(duration) => duration + ANSWER_MAX,
        Err(_) => ANSWER_MAX,
    });
    let page = match tokio::time::timeout(limit, site.read(&request)).await {
        Ok(page) => page,
        Err(_) => Page::text(504, "timeout\n".to_owned()),
    };
    // `hyper` leaves the body out of an answer to HEAD, and keeps its length.
    let mut response = Response::new(Full::from(page.body));
    *response.status_mut() =
        StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

impl Site {
    /// How long a CPU profile is asked for, where the request is for one and they are enabled.
    fn profile_asked(&self, request: &Request<Incoming>) -> Option<Result<Duration, Page>> {
        let uri = request.uri();
        let asked = self.pages.profiling && uri.path() == profile::PATH;
        asked.then(|| profile::duration(uri.query().unwrap_or_default()))
    }

    async fn read(&self, request: &Request<Incoming>) -> Page {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let path = request.uri().path();
        let verb = request.method().as_str().to_ascii_lowercase();
        if let Err(refusal) = self.access.check(&verb, path, header(AUTHORIZATION)).await {
            return Page::refusal(&refusal);
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return Page::method_not_allowed();
        }
        match self.profile_asked(request) {
            Some(Ok(duration)) => return profile::take(duration).await,
            Some(Err(wrong)) => return wrong,
            None if self.pages.profiling && path == heap::PATH => return heap::take().await,
            None => {}
        }
        self.pages.read(path, request.uri().query().unwrap_or_default(), header(ACCEPT))
    }
}

#[cfg(test)]
mod tests;
