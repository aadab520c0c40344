//! A control plane by hand: `cargo run -p e2e --bin controlplane -- up --nodes 10`.

use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use e2e::binaries::Binaries;
use e2e::controlplane::{self, ControlPlane};
use e2e::nodes::NodePool;
use e2e::scheduler::{Kind, Options, Scheduler};

/// A real Kubernetes control plane on loopback, with KWOK in place of kubelets.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the binaries (about 14 minutes the first time on two cores, nothing after).
    Build,
    /// Start a control plane and keep it up until Ctrl-C.
    Up(Up),
}

#[derive(Debug, Args)]
struct Up {
    /// How many nodes to create.
    #[arg(long, default_value_t = 10)]
    nodes: usize,
    /// Allocatable CPU of each.
    #[arg(long, default_value = "8")]
    cpu: String,
    /// Allocatable memory of each.
    #[arg(long, default_value = "32Gi")]
    memory: String,
    /// Also run kube-scheduler, for pods of default-scheduler.
    #[arg(long)]
    kube_scheduler: bool,
    /// Neither kube-controller-manager nor KWOK: pods stay as the scheduler leaves them.
    #[arg(long)]
    bare: bool,
    /// Apply the project's manifests (`kubectl apply -k manifests`).
    #[arg(long)]
    manifests: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Build => Binaries::ready().map(|_| ()),
        Command::Up(up) => up.run().await,
    }
}

impl Up {
    async fn run(self) -> Result<()> {
        let mut plane = ControlPlane::start(&controlplane::Options {
            name: "up".to_owned(),
            controllers: !self.bare,
            kwok: !self.bare,
            load: self.bare,
        })
        .await?;
        let mut pool = NodePool::new("node", self.nodes);
        pool.cpu.clone_from(&self.cpu);
        pool.memory.clone_from(&self.memory);
        pool.create(&plane.client()).await?;
        pool.wait_untainted(&plane.client(), Duration::from_secs(60)).await?;
        if self.manifests {
            let manifests = e2e::manifests_dir().display().to_string();
            print!("{}", plane.kubectl().run(&["apply", "-k", &manifests]).await?);
        }
        let _kube_scheduler = match self.kube_scheduler {
            true => Some(start_kube_scheduler(&plane).await?),
            false => None,
        };
        println!("kubeconfig: {}", plane.kubeconfig().display());
        println!("kubectl:    {}", plane.binaries().path("kubectl").display());
        println!("logs:       {}", plane.dir().display());
        println!("{} nodes are up; Ctrl-C stops everything", self.nodes);
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let mut check = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = interrupted.recv() => break,
                _ = terminated.recv() => break,
                _ = check.tick() => plane.running()?,
            }
        }
        // Ctrl-C in a terminal reaches the servers too, so some may have ended already.
        plane.discard()
    }
}

async fn start_kube_scheduler(plane: &ControlPlane) -> Result<Scheduler> {
    let kubeconfig = plane.credentials().kube_scheduler();
    let options = Options::unlimited(Kind::KubeScheduler, kubeconfig, "default-scheduler");
    Scheduler::start(plane, &options).await
}
