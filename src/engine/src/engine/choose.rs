//! The choice of a node: by the ranking of the pod's kin, or by the plain scan.

use std::sync::Arc;

use rayon::ThreadPool;

use crate::base::{Draw, PodIdx};
use crate::cache::Cache;
use crate::cycle::{CycleError, Feasible, Filtered, Pick, Scan, Scores, Stop, pick};
use crate::framework::{Code, Point, Profile};
use crate::input::Method;
use crate::probe::Probe;
use crate::ranking::{Rankings, Verdicted};

/// What a cycle decides for a pod.
#[derive(Debug)]
pub enum Decided {
    /// A node.
    Place {
        /// The draw.
        pick: Pick,
        /// What the filters said.
        filtered: Filtered,
        /// The scores; `None` where the only feasible node was taken unscored.
        scores: Option<Scores>,
    },
    /// No node fits.
    Reject {
        /// What the filters said.
        filtered: Filtered,
    },
    /// The attempt failed.
    Broken(CycleError),
}

/// What became of the search for a node.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack")]
pub(super) enum Found {
    /// By the ranking.
    Ranked(crate::ranking::Choice),
    /// It fits nowhere.
    Nowhere(Arc<Filtered>),
    /// By the plain scan.
    Scanned(Decided),
}

/// Whoever chooses: the engine on its cache, or a reader on a snapshot. A choice changes nothing
/// but the generator and the rankings; a plan ([`super::Plan`]) assumes its pods.
#[derive(Debug)]
pub(super) struct Chooser<'a> {
    pub(super) cache: &'a mut Cache,
    pub(super) rankings: &'a mut Rankings,
    pub(super) draw: &'a mut Draw,
    pub(super) pool: Option<&'a ThreadPool>,
    pub(super) method: Method,
}

impl Chooser<'_> {
    pub(super) fn scan<'b>(&'b self, profile: &'b Profile) -> Scan<'b> {
        Scan { cache: self.cache, profile, pool: self.pool }
    }

    /// Looks for a node for one attempt.
    pub(super) fn find(
        &mut self,
        pod: PodIdx,
        profile: &Arc<Profile>,
        probe: &mut dyn Probe,
    ) -> Found {
        match self.rank(pod, profile, probe) {
            Some(Verdicted::Node(choice)) => return Found::Ranked(choice),
            Some(Verdicted::Nowhere(Some(known))) => return Found::Nowhere(known),
            Some(Verdicted::Nowhere(None)) => {
                let filtered = self.scan(profile).filter(pod, probe);
                let nowhere =
                    filtered.feasible.is_empty() && !matches!(filtered.stop, Some(Stop::Broken(_)));
                if nowhere {
                    let filtered = Arc::new(filtered);
                    self.rankings.note_nowhere(self.cache, profile, pod, &filtered);
                    return Found::Nowhere(filtered);
                }
            }
            None => {}
        }
        Found::Scanned(self.decide_by_scan(pod, profile, false, probe))
    }

    fn rank(
        &mut self,
        pod: PodIdx,
        profile: &Arc<Profile>,
        probe: &mut dyn Probe,
    ) -> Option<Verdicted> {
        if self.method == Method::Scan {
            return None;
        }
        probe.begin(Point::Filter);
        let found = self.rankings.choose(self.cache, profile, self.pool, pod, self.draw)?;
        let code = match found {
            Verdicted::Node(_) => Code::Success,
            Verdicted::Nowhere(_) => Code::Unschedulable,
        };
        probe.end(Point::Filter, code, profile.scheduler_name());
        Some(found)
    }

    /// Whether the pod fits anywhere; `None` where the plain scan has to say.
    pub(super) fn fits_by_ranking(&mut self, pod: PodIdx, profile: &Arc<Profile>) -> Option<bool> {
        if self.method == Method::Scan {
            return None;
        }
        self.rankings.fits(self.cache, profile, self.pool, pod)
    }

    /// Runs the cycle for a pod; with `score_one` a single feasible node is scored too.
    pub(super) fn decide(
        &mut self,
        pod: PodIdx,
        profile: &Arc<Profile>,
        score_one: bool,
        probe: &mut dyn Probe,
    ) -> Decided {
        if self.method == Method::Class
            && let Some(decided) = self.decide_by_ranking(pod, profile, score_one, probe)
        {
            return decided;
        }
        self.decide_by_scan(pod, profile, score_one, probe)
    }

    /// The choice by the ranking with everything a reader may want to know: feasible nodes and
    /// scores are the ranking's, why the others are out is the scan's.
    fn decide_by_ranking(
        &mut self,
        pod: PodIdx,
        profile: &Arc<Profile>,
        score_one: bool,
        probe: &mut dyn Probe,
    ) -> Option<Decided> {
        let standing = self.rankings.standing(self.cache, profile, self.pool, pod)?;
        let found = self.rankings.choose(self.cache, profile, self.pool, pod, self.draw)?;
        let mut filtered = self.scan(profile).filter(pod, probe);
        filtered.feasible = standing.feasible;
        let Verdicted::Node(choice) = found else { return Some(Decided::Reject { filtered }) };
        let most = standing.totals.iter().copied().max()?;
        let one = filtered.feasible.len() == 1 && !score_one;
        let totals = filtered.feasible.iter().zip(&standing.totals);
        let best = totals.filter(|(_, total)| **total == most).map(|(node, _)| *node).collect();
        let pick = Pick { node: choice.node, total: if one { 0 } else { most }, best };
        let scores = Scores { totals: standing.totals, by_plugin: standing.by_plugin };
        Some(Decided::Place { pick, filtered, scores: (!one).then_some(scores) })
    }

    /// The cycle as the plain scan has it.
    fn decide_by_scan(
        &mut self,
        pod: PodIdx,
        profile: &Profile,
        score_one: bool,
        probe: &mut dyn Probe,
    ) -> Decided {
        let scan = self.scan(profile);
        let mut filtered = scan.filter(pod, probe);
        if let Some(Stop::Broken(error)) = &filtered.stop {
            return Decided::Broken(error.clone());
        }
        let scores = match filtered.feasible.as_slice() {
            [] => return Decided::Reject { filtered },
            [_] if !score_one => None,
            _ => match scan.score(pod, &mut filtered, probe) {
                Ok(scores) => Some(scores),
                Err(error) => return Decided::Broken(error),
            },
        };
        let unscored = [0];
        let totals = scores.as_ref().map_or(unscored.as_slice(), |s| s.totals.as_slice());
        let drawn = Feasible::new(&filtered.feasible, totals)
            .and_then(|feasible| pick(feasible, self.draw, self.cache));
        match drawn {
            Some(pick) => Decided::Place { pick, filtered, scores },
            None => Decided::Broken(CycleError::ScoresAmiss),
        }
    }
}
