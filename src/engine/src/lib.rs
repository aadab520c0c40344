//! The scheduler itself: model, cache, queue, cycle, framework; pure and deterministic.
//!
//! The engine reads no clock, opens no socket, starts no thread and does not log. Same state,
//! inputs, seed and time give the same effects.

pub mod base;
pub mod cache;
pub mod cycle;
mod effect;
mod engine;
pub mod framework;
mod input;
pub mod model;
mod object;
mod probe;
pub mod queue;
pub mod ranking;
pub mod record;
pub mod stored;

pub use base::{CycleId, InternalErrors, WriteId, internal_errors};
pub use effect::{Decision, Effect, FailureReason, PodEvent, PodName};
pub use engine::{
    ATTEMPTS_PER_STEP, BINDS_MAX, CYCLES_MAX, Decided, Engine, PLAN_MAX, Plan, Planned,
    SNAPSHOTS_MAX, Snapshot, TooManySnapshots, Turn,
};
pub use framework::Write;
pub use input::{BindOutcome, Config, Control, Input, Method, Origin, WriteOutcome};
pub use object::{Change, Object};
pub use probe::{AttemptResult, Probe, QueueName};
pub use queue::QueueCounts;
