//! Sockets: accepts connections, speaks TLS and HTTP/1.1 on them, and can drop them all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::api::Apiserver;
use crate::options::Error;

/// Connections at once. kube 5 opens one per request in flight: 256 binds and some watches of
/// each of ten clients stay below a quarter of this.
const CONNECTIONS_MAX: usize = 8192;

/// How long a connection may be idle. Longer than hyper's clients keep one (90 s): a server
/// that closes first races with the next request, which then gets no answer.
const IDLE: Duration = Duration::from_secs(180);

/// Pending connections in the kernel while a restart of the sandbox's server is under way.
const BACKLOG: u32 = 1024;

/// Tries to take the port again after a restart, 20 ms apart: ten seconds.
const REBIND_TRIES_MAX: u32 = 500;

/// Drop all connections and refuse new ones for a time, then say that it is over.
pub(crate) struct Restart {
    pub(crate) down: Duration,
    pub(crate) done: oneshot::Sender<()>,
}

/// Listens on the address; answers also the real one.
pub(crate) fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // The port must be free again at once after a restart.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    listen().map_err(|source| Error::Listen { address, source })
}

/// Serves until `stop`.
pub(crate) async fn serve(
    api: Arc<Apiserver>,
    tls: Arc<ServerConfig>,
    mut listener: TcpListener,
    address: SocketAddr,
    mut restarts: mpsc::Receiver<Restart>,
    stop: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(tls);
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = stop.child_token();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(restart) = restarts.recv() => {
                drop(listener);
                connections.cancel();
                connections = stop.child_token();
                tokio::time::sleep(restart.down).await;
                let Some(again) = listen_again(address).await else { return };
                listener = again;
                // The one who asked may have gone; nothing to do then.
                let _ = restart.done.send(());
            }
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of file descriptors: connections must end before new ones fit.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else { continue };
                let (api, acceptor) = (Arc::clone(&api), acceptor.clone());
                let dropped = connections.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = dropped.cancelled() => {}
                        () = connection(api, acceptor, stream) => {}
                    }
                    drop(slot);
                });
            }
        }
    }
}

async fn listen_again(address: SocketAddr) -> Option<TcpListener> {
    for _ in 0..REBIND_TRIES_MAX {
        if let Ok((listener, _)) = listen(address) {
            return Some(listener);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    None
}

/// A connection to its end. Errors are the client's: it went away or does not trust us.
async fn connection(api: Arc<Apiserver>, acceptor: TlsAcceptor, stream: TcpStream) {
    // Small answers must not wait for acknowledgements (Nagle): 40 ms a request otherwise.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(move |request| Arc::clone(&api).answer(request));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    drop(served);
}
