//! RequestedToCapacityRatio: a function of the utilization, given by points.
//!
//! Source: `pkg/scheduler/framework/plugins/noderesources/requested_to_capacity_ratio.go` and
//! `BuildBrokenLinearFunction` in `pkg/scheduler/framework/plugins/helper/shape_score.go`.

use berth_engine::framework::MAX_NODE_SCORE;

use super::{Share, UtilizationShapePoint};

/// Highest score of a shape point (`config.MaxCustomPriorityScore`).
const MAX_SHAPE_SCORE: i64 = 10;

/// Straight lines between (utilization, score) points, sorted by utilization; level outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape(Box<[(i64, i64)]>);

impl Shape {
    /// The function through `points`, with their scores brought to 0..=100.
    pub(crate) fn new(points: &[UtilizationShapePoint]) -> Self {
        let scale = MAX_NODE_SCORE / MAX_SHAPE_SCORE;
        let scaled =
            |p: &UtilizationShapePoint| (i64::from(p.utilization), i64::from(p.score) * scale);
        Self(points.iter().map(scaled).collect())
    }

    /// The score, 0..=100, at a utilization in percent.
    pub(crate) fn at(&self, utilization: i64) -> i64 {
        let points = &self.0;
        match points.iter().position(|(x, _)| utilization <= *x) {
            None => points.last().map_or(0, |(_, y)| *y),
            Some(at) => match points.get(at.wrapping_sub(1)..=at) {
                Some([(x0, y0), (x1, y1)]) => y0 + (y1 - y0) * (utilization - x0) / (x1 - x0),
                _ => points.first().map_or(0, |(_, y)| *y),
            },
        }
    }

    fn of(&self, requested: i64, capacity: i64) -> i64 {
        if requested > capacity {
            return self.at(100);
        }
        self.at(requested.wrapping_mul(100) / capacity)
    }

    /// The mean over the resources that score above 0, rounded half away from zero.
    pub(super) fn score(&self, shares: impl Iterator<Item = Share>) -> i64 {
        let mut sum = 0i64;
        let mut weights = 0i64;
        for share in shares {
            let score = self.of(share.requested, share.allocatable);
            if score > 0 {
                sum = sum.wrapping_add(score.wrapping_mul(share.weight));
                weights = weights.wrapping_add(share.weight);
            }
        }
        if weights == 0 {
            return 0;
        }
        (sum as f64 / weights as f64).round() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(points: &[(i32, i32)]) -> Shape {
        let point = |(utilization, score): &(i32, i32)| UtilizationShapePoint {
            utilization: *utilization,
            score: *score,
        };
        Shape::new(&points.iter().map(point).collect::<Vec<_>>())
    }

    #[test]
    fn lines_are_interpolated_in_integers_and_level_outside() {
        let rising = shape(&[(0, 0), (100, 10)]);
        let hill = shape(&[(10, 1), (40, 10), (90, 3)]);
        for (shape, utilization, score) in [
            (&rising, 0, 0),
            (&rising, 33, 33),
            (&rising, 100, 100),
            (&rising, 250, 100),
            (&hill, 0, 10),
            (&hill, 10, 10),
            (&hill, 11, 13),
            (&hill, 40, 100),
            // 100 - 70·1/50 with the quotient cut towards zero.
            (&hill, 41, 99),
            (&hill, 90, 30),
            (&hill, 100, 30),
        ] {
            assert_eq!(shape.at(utilization), score, "{shape:?} at {utilization}");
        }
    }

    #[test]
    fn resources_that_score_nothing_do_not_count() {
        let rising = shape(&[(0, 0), (100, 10)]);
        let share = |requested, weight| Share { allocated: 0, requested, allocatable: 100, weight };
        let score = |shares: &[Share]| rising.score(shares.iter().copied());
        assert_eq!(score(&[share(0, 5), share(50, 1)]), 50);
        assert_eq!(score(&[share(51, 1), share(50, 1)]), 51);
        assert_eq!(score(&[share(500, 1)]), 100);
        assert_eq!(score(&[share(0, 1)]), 0);
    }
}
