//! Berth and kube-scheduler on one real control plane, in turn and on equal terms.
//!
//! Nodes are objects only, so nothing but etcd, kube-apiserver and one scheduler works. Neither
//! scheduler has a limit on its requests. What watches on pods and events see is what counts.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use e2e::bench::contestant::{Contestant, SWEEP};
use e2e::bench::engine::EngineResults;
use e2e::bench::ground::Ground;
use e2e::bench::identity::{Build, Machine, workload_mark};
use e2e::bench::journal::{Journal, Kept, RoundKey};
use e2e::bench::program::{contestants, entry, select};
use e2e::bench::report::{Report, bar_table};
use e2e::bench::round;
use e2e::bench::summary::Summary;
use e2e::bench::sweep;
use e2e::bench::workload::Workload;
use e2e::binaries::Binaries;
use e2e::scheduler::berth_binary;
use e2e::{package_dir, target_dir};

/// Compare Berth with kube-scheduler 1.37.2 on a real control plane.
#[derive(Debug, Parser)]
struct Cli {
    /// Workloads to run, as CASE or CASE/WORKLOAD with commas between; all of the default set
    /// without it
    #[arg(long, env = "BERTH_BENCH_SHAPE")]
    shape: Option<String>,
    /// Rounds of each scheduler; they alternate, and medians are compared
    #[arg(long, env = "BERTH_BENCH_ROUNDS", default_value_t = 3)]
    rounds: usize,
    /// Who takes part where a workload has them, with commas between; all of them without it. For
    /// more rounds of what is told closely
    #[arg(long, value_delimiter = ',')]
    contestants: Vec<Contestant>,
    /// Workload files, in scheduler_perf's format; those of e2e/bench/workloads without it
    #[arg(long)]
    workload_file: Vec<PathBuf>,
    /// List the workloads and run nothing
    #[arg(long)]
    list: bool,
    /// Run these rounds even where they are kept already
    #[arg(long)]
    again: bool,
    /// Write the report from the kept rounds and run nothing
    #[arg(long)]
    report_only: bool,
    /// Where the report goes; e2e/bench without it, with --workload-file target/bench
    #[arg(long)]
    report_dir: Option<PathBuf>,
}

/// What every round of a run has in common.
struct Run {
    machine: Machine,
    build: Build,
    journal: Journal,
    again: bool,
    /// Who takes part; everyone where it is empty.
    contestants: Vec<Contestant>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    ensure!(cli.rounds > 0, "--rounds must be above 0");
    let (workloads, refused) = load(&cli.workload_file)?;
    if cli.list {
        workloads.iter().for_each(|one| println!("{}  {}", one.name, one.labels.join(" ")));
        refused.iter().for_each(|error| println!("not understood: {error:#}"));
        return Ok(());
    }
    let binaries = Binaries::ready()?;
    let kubernetes = [binaries.path("kube-apiserver"), binaries.path("kube-scheduler")];
    let mut run = Run {
        machine: Machine::here()?,
        build: Build::of(&berth_binary()?, &kubernetes.each_ref().map(PathBuf::as_path))?,
        journal: Journal::open(&target_dir().join("bench/rounds.jsonl"))?,
        again: cli.again,
        contestants: cli.contestants,
    };
    if !cli.report_only {
        let selected = select(&workloads, cli.shape.as_deref()).inspect_err(|_| {
            refused.iter().for_each(|refusal| eprintln!("not understood: {refusal:#}"));
        })?;
        println!("{}, commit {}", run.machine.text(), run.build.commit);
        let (last, first): (Vec<&Workload>, Vec<&Workload>) =
            selected.into_iter().partition(|one| one.has_label("last"));
        run.shapes(&first, cli.rounds).await?;
        run.shapes(&last, cli.rounds).await?;
    }
    let dir = match (cli.report_dir, cli.workload_file.is_empty()) {
        (Some(dir), _) => dir,
        (None, true) => package_dir().join("bench"),
        (None, false) => target_dir().join("bench"),
    };
    run.report(&workloads, &dir)
}

/// The workloads of some files, and why others of them cannot be run.
fn load(files: &[PathBuf]) -> Result<(Vec<Workload>, Vec<anyhow::Error>)> {
    let files = if files.is_empty() { own_files()? } else { files.to_vec() };
    let (mut workloads, mut refused) = (Vec::new(), Vec::new());
    for file in files {
        for workload in Workload::load(&file)? {
            match workload {
                Ok(workload) => workloads.push(workload),
                Err(error) => refused.push(error),
            }
        }
    }
    Ok((workloads, refused))
}

fn own_files() -> Result<Vec<PathBuf>> {
    let dir = package_dir().join("bench/workloads");
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "yaml");
    let entries = std::fs::read_dir(&dir).with_context(|| dir.display().to_string())?;
    let paths: Result<Vec<PathBuf>, std::io::Error> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut files: Vec<PathBuf> = paths?.into_iter().filter(|path| is_yaml(path)).collect();
    files.sort();
    Ok(files)
}

impl Run {
    /// Runs the rounds that are not kept yet: the first of every shape, then the second. What
    /// shapes are told against each other must not hang on when they had their turn: a machine's
    /// pace can differ by a third from one quarter of an hour to the next. What is told closely is
    /// run side by side, as [`contestants`] of one shape. Shapes labelled `last` come behind all
    /// rounds of the others, so that their ground is made once.
    async fn shapes(&mut self, workloads: &[&Workload], rounds: usize) -> Result<()> {
        let mut ground: Option<Ground> = None;
        for round in 1..=rounds {
            for workload in workloads {
                let mark = workload_mark(workload)?;
                let is_asked = |who: &Contestant| {
                    self.contestants.is_empty() || self.contestants.contains(who)
                };
                let line: Vec<Contestant> =
                    contestants(workload, round).into_iter().filter(is_asked).collect();
                for contestant in line {
                    let key = RoundKey {
                        shape: workload.name.clone(),
                        mark: mark.clone(),
                        round,
                        contestant,
                    };
                    if !self.again && self.journal.find(&key, &self.machine, &self.build).is_some()
                    {
                        println!("{} {round} {}: kept", workload.name, contestant.name());
                        continue;
                    }
                    let here = Ground::prepare(ground.take(), workload).await?;
                    self.round(&here, workload, key).await?;
                    ground = Some(here);
                }
            }
        }
        ground.map_or(Ok(()), Ground::stop)
    }

    /// Writes the report of these workloads' rounds on this machine and of this build, and prints
    /// the bars. Workloads that only try the benchmark itself are left out.
    fn report(&self, workloads: &[Workload], dir: &Path) -> Result<()> {
        let told = workloads.iter().filter(|one| !one.has_label("smoke"));
        let told: Vec<(&str, String)> =
            told.map(|one| Ok((one.name.as_str(), workload_mark(one)?))).collect::<Result<_>>()?;
        let is_told = |kept: &&Kept| {
            told.iter().any(|(name, mark)| *name == kept.key.shape && *mark == kept.key.mark)
        };
        let engine = EngineResults::load(&target_dir().join("bench/engine.jsonl"), &self.machine)?;
        let rounds: Vec<&Kept> =
            self.journal.of_run(&self.machine, &self.build).filter(is_told).collect();
        // The commit that the binary was built from, where a later one did not change it.
        let build = rounds.last().map_or(&self.build, |kept| &kept.build);
        let summary = Summary::of(rounds.iter().copied());
        let report = Report { machine: &self.machine, build, summary: &summary, engine: &engine };
        println!("\n{}", bar_table(&report.bars()));
        report.write(dir)?;
        println!("written to {}", dir.join("RESULTS.md").display());
        Ok(())
    }

    async fn round(&mut self, ground: &Ground, workload: &Workload, key: RoundKey) -> Result<()> {
        let begun = Instant::now();
        let kept = self.journal.of_run(&self.machine, &self.build);
        let in_flight = sweep::best(kept, &key.shape, &key.mark).unwrap_or(SWEEP[0]);
        let contestant = key.contestant;
        let figures =
            round::run(ground, &entry(workload, contestant), contestant, in_flight).await?;
        println!(
            "{} {} {}: {:.0} pods/s ({:.0} from the first bind), {} ms CPU a pod, {} MiB, \
             last event after {} s, {} missing; {:.0} s in all",
            key.shape,
            key.round,
            contestant.name(),
            figures.rate(),
            figures.rate_from_first(),
            figures.cpu_ms_per_pod().map_or_else(|| "-".to_owned(), |ms| format!("{ms:.3}")),
            figures.peak_mib().map_or_else(|| "-".to_owned(), |mib| format!("{mib:.0}")),
            figures.last_event_ms.map_or_else(|| "-".to_owned(), |ms| format!("{:.1}", ms / 1e3)),
            figures.events_missing,
            begun.elapsed().as_secs_f64(),
        );
        let (machine, build) = (self.machine.clone(), self.build.clone());
        self.journal.keep(Kept { key, machine, build, figures })
    }
}
