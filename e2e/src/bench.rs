//! The benchmark against kube-scheduler on one real control plane.

mod anyobject;
pub mod bars;
pub mod chart;
mod churn;
pub mod contestant;
pub mod creation;
pub mod engine;
mod executor;
pub mod figures;
mod flood;
pub mod ground;
pub mod identity;
pub mod journal;
pub mod object;
pub mod op;
pub mod parameter;
pub mod program;
pub mod report;
pub mod round;
pub mod sightings;
pub mod statistics;
pub mod summary;
pub mod sweep;
pub mod template;
mod volumes;
mod wire;
pub mod workload;
