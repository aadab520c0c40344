//! A connection to the API server, with one request on it at a time.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use kube::Config;
use kube::client::ConfigExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::body::Post;

/// Where connections go, and the headers of every request.
pub(super) struct Target {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    headers: HeaderMap,
}

/// A connection.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    headers: HeaderMap,
}

impl Target {
    pub(super) fn new(config: &Config, token: &str) -> Result<Self> {
        let url = &config.cluster_url;
        let authority = url.authority().with_context(|| format!("{url} has no host"))?;
        let host = authority.host().to_owned();
        let secure = url.scheme() == Some(&Scheme::HTTPS);
        let tls = match secure {
            true => {
                let client = Arc::new(config.rustls_client_config()?);
                Some((TlsConnector::from(client), ServerName::try_from(host.clone())?))
            }
            false => None,
        };
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))?;
        bearer.set_sensitive(true);
        let protobuf = HeaderValue::from_static("application/vnd.kubernetes.protobuf");
        let answer = HeaderValue::from_static("application/vnd.kubernetes.protobuf, */*");
        let address = HeaderValue::from_str(authority.as_str())?;
        let headers =
            [(HOST, address), (AUTHORIZATION, bearer), (CONTENT_TYPE, protobuf), (ACCEPT, answer)];
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { host, port, tls, headers: headers.into_iter().collect() })
    }

    pub(super) async fn connect(&self) -> Result<Connection> {
        let address = (self.host.as_str(), self.port);
        let stream = TcpStream::connect(address).await.with_context(|| format!("{address:?}"))?;
        // A request is one write: waiting for more would only delay it.
        stream.set_nodelay(true)?;
        let sender = match &self.tls {
            Some((connector, name)) => open(connector.connect(name.clone(), stream).await?).await?,
            None => open(stream).await?,
        };
        Ok(Connection { sender, headers: self.headers.clone() })
    }
}

async fn open<S>(stream: S) -> hyper::Result<SendRequest<Full<Bytes>>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Whoever has a request on it hears of its end too.
    tokio::spawn(connection);
    Ok(sender)
}

impl Connection {
    /// Posts it and reads the answer to its end: one with an unread body takes no next request.
    pub(super) async fn post(&mut self, post: &Post) -> Result<()> {
        let mut request = Request::new(Full::new(post.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = post.path.clone();
        *request.headers_mut() = self.headers.clone();
        let place = || format!("POST {}", post.path);
        self.sender.ready().await.with_context(place)?;
        let response = self.sender.send_request(request).await.with_context(place)?;
        let status = response.status();
        let mut body = response.into_body();
        if status.is_success() {
            while let Some(frame) = body.frame().await {
                frame.with_context(place)?;
            }
            return Ok(());
        }
        let body = body.collect().await.with_context(place)?.to_bytes();
        bail!("{}: {status} {}", place(), String::from_utf8_lossy(&body));
    }
}
