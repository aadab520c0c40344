//! What the sweeps over requests in flight say together.

use std::collections::BTreeMap;

use super::contestant::Contestant;
use super::journal::Kept;
use super::statistics::Spread;
use super::summary::{Shape, Summary};

/// Binds a second by requests in flight: medians over a shape's sweeps. One sweep gives each number
/// a third of the pods, two seconds, in which a machine's pace hides what they differ by.
pub fn medians(shape: &Shape<'_>) -> BTreeMap<usize, f64> {
    let mut rates: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (in_flight, rate) in shape.rounds(Contestant::Sweep).flat_map(|one| &one.sweep) {
        rates.entry(*in_flight).or_default().push(*rate);
    }
    let median =
        |(in_flight, rates): (usize, Vec<f64>)| Some((in_flight, Spread::of(rates)?.median));
    rates.into_iter().filter_map(median).collect()
}

/// How many requests in flight a flooder has: the best median of the sweeps of this shape and mark,
/// or where there are none of those of the shape that was swept last. `kept` is of one machine and
/// one build, oldest first.
pub fn best<'a>(kept: impl Iterator<Item = &'a Kept>, shape: &str, mark: &str) -> Option<usize> {
    let sweeps: Vec<&Kept> = kept.filter(|one| one.key.contestant == Contestant::Sweep).collect();
    let is_of =
        |one: &Kept, shape: &str, mark: &str| one.key.shape == shape && one.key.mark == mark;
    let own = sweeps.iter().rfind(|one| is_of(one, shape, mark));
    let key = &own.or(sweeps.last())?.key;
    let same = sweeps.iter().copied().filter(|one| is_of(one, &key.shape, &key.mark));
    let summary = Summary::of(same);
    let medians = medians(summary.shape(&key.shape)?);
    medians.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(in_flight, _)| in_flight)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::summary::tests::kept;
    use super::*;

    fn sweep(shape: &str, round: usize, rates: [f64; 3]) -> Kept {
        let mut kept = kept(shape, round, Contestant::Sweep, 1000.0, 0.0);
        kept.figures.sweep = [32, 64, 128].into_iter().zip(rates).collect();
        kept
    }

    #[test]
    fn the_best_median_wins_over_the_best_sweep() {
        let rounds = [
            sweep("a", 1, [700.0, 800.0, 1500.0]),
            sweep("a", 2, [700.0, 900.0, 600.0]),
            sweep("a", 3, [700.0, 850.0, 500.0]),
        ];
        let summary = Summary::of(rounds.iter());
        let medians = medians(summary.shape("a").unwrap());
        assert_eq!(medians, [(32, 700.0), (64, 850.0), (128, 600.0)].into());
        assert_eq!(best(rounds.iter(), "a", "m"), Some(64));
        assert_eq!(best(rounds[..1].iter(), "a", "m"), Some(128));
    }

    #[test]
    fn a_shape_without_sweeps_takes_the_last_swept_one() {
        let rounds = [sweep("a", 1, [9.0, 1.0, 1.0]), sweep("b", 1, [1.0, 1.0, 9.0])];
        assert_eq!(best(rounds.iter(), "c", "m"), Some(128));
        assert_eq!(best(rounds.iter(), "a", "m"), Some(32));
        assert_eq!(best(rounds.iter(), "a", "other"), Some(128), "an older form of the workload");
        assert_eq!(best([].into_iter(), "a", "m"), None);
    }

    #[test]
    fn a_sweep_that_was_run_again_counts_once() {
        let rounds = [sweep("a", 1, [9.0, 1.0, 1.0]), sweep("a", 1, [1.0, 9.0, 1.0])];
        assert_eq!(best(rounds.iter(), "a", "m"), Some(64));
    }
}
