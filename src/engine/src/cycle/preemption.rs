//! Which pods would have to go so that a pod fits: preemption as a dry run.
//!
//! Source: `DefaultPreemption.SelectVictimsOnNode` in
//! `pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go`, and
//! `pickOneNodeForPreemption` in `pkg/scheduler/framework/preemption/preemption.go`. Every node is
//! tried, where the reference stops at a share of them.

use std::cmp::Reverse;

use crate::base::{NodeIdx, PodIdx};
use crate::cache::Cache;
use crate::framework::Context;

use super::budget::Budgets;
use super::dry_run::DryRun;
use super::filtered::{Filtered, Stop};
use super::prefilter::Prepared;
use super::{CycleError, Scan};

/// The pods that would have to leave a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Victims {
    /// The node.
    pub node: NodeIdx,
    /// Most important first.
    pub pods: Vec<PodIdx>,
    /// How many of them would break a PodDisruptionBudget.
    pub violations: usize,
}

/// What preemption could do for a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preemption {
    /// Why the pod may not preempt; `None` where it may.
    pub ineligible: Option<&'static str>,
    /// Nodes where victims would make room, ascending.
    pub candidates: Vec<Victims>,
    /// The best of them: between these only chance decides.
    pub selected: Vec<NodeIdx>,
}

impl Scan<'_> {
    /// Tries preemption on every node that a rejection left resolvable.
    ///
    /// # Errors
    /// A plugin failed in the dry run.
    pub fn preempt(&self, pod: PodIdx, filtered: &Filtered) -> Result<Preemption, CycleError> {
        let cx = self.context(pod).ok_or(CycleError::Gone)?;
        if let Some(reason) = ineligible(&cx, filtered) {
            return Ok(Preemption { ineligible: Some(reason), ..Preemption::default() });
        }
        let prepared = Prepared {
            states: filtered.states.clone(),
            skipped: filtered.skipped.clone(),
            ..Prepared::default()
        };
        let budgets = Budgets::of(self.cache);
        let mut candidates = Vec::new();
        for node in resolvable(&cx, filtered) {
            candidates.extend(self.victims(&cx, &prepared, &budgets, node)?);
        }
        let selected = select(&candidates, self.cache);
        Ok(Preemption { ineligible: None, candidates, selected })
    }

    /// The fewest and least important pods that make room on the node.
    fn victims(
        &self,
        cx: &Context<'_>,
        prepared: &Prepared,
        budgets: &Budgets<'_>,
        node: NodeIdx,
    ) -> Result<Option<Victims>, CycleError> {
        let lower =
            |pod: &PodIdx| cx.cache.pods().get(*pod).is_some_and(|p| p.priority < cx.pod.priority);
        let mut potential: Vec<PodIdx> =
            cx.nodes.pods(node).iter().copied().filter(lower).collect();
        if potential.is_empty() {
            return Ok(None);
        }
        let rivals = self.rivals(cx, cx.pod.idx, node);
        let mut dry = DryRun::of(cx, prepared, node);
        for pod in &potential {
            dry.remove(self, cx, *pod)?;
        }
        if dry.judge_twice(self, cx, &rivals)?.is_some() {
            return Ok(None);
        }
        by_importance(&mut potential, cx.cache);
        let (violating, others) = budgets.split(&potential, cx.cache);
        let mut victims = Victims { node, pods: Vec::new(), violations: 0 };
        for (pod, violates) in
            violating.iter().map(|p| (*p, true)).chain(others.iter().map(|p| (*p, false)))
        {
            dry.add(self, cx, pod)?;
            if dry.judge_twice(self, cx, &rivals)?.is_some() {
                dry.remove(self, cx, pod)?;
                victims.pods.push(pod);
                victims.violations += usize::from(violates);
            }
        }
        if !violating.is_empty() && !others.is_empty() {
            by_importance(&mut victims.pods, cx.cache);
        }
        Ok((!victims.pods.is_empty()).then_some(victims))
    }
}

/// `PodEligibleToPreemptOthers`.
fn ineligible(cx: &Context<'_>, filtered: &Filtered) -> Option<&'static str> {
    let row = cx.cache.pods().get(cx.pod.idx)?;
    if row.never_preempts {
        return Some("not eligible due to preemptionPolicy=Never.");
    }
    let promised = cx.cache.nominations().of_pod(cx.pod.idx)?;
    let hopeless = filtered.excluded.contains(promised)
        || filtered.rejected.iter().any(|r| r.node == promised && !r.verdict.is_resolvable())
        || matches!(
            filtered.stop,
            Some(Stop::PreFilter { resolvable: false, .. } | Stop::Refused { .. })
        );
    let leaving = |pod: &PodIdx| {
        let pod = cx.cache.pods().get(*pod);
        pod.is_some_and(|p| p.preempted && p.priority < cx.pod.priority)
    };
    (!hopeless && cx.nodes.pods(promised).iter().any(leaving))
        .then_some("not eligible due to a terminating pod on the nominated node.")
}

/// Nodes whose status is `Unschedulable`.
fn resolvable(cx: &Context<'_>, filtered: &Filtered) -> Vec<NodeIdx> {
    match &filtered.stop {
        Some(Stop::PreFilter { resolvable: true, .. }) => cx.nodes.live().to_vec(),
        Some(_) => Vec::new(),
        None => {
            let open = filtered.rejected.iter().filter(|r| r.verdict.is_resolvable());
            open.map(|r| r.node).collect()
        }
    }
}

/// Sorts by priority, then by start; pods that have not started come last, in the order in which
/// the node lists them (`MoreImportantVictim`).
fn by_importance(pods: &mut [PodIdx], cache: &Cache) {
    let key = |pod: &PodIdx| cache.pods().get(*pod).map(|p| (Reverse(p.priority), p.started_ms));
    pods.sort_by_key(key);
}

/// The candidates that no rule puts behind another (`pickOneNodeForPreemption`).
fn select(candidates: &[Victims], cache: &Cache) -> Vec<NodeIdx> {
    let rank = |victims: &Victims| {
        let rows = || victims.pods.iter().filter_map(|pod| cache.pods().get(*pod));
        let highest = rows().map(|p| p.priority).max().unwrap_or(i32::MIN);
        // 2^31 is added so that more pods of negative priority do not add up to less.
        let sum: i64 = rows().map(|p| i64::from(p.priority) + (1 << 31)).sum();
        let important = rows().filter(|p| p.priority == highest);
        let earliest = important.map(|p| p.started_ms).min().unwrap_or(0);
        (victims.violations, highest, sum, victims.pods.len(), Reverse(earliest))
    };
    let Some(best) = candidates.iter().map(rank).min() else { return Vec::new() };
    candidates.iter().filter(|v| rank(v) == best).map(|v| v.node).collect()
}
