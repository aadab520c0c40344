//! What the plain scan said of pods that fit nowhere, kept for the next pods of their kin.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::Sweep;
use crate::cycle::Filtered;

/// Kins that it is kept for, whose pods may come in any order: few enough to look through.
const KEPT_MAX: usize = 100;

/// Rejected nodes over all that is kept: at 64 bytes each 32 MB, [`KEPT_MAX`] kins at 5,000 nodes.
/// One alone may be larger.
const REJECTIONS_MAX: usize = KEPT_MAX * 5_000;

/// At which state of things it was said: the ranking's place, the end of the log, and the priority
/// that promised nodes were judged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) ranking: usize,
    pub(super) position: u64,
    pub(super) heeded_for: Option<i32>,
}

/// The newest comes last; of each ranking one at most.
#[derive(Debug, Default)]
pub(super) struct Unschedulable {
    kept: VecDeque<(Moment, Arc<Filtered>)>,
    rejections: usize,
}

impl Unschedulable {
    /// What was said at this moment.
    pub(super) fn at(&self, moment: Moment) -> Option<Arc<Filtered>> {
        let found = self.kept.iter().rev().find(|(of, _)| *of == moment);
        found.map(|(_, filtered)| Arc::clone(filtered))
    }

    /// Keeps what was said; what its ranking was told before goes, and the oldest of what is too
    /// much.
    pub(super) fn keep(&mut self, moment: Moment, filtered: &Arc<Filtered>) {
        self.forget(moment.ranking);
        self.rejections += filtered.rejected.len();
        self.kept.push_back((moment, Arc::clone(filtered)));
        while self.kept.len() > KEPT_MAX
            || (self.rejections > REJECTIONS_MAX && self.kept.len() > 1)
        {
            let Some((_, oldest)) = self.kept.pop_front() else { return };
            self.rejections -= oldest.rejected.len();
        }
    }

    /// Looks for what is broken: bounds, and rankings that are gone.
    pub(super) fn check(&self, is_there: impl Fn(usize) -> bool, sweep: &mut Sweep) {
        let nodes: usize = self.kept.iter().map(|(_, filtered)| filtered.rejected.len()).sum();
        sweep.equal(self.rejections, nodes, || "rejected nodes that are kept".to_owned());
        sweep.expect(self.kept.len() <= KEPT_MAX, || "rejections of too many kins".to_owned());
        let mut rankings: Vec<usize> = self.kept.iter().map(|(of, _)| of.ranking).collect();
        sweep.expect(rankings.iter().all(|at| is_there(*at)), || "what no ranking asks".to_owned());
        rankings.sort_unstable();
        rankings.dedup();
        sweep.equal(self.kept.len(), rankings.len(), || "rejections by ranking".to_owned());
    }

    /// Forgets what a ranking was told: it goes, or something has happened.
    pub(super) fn forget(&mut self, ranking: usize) {
        let found = self.kept.iter().position(|(of, _)| of.ranking == ranking);
        if let Some((_, filtered)) = found.and_then(|at| self.kept.remove(at)) {
            self.rejections -= filtered.rejected.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeIdx;
    use crate::cycle::Rejection;
    use crate::framework::Verdict;

    fn moment(ranking: usize, position: u64) -> Moment {
        Moment { ranking, position, heeded_for: None }
    }

    fn filtered(nodes: usize) -> Arc<Filtered> {
        let verdict = Verdict::unschedulable("no");
        let one = Rejection { node: NodeIdx::FIRST, plugin: 0, verdict };
        let mut filtered = Filtered::default();
        filtered.rejected = vec![one; nodes];
        Arc::new(filtered)
    }

    #[test]
    fn it_holds_for_its_moment() {
        let mut all = Unschedulable::default();
        all.keep(moment(1, 7), &filtered(3));
        assert!(all.at(moment(1, 7)).is_some());
        assert!(all.at(moment(1, 8)).is_none() && all.at(moment(2, 7)).is_none());
        assert!(all.at(Moment { heeded_for: Some(0), ..moment(1, 7) }).is_none());
        all.keep(moment(1, 8), &filtered(5));
        assert!(all.at(moment(1, 7)).is_none() && all.at(moment(1, 8)).is_some());
        assert_eq!((all.kept.len(), all.rejections), (1, 5));
        all.forget(1);
        assert_eq!((all.kept.len(), all.rejections), (0, 0));
    }

    #[test]
    fn on_few_nodes_it_is_kept_for_few_kins_too() {
        let mut all = Unschedulable::default();
        for ranking in 0..2 * KEPT_MAX {
            all.keep(moment(ranking, 1), &filtered(1));
        }
        assert_eq!((all.kept.len(), all.rejections), (KEPT_MAX, KEPT_MAX));
        assert!(all.at(moment(2 * KEPT_MAX - 1, 1)).is_some());
    }

    #[test]
    fn a_rejection_is_as_small_as_the_bound_says() {
        assert!(size_of::<Rejection>() <= 64, "{}", size_of::<Rejection>());
    }

    #[test]
    fn the_oldest_go_and_one_may_be_large() {
        let mut all = Unschedulable::default();
        for ranking in 0..5 {
            all.keep(moment(ranking, 1), &filtered(REJECTIONS_MAX / 3));
        }
        assert_eq!(
            (0..5).filter(|at| all.at(moment(*at, 1)).is_some()).collect::<Vec<_>>(),
            [2, 3, 4]
        );
        all.keep(moment(9, 1), &filtered(2 * REJECTIONS_MAX));
        assert_eq!(all.kept.len(), 1);
        assert!(all.at(moment(9, 1)).is_some());
    }
}
