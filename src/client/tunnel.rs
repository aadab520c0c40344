//! Connections to the API server, through a proxy where there is one. Enter at [`Dialer`].

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::Service;

/// Longest time to connect and shake hands where the configuration has none; client-go's dialer
/// has the same.
pub(super) const CONNECT_TIME_MAX: Duration = Duration::from_secs(30);

/// Longest head of a proxy's answer.
const HEAD_BYTES_MAX: usize = 8 << 10;

/// Opens connections; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Dialer(Option<Arc<Proxy>>);

#[derive(Debug)]
struct Proxy {
    host: String,
    port: u16,
    /// Value of `Proxy-Authorization`.
    credentials: Option<String>,
}

/// A proxy that is not supported.
#[derive(Debug, thiserror::Error)]
#[error(
    "the proxy {0} cannot be used: only http:// proxies are; set proxy-url in the kubeconfig or \
     HTTPS_PROXY to one, or NO_PROXY to the host of the API server to go without"
)]
pub struct ProxyError(String);

impl Dialer {
    /// Through this proxy, or directly.
    ///
    /// # Errors
    /// The proxy is no `http://` one.
    pub(super) fn new(proxy: Option<&Uri>) -> Result<Self, ProxyError> {
        let Some(url) = proxy else { return Ok(Self(None)) };
        let authority = url.authority().filter(|_| url.scheme_str() == Some("http"));
        let Some(authority) = authority else {
            let scheme = url.scheme_str().unwrap_or_default();
            return Err(ProxyError(format!("{scheme}://{}", url.host().unwrap_or_default())));
        };
        let user = authority.as_str().rsplit_once('@').map(|(user, _)| user);
        Ok(Self(Some(Arc::new(Proxy {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            credentials: user.map(|user| {
                format!(
                    "Basic {}",
                    BASE64_STANDARD.encode(percent_decode_str(user).collect::<Vec<u8>>())
                )
            }),
        }))))
    }

    /// Whether a proxy stands between.
    pub(super) fn is_proxied(&self) -> bool {
        self.0.is_some()
    }

    /// A connection on which the server at this host listens.
    ///
    /// # Errors
    /// Nobody listens, or the proxy does not connect; then the text names the proxy.
    pub(super) async fn dial(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        match &self.0 {
            None => TcpStream::connect((host, port)).await,
            Some(proxy) => proxy.tunnel(host, port).await.map_err(|error| {
                let Proxy { host, port, .. } = &**proxy;
                let text = format!(
                    "through the proxy {host}:{port} (proxy-url of the kubeconfig, HTTPS_PROXY or \
                     HTTP_PROXY): {error}"
                );
                io::Error::new(error.kind(), text)
            }),
        }
    }
}

impl Proxy {
    async fn tunnel(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let target =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let mut head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(credentials) = &self.credentials {
            head.push_str(&format!("Proxy-Authorization: {credentials}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut answer = Vec::new();
        // Byte by byte: what follows the head is the server's.
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() == HEAD_BYTES_MAX {
                return Err(io::Error::other("the answer to CONNECT has no end"));
            }
            answer.push(stream.read_u8().await?);
        }
        let answer = String::from_utf8_lossy(&answer);
        let line = answer.lines().next().unwrap_or_default();
        match line.split(' ').nth(1) {
            Some(code) if code.len() == 3 && code.starts_with('2') => Ok(stream),
            _ => Err(io::Error::other(format!("CONNECT is answered by {line:?}"))),
        }
    }
}

/// For hyper's client, which watches use.
impl Service<Uri> for Dialer {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<TokioIo<TcpStream>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let dialer = self.clone();
        async move {
            let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            let secure = url.scheme_str() == Some("https");
            let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
            let stream = within(CONNECT_TIME_MAX, dialer.dial(&host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(stream))
        }
        .boxed()
    }
}

async fn within<T>(most: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(most, work).await?
}

#[cfg(test)]
mod tests;
