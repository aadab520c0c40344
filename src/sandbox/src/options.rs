//! How a sandbox is set up, and why it could not start.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

/// How a sandbox is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 picks a free one.
    pub address: SocketAddr,
    /// Node objects that exist from the start, as for [`crate::nodes`].
    pub nodes: Vec<Value>,
    /// How long a container runs that has no `sandbox.berth.dev/run-for` annotation.
    /// Pods with `restartPolicy: Always` and no annotation run until they are deleted.
    pub pod_run_for: Duration,
    /// Time from a pod's binding to its start.
    pub pod_start_after: Duration,
    /// How often each node renews its Lease and status; `None` for nodes that never speak.
    pub heartbeat: Option<Duration>,
    /// Time between bookmarks of an idle watch (kube-apiserver: one minute).
    pub bookmark_every: Duration,
    /// The bearer token; random when `None`.
    pub token: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            nodes: Vec::new(),
            pod_run_for: Duration::from_secs(1),
            pod_start_after: Duration::ZERO,
            heartbeat: Some(Duration::from_secs(10)),
            bookmark_every: Duration::from_secs(60),
            token: None,
        }
    }
}

/// Why a sandbox could not start or carry on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another address or port 0")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address is not on loopback: the token gives everyone everything.
    #[error("the sandbox listens on loopback only, not on {0}")]
    NotLoopback(SocketAddr),
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS refused the certificate.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// An object was refused.
    #[error("the sandbox refused an object: {0}")]
    Object(#[from] crate::status::Status),
    /// No such resource.
    #[error("the sandbox serves no resource {0:?}; name it as in \"pods\" or \"jobs.batch\"")]
    UnknownResource(String),
    /// The sandbox has stopped.
    #[error("the sandbox has stopped")]
    Stopped,
}
