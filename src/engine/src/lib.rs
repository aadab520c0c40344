//! The scheduler itself: model, cache, queue, cycle, framework; pure and deterministic.
//!
//! The engine reads no clock, opens no socket, starts no thread and does not log. Same state,
//! inputs, seed and time give the same effects.

pub mod base;
pub mod cache;
mod effect;
pub mod framework;
mod input;
pub mod model;
pub mod record;

pub use effect::{Decision, Effect, FailureReason, PodEvent, PodName};
pub use input::{BindOutcome, Change, Config, Input, Object};
