//! What the engine benches play on: clusters, Jobs, workloads and the API server's answers, all
//! through the engine's public door, with the default plugins and their weights.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

pub mod cluster;
pub mod drive;
pub mod job;
pub mod ledger;
pub mod resident;
pub mod storage;
pub mod workload;
