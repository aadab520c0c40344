//! PodDisruptionBudgets in a dry run.
//!
//! Source: `FilterVictimsWithPDBViolation` in `pkg/scheduler/framework/preemption/util.go`.

use crate::base::{PodIdx, missing};
use crate::cache::Cache;
use crate::model::LabelMatcher;

/// The budgets of the cluster, by namespace and name: the reference walks them in the order of a
/// map, which only shows where a pod is in several.
#[derive(Debug)]
pub(super) struct Budgets<'a>(Vec<Budget<'a>>);

#[derive(Debug)]
struct Budget<'a> {
    namespace: &'a str,
    matcher: LabelMatcher,
    allowed: i32,
    disrupted: &'a [Box<str>],
}

impl<'a> Budgets<'a> {
    /// All budgets whose selector can select anything.
    pub(super) fn of(cache: &'a Cache) -> Self {
        let mut budgets: Vec<_> = cache.objects().disruption_budgets.values().collect();
        budgets.sort_by(|a, b| a.key.cmp(&b.key));
        let compiled = budgets.into_iter().filter_map(|budget| {
            let selector = budget.selector.as_ref();
            let matcher = LabelMatcher::compile_known(selector, cache.symbols()).ok()?;
            (!matcher.is_empty()).then_some(Budget {
                namespace: &budget.key.namespace,
                matcher,
                allowed: budget.disruptions_allowed,
                disrupted: &budget.disrupted_pods,
            })
        });
        Self(compiled.collect())
    }

    /// Splits pods, in their order, into those whose eviction breaks a budget and the others. Each
    /// pod uses up the budgets it is in, up to the first that is exhausted; every node begins with
    /// whole budgets.
    pub(super) fn split(&self, pods: &[PodIdx], cache: &Cache) -> (Vec<PodIdx>, Vec<PodIdx>) {
        let mut left: Vec<i32> = self.0.iter().map(|budget| budget.allowed).collect();
        pods.iter().copied().partition(|pod| self.breaks(*pod, &mut left, cache))
    }

    fn breaks(&self, pod: PodIdx, left: &mut [i32], cache: &Cache) -> bool {
        let (Some(row), Some((_, class))) = (cache.pods().get(pod), cache.class_of(pod)) else {
            missing("pod", pod.at());
            return false;
        };
        if cache.labels().iter(row.labels).next().is_none() {
            return false;
        }
        let namespace = cache.symbols().text(class.namespace);
        for (budget, left) in self.0.iter().zip(left) {
            if budget.namespace != namespace
                || budget.disrupted.contains(&row.name)
                || !budget.matcher.matches(cache.labels(), row.labels)
            {
                continue;
            }
            *left = left.saturating_sub(1);
            if *left < 0 {
                return true;
            }
        }
        false
    }
}
