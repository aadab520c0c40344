//! Waiting with a deadline.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Asks `probe` until it gives a value, or fails after `limit` with what was waited for and the
/// probe's last complaint. `probe` says `Err` for "not yet, because".
pub async fn until<T>(
    what: &str,
    limit: Duration,
    pause: Duration,
    mut probe: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        match probe().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= deadline => {
                bail!("{what}: not within {} s: {error:#}", limit.as_secs())
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
    }
}
