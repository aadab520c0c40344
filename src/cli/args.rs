//! The command line. Flags go by kube-scheduler's names where it has them.

mod gates;
mod run;
mod values;
mod without_effect;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

pub use gates::Gates;
pub use run::{LeaderElect, Run};
pub use values::{VersionFlag, parse_go_bool, parse_go_duration};
pub use without_effect::WithoutEffect;

use crate::cli::version::{VERSION, VersionOutput};

/// `berth`.
#[derive(Debug, Parser)]
#[command(
    name = "berth",
    version = VERSION,
    about = "A second scheduler for Kubernetes, for Job and batch pods, by kube-scheduler's rules",
    long_about = "A second scheduler for Kubernetes, for Job and batch pods, by kube-scheduler's \
                  rules.\n\nPods opt in with `schedulerName: berth` in their template. Try it \
                  without a cluster: `berth demo`.",
    subcommand_required = true,
    arg_required_else_help = true,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands of `berth`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the scheduler against a cluster
    Run(Box<Run>),
    /// Show a scheduler at work on a cluster of its own, in the terminal
    #[cfg_attr(not(feature = "sandbox"), command(hide = true))]
    Demo(Demo),
    /// Read cases, or what kubectl prints, from stdin and print what would be decided
    Evaluate(Evaluate),
    /// Run the embedded API server with nodes and Jobs, without a scheduler
    #[cfg_attr(not(feature = "sandbox"), command(hide = true))]
    Sandbox(Sandbox),
    /// Check, complete or describe a configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the version
    Version(Version),
}

/// How much is logged, and in which form.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Logs")]
pub struct Logging {
    /// Verbosity: 0-1 what an operator must know, 2 one line per decision, 4 debug, 6 trace
    ///
    /// RUST_LOG, where set, wins: it takes tracing's filter directives, such as
    /// `warn,berth::bind=debug`.
    #[arg(short = 'v', long = "v", value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u8).range(0..=10))]
    pub verbosity: u8,

    /// Form of the log on stderr
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub logging_format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// `berth demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth demo                        200 nodes, every kind of Job, under a minute
  berth demo --nodes=2000 --keep    larger, and kubectl can look around afterwards")]
pub struct Demo {
    /// Nodes, of several shapes, in 3 zones
    #[arg(long, value_name = "N", default_value_t = 200,
          value_parser = clap::value_parser!(u32).range(3..=100_000))]
    pub nodes: u32,

    /// Pods of all Jobs together
    #[arg(long, value_name = "N", default_value_t = 4000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub pods: u32,

    /// Keep the API server running at the end, until Ctrl-C, and print its kubeconfig
    #[arg(long)]
    pub keep: bool,

    /// Seed of the draw between equally good nodes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// How the log is written.
    #[command(flatten)]
    pub logging: Logging,
}

/// `berth evaluate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each line of stdin is a case: objects and pending pods, events, or a configuration file. For each
one line with the verdict is printed, in the same order. Of equally good nodes the first is chosen.
Objects as kubectl prints them (JSON or YAML, lists too) are one case: the pods on no node are tried,
and the pods of Jobs that have none yet. Input that is wrong is named, and the exit code is 1.

Examples:
  kubectl get nodes,pods -A -o json | berth evaluate
  zcat cases.jsonl.gz | berth evaluate > verdicts.jsonl
  zcat cases.jsonl.gz | berth evaluate --engine=scan | diff verdicts.jsonl -")]
pub struct Evaluate {
    /// How nodes are chosen; the verdicts are the same
    #[arg(long, value_name = "METHOD", value_enum, default_value_t)]
    pub engine: EngineMethod,
}

/// How nodes are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EngineMethod {
    /// By rankings kept for each class of pods, as `berth run` does.
    #[default]
    Class,
    /// By looking at every node anew for every pod, as kube-scheduler does.
    Scan,
}

impl From<EngineMethod> for berth_engine::Method {
    fn from(method: EngineMethod) -> Self {
        match method {
            EngineMethod::Class => Self::Class,
            EngineMethod::Scan => Self::Scan,
        }
    }
}

/// `berth sandbox`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  berth sandbox --nodes=500 --kubeconfig-out=/tmp/sandbox.kubeconfig &
  kubectl --kubeconfig=/tmp/sandbox.kubeconfig get nodes
  berth run --kubeconfig=/tmp/sandbox.kubeconfig --secure-port=0")]
pub struct Sandbox {
    /// Nodes, of several shapes, in 3 zones
    #[arg(long, value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub nodes: u32,

    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,

    /// File to write a kubeconfig to; without it, it is printed
    #[arg(long, value_name = "FILE")]
    pub kubeconfig_out: Option<PathBuf>,

    /// How the log is written.
    #[command(flatten)]
    pub logging: Logging,
}

/// `berth config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Tell every error of a file, with its line, the field's path and the nearest valid name
    ///
    /// Prints `FILE:LINE: PATH: MESSAGE` for each and exits 1, or one line that says what the file
    /// configures and exits 0.
    Check {
        /// The file, YAML or JSON; `-` reads stdin
        file: PathBuf,
    },
    /// Print a configuration with all its defaults, as kube-scheduler's --write-config-to does
    Print {
        /// The file, YAML or JSON; `-` reads stdin; without it, what is in force without --config
        file: Option<PathBuf>,
    },
    /// Print the JSON schema of the configuration, for editors
    Schema,
}

/// `berth version`.
#[derive(Debug, clap::Args)]
pub struct Version {
    /// Form of the answer
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = VersionOutput::Text)]
    pub output: VersionOutput,
}

#[cfg(test)]
mod tests;
