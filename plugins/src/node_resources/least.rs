//! LeastAllocated: the emptier, the better.
//!
//! Source: `pkg/scheduler/framework/plugins/noderesources/least_allocated.go`.

use berth_engine::base::cut;
use berth_engine::framework::MAX_NODE_SCORE;

use super::lanes::Floats;
use super::{Share, weighted_mean};

/// The mean free percentage.
pub(super) fn score(shares: impl Iterator<Item = Share>) -> i64 {
    weighted_mean(shares.map(|s| (free_percent(s.requested, s.allocatable), s.weight)))
}

/// The mean of two of the same weight in floats; see [`super::lanes`] for why it is the same.
#[inline(always)]
pub(super) fn float_mean(a: Floats, b: Floats, _evenness: f64) -> f64 {
    cut((float_percent(a) + float_percent(b)) / 2.0)
}

#[inline(always)]
fn float_percent(floats: Floats) -> f64 {
    let free = floats.allocatable - floats.requested;
    let free = if free < 0.0 { 0.0 } else { free };
    cut(free * MAX_NODE_SCORE as f64 / floats.allocatable)
}

/// In wrapping arithmetic, as Go's: 92 PB times 100 exceeds an `i64`.
fn free_percent(requested: i64, capacity: i64) -> i64 {
    if requested > capacity {
        return 0;
    }
    capacity.wrapping_sub(requested).wrapping_mul(MAX_NODE_SCORE) / capacity
}

#[cfg(test)]
mod tests {
    use super::free_percent;

    #[test]
    fn percentages_are_cut_not_rounded() {
        for (requested, capacity, percent) in
            [(0, 3, 100), (1, 3, 66), (2, 3, 33), (3, 3, 0), (4, 3, 0), (999, 1000, 0)]
        {
            assert_eq!(free_percent(requested, capacity), percent, "{requested} of {capacity}");
        }
    }
}
