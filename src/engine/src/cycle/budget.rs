//! PodDisruptionBudgets in a dry run.
//!
//! Source: `FilterVictimsWithPDBViolation` in `pkg/scheduler/framework/preemption/util.go`.

use crate::base::PodIdx;
use crate::cache::Cache;
use crate::model::LabelMatcher;
use crate::record::DisruptionBudgetRecord;

/// The budgets of the cluster, by namespace and name: the reference walks them in the order of a
/// map, which only shows where a pod is in several.
#[derive(Debug)]
pub(super) struct Budgets<'a>(Vec<(&'a DisruptionBudgetRecord, LabelMatcher)>);

impl<'a> Budgets<'a> {
    /// All budgets whose selector can select anything.
    pub(super) fn of(cache: &'a Cache) -> Self {
        let mut budgets: Vec<&DisruptionBudgetRecord> =
            cache.objects().disruption_budgets.values().collect();
        budgets.sort_by(|a, b| a.key.cmp(&b.key));
        let compiled = budgets.into_iter().filter_map(|budget| {
            let selector = budget.selector.as_ref()?;
            let matcher = LabelMatcher::compile_known(Some(selector), cache.symbols()).ok()?;
            (!matcher.is_empty()).then_some((budget, matcher))
        });
        Self(compiled.collect())
    }

    /// Splits pods, in their order, into those whose eviction breaks a budget and the others. Each
    /// pod uses up the budgets it is in, up to the first that is exhausted.
    pub(super) fn split(&self, pods: &[PodIdx], cache: &Cache) -> (Vec<PodIdx>, Vec<PodIdx>) {
        let mut allowed: Vec<i32> = self.0.iter().map(|(b, _)| b.disruptions_allowed).collect();
        pods.iter().copied().partition(|pod| self.breaks(*pod, &mut allowed, cache))
    }

    fn breaks(&self, pod: PodIdx, allowed: &mut [i32], cache: &Cache) -> bool {
        let (Some(row), Some((_, class))) = (cache.pods().get(pod), cache.class_of(pod)) else {
            return false;
        };
        if cache.labels().iter(row.labels).next().is_none() {
            return false;
        }
        let namespace = cache.symbols().text(class.namespace);
        for ((budget, matcher), allowed) in self.0.iter().zip(allowed) {
            if budget.key.namespace.as_ref() != namespace
                || budget.disrupted_pods.contains(&row.name)
                || !matcher.matches(cache.labels(), row.labels)
            {
                continue;
            }
            *allowed -= 1;
            if *allowed < 0 {
                return true;
            }
        }
        false
    }
}
