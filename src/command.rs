//! The program: what `main` does with its arguments.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, Result};
use berth_plugins::PluginRegistry;
use clap::Parser;

use crate::args::{Cli, Command, VersionFlag};
use crate::causes::chain;
use crate::{config, demo, evaluate, logging, run, sandbox_command, version};

/// Runs the program with these plugins and says how it ended: 0, or 1 after an error has been
/// printed. Usage errors exit with 2, as clap does.
///
/// A program with plugins of its own is `berth::command::main(&in_tree()?.with(…)?)`.
pub fn main(registry: &PluginRegistry) -> ExitCode {
    // Two TLS providers in one program and none installed is a panic at the first handshake.
    let _installed_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    let _at_end = logging::FlushAtEnd;
    match dispatch(cli.command, registry) {
        Ok(code) => code,
        Err(error) => {
            logging::fatal(&chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command, registry: &PluginRegistry) -> Result<ExitCode> {
    match command {
        Command::Run(args) => {
            if let Some(VersionFlag::Print(output)) = args.version {
                println!("{}", version::report(output));
                return Ok(ExitCode::SUCCESS);
            }
            logging::init(args.logging)?;
            scheduler_runtime()?.block_on(run::run(*args, registry))
        }
        Command::Demo(args) => {
            logging::init_beside_a_picture(args.logging)?;
            runtime()?.block_on(demo::run(args, registry))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Sandbox(args) => {
            logging::init(args.logging)?;
            runtime()?.block_on(sandbox_command::sandbox(args))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Evaluate(args) => {
            let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
            let output = std::io::BufWriter::new(output);
            let wrong = evaluate::run(input, output, registry, args.engine.into())?;
            anyhow::ensure!(
                wrong == 0,
                "{wrong} cases could not be evaluated: see their \"error\""
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(command) => {
            let (out, err) = (&mut std::io::stdout().lock(), &mut std::io::stderr().lock());
            config::command::run(&command, registry, out, err).context("writing the answer")
        }
        Command::Version(args) => {
            println!("{}", version::report(args.output));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The runtime of `run`: one thread beside the engine's. Its work is 0.1 ms a pod, so one core
/// carries 10,000 pods/s; with two threads each pod costs a fifth more, in threads that wake each
/// other (measured on two cores: 0.25 and 0.20 ms of CPU a pod in all).
fn scheduler_runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_park(run::pace::rest)
        .enable_all()
        .build()
        .context("starting the asynchronous runtime")
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the asynchronous runtime")
}

/// Reads a configuration file, `-` from stdin.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn read_file(path: &std::path::Path) -> Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("reading stdin")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}
