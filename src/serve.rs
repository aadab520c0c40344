//! Metrics, health and debug views over HTTPS (`--secure-port`). Enter at [`Server::start`].
//!
//! Everything but the paths of `--authorization-always-allow-paths` is behind TokenReview or a
//! client certificate, and SubjectAccessReview. HTTP is 1.1.
//!
//! All of it runs in the thread that carries the binds, and anybody may connect. So connections
//! have bounds in number (`guests`), rate (`pacer`) and time (`connection`), and reviews have
//! theirs (`access/reviewer`).

mod access;
mod allowance;
mod authority;
mod certificate;
mod connection;
mod guests;
mod health;
mod heap;
mod identity;
mod keyring;
mod pacer;
mod page;
mod pages;
mod profile;
mod protocol;
mod remembered;
mod site;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::events::hostname;
pub use access::Access;
pub use authority::ClientAuthority;
pub use certificate::{CertificateError, CertificateOptions};
use guests::{Guests, Stage};
pub use health::Check;
use keyring::Keyring;
pub use keyring::READ_EVERY;
pub use page::Answer;
pub use pages::Pages;
pub use protocol::{Protocol, Suite, TlsVersion};
use site::Site;

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
    /// Which TLS is spoken.
    pub protocol: Protocol,
    /// Whose client certificates are taken.
    pub authority: ClientAuthority,
    /// How often certificates and authority are read again: [`READ_EVERY`], less in tests.
    pub read_every: Duration,
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
    _keyring: AbortOnDropHandle<()>,
}

impl Server {
    /// Listens and serves on the current tokio runtime.
    ///
    /// # Errors
    /// A certificate cannot be used or the port not be listened on.
    pub async fn start(
        options: &ServeOptions,
        pages: Pages,
        access: Access,
    ) -> Result<Self, ServeError> {
        let (keyring, tls) = Keyring::open(options, &hostname()).await?;
        let (address, port) = (options.address, options.port);
        let failed = |source| ServeError::Listen { address, port, source };
        let listener = TcpListener::bind((address, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let closing = CancellationToken::new();
        let site = Arc::new(Site::new(pages, access));
        let keyring = AbortOnDropHandle::new(tokio::spawn(keyring.follow(options.read_every)));
        let task = tokio::spawn(accept(listener, tls, site, closing.clone()));
        Ok(Self { address, closing, task, _keyring: keyring })
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

async fn accept(
    listener: TcpListener,
    tls: watch::Receiver<Arc<ServerConfig>>,
    site: Arc<Site>,
    closing: CancellationToken,
) {
    let guests = Guests::default();
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // As fast as they come, at 20 µs each: where the listener's queue of 1,024 runs over, the
        // kernel drops whoever comes next, and a probe tries again after 1, 3 and 7 s.
        let accepted = tokio::select! {
            () = closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
            Err(error) => {
                tracing::warn!(%error, "Cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok((stream, stage)) = look(stream) else { continue };
        let Some(guest) = guests.admit(peer, stage) else {
            tracing::debug!(%peer, "A connection is refused: all of its peer are being answered");
            continue;
        };
        let (tls, site) = (Arc::clone(&tls.borrow()), Arc::clone(&site));
        connections.spawn(connection::serve(stream, peer, guest, tls, site, closing.clone()));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Whether a connection has sent something while it waited to be accepted: the first byte of a
/// probe is there by then, and must not be counted among the silent ones.
fn look(stream: TcpStream) -> io::Result<(TcpStream, Stage)> {
    let stream = stream.into_std()?;
    let stage = match stream.peek(&mut [0]) {
        Ok(_) => Stage::Speaking,
        Err(_) => Stage::Silent,
    };
    Ok((TcpStream::from_std(stream)?, stage))
}

#[cfg(test)]
mod tests;
