//! `berth run`: the scheduler put together, from its flags to its exit code.
//!
//! Read in this order: this file, `scheduler` (what is started and how it is stopped), `thread`
//! (the engine's loop), `lanes` (where effects go).

mod endpoints;
mod lanes;
mod scheduler;
mod thread;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use berth_engine::Config;
use berth_plugins::PluginRegistry;
use tokio::signal::unix::{SignalKind, signal};

pub use scheduler::{Health, Options, Scheduler};

use crate::args::Run;
use crate::client::{ConnectOptions, Rate, connect};
use crate::command::read_file;
use crate::config::{self, Loaded};
use crate::lease;
use crate::watch::Format;

/// How long a stop waits for binds in flight, then for conditions and events that wait.
const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// How long answers under way get at a stop.
const SERVER_DEADLINE: Duration = Duration::from_secs(2);

/// Runs the scheduler until SIGTERM or Ctrl-C.
///
/// # Errors
/// The configuration is wrong, the API server cannot be used, or a part of the scheduler ended.
pub async fn run(args: Run, registry: &PluginRegistry) -> Result<ExitCode> {
    let loaded = load(&args, registry)?;
    if let Some(path) = &args.write_config_to {
        std::fs::write(path, config::print(loaded.configuration()))
            .with_context(|| format!("--write-config-to: writing {}", path.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    warn_of_what_is_not_there(&args, &loaded);
    if !loaded.extenders().is_empty() {
        bail!(
            "{}: extenders: Berth does not call extenders yet, and scheduling without them would \
             place their pods wrongly: remove them from the file",
            loaded.origin
        );
    }
    let client = connect(&connection(&args, &loaded)).await?;
    refuse_a_second_default_scheduler(&args, &loaded, &client).await?;
    let options = options(&args, &loaded);
    let mut engine_config = loaded.engine_config(true)?;
    engine_config.parked_max_ms = args.pod_max_in_unschedulable_pods_duration.milliseconds();
    let mut scheduler = Scheduler::start(client.clone(), engine_config, options)?;
    let server = endpoints::serve(&args, &loaded, &client, &scheduler.health()).await?;
    let names = loaded.scheduler_names().collect::<Vec<_>>().join(", ");
    tracing::info!(profiles = %names, version = crate::version::VERSION, "Berth starts");
    let ended = tokio::select! {
        signal = stop_signal() => signal.map(Some),
        why = scheduler.ended() => why.map(|()| None),
    };
    scheduler.health().shut_down();
    tracing::info!("stopping: no more pods are taken, binds in flight are finished");
    let left = scheduler.stop(STOP_DEADLINE).await;
    if let Some(server) = server {
        server.stop(SERVER_DEADLINE).await;
    }
    if left > 0 {
        tracing::warn!(left, "binds without an answer when the time was up");
    }
    match ended? {
        Some(signal) => tracing::info!(signal, "stopped"),
        None => bail!("the scheduler ended by itself"),
    }
    Ok(ExitCode::SUCCESS)
}

fn load(args: &Run, registry: &PluginRegistry) -> Result<Loaded> {
    let loaded = match &args.config {
        Some(path) => {
            let text = read_file(path).context("--config")?;
            config::load(&text, &path.display().to_string(), registry)
        }
        None => config::without_file(registry),
    };
    loaded.map_err(|errors| anyhow!("{errors}"))
}

fn connection(args: &Run, loaded: &Loaded) -> ConnectOptions {
    let in_file = Some(&loaded.client_connection().kubeconfig).filter(|path| !path.is_empty());
    // The flag is deprecated where there is a file, but the file need not name a kubeconfig: then
    // the flag is what makes a scheduler outside the cluster possible.
    let kubeconfig = in_file.map(Into::into).or_else(|| args.kubeconfig.clone());
    ConnectOptions { kubeconfig, master: args.master.clone() }
}

fn options(args: &Run, loaded: &Loaded) -> Options {
    let connection = loaded.client_connection();
    let (qps, burst, format) = if args.config.is_some() {
        let format = Format::configured(&connection.accept_content_types, &connection.content_type);
        (connection.qps, connection.burst, format)
    } else {
        let format = Format::configured("", &args.kube_api_content_type);
        (args.kube_api_qps, args.kube_api_burst, format)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.parallelism.map_or_else(|| loaded.parallelism().min(cores), usize::from);
    Options {
        rate: Rate::from_client_connection(qps, burst),
        format,
        threads,
        seed: args.seed.unwrap_or_else(random_seed),
    }
}

/// A seed nobody chose: the address space layout and the clock, hashed by the standard library's
/// randomly keyed hasher.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

fn warn_of_what_is_not_there(args: &Run, loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let asked = args.leader_elect.leader_elect;
    let in_file = args.config.is_some() && loaded.leader_election().leader_elect.unwrap_or(true);
    if asked.unwrap_or(in_file) {
        tracing::warn!(
            "leader election is not there yet: nobody is elected and no Lease is touched, so run \
             one replica only; leaderElection.leaderElect: false silences this"
        );
    }
    let missing: Vec<&str> = loaded.not_run().into_iter().collect();
    if !missing.is_empty() {
        tracing::info!(
            plugins = %missing.join(", "),
            "enabled plugins that are not there yet: pods that need one are left pending with \
             reason SchedulerError"
        );
    }
}

/// Two schedulers of one name would fight for every pod.
async fn refuse_a_second_default_scheduler(
    args: &Run,
    loaded: &Loaded,
    client: &kube::Client,
) -> Result<()> {
    if args.allow_default_scheduler
        || !loaded.scheduler_names().any(|name| name == lease::DEFAULT_SCHEDULER)
    {
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

/// Waits for SIGTERM or Ctrl-C and names it.
pub(crate) async fn stop_signal() -> Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

/// The configuration that `demo` and tests run: one profile `berth`, pods that need what is not
/// there are refused.
///
/// # Errors
/// The registry lacks a default plugin.
pub fn default_config(registry: &PluginRegistry) -> Result<Config> {
    let loaded = config::without_file(registry).map_err(|errors| anyhow!("{errors}"))?;
    Ok(loaded.engine_config(true)?)
}
