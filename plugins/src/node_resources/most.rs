//! MostAllocated: the fuller, the better.
//!
//! Source: `pkg/scheduler/framework/plugins/noderesources/most_allocated.go`.

use berth_engine::framework::MAX_NODE_SCORE;

use super::{Share, weighted_mean};

/// The mean percentage in use.
pub(super) fn score(shares: impl Iterator<Item = Share>) -> i64 {
    weighted_mean(shares.map(|s| (used_percent(s.requested, s.allocatable), s.weight)))
}

/// More than there is counts as all: pods without requests count with amounts of their own.
fn used_percent(requested: i64, capacity: i64) -> i64 {
    requested.min(capacity).wrapping_mul(MAX_NODE_SCORE) / capacity
}

#[cfg(test)]
mod tests {
    use super::used_percent;

    #[test]
    fn percentages_are_cut_not_rounded() {
        for (requested, capacity, percent) in
            [(0, 3, 0), (1, 3, 33), (2, 3, 66), (3, 3, 100), (4, 3, 100), (999, 1000, 99)]
        {
            assert_eq!(used_percent(requested, capacity), percent, "{requested} of {capacity}");
        }
    }
}
