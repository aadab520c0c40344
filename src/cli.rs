//! The program: commands, their flags, and what `main` does with them.
//!
//! One file per command: `run`, `demo`, `sandbox`, `evaluate`, `config`, `version`. `args` holds
//! the flags of all, `logging` the log, `signals` how a command is stopped.

pub mod args;
pub mod config;
#[cfg(feature = "sandbox")]
pub mod demo;
pub mod evaluate;
#[cfg(feature = "sandbox")]
mod kubeconfig_file;
pub mod logging;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;
mod signals;
pub mod version;

use std::process::ExitCode;

use anyhow::{Context, Result};
use berth_plugins::PluginRegistry;
use clap::Parser;

use crate::causes::chain;
use args::{Cli, Command, VersionFlag};

/// Runs the program with these plugins and says how it ended: 0, or 1 after an error has been
/// printed. Usage errors exit with 2, as clap does.
///
/// A program with plugins of its own is `berth::cli::main(&in_tree()?.with(…)?)`.
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
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => {
            logging::init_beside_a_picture(args.logging)?;
            runtime()?.block_on(demo::run(args, registry))?;
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => {
            logging::init(args.logging)?;
            runtime()?.block_on(sandbox::sandbox(args))?;
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(not(feature = "sandbox"))]
        Command::Demo(_) | Command::Sandbox(_) => anyhow::bail!(
            "this build has neither `demo` nor `sandbox`: it is one for clusters, without the cargo \
             feature `sandbox`; `cargo build --release` makes a program with both"
        ),
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
            config::run(&command, registry, out, err).context("writing the answer")
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
        .on_thread_park(crate::scheduler::pace::rest)
        .enable_all()
        .build()
        .context("starting the asynchronous runtime")
}

#[cfg(feature = "sandbox")]
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the asynchronous runtime")
}
