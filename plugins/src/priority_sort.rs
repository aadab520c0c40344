//! Orders the queue by priority, then by time.
//!
//! Source: `pkg/scheduler/framework/plugins/queuesort/priority_sort.go`.

use berth_engine::framework::{Plugin, QueueSort, Reads, SortKey};

/// The name in configurations.
pub const NAME: &str = "PrioritySort";

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrioritySort;

impl PrioritySort {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

impl Plugin for PrioritySort {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NOTHING
    }

    fn as_queue_sort(&self) -> Option<&dyn QueueSort> {
        Some(self)
    }
}

impl QueueSort for PrioritySort {
    fn key(&self, priority: i32, queued_ms: u64) -> SortKey {
        [-i64::from(priority), i64::try_from(queued_ms).unwrap_or(i64::MAX)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn higher_priorities_come_first_and_then_earlier_pods() {
        let mut pods = [(0, 5), (i32::MIN, 1), (7, 9), (0, 4), (i32::MAX, 99), (7, 3)];
        pods.sort_by_key(|(priority, queued_ms)| PrioritySort.key(*priority, *queued_ms));
        assert_eq!(pods, [(i32::MAX, 99), (7, 3), (7, 9), (0, 4), (0, 5), (i32::MIN, 1)]);
    }
}
