//! The store.

use std::path::Path;

use anyhow::Result;

use super::{POLL, READY_LIMIT};
use crate::binaries::Binaries;
use crate::process::Process;
use crate::{patience, ports};

/// Starts etcd and waits for it: kube-apiserver ends when it finds none.
pub(super) async fn start(binaries: &Binaries, dir: &Path) -> Result<(Process, String)> {
    let url = format!("http://127.0.0.1:{}", ports::free()?);
    let peer = format!("http://127.0.0.1:{}", ports::free()?);
    let args = [
        format!("--data-dir={}", dir.join("etcd").display()),
        // A test's data need not survive the machine, and fsync costs the API server a third.
        "--unsafe-no-fsync".to_owned(),
        format!("--listen-client-urls={url}"),
        // Left out, etcd stops at once.
        format!("--advertise-client-urls={url}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--log-level=warn".to_owned(),
    ];
    let mut etcd = Process::spawn("etcd", &binaries.path("etcd"), &args, dir)?;
    let address = url.trim_start_matches("http://").to_owned();
    patience::until("etcd listening", READY_LIMIT, POLL, async || {
        Ok(tokio::net::TcpStream::connect(&address).await?)
    })
    .await
    .or_else(|error| {
        etcd.running()?;
        Err(error)
    })?;
    Ok((etcd, url))
}
