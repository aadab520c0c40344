//! The shell of Berth: what talks to the API server, to people and to Prometheus.
//!
//! `ARCHITECTURE.md` beside this file is the map. The scheduler itself is the crate
//! `berth_engine`, its rules are in `berth_plugins`.

pub mod args;
pub mod bind;
mod causes;
pub mod client;
pub mod command;
pub mod config;
pub mod demo;
mod escape;
pub mod evaluate;
pub mod events;
pub mod gates;
mod kubeconfig_file;
pub mod lease;
pub mod logging;
pub mod metrics;
pub mod reload;
pub mod run;
pub mod sandbox_command;
pub mod serve;
pub mod status;
pub mod version;
pub mod watch;

// As in `main.rs`: the test of the heap profile needs what it reads.
#[cfg(all(test, feature = "heap-profile"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
