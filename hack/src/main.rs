//! The project's own tasks, which the Makefile calls: `cargo run -p hack -- <task>`.

mod deny;
mod finding;
mod fuzz;
mod generate;
mod image;
mod instructions;
mod licence;
mod lock;
mod policy;
mod rights;
mod source;
mod task;
mod tidy;
mod tree;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check sizes, names, words, headers and module edges of the sources; takes a second
    Tidy,
    /// Write the files that are made from the code
    Generate,
    /// Check tidy, generated files, RBAC, dependency rules, licences, each package by itself, and
    /// the engine's instructions
    Verify,
    /// Count the engine's instructions and compare them with hack/instructions.txt: needs valgrind
    Instructions(instructions::Options),
    /// Run cargo-deny, without the advisory database where it cannot be fetched
    Deny,
    /// Build the container image, its SBOM and its digest, and run it: needs Debian
    Image(image::Options),
    /// Replay the fuzz targets' corpus, then fuzz: needs a C++ compiler
    Fuzz(fuzz::Limits),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Tidy => tidy::run(),
        Task::Generate => generate::run(),
        Task::Verify => verify::run(),
        Task::Instructions(options) => instructions::run(&options),
        Task::Deny => deny::run(),
        Task::Image(options) => image::run(&options),
        Task::Fuzz(limits) => fuzz::run(&limits),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
