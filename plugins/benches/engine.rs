//! The engine alone, no network: `make bench-engine`, or
//! `cargo bench -p berth-plugins --bench engine -- --help`.
//!
//! Each measurement runs in a process of its own, so that memory is its own; it is printed as a
//! row and appended to `target/bench/engine.jsonl`. Binds are answered at once and confirmed as the
//! watch would; see `scene/drive.rs` for what counts as the engine's time.
#![allow(clippy::unwrap_used)]

mod measured;
mod scene;

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::UNIX_EPOCH;

use measured::args::Args;
use measured::case::{CASES, find};
use measured::identity::Identity;
use measured::result::{Measurement, medians};
use measured::{crowd, growth, record, run, snapshot};

/// What a child prefixes its result with.
const RESULT: &str = "measured: ";

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::FAILURE;
        }
    };
    if args.cases.iter().any(|name| name == "list") {
        for case in &CASES {
            println!("{:<18} {}", case.name, case.about);
        }
        for case in &crowd::CROWDS {
            println!("{:<18} 100,000 pods wait beside plain ones; by its name only", case.name);
        }
        println!("{:<18} as many pods as nodes, as 100 Jobs; by its name only", "record");
        println!("{:<18} snapshots for readers, and their cost; by its name only", "snapshot");
        return ExitCode::SUCCESS;
    }
    if let Some(into) = &args.flame {
        let guard = measured::flame::begin();
        for (name, nodes, threads) in args.measurements() {
            println!("{}", measure(&args, &name, nodes, threads).row());
        }
        measured::flame::draw(&guard, into);
        return ExitCode::SUCCESS;
    }
    if args.alone {
        for (name, nodes, threads) in args.measurements() {
            let measured = measure(&args, &name, nodes, threads);
            println!("{RESULT}{}", serde_json::to_string(&measured).unwrap());
        }
        return ExitCode::SUCCESS;
    }
    run_all(&args)
}

fn measure(args: &Args, name: &str, nodes: usize, threads: usize) -> Measurement {
    match find(name) {
        Some(case) => run::measure(case, nodes, threads, args.seconds, args.pods),
        None if let Some(case) = crowd::find(name) => crowd::measure(case, nodes),
        None if name == "snapshot" => snapshot::measure(nodes),
        None => record::simulate(nodes, args.pods.unwrap_or(nodes), threads),
    }
}

fn run_all(args: &Args) -> ExitCode {
    let identity = Identity::here();
    let mut measurements = args.measurements();
    if args.missing {
        let kept = kept(&identity);
        measurements.retain(|one| !kept.contains(one));
        if measurements.is_empty() {
            println!("everything asked for is kept in target/bench/engine.jsonl");
            return ExitCode::SUCCESS;
        }
    }
    let mut file = results();
    let mut all = Vec::new();
    let mut failed = false;
    let began = UNIX_EPOCH.elapsed().unwrap().as_secs();
    println!("{}", Measurement::heading());
    // Round by round: a machine that others use is slow for minutes.
    let rounds = (0..args.rounds).flat_map(|_| measurements.clone());
    for (name, nodes, threads) in rounds {
        match measure_apart(args, &name, nodes, threads) {
            Some(measured) => {
                let identity = identity.clone();
                let measured = Measurement { run: began, identity, ..measured };
                println!("{}", measured.row());
                writeln!(file, "{}", serde_json::to_string(&measured).unwrap()).unwrap();
                all.push(measured);
            }
            None => {
                println!("{name:<18} {nodes:>9} {threads:>3}   FAILED");
                failed = true;
            }
        }
    }
    let medians = medians(&all);
    if args.rounds > 1 {
        println!("\nmedians of {} rounds\n{}", args.rounds, Measurement::heading());
        medians.iter().for_each(|measured| println!("{}", measured.row()));
    }
    growth::print(&medians);
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Where results are kept.
fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench/engine.jsonl")
}

fn results() -> File {
    let path = path();
    create_dir_all(path.parent().unwrap()).unwrap();
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

/// Case, nodes and threads of what this binary has measured on this machine.
fn kept(identity: &Identity) -> Vec<(String, usize, usize)> {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let read = |line| serde_json::from_str::<Measurement>(line).ok();
    let same = text.lines().filter_map(read).filter(|one| one.identity == *identity);
    same.map(|one| (one.name, one.nodes, one.threads)).collect()
}

/// Runs one measurement in a process of its own; passes on what else that prints.
fn measure_apart(args: &Args, name: &str, nodes: usize, threads: usize) -> Option<Measurement> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--alone").arg(format!("--case={name}")).arg(format!("--nodes={nodes}"));
    command.arg(format!("--threads={threads}")).arg(format!("--seconds={}", args.seconds));
    command.args(args.pods.map(|pods| format!("--pods={pods}")));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut measured = None;
    for line in lines.map_while(Result::ok) {
        match line.strip_prefix(RESULT) {
            Some(json) => measured = serde_json::from_str(json).ok(),
            None => println!("{line}"),
        }
    }
    child.wait().unwrap().success().then_some(measured).flatten()
}
