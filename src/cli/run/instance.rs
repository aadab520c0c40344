//! One instance for a `schedulerName`: no pod is attempted before its Leases are held, and the
//! process ends where another instance has taken one.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::watch;

use crate::cli::args::Run;
use crate::client::Client;
use crate::config::Loaded;
use crate::scheduler::lease::{
    self, Claims, ClaimsHandle, ClaimsOptions, Namespace, Standing, Timing,
};
use crate::scheduler::{Gate, Scheduler};

/// How long a stop waits for the Leases to be let go.
const RELEASE_DEADLINE: Duration = Duration::from_secs(5);

/// The Leases; none where `--allow-second-instance` runs without them.
pub(super) struct Instance {
    claims: Option<Claims>,
    standing: watch::Receiver<Standing>,
    gate: Gate,
}

impl Instance {
    /// Begins to take the Leases of the profiles, and announces how it stands.
    pub(super) fn claim(
        args: &Run,
        loaded: &Loaded,
        client: &Client,
        scheduler: &Scheduler,
        announce: watch::Sender<Standing>,
    ) -> Result<Self> {
        let (gate, standing) = (scheduler.gate(), announce.subscribe());
        if args.allow_second_instance {
            tracing::warn!(
                "--allow-second-instance: no Lease is held, and nothing keeps another instance \
                 from the same pods: two of them over-commit nodes"
            );
            announce.send_replace(Standing::Holds);
            gate.open();
            return Ok(Self { claims: None, standing, gate });
        }
        let elect = &args.leader_elect;
        let configured = &loaded.leader_election().resource_namespace;
        let options = ClaimsOptions {
            names: loaded.scheduler_names().map(str::to_owned).collect::<BTreeSet<_>>(),
            namespace: Namespace::of(elect.leader_elect_resource_namespace.as_deref(), configured),
            timing: timing(args, loaded)?,
            identity: lease::identity().into(),
            status: scheduler.health().metrics().lease.clone(),
            events: Some(scheduler.events()),
        };
        let claims = Claims::spawn(client.clone(), options, announce);
        Ok(Self { claims: Some(claims), standing, gate })
    }

    /// For reloads.
    pub(super) fn handle(&self) -> Option<ClaimsHandle> {
        self.claims.as_ref().map(Claims::handle)
    }

    /// Lets pods be attempted while the Leases are held, and not otherwise. Returns when this
    /// process must end.
    ///
    /// # Errors
    /// Why it must.
    pub(super) async fn guard(&self) -> Result<Infallible> {
        if self.claims.is_none() {
            return std::future::pending().await;
        }
        let mut standing = self.standing.clone();
        let mut held = false;
        loop {
            let now = standing.borrow_and_update().clone();
            match now {
                Standing::Holds => {
                    self.gate.open();
                    held = true;
                }
                Standing::Waits(why) => {
                    self.gate.close();
                    if std::mem::take(&mut held) {
                        tracing::error!(
                            why,
                            "No pod is scheduled: the Lease was not renewed in time, and another \
                             instance may take it"
                        );
                    }
                }
                Standing::Lost(why) => bail!("{why}: this instance ends"),
                Standing::Refused(why) => bail!(why),
            }
            standing.changed().await.context("the Leases are not held any more")?;
        }
    }

    /// Lets go of the Leases.
    pub(super) async fn release(self) {
        if let Some(claims) = self.claims {
            claims.release(RELEASE_DEADLINE).await;
        }
    }
}

/// By the flags, else the configuration.
fn timing(args: &Run, loaded: &Loaded) -> Result<Timing> {
    let (flags, file) = (&args.leader_elect, loaded.leader_election());
    let given = flags.leader_elect_lease_duration.is_some()
        || flags.leader_elect_renew_deadline.is_some()
        || flags.leader_elect_retry_period.is_some();
    let timing = Timing::new(
        lease::duration(flags.leader_elect_lease_duration.unwrap_or(file.lease_duration)),
        lease::duration(flags.leader_elect_renew_deadline.unwrap_or(file.renew_deadline)),
        lease::duration(flags.leader_elect_retry_period.unwrap_or(file.retry_period)),
    );
    match timing {
        Ok(timing) => Ok(timing),
        Err(error) if given => Err(anyhow!(
            "--leader-elect-lease-duration, --leader-elect-renew-deadline, \
             --leader-elect-retry-period: {error}"
        )),
        // kube-scheduler reads these fields only where a leader is elected, and so does the check.
        Err(error) => {
            tracing::warn!("leaderElection: {error}: the defaults hold for the Leases");
            Ok(Timing::default())
        }
    }
}
