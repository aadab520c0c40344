//! Berth and kube-scheduler on one real control plane, in turn and on equal terms.
//!
//! The pods are there before the scheduler starts, as plain pods without an owner; nodes are
//! objects only, so nothing but etcd, kube-apiserver and the scheduler works. Neither scheduler
//! has a limit on its requests. What a watch on the pods sees is what counts.

use anyhow::{Result, ensure};
use clap::Parser;

use e2e::controlplane::{self, ControlPlane};
use e2e::nodes::NodePool;
use e2e::scheduler::{Kind, berth_binary};

mod report;
mod round;

/// Compare Berth with kube-scheduler 1.37.2 on a real control plane.
#[derive(Debug, Parser)]
struct Cli {
    /// Nodes, of 4 CPU, 32 GiB and 110 pods each (scheduler_perf's node-default).
    #[arg(long, env = "BERTH_BENCH_NODES", default_value_t = 5000)]
    nodes: usize,
    /// Pods of a round, of 100m CPU and 500 MB each (scheduler_perf's pod-default).
    #[arg(long, env = "BERTH_BENCH_PODS", default_value_t = 5000)]
    pods: usize,
    /// Rounds of each scheduler; they alternate, and the medians are compared.
    #[arg(long, env = "BERTH_BENCH_ROUNDS", default_value_t = 3)]
    rounds: usize,
    /// Run only this scheduler: `berth` or `kube-scheduler`.
    #[arg(long)]
    only: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let kinds: Vec<Kind> = [Kind::KubeScheduler, Kind::Berth]
        .into_iter()
        .filter(|kind| cli.only.as_deref().is_none_or(|only| only == kind.name()))
        .collect();
    ensure!(!kinds.is_empty(), "--only: expected berth or kube-scheduler");
    ensure!(cli.pods > 1 && cli.rounds > 0, "--pods must be above 1 and --rounds above 0");
    if kinds.contains(&Kind::Berth) {
        println!("berth is {}", berth_binary()?.display());
    }
    let plane = ControlPlane::start(&controlplane::Options {
        name: "bench".to_owned(),
        load: true,
        ..controlplane::Options::default()
    })
    .await?;
    let mut pool = NodePool::new("node", cli.nodes);
    pool.cpu = "4".to_owned();
    pool.create(&plane.client()).await?;
    println!("{} nodes, {} pods a round", cli.nodes, cli.pods);
    let mut rounds = Vec::new();
    report::print_header();
    for number in 1..=cli.rounds {
        for &kind in &kinds {
            let round = round::run(&plane, kind, number, cli.pods).await?;
            report::print_round(number, &round);
            rounds.push(round);
        }
    }
    report::print_medians(&rounds, &kinds);
    plane.stop()
}
