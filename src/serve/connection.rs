//! One connection: from its first byte to its end. Enter at [`serve`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::guests::{Guest, Stage};
use super::identity;
use super::site::{Site, Visitor};

/// Longest wait for the first byte, for the handshake after it, and for the head of the first
/// request after that. Whoever wants an answer sends each at once; a kubelet gives up after 1 s by
/// default.
const STEP_MAX: Duration = Duration::from_secs(5);

/// Longest wait for a request's head on a connection that was answered before: scrapers come back
/// each 15 to 30 s. It goes earlier where its place is needed.
const HEAD_MAX: Duration = Duration::from_secs(30);

/// Serves a connection until it ends, has to leave, or the server closes.
pub(super) async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    guest: Guest,
    tls: Arc<ServerConfig>,
    site: Arc<Site>,
    closing: CancellationToken,
) {
    let leave = guest.leave.clone();
    let why = tokio::select! {
        () = leave.cancelled() => "another connection takes its place".to_owned(),
        ended = attend(stream, peer, guest, tls, site, closing) => match ended {
            Ok(()) => return,
            Err(why) => why,
        },
    };
    // Port scans and TCP probes: not worth an operator's time.
    tracing::debug!(%peer, why, "Connection ended");
}

async fn attend(
    stream: TcpStream,
    peer: IpAddr,
    guest: Guest,
    tls: Arc<ServerConfig>,
    site: Arc<Site>,
    closing: CancellationToken,
) -> Result<(), String> {
    let late = |what: &str| format!("no {what} within {STEP_MAX:?}");
    // A connection that says nothing costs no turn.
    match timeout(STEP_MAX, stream.peek(&mut [0])).await.map_err(|_| late("byte"))? {
        Ok(0) => return Ok(()),
        Ok(_) => guest.is(Stage::Speaking),
        Err(error) => return Err(error.to_string()),
    }
    let turn = site.handshakes.turn(peer, Instant::now());
    tokio::time::sleep(turn.ok_or("too many handshakes")?).await;
    let accepted = timeout(STEP_MAX, TlsAcceptor::from(tls).accept(stream)).await;
    let stream = accepted.map_err(|_| late("handshake"))?.map_err(|error| error.to_string())?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let certificate = shown.and_then(|certificate| identity::user(certificate));
    let guest = Arc::new(guest);
    let visitor = Arc::new(Visitor { peer, certificate, guest: Arc::clone(&guest) });
    let service = service_fn(move |request| {
        let (site, visitor) = (Arc::clone(&site), Arc::clone(&visitor));
        async move { site.answer(&visitor, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let first = async {
        tokio::time::sleep(STEP_MAX).await;
        if !guest.is_new() {
            std::future::pending::<()>().await;
        }
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = first => return Err(late("request")),
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    ended.map_err(|error| error.to_string())
}
