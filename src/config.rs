//! The configuration: a `KubeSchedulerConfiguration` file and what becomes of it.

mod duration;

pub use duration::{DurationError, GO_DURATION, GoDuration};
