//! `berth run`: the scheduler put together, from its flags to its exit code.
//!
//! `instance` keeps a second one from the same pods, `endpoints` serves pages about it, `limit`
//! tells of a rate that holds pods back.

mod endpoints;
mod instance;
mod limit;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use berth_engine::Origin;
use berth_engine::base::{Draw, HashKey, Random};
use berth_plugins::PluginRegistry;
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use instance::Instance;

use super::args::{Gates, Run};
use super::signals::{self, StopSignals};
use crate::bind::Drained;
use crate::client::{ConnectOptions, Rate, connect};
use crate::config::{self, Loaded, read_file};
use crate::reload::{self, InForce, ReloadOptions, Reloader, Subject};
use crate::scheduler::lease::Standing;
use crate::scheduler::{Options, Scheduler, admit};
use crate::serve::Server;
use crate::watch::Format;

/// How long a stop waits for binds in flight, then for conditions and events that wait.
const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// How long answers under way get at a stop.
const SERVER_DEADLINE: Duration = Duration::from_secs(2);

/// How long an event about a lost Lease gets, where another instance schedules already.
const ABANDON_DEADLINE: Duration = Duration::from_secs(2);

/// Runs the scheduler until SIGTERM or Ctrl-C.
///
/// # Errors
/// The configuration is wrong, the API server cannot be used, another instance has taken a Lease,
/// or a part of the scheduler ended.
pub(super) async fn run(args: Run, registry: &PluginRegistry) -> Result<ExitCode> {
    // From the start: a signal meanwhile is not to be lost, and SIGHUP not to kill.
    let mut signals = StopSignals::listen()?;
    let hangups = signals::hangups()?;
    let (loaded, text) = load(&args, registry)?;
    if let Some(path) = &args.write_config_to {
        std::fs::write(path, loaded.text())
            .with_context(|| format!("--write-config-to: writing {}", path.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut running = tokio::select! {
        signal = signals.next() => {
            tracing::info!(signal, "stopped before it had started");
            return Ok(ExitCode::SUCCESS);
        }
        running = start(&args, loaded, text, registry, hangups) => running?,
    };
    let ended = tokio::select! {
        signal = signals.next() => Ok(signal),
        why = running.scheduler.ended() => {
            Err(Ended::Engine(why.err().unwrap_or_else(|| anyhow!("the scheduler ended by itself"))))
        }
        why = running.instance.guard() => match why {
            Err(why) => Err(Ended::Lease(why)),
            Ok(never) => match never {},
        },
    };
    match ended {
        Ok(signal) => {
            running.stop().await;
            tracing::info!(signal, "stopped");
            Ok(ExitCode::SUCCESS)
        }
        Err(Ended::Engine(why)) => {
            running.stop().await;
            Err(why)
        }
        Err(Ended::Lease(why)) => {
            running.abandon().await;
            Err(why)
        }
    }
}

/// Why the scheduler ends that nobody has stopped.
enum Ended {
    Engine(anyhow::Error),
    Lease(anyhow::Error),
}

/// A scheduler with its Leases, its pages, and whoever follows its configuration.
struct Running {
    scheduler: Scheduler,
    instance: Instance,
    server: Option<Server>,
    _limit: Option<AbortOnDropHandle<()>>,
    _follower: Follower,
}

/// Who hears SIGHUP; ends when it is dropped.
enum Follower {
    File { _reloader: Reloader },
    Nothing { _hangups: AbortOnDropHandle<()> },
}

async fn start(
    args: &Run,
    loaded: Loaded,
    text: String,
    registry: &PluginRegistry,
    hangups: Signal,
) -> Result<Running> {
    warn_of_what_is_not_there(args, &loaded);
    loaded.runnable()?;
    let subject = Subject::find(args.config_map.as_deref())?;
    let client = connect(&connection(args, &loaded)).await?;
    client.bound_rates(loaded.berth().rate_bounds());
    admit::default_scheduler(&loaded, args.allow_default_scheduler, &client).await?;
    let options = options(args, &loaded);
    let mut engine_config = loaded.engine_config(true)?;
    let parked_max_ms = args.pod_max_in_unschedulable_pods_duration.milliseconds();
    engine_config.parked_max_ms = parked_max_ms;
    let scheduler = Scheduler::start_held(client.clone(), engine_config, options)?;
    let names = loaded.scheduler_names().collect::<Vec<_>>().join(", ");
    let at_start = InForce::at_start(loaded.clone());
    reload::show_start(&at_start, &scheduler.health().metrics().config);
    let (announce, in_force) = watch::channel(at_start);
    let (announce_standing, standing) = watch::channel(Standing::default());
    let (held_back, told_about) = (scheduler.held_back(), subject.clone());
    let limit = limit::tell(held_back, told_about, client.clone(), scheduler.events());
    let server = endpoints::serve(args, in_force, &client, &scheduler, standing).await?;
    // Last, as what fails before would leave Leases behind.
    let instance = Instance::claim(args, &loaded, &client, &scheduler, announce_standing)?;
    let follower = if let Some(path) = args.config.as_ref().filter(|path| can_be_followed(path)) {
        let options = ReloadOptions {
            path: path.clone(),
            text,
            every: reload::POLL_EVERY,
            parked_max_ms,
            events: args.events,
            allow_default_scheduler: args.allow_default_scheduler,
            claims: instance.handle(),
            hangups: Some(hangups),
            subject,
        };
        let reloader = Reloader::spawn(options, client, registry.clone(), &scheduler, announce);
        Follower::File { _reloader: reloader }
    } else {
        Follower::Nothing { _hangups: signals::ignore_hangups(hangups) }
    };
    tracing::info!(profiles = %names, version = super::version::VERSION, "Berth starts");
    Ok(Running { scheduler, instance, server, _limit: limit, _follower: follower })
}

impl Running {
    /// Finishes what is under way.
    async fn stop(self) {
        let Self { scheduler, instance, server, _limit: _, _follower: follower } = self;
        drop(follower);
        scheduler.health().shut_down();
        tracing::info!("stopping: no more pods are taken, binds that were sent are waited for");
        // The Leases are let go when the last bind has ended, as the next instance counts it then,
        // and before conditions and events are written, which takes up to 10 s.
        let Drained { left, unposted } =
            scheduler.stop_then(STOP_DEADLINE, instance.release()).await;
        if let Some(server) = server {
            server.stop(SERVER_DEADLINE).await;
        }
        if left > 0 {
            tracing::warn!(left, unposted, "binds without an answer when the time was up");
        } else if unposted > 0 {
            tracing::info!(unposted, "binds not sent yet were dropped: their pods stay pending");
        }
    }

    /// Leaves everything to the instance that has the Lease now.
    async fn abandon(self) {
        let Self { scheduler, instance, .. } = self;
        scheduler.abandon(ABANDON_DEADLINE).await;
        // Those of other names.
        instance.release().await;
    }
}

/// The configuration, and the text it was made of.
fn load(args: &Run, registry: &PluginRegistry) -> Result<(Loaded, String)> {
    let (loaded, text) = match &args.config {
        Some(path) => {
            let text = read_file(path).context("--config")?;
            (config::load(&text, &path.display().to_string(), registry), text)
        }
        None => (config::without_file(registry), String::new()),
    };
    Ok((loaded.map_err(|errors| anyhow!("{errors}"))?, text))
}

/// Standard input, and what a shell puts in the place of a file, are read once.
fn can_be_followed(path: &Path) -> bool {
    let can = path.metadata().is_ok_and(|metadata| metadata.is_file());
    if !can {
        tracing::info!(file = %path.display(), "not a regular file: it is not read again");
    }
    can
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
        (loaded.qps, connection.burst, format)
    } else {
        let format = Format::configured("", args.kube_api_content_type.as_deref().unwrap_or(""));
        // 100 as in kube-scheduler (`options.Options.Deprecated`).
        (args.kube_api_qps, args.kube_api_burst.unwrap_or(100), format)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.parallelism.map_or_else(|| loaded.parallelism().min(cores), usize::from);
    Options {
        // Without a number the rate follows the API server.
        rate: Rate::from_client_connection(qps.unwrap_or(0.0), burst),
        format,
        threads,
        origin: origin(args.seed),
        events: args.events.unwrap_or_else(|| loaded.berth().granularity()),
    }
}

/// What chance begins with. The key of names is a secret of this process, whatever the seed.
fn origin(seed: Option<u64>) -> Origin {
    let draw = Draw::Seeded(Random::new(seed.unwrap_or_else(random)));
    Origin { draw, hash_key: HashKey::new([random(), random()]) }
}

/// A number that nobody chose, from the random keys of the standard library's hasher: the
/// operating system gives them to the first of a thread, and each further one gets others.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

fn warn_of_what_is_not_there(args: &Run, loaded: &Loaded) {
    for warning in args.warnings() {
        tracing::warn!("{warning}");
    }
    for warning in overridden(args, loaded) {
        tracing::warn!("{warning}");
    }
    // What is in force without a file asks for nothing.
    let flag = args.leader_elect.leader_elect.or(args.config.is_none().then_some(false));
    for warning in loaded.warnings_of_a_run(flag) {
        tracing::warn!("{warning}");
    }
    let missing: Vec<&str> = loaded.not_run().into_iter().collect();
    if !missing.is_empty() {
        tracing::info!(
            plugins = %missing.join(", "),
            "enabled plugins that are not carried out yet: nobody is preempted, and pods that need \
             devices are left pending with a condition that says so"
        );
    }
}

/// The flags that come before what the file says otherwise.
fn overridden(args: &Run, loaded: &Loaded) -> Vec<String> {
    let gates = Gates::contradict(&args.feature_gates, &loaded.berth().gates());
    let mut warnings: Vec<String> = gates
        .into_iter()
        .map(|gate| format!("--feature-gates comes before featureGates of the file: {gate}"))
        .collect();
    warnings.extend(loaded.events_overridden(args.events));
    warnings
}
