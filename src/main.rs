//! `berth`: a second scheduler for Kubernetes, with the plugins in the tree.

use std::process::ExitCode;

fn main() -> ExitCode {
    match berth_plugins::in_tree() {
        Ok(registry) => berth::command::main(&registry),
        Err(error) => {
            eprintln!("berth: {error}");
            ExitCode::FAILURE
        }
    }
}
