//! Signals that this process hears instead of dying of them.

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::task::AbortOnDropHandle;

/// SIGTERM and SIGINT, from the moment when this is made.
#[derive(Debug)]
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Hears them from now on.
    ///
    /// # Errors
    /// The operating system refuses.
    pub(crate) fn listen() -> Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
        Ok(Self { terminate, interrupt })
    }

    /// Waits for one and names it.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// SIGHUP, from the moment when this is made; it reloads the configuration.
///
/// # Errors
/// The operating system refuses.
pub(super) fn hangups() -> Result<Signal> {
    signal(SignalKind::hangup()).context("listening for SIGHUP")
}

/// Says of each SIGHUP that there is nothing to reload.
pub(super) fn ignore_hangups(mut hangups: Signal) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            tracing::info!(
                "SIGHUP ignored: there is no configuration file to read again (--config)"
            );
        }
    }))
}

/// Waits for SIGTERM or Ctrl-C and names it.
#[cfg(feature = "sandbox")]
pub(crate) async fn stop_signal() -> Result<&'static str> {
    Ok(StopSignals::listen()?.next().await)
}
