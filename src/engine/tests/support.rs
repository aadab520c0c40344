//! Plugins simple enough to be obviously right, and a model of the cluster to hold the engine
//! against.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

pub mod amounts;
pub mod model;
pub mod plugins;
pub mod probes;
pub mod sound;
pub mod world;
