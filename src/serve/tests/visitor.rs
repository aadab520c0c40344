//! A client over TLS, with or without a certificate of its own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1 as client;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ALL_VERSIONS, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Trusts any certificate, like a scraper with `insecure_skip_verify`, and keeps it.
#[derive(Debug, Default)]
struct Anyone(Mutex<Vec<u8>>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.0.lock().unwrap() = end_entity.to_vec();
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

/// An answer.
pub(super) struct Read {
    pub(super) status: u16,
    pub(super) headers: http::HeaderMap,
    pub(super) body: String,
    /// The server's certificate, DER.
    pub(super) shown: Vec<u8>,
}

/// A client certificate and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A connection after its handshake, and the certificate that the server showed.
pub(super) async fn connect(
    address: SocketAddr,
    identity: Option<Identity>,
) -> std::io::Result<(TlsStream<TcpStream>, Vec<u8>)> {
    connect_by(address, identity, (aws_lc_rs::default_provider(), ALL_VERSIONS)).await
}

/// The same, by these suites and versions.
pub(super) async fn connect_by(
    address: SocketAddr,
    identity: Option<Identity>,
    (provider, versions): (CryptoProvider, &[&'static SupportedProtocolVersion]),
) -> std::io::Result<(TlsStream<TcpStream>, Vec<u8>)> {
    let anyone = Arc::new(Anyone::default());
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&anyone) as _);
    let mut config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let shown = anyone.0.lock().unwrap().clone();
    Ok((stream, shown))
}

/// One request on a connection of its own.
pub(super) async fn send_as(
    address: SocketAddr,
    (method, path): (&str, &str),
    token: Option<&str>,
    identity: Option<Identity>,
) -> Result<Read, Box<dyn std::error::Error>> {
    let (stream, shown) = connect(address, identity).await?;
    let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = String::from_utf8(body.collect().await?.to_bytes().to_vec()).unwrap();
    driver.abort();
    Ok(Read { status: head.status.as_u16(), headers: head.headers, body, shown })
}

/// The same, which must be answered.
pub(super) async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
) -> Read {
    send_as(address, (method, path), token, None).await.unwrap()
}
