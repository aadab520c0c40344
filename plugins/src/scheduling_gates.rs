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
        waits(pod.gates).map_or(Ok(()), |reason| Err(reason.into()))
    }
}

/// The reason to wait, where there are gates; they are written as Go writes a list.
fn waits(gates: &[Box<str>]) -> Option<String> {
    (!gates.is_empty()).then(|| format!("waiting for scheduling gates: [{}]", gates.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::waits;

    #[test]
    fn gates_are_listed_in_order() {
        for (gates, reason) in [
            (&[][..], None),
            (&["b"], Some("waiting for scheduling gates: [b]")),
            (&["b", "a"], Some("waiting for scheduling gates: [b a]")),
        ] {
            let gates: Vec<Box<str>> = gates.iter().map(|g| (*g).into()).collect();
            assert_eq!(waits(&gates).as_deref(), reason);
        }
    }
}
