//! `berth`: a second scheduler for Kubernetes, with the plugins in the tree.

use std::process::ExitCode;

/// Samples what is allocated, for `/debug/pprof/heap`.
#[cfg(feature = "heap-profile")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match berth_plugins::in_tree() {
        Ok(registry) => berth::cli::main(&registry),
        Err(error) => {
            berth::cli::logging::fatal(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
