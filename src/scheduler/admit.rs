//! What `run` refuses of configurations that are right in themselves, at the start and at reloads.

use anyhow::{Context, Result, bail};

use crate::client::Client;
use crate::config::Loaded;
use crate::scheduler::lease;

/// Whether a profile has kube-scheduler's own name.
pub(crate) fn has_default(loaded: &Loaded) -> bool {
    loaded.scheduler_names().any(|name| name == lease::DEFAULT_SCHEDULER)
}

/// Refuses a profile of kube-scheduler's name beside a live one, unless that is `allowed`: two
/// schedulers of one name would fight for every pod.
///
/// # Errors
/// There is a live kube-scheduler, or nobody knows.
pub(crate) async fn default_scheduler(
    loaded: &Loaded,
    allowed: bool,
    client: &Client,
) -> Result<()> {
    if allowed || !has_default(loaded) {
        return Ok(());
    }
    let live = lease::live_kube_scheduler(client).await.context(
        "looking for a live kube-scheduler, as a profile is named default-scheduler \
         (--allow-default-scheduler starts without looking)",
    )?;
    match live {
        None => Ok(()),
        Some(holder) => bail!(
            "a profile is named {}, and {} holds the Lease kube-system/kube-scheduler (renewed {}): \
             two schedulers would fight for every pod. Name the profile otherwise, stop \
             kube-scheduler, or give --allow-default-scheduler",
            lease::DEFAULT_SCHEDULER,
            holder.identity,
            holder.renewed
        ),
    }
}
