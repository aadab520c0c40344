//! The choice of a node: by the ranking of the pod's class, or by the plain scan.

use std::sync::Arc;

use crate::base::PodIdx;
use crate::cycle::{Filtered, Pick, Scores, Stop};
use crate::framework::{Code, Point, Profile};
use crate::input::Method;
use crate::probe::Probe;
use crate::ranking::Verdicted;

use super::Engine;
use super::attempt::Decided;

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

impl Engine {
    /// Looks for a node for one attempt.
    pub(super) fn find(&mut self, pod: PodIdx, profile: &Profile, probe: &mut dyn Probe) -> Found {
        match self.rank(pod, profile, probe) {
            Some(Verdicted::Node(choice)) => return Found::Ranked(choice),
            Some(Verdicted::Nowhere(Some(known))) => return Found::Nowhere(known),
            Some(Verdicted::Nowhere(None)) => {
                let filtered = self.scan(profile).filter(pod, probe);
                let nowhere =
                    filtered.feasible.is_empty() && !matches!(filtered.stop, Some(Stop::Broken(_)));
                if nowhere {
                    let filtered = Arc::new(filtered);
                    self.rankings.note_nowhere(&self.cache, pod, &filtered);
                    return Found::Nowhere(filtered);
                }
            }
            None => {}
        }
        Found::Scanned(self.decide_by_scan(pod, profile, false, probe))
    }

    fn rank(&mut self, pod: PodIdx, profile: &Profile, probe: &mut dyn Probe) -> Option<Verdicted> {
        if self.method == Method::Scan {
            return None;
        }
        let Self { rankings, cache, draw, pool, .. } = self;
        probe.begin(Point::Filter);
        let found = rankings.choose(cache, profile, pool.as_deref(), pod, draw)?;
        let code = match found {
            Verdicted::Node(_) => Code::Success,
            Verdicted::Nowhere(_) => Code::Unschedulable,
        };
        probe.end(Point::Filter, code, profile.scheduler_name());
        Some(found)
    }

    /// The choice by the ranking with everything a reader may want to know: feasible nodes and
    /// scores are the ranking's, why the others are out is the scan's.
    pub(super) fn decide_by_ranking(
        &mut self,
        pod: PodIdx,
        profile: &Profile,
        score_one: bool,
        probe: &mut dyn Probe,
    ) -> Option<Decided> {
        let Self { rankings, cache, draw, pool, .. } = self;
        let standing = rankings.standing(cache, profile, pool.as_deref(), pod)?;
        let found = rankings.choose(cache, profile, pool.as_deref(), pod, draw)?;
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
}
