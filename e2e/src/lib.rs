//! A real Kubernetes control plane for tests and benchmarks, on loopback.
//!
//! Enter at [`controlplane::ControlPlane::start`]: etcd and kube-apiserver, and where asked for
//! kube-controller-manager and KWOK (nodes and pods without kubelets). [`scheduler`] starts
//! Berth, or kube-scheduler as its peer; [`record`] watches what they do to the pods.
//! The binaries come from the Go modules `e2e/controlplane` and `e2e/kwok`; see [`binaries`].

pub mod audit;
pub mod batch;
pub mod bench;
pub mod binaries;
pub mod controlplane;
pub mod credentials;
pub mod installed;
pub mod kubectl;
pub mod metrics;
pub mod nodes;
pub mod parity;
pub mod patience;
pub mod ports;
pub mod process;
pub mod record;
pub mod scheduler;
pub mod serviceaccount;
pub mod usage;

use std::path::{Path, PathBuf};

/// The folder of this package.
pub fn package_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the workspace.
pub fn workspace_dir() -> &'static Path {
    package_dir().parent().unwrap_or_else(|| package_dir())
}

/// The kustomize base under test.
pub fn manifests_dir() -> PathBuf {
    workspace_dir().join("manifests")
}

/// Where cargo builds: `CARGO_TARGET_DIR`, else `target` of the workspace.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => workspace_dir().join("target"),
    }
}
