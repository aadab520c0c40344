//! The shell of Berth: what talks to the API server, to people and to Prometheus.
//!
//! `ARCHITECTURE.md` beside this file is the map. The scheduler itself is the crate
//! `berth_engine`, its rules are in `berth_plugins`.

pub mod bind;
mod causes;
pub mod cli;
pub mod client;
pub mod config;
mod escape;
pub mod events;
pub mod metrics;
pub mod reload;
pub mod scheduler;
pub mod serve;
pub mod status;
pub mod watch;

// As in `main.rs`: the test of the heap profile needs what it reads.
#[cfg(all(test, feature = "heap-profile"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
