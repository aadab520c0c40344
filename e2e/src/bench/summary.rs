//! The rounds of one run, by shape and contestant.

use std::collections::BTreeMap;

use super::contestant::Contestant;
use super::figures::Figures;
use super::journal::Kept;
use super::statistics::Spread;

/// The rounds of one shape.
#[derive(Debug, Default)]
pub struct Shape<'a> {
    /// With the number of each round.
    rounds: BTreeMap<Contestant, Vec<(usize, &'a Figures)>>,
}

/// Every shape of a run, in the order in which they came.
#[derive(Debug, Default)]
pub struct Summary<'a> {
    shapes: Vec<(&'a str, Shape<'a>)>,
}

impl<'a> Summary<'a> {
    /// Of the rounds of one machine and build, oldest first. Where a workload was changed, only
    /// the rounds of its newest form count, and of a round that was run again, the last.
    pub fn of(kept: impl Iterator<Item = &'a Kept>) -> Self {
        let kept: Vec<&Kept> = kept.collect();
        let newest: BTreeMap<&str, &str> =
            kept.iter().map(|one| (one.key.shape.as_str(), one.key.mark.as_str())).collect();
        let mut latest: Vec<&Kept> = Vec::new();
        for one in kept {
            if newest.get(one.key.shape.as_str()) != Some(&one.key.mark.as_str()) {
                continue;
            }
            match latest.iter_mut().find(|other| other.key == one.key) {
                Some(other) => *other = one,
                None => latest.push(one),
            }
        }
        let mut summary = Self::default();
        for one in latest {
            let shape = summary.entry(&one.key.shape);
            shape.rounds.entry(one.key.contestant).or_default().push((one.key.round, &one.figures));
        }
        summary
    }

    /// The shapes by name.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &Shape<'a>)> {
        self.shapes.iter().map(|(name, shape)| (*name, shape))
    }

    /// One shape.
    pub fn shape(&self, name: &str) -> Option<&Shape<'a>> {
        self.shapes().find(|(other, _)| *other == name).map(|(_, shape)| shape)
    }

    fn entry(&mut self, name: &'a str) -> &mut Shape<'a> {
        let index = match self.shapes.iter().position(|(other, _)| *other == name) {
            Some(index) => index,
            None => {
                self.shapes.push((name, Shape::default()));
                self.shapes.len() - 1
            }
        };
        &mut self.shapes[index].1
    }
}

impl<'a> Shape<'a> {
    /// The rounds of one contestant.
    pub fn rounds(&self, who: Contestant) -> impl Iterator<Item = &'a Figures> {
        self.rounds.get(&who).into_iter().flatten().map(|(_, figures)| *figures)
    }

    /// A figure of one contestant over its rounds; nothing where a round lacks it.
    pub fn spread(
        &self,
        who: Contestant,
        figure: impl Fn(&Figures) -> Option<f64>,
    ) -> Option<Spread> {
        let values: Option<Vec<f64>> = self.rounds(who).map(figure).collect();
        Spread::of(values?)
    }

    /// The median of a figure of `left` over that of `right`.
    pub fn ratio(
        &self,
        left: Contestant,
        right: Contestant,
        figure: impl Fn(&Figures) -> Option<f64>,
    ) -> Option<f64> {
        let over = self.spread(right, &figure)?.median;
        let ratio = self.spread(left, &figure)?.median / over;
        ratio.is_finite().then_some(ratio)
    }

    /// A figure of `left` over that of `right`, round by round: for what is run side by side, so
    /// that both have met the machine at the same pace. Rounds that one of them lacks are left out.
    pub fn paired(
        &self,
        left: Contestant,
        right: Contestant,
        figure: impl Fn(&Figures) -> f64,
    ) -> Option<Spread> {
        let over = self.rounds.get(&right)?;
        let ratio = |(round, own): &(usize, &Figures)| {
            let (_, other) = over.iter().find(|(number, _)| number == round)?;
            Some(figure(own) / figure(other)).filter(|ratio| ratio.is_finite())
        };
        Spread::of(self.rounds.get(&left)?.iter().filter_map(ratio))
    }

    /// Pods of a round.
    pub fn pods(&self) -> usize {
        let rounds = self.rounds.iter().filter(|(who, _)| who.is_scheduler());
        rounds.flat_map(|(_, rounds)| rounds).map(|(_, one)| one.pods).max().unwrap_or_default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::identity::{Build, Machine};
    use super::super::journal::RoundKey;
    use super::*;

    /// A round of 1,000 pods at this rate, with this CPU time per pod.
    pub(in crate::bench) fn kept(
        shape: &str,
        round: usize,
        contestant: Contestant,
        rate: f64,
        cpu: f64,
    ) -> Kept {
        let last = 1000.0 * 1000.0 / rate;
        let figures = Figures {
            pods: 1000,
            first_bind_ms: last / 10.0,
            last_bind_ms: last,
            latency_p50_ms: last / 2.0,
            latency_p99_ms: last * 0.99,
            last_event_ms: contestant.writes_events().then_some(last * 2.0),
            cpu_ms: contestant.is_scheduler().then_some(cpu * 1000.0),
            peak_kib: contestant.is_scheduler().then_some((cpu * 102_400.0) as u64),
            in_flight: (!contestant.is_scheduler()).then_some(64),
            ..Figures::default()
        };
        let (shape, mark) = (shape.to_owned(), "m".to_owned());
        let text = || "x".to_owned();
        Kept {
            key: RoundKey { shape, mark, round, contestant },
            machine: Machine { cores: 2, memory_gib: 24 },
            build: Build { commit: text(), berth: text(), kubernetes: text() },
            figures,
        }
    }

    #[test]
    fn medians_and_ratios_by_shape() {
        let rounds = [
            kept("a", 1, Contestant::Berth, 800.0, 0.1),
            kept("b", 1, Contestant::Berth, 100.0, 0.1),
            kept("a", 2, Contestant::Berth, 1000.0, 0.1),
            kept("a", 3, Contestant::Berth, 900.0, 0.1),
            kept("a", 1, Contestant::KubeScheduler, 300.0, 3.0),
        ];
        let summary = Summary::of(rounds.iter());
        let names: Vec<&str> = summary.shapes().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b"]);
        let shape = summary.shape("a").unwrap();
        let rate = |one: &Figures| Some(one.rate());
        let spread = shape.spread(Contestant::Berth, rate).unwrap();
        assert!((spread.median - 900.0).abs() < 1e-6 && (spread.low - 800.0).abs() < 1e-6);
        let ratio = shape.ratio(Contestant::Berth, Contestant::KubeScheduler, rate).unwrap();
        assert!((ratio - 3.0).abs() < 1e-6);
        assert!(shape.ratio(Contestant::Berth, Contestant::Binds, rate).is_none());
        assert_eq!(shape.pods(), 1000);
    }

    #[test]
    fn pairs_are_of_the_same_round() {
        use Contestant::{Berth, BerthPlain};
        let rounds = [
            kept("a", 1, Berth, 900.0, 0.1),
            kept("a", 2, Berth, 400.0, 0.1),
            kept("a", 3, Berth, 100.0, 0.1),
            kept("a", 2, BerthPlain, 500.0, 0.1),
            kept("a", 1, BerthPlain, 1000.0, 0.1),
        ];
        let summary = Summary::of(rounds.iter());
        let shape = summary.shape("a").unwrap();
        let spread = shape.paired(Berth, BerthPlain, Figures::rate).unwrap();
        assert_eq!(spread.count, 2);
        assert!((spread.low - 0.8).abs() < 1e-6 && (spread.high - 0.9).abs() < 1e-6);
        assert_eq!(shape.paired(Berth, Contestant::Binds, Figures::rate), None);
    }

    #[test]
    fn a_changed_workload_and_a_repeated_round_count_once() {
        let mut old = kept("a", 1, Contestant::Berth, 1.0, 0.1);
        old.key.mark = "old".to_owned();
        let rounds = [
            old,
            kept("a", 1, Contestant::Berth, 500.0, 0.1),
            kept("a", 1, Contestant::Berth, 700.0, 0.1),
        ];
        let summary = Summary::of(rounds.iter());
        let shape = summary.shape("a").unwrap();
        let spread = shape.spread(Contestant::Berth, |one| Some(one.rate())).unwrap();
        assert_eq!(spread.count, 1);
        assert!((spread.median - 700.0).abs() < 1e-6);
    }
}
