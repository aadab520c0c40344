//! PreScore, Score, normalize, weigh, add up.

use rayon::prelude::*;

use crate::base::{NodeIdx, PodIdx, missing};
use crate::framework::{Code, MAX_NODE_SCORE, Point, PreScored, Score, State};
use crate::probe::Probe;

use super::extension::extension;
use super::filtered::Filtered;
use super::guard::guarded;
use super::{CycleError, Scan};

/// Nodes per task on the thread pool.
const TASK: usize = 1_024;

/// Scores of the feasible nodes, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scores {
    /// Sum over the plugins.
    pub totals: Vec<i64>,
    /// Place of each plugin that scored, and its normalized, weighted scores.
    pub by_plugin: Vec<(usize, Vec<i64>)>,
}

impl Scan<'_> {
    /// Scores the feasible nodes.
    ///
    /// # Errors
    /// A plugin failed or left 0..=100: the attempt is an error.
    pub fn score(
        &self,
        pod: PodIdx,
        filtered: &mut Filtered,
        probe: &mut dyn Probe,
    ) -> Result<Scores, CycleError> {
        let profile = self.profile.scheduler_name();
        probe.begin(Point::PreScore);
        let skipped = self.pre_score(pod, filtered, probe);
        let code = if skipped.is_ok() { Code::Success } else { Code::Error };
        probe.end(Point::PreScore, code, profile);
        let skipped = skipped?;
        probe.begin(Point::Score);
        let scores = self.score_all(pod, filtered, &skipped, probe);
        let code = if scores.is_ok() { Code::Success } else { Code::Error };
        probe.end(Point::Score, code, profile);
        scores
    }

    fn pre_score(
        &self,
        pod: PodIdx,
        filtered: &mut Filtered,
        probe: &mut dyn Probe,
    ) -> Result<Vec<bool>, CycleError> {
        let mut skipped = vec![false; self.profile.plugin_count()];
        let cx = self.context(pod).ok_or(CycleError::Gone)?;
        filtered.states.resize_with(self.profile.plugin_count(), State::default);
        for weighted in self.profile.at(Point::PreScore) {
            let place = weighted.plugin;
            let (plugin, pre_score) =
                extension(self.profile, place, Point::PreScore, |p| p.as_pre_score())?;
            let state = filtered.states.get_mut(place).ok_or(CycleError::NotPrepared)?;
            probe.evaluated(plugin.name(), Point::PreScore, 1, self.profile.scheduler_name());
            probe.plugin_begins();
            let said =
                guarded(plugin.name(), || pre_score.pre_score(&cx, &filtered.feasible, state));
            let code = match &said {
                Ok(PreScored::Proceed) => Code::Success,
                Ok(PreScored::Skip) => Code::Skip,
                Ok(PreScored::Broken(_)) | Err(_) => Code::Error,
            };
            probe.plugin_ends(plugin.name(), Point::PreScore, code);
            match said? {
                PreScored::Proceed => {}
                PreScored::Skip => {
                    if let Some(skip) = skipped.get_mut(weighted.plugin) {
                        *skip = true;
                    }
                }
                PreScored::Broken(fault) => {
                    return Err(CycleError::of_plugin(plugin.name(), Point::PreScore, fault));
                }
            }
        }
        Ok(skipped)
    }

    fn score_all(
        &self,
        pod: PodIdx,
        filtered: &Filtered,
        skipped: &[bool],
        probe: &mut dyn Probe,
    ) -> Result<Scores, CycleError> {
        let nodes = &filtered.feasible;
        let mut scores = Scores { totals: vec![0; nodes.len()], by_plugin: Vec::new() };
        for weighted in self.profile.at(Point::Score) {
            if skipped.get(weighted.plugin).copied().unwrap_or(false) {
                continue;
            }
            let place = weighted.plugin;
            let (plugin, score) = extension(self.profile, place, Point::Score, |p| p.as_score())?;
            let state = filtered.states.get(place).ok_or(CycleError::NotPrepared)?;
            probe.evaluated(
                plugin.name(),
                Point::Score,
                nodes.len(),
                self.profile.scheduler_name(),
            );
            let mut own = vec![0; nodes.len()];
            probe.plugin_begins();
            let scored = guarded(plugin.name(), || self.raw(pod, score, state, nodes, &mut own));
            let code = if scored.is_ok() { Code::Success } else { Code::Error };
            probe.plugin_ends(plugin.name(), Point::Score, code);
            scored?;
            if let Some(bad) = own.iter().find(|s| !(0..=MAX_NODE_SCORE).contains(*s)) {
                return Err(CycleError::InvalidScore { plugin: plugin.name().into(), score: *bad });
            }
            for (total, own) in scores.totals.iter_mut().zip(&mut own) {
                *own *= weighted.weight;
                *total += *own;
            }
            scores.by_plugin.push((weighted.plugin, own));
        }
        Ok(scores)
    }

    fn raw(
        &self,
        pod: PodIdx,
        score: &dyn Score,
        state: &State,
        nodes: &[NodeIdx],
        own: &mut [i64],
    ) {
        let Some(cx) = self.context(pod) else { return missing("pod", pod.at()) };
        match self.pool_for(nodes.len()) {
            None => score.score(&cx, state, nodes, own),
            Some(pool) => pool.install(|| {
                let tasks = nodes.par_chunks(TASK).zip(own.par_chunks_mut(TASK));
                tasks.for_each(|(nodes, own)| score.score(&cx, state, nodes, own));
            }),
        }
        score.normalize(&cx, state, own);
    }
}
