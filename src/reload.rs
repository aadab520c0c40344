//! The configuration file is followed while the scheduler runs. Enter at [`Reloader::spawn`].
//!
//! `file` tells when its text is new: the kubelet has swapped a mounted ConfigMap's `..data`, or
//! somebody has written a plain file. A new text is checked as at the start, and put in force
//! between two cycles; a wrong one changes nothing. `in_force` says which one holds and how the
//! last reload ended; log, metrics, `/configz` and an event on `subject` tell it (`telling`).

mod file;
mod in_force;
mod subject;
mod telling;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use berth_engine::Config;
use berth_plugins::PluginRegistry;
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::client::Client;
use crate::config::{self, ConfigErrors, Loaded};
use crate::events::{EventHandle, Granularity};
use crate::metrics::ConfigMetrics;
use crate::scheduler::lease::ClaimsHandle;
use crate::scheduler::{Scheduler, admit};
use file::{ConfigFile, Content};
pub use in_force::{InForce, Reload, ReloadResult};
pub use subject::{Subject, SubjectError};

/// How often the file is looked at. The kubelet brings a changed ConfigMap to the volume within
/// about a minute, so 2 s add little to that. Reading a file of 3 kB takes 20 µs, one of the
/// largest size (1 MiB, what a ConfigMap holds) 1 ms: a two-thousandth of a core at most.
pub const POLL_EVERY: Duration = Duration::from_secs(2);

/// `reportingController` of events about the configuration: they are of no profile.
pub(crate) const CONTROLLER: &str = "berth";

/// What the scheduler was started with, and by which rules a new configuration is taken.
#[derive(Debug)]
pub struct ReloadOptions {
    /// The file.
    pub path: PathBuf,
    /// Its text at the start.
    pub text: String,
    /// How often to look at it: [`POLL_EVERY`].
    pub every: Duration,
    /// `--pod-max-in-unschedulable-pods-duration`, in milliseconds.
    pub parked_max_ms: u64,
    /// `--events`, which comes before the file.
    pub events: Option<Granularity>,
    /// `--allow-default-scheduler`.
    pub allow_default_scheduler: bool,
    /// The Leases of the profiles' names, where they are held.
    pub claims: Option<ClaimsHandle>,
    /// SIGHUP: the file is looked at at once, and how that ended is logged.
    pub hangups: Option<Signal>,
    /// What events are about.
    pub subject: Option<Subject>,
}

/// Follows the file until it is dropped.
#[derive(Debug)]
pub struct Reloader {
    _task: AbortOnDropHandle<()>,
}

impl Reloader {
    /// Starts to follow the file on the current tokio runtime. `in_force` says what `scheduler` has
    /// started with, and is kept up to date.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(
        options: ReloadOptions,
        client: Client,
        registry: PluginRegistry,
        scheduler: &Scheduler,
        in_force: watch::Sender<InForce>,
    ) -> Self {
        let ReloadOptions { path, text, every, .. } = options;
        let following = Following {
            parked_max_ms: options.parked_max_ms,
            granularity: options.events,
            allow_default_scheduler: options.allow_default_scheduler,
            claims: options.claims,
            subject: options.subject,
            client,
            registry,
            configs: scheduler.configs(),
            events: scheduler.events(),
            metrics: scheduler.health().metrics().config.clone(),
            in_force,
        };
        let file = ConfigFile::new(path, text);
        let following = following.follow(file, every, options.hangups);
        Self { _task: AbortOnDropHandle::new(tokio::spawn(following)) }
    }
}

/// Shows in the metrics what the scheduler has started with.
pub fn show_start(in_force: &InForce, metrics: &ConfigMetrics) {
    metrics.hash.set(in_force.hash());
    metrics.time.set(jiff::Timestamp::now().as_second());
    metrics.successful.set(1);
}

struct Following {
    parked_max_ms: u64,
    granularity: Option<Granularity>,
    allow_default_scheduler: bool,
    claims: Option<ClaimsHandle>,
    subject: Option<Subject>,
    client: Client,
    registry: PluginRegistry,
    configs: mpsc::Sender<Arc<Config>>,
    events: EventHandle,
    metrics: ConfigMetrics,
    in_force: watch::Sender<InForce>,
}

/// The engine's thread has ended, and with it everything.
struct Ended;

/// Why a text is not put in force.
struct Unfit {
    problems: Vec<String>,
    /// The text is right, and another instance holds the Lease of a `schedulerName` in it: when to
    /// try again.
    again_after: Option<Duration>,
}

impl Unfit {
    /// For good, until the file says something else.
    fn wrong(problems: Vec<String>) -> Self {
        Self { problems, again_after: None }
    }
}

/// A text that was refused for a Lease. It is tried until it is taken or the file says something
/// else, at a pace: see [`ClaimsHandle::again_after`].
struct Again {
    content: Content,
    at: Instant,
}

impl Following {
    async fn follow(self, mut file: ConfigFile, every: Duration, mut hangups: Option<Signal>) {
        let mut ticks = tokio::time::interval(every);
        // A look that was late is not made up for.
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut again: Option<Again> = None;
        loop {
            let asked = tokio::select! {
                _ = ticks.tick() => false,
                () = hangup(&mut hangups) => true,
            };
            let path = file.path().to_owned();
            let Ok(look) = tokio::task::spawn_blocking(move || file::look(&path)).await else {
                // The runtime is ending.
                return;
            };
            let news = if asked { Some(file.take_as_it_is(look)) } else { file.take(look) };
            let (content, tried) = match news {
                Some(content) => (content, false),
                None => match again.take_if(|again| again.at <= Instant::now()) {
                    Some(Again { content, .. }) => (content, true),
                    None => continue,
                },
            };
            let origin = file.path().display().to_string();
            match self.reload(content.clone(), &origin, tried).await {
                Ok(after) => {
                    again = after.map(|after| Again { content, at: Instant::now() + after });
                }
                Err(Ended) => return,
            }
        }
    }

    /// Puts a new text in force where it is right, and tells how that ended. Returns after how
    /// long to try once more; `tried` before, it is told where that ended in another way.
    async fn reload(
        &self,
        content: Content,
        origin: &str,
        tried: bool,
    ) -> Result<Option<Duration>, Ended> {
        let mut again_after = None;
        let result = match self.check(content, origin, tried).await {
            Err(unfit) => {
                again_after = unfit.again_after;
                ReloadResult::Rejected { problems: unfit.problems }
            }
            Ok(None) => ReloadResult::Unchanged,
            Ok(Some((loaded, config))) => {
                let needs_restart = self.in_force.borrow().needs_restart(&loaded);
                self.hand_over(config).await?;
                if let Some(claims) = &self.claims {
                    claims.retain(names(&loaded)).await;
                }
                self.take_own(&loaded);
                for warning in &loaded.warnings {
                    tracing::warn!("{warning}");
                }
                self.in_force.send_modify(|in_force| in_force.replace(loaded));
                ReloadResult::Success { needs_restart }
            }
        };
        let last = self.in_force.borrow().last().map(|last| last.result.clone());
        if tried && last.as_ref() == Some(&result) {
            return Ok(again_after);
        }
        self.count(&result);
        self.log(&result, origin);
        self.in_force.send_modify(|in_force| in_force.note(result.clone()));
        self.publish(&result).await;
        Ok(again_after)
    }

    /// Puts in force what the engine does not read.
    fn take_own(&self, loaded: &Loaded) {
        self.client.bound_rates(loaded.berth().rate_bounds());
        let in_file = loaded.berth().granularity();
        self.events.set_granularity(self.granularity.unwrap_or(in_file));
        if let Some(warning) = loaded.events_overridden(self.granularity) {
            tracing::warn!("{warning}");
        }
    }

    /// What the text says; `None` where that is in force already.
    async fn check(
        &self,
        content: Content,
        origin: &str,
        tried: bool,
    ) -> Result<Option<(Loaded, Config)>, Unfit> {
        let checked = self.check_text(content, origin).await.map_err(Unfit::wrong)?;
        if let (Some((loaded, _)), Some(claims)) = (&checked, &self.claims) {
            // Last, as it takes Leases.
            claims.admit(names(loaded), tried).await.map_err(|why| {
                let after = claims.again_after();
                let problem = format!(
                    "{origin}: profiles: {why}; tried again every {} s until the Lease is free or \
                     the file says something else",
                    after.as_secs_f64()
                );
                Unfit { problems: vec![problem], again_after: Some(after) }
            })?;
        }
        Ok(checked)
    }

    /// The same without Leases.
    async fn check_text(
        &self,
        content: Content,
        origin: &str,
    ) -> Result<Option<(Loaded, Config)>, Vec<String>> {
        let text = content.map_err(|error| vec![format!("{origin}: cannot be read: {error}")])?;
        let loaded = config::load(&text, origin, &self.registry).map_err(|e| lines(&e))?;
        let (unchanged, known_default) = {
            let in_force = self.in_force.borrow();
            (in_force.loaded().hash == loaded.hash, admit::has_default(in_force.loaded()))
        };
        if unchanged {
            return Ok(None);
        }
        let refused =
            |error: anyhow::Error| vec![format!("{origin}: {}", crate::causes::chain(&*error))];
        loaded.runnable().map_err(|errors| lines(&errors))?;
        // Where it has the profile already, that was looked at before.
        let allowed = self.allow_default_scheduler || known_default;
        admit::default_scheduler(&loaded, allowed, &self.client).await.map_err(refused)?;
        let mut config = loaded.engine_config(true).map_err(|e| refused(e.into()))?;
        config.parked_max_ms = self.parked_max_ms;
        Ok(Some((loaded, config)))
    }

    /// Gives the configuration to the engine, and waits until it has taken it.
    async fn hand_over(&self, config: Config) -> Result<(), Ended> {
        self.configs.send(Arc::new(config)).await.map_err(|_| Ended)?;
        // There is room for one: room again means that the one is gone.
        self.configs.reserve().await.map(drop).map_err(|_| Ended)
    }
}

/// The `schedulerName` of each profile.
fn names(loaded: &Loaded) -> BTreeSet<String> {
    loaded.scheduler_names().map(str::to_owned).collect()
}

/// Waits for the next SIGHUP.
async fn hangup(signals: &mut Option<Signal>) {
    let heard = match signals {
        Some(signal) => signal.recv().await,
        None => None,
    };
    match heard {
        Some(()) => tracing::info!("SIGHUP: the configuration is read again"),
        // None will come.
        None => std::future::pending().await,
    }
}

/// Each problem by itself, with its file and line.
fn lines(errors: &ConfigErrors) -> Vec<String> {
    let line = |problem| ConfigErrors { origin: errors.origin.clone(), problems: vec![problem] };
    errors.problems.iter().cloned().map(|problem| line(problem).to_string()).collect()
}

#[cfg(test)]
mod tests;
