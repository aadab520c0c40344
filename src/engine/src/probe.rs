//! Where the shell may measure what the engine does.
//!
//! The engine reads no clock: it tells a probe what begins and ends, and the probe answers nothing,
//! so that measuring cannot change a decision.

use crate::base::CycleId;
use crate::framework::{Code, Point};

/// What became of one attempt (`schedule_attempts_total{result}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptResult {
    /// A node was chosen.
    Scheduled,
    /// Every node was rejected.
    Unschedulable,
    /// The attempt itself failed.
    Error,
}

impl AttemptResult {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Unschedulable => "unschedulable",
            Self::Error => "error",
        }
    }
}

/// A part of the queue, by the reference's metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueName {
    /// Waiting for an attempt.
    Active,
    /// Waiting for time to pass.
    Backoff,
    /// Parked until an event makes it fit.
    Unschedulable,
}

impl QueueName {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Backoff => "backoff",
            Self::Unschedulable => "unschedulable",
        }
    }
}

/// Hears what happens inside a step. Every method does nothing unless written otherwise.
pub trait Probe {
    /// An extension point begins for the pod at hand.
    fn begin(&mut self, _point: Point) {}
    /// It ends.
    fn end(&mut self, _point: Point, _code: Code, _profile: &str) {}
    /// A plugin judged `nodes` nodes (or the pod once, at PreFilter and PreScore).
    fn evaluated(&mut self, _plugin: &str, _point: Point, _nodes: usize, _profile: &str) {}
    /// A plugin is about to be asked.
    fn plugin_begins(&mut self) {}
    /// It has answered: for the pod at PreFilter and PreScore, for all feasible nodes at Score.
    fn plugin_ends(&mut self, _plugin: &str, _point: Point, _code: Code) {}
    /// An object is about to be taken in.
    fn input_begins(&mut self) {}
    /// It is in the cache and the queue; `event` is the reference's label. Whom it wakes is found
    /// at the end of the inputs, for all of them at once. Not told of what the reference has no
    /// event for: waiting pods of other schedulers, nodes as they were.
    fn input_ends(&mut self, _event: &'static str) {}
    /// An attempt begins, `waited_ms` after the pod came to the active part.
    fn attempt_begins(&mut self, _waited_ms: u64) {}
    /// It ends; `attempt` counts from 1.
    fn attempt_ends(&mut self, _profile: &str, _result: AttemptResult, _attempt: u32) {}
    /// The attempt at hand has found a node, and `cycle` begins: told before the attempt ends.
    fn cycle_begins(&mut self, _cycle: CycleId) {}
    /// A cycle ended before it asked for its bind; `None` where its pod is gone or has a node.
    fn cycle_fails(&mut self, _cycle: CycleId, _profile: &str, _result: Option<AttemptResult>) {}
    /// A pod waited at Permit, with this end (`permit_wait_duration_seconds`).
    fn permit_waited(&mut self, _code: Code, _waited_ms: u64) {}
    /// PreBind has ended for a pod, so many milliseconds after it began.
    fn pre_bind_ends(&mut self, _code: Code, _profile: &str, _took_ms: u64) {}
    /// A pod came to a part of the queue because of `event`.
    fn incoming(&mut self, _queue: QueueName, _event: &str) {}
    /// A pod is bound after `attempts`, `waited_ms` after its first time in the active part.
    fn bound(&mut self, _profile: &str, _attempts: u32, _waited_ms: u64) {}
    /// No profile of this name is in force any more: `pods` waited for it, and `told` of them show
    /// it by a new condition.
    fn profile_gone(&mut self, _profile: &str, _pods: usize, _told: usize) {}
    /// A pod that only the flush of long-parked pods had woken got its node.
    fn scheduled_after_flush(&mut self) {}
}

/// Hears nothing.
impl Probe for () {}
