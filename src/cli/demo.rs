//! `berth demo`: a scheduler at work on a cluster of its own, in the terminal.
//!
//! `stage` starts the sandbox and the scheduler, `workload` says which Jobs, `manifest` writes
//! them; `act` runs them. `observer` watches pods over HTTPS, `ledger` keeps what it saw;
//! everything shown comes from there: `progress` while Jobs run, `summary` and `picture` at the
//! end, on the `terminal`.

mod act;
mod inventory;
mod latency;
mod ledger;
mod manifest;
mod observer;
mod picture;
mod progress;
mod sighting;
mod stage;
mod summary;
mod terminal;
mod text;
mod workload;

use anyhow::{Context, Result};
use berth_plugins::PluginRegistry;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{args, kubeconfig_file, signals};
use act::{Act, Ended};
use inventory::Inventory;
use stage::Stage;
use terminal::{Abilities, Screen};
use text::{Line, Paint, plural};
use workload::Group;

/// Runs the demo, to its end or to Ctrl-C.
///
/// # Errors
/// A part cannot be started or ended by itself, a pod was not tried in time, or standard output
/// is closed.
pub async fn run(args: args::Demo, registry: &PluginRegistry) -> Result<()> {
    let stop = CancellationToken::new();
    let on_signal = stop.clone();
    let _signals = AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = signals::stop_signal().await {
            tracing::warn!("Ctrl-C is not heard: {error:#}");
            return;
        }
        on_signal.cancel();
    }));
    let nodes = berth_sandbox::nodes(usize::try_from(args.nodes)?);
    let inventory = Inventory::of(&nodes);
    let groups = workload::plan(usize::try_from(args.pods)?, &inventory);
    let mut page = Screen::new(std::io::stdout());
    page.print(&opening(&inventory, &groups), Abilities::now())?;
    let stage = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        stage = Stage::start(nodes, crate::config::default_engine_config(registry)?, args.seed) => stage?,
    };
    let mut act = Act::new(stage, groups, inventory, page, stop.clone());
    let played = act.play().await;
    let (stage, mut page) = act.leave();
    let played = match played {
        Ok(Ended::Whole) if args.keep => keep(&stage, &mut page, &stop).await,
        Ok(Ended::Whole) => Ok(()),
        Ok(Ended::Stopped) => page.print(&[Line::plain("Stopped.")], Abilities::now()),
        Err(error) => Err(error),
    };
    stage.stop().await;
    played
}

/// What there is, in a line.
fn opening(inventory: &Inventory, groups: &[Group]) -> Vec<Line> {
    let nodes = plural(inventory.machines.len(), "node");
    let zones = plural(inventory.zones.len(), "zone");
    let cpus = text::grouped(inventory.room(|_| true).milli_cpu / 1000);
    let pods = plural(groups.iter().map(Group::pods).sum(), "pod");
    let jobs = plural(groups.iter().map(|group| group.jobs.len()).sum(), "Job");
    let text = format!(": {nodes} in {zones} with {cpus} CPUs; {pods} of {jobs}");
    vec![Line::default().with(Paint::Bold, "Berth").with(Paint::Plain, text), Line::default()]
}

/// Leaves everything running until the demo is stopped, for kubectl.
async fn keep(stage: &Stage, page: &mut Screen, stop: &CancellationToken) -> Result<()> {
    let name = format!("berth-demo-{}.kubeconfig", std::process::id());
    let path = std::env::temp_dir().join(name);
    kubeconfig_file::write(&path, &stage.sandbox.kubeconfig())?;
    let lines = [
        String::new(),
        "The API server and the scheduler go on until Ctrl-C. Look around with".to_owned(),
        format!("  export KUBECONFIG={}", path.display()),
        "  kubectl get jobs".to_owned(),
        "  kubectl describe pod -l job-name=impossible".to_owned(),
        "  kubectl get pods -o wide --field-selector spec.nodeName=node-00001".to_owned(),
    ];
    page.print(&lines.map(Line::plain), Abilities::now())?;
    stop.cancelled().await;
    // It holds a token that is worth nothing any more.
    std::fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))
}
