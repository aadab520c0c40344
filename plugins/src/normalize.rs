//! Brings raw scores into 0..=100 by their largest.
//!
//! Source: `DefaultNormalizeScore` in
//! `pkg/scheduler/framework/plugins/helper/normalize_score.go`.

use berth_engine::framework::MAX_NODE_SCORE;

/// What a large raw score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// A good node.
    MoreIsBetter,
    /// A bad node.
    LessIsBetter,
}

/// The largest of `scores` becomes 100 (0 where less is better), the others follow in integers.
pub(crate) fn normalize(scores: &mut [i64], order: Order) {
    let largest = scores.iter().copied().max().unwrap_or(0).max(0);
    for score in scores {
        *score = match (largest, order) {
            (0, Order::MoreIsBetter) => *score,
            (0, Order::LessIsBetter) => MAX_NODE_SCORE,
            (_, Order::MoreIsBetter) => MAX_NODE_SCORE.wrapping_mul(*score) / largest,
            (_, Order::LessIsBetter) => {
                MAX_NODE_SCORE - MAX_NODE_SCORE.wrapping_mul(*score) / largest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_scaled_in_integers() {
        for (raw, order, expected) in [
            ([0, 0, 0], Order::MoreIsBetter, [0, 0, 0]),
            ([0, 0, 0], Order::LessIsBetter, [100, 100, 100]),
            ([1, 2, 3], Order::MoreIsBetter, [33, 66, 100]),
            ([1, 2, 3], Order::LessIsBetter, [67, 34, 0]),
        ] {
            let mut scores = raw;
            normalize(&mut scores, order);
            assert_eq!(scores, expected);
        }
    }
}
