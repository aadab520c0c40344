//! Keeps pods with scheduling gates out of the queue.
//!
//! Source: `pkg/scheduler/framework/plugins/schedulinggates/scheduling_gates.go`.

use berth_engine::framework::{Plugin, PodView, PreEnqueue, Reads, Reason};

/// The name in configurations.
pub const NAME: &str = "SchedulingGates";

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct SchedulingGates;

impl SchedulingGates {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

impl Plugin for SchedulingGates {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NOTHING
    }

    fn as_pre_enqueue(&self) -> Option<&dyn PreEnqueue> {
        Some(self)
    }
}

impl PreEnqueue for SchedulingGates {
    fn pre_enqueue(&self, pod: &PodView<'_>) -> Result<(), Reason> {
        match pod.gates {
            [] => Ok(()),
            gates => Err(Reason::own(Gated { gates: gates.into() })),
        }
    }
}

/// The pod has gates; they are written as Go writes a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("waiting for scheduling gates: [{}]", .gates.join(" "))]
pub struct Gated {
    /// In the order of the pod.
    pub gates: Box<[Box<str>]>,
}

#[cfg(test)]
mod tests {
    use super::Gated;

    #[test]
    fn gates_are_listed_in_order() {
        for (gates, reason) in [
            (&["b"][..], "waiting for scheduling gates: [b]"),
            (&["b", "a"], "waiting for scheduling gates: [b a]"),
        ] {
            let gates = gates.iter().map(|gate| Box::from(*gate)).collect();
            assert_eq!(Gated { gates }.to_string(), reason);
        }
    }
}
