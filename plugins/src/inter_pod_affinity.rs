//! Brings pods together and keeps them apart: required and preferred affinity and anti-affinity
//! to other pods, of the incoming pod and, towards it, of the pods that are there.
//!
//! Source: `pkg/scheduler/framework/plugins/interpodaffinity/{filtering,scoring}.go`, with
//! InterPodAffinityHostnameFastPath (alpha) off.

mod args;
mod counts;
mod domains;
mod groups;
mod placed;
mod preferences;
mod scope;
#[cfg(test)]
mod tests;

pub use args::InterPodAffinityArgs;

use std::hash::BuildHasher;

use berth_engine::base::{NodeIdx, PodIdx};
use berth_engine::framework::{
    Awaits, Context, Filter, Grouped, Groups, Keeps, MAX_NODE_SCORE, Plugin, PreFilter,
    PreFiltered, PreScore, PreScored, Reads, Reason, Score, State, Verdict, Verdicts,
};
use rustc_hash::FxBuildHasher;

use counts::Counts;
use groups::AffinityGroups;
use preferences::Preferences;

/// The name in configurations.
pub const NAME: &str = "InterPodAffinity";
/// No pod that matches all affinity terms is in the node's domains.
pub const REASON_AFFINITY: &str = "node(s) didn't match pod affinity rules";
/// A pod that the incoming one keeps away from is in the node's domain.
pub const REASON_ANTI_AFFINITY: &str = "node(s) didn't match pod anti-affinity rules";
/// A pod that keeps the incoming one away is in the node's domain.
pub const REASON_EXISTING: &str = "node(s) didn't satisfy existing pods anti-affinity rules";

/// The plugin.
#[derive(Debug, Clone, Copy)]
pub struct InterPodAffinity {
    hard_weight: i64,
    ignore_existing: bool,
}

impl InterPodAffinity {
    /// The plugin with its arguments.
    #[allow(clippy::needless_pass_by_value, reason = "the shape of all constructors with args")]
    pub fn new(args: InterPodAffinityArgs) -> Self {
        Self {
            hard_weight: args.hard_pod_affinity_weight.unwrap_or(1).into(),
            ignore_existing: args.ignore_preferred_terms_of_existing_pods,
        }
    }
}

impl Plugin for InterPodAffinity {
    fn name(&self) -> &str {
        NAME
    }

    /// A pod that comes, goes or is relabelled opens nodes all over its domain, and so does a node
    /// with pods on it that changes its domain.
    fn reads(&self) -> Reads {
        Reads::PODS | Reads::NODE_LABELS | Reads::DOMAINS | Reads::NAMESPACES
    }

    /// Pods that its terms mean, and those whose terms keep it away now. Where there are none of
    /// either it rejects no node.
    fn awaits(&self, cx: &Context<'_>, awaits: &mut Awaits) {
        let repellers = counts::repelling_terms(cx);
        let own = cx.pod.class.pod_terms.as_deref();
        let is_idle = own.is_none_or(|terms| !counts::has_required(terms) && terms.error.is_none());
        if is_idle && repellers.is_empty() {
            return;
        }
        awaits.facts(Reads::NODE_LABELS | Reads::DOMAINS | Reads::NAMESPACES);
        if let Some(terms) = own {
            // Affinity counts pods that all terms mean.
            terms.required.iter().take(1).for_each(|term| awaits.meant(term));
            terms.anti_required.iter().for_each(|term| awaits.meant_that_leave(term));
        }
        repellers.into_iter().for_each(|term| awaits.repellers(term));
    }

    /// Which terms of pods that are there keep the pod away, and whether it is the pod that its own
    /// affinity looks for.
    fn mark(&self, cx: &Context<'_>) -> u64 {
        let repelled = counts::repelled(cx);
        let alone = counts::matches_itself(cx);
        if repelled.is_empty() && !alone { 0 } else { FxBuildHasher.hash_one((repelled, alone)) }
    }

    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        Keeps::Groups
    }

    fn as_grouped(&self) -> Option<&dyn Grouped> {
        Some(self)
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }

    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }

    fn as_pre_score(&self) -> Option<&dyn PreScore> {
        Some(self)
    }

    fn as_score(&self) -> Option<&dyn Score> {
        Some(self)
    }
}

impl Grouped for InterPodAffinity {
    fn open(&self, cx: &Context<'_>) -> Option<Box<dyn Groups>> {
        let terms = cx.pod.class.pod_terms.as_deref();
        if terms.is_some_and(|t| t.error.is_some()) {
            return None;
        }
        let prefers =
            terms.is_some_and(|t| !t.preferred.is_empty() || !t.anti_preferred.is_empty());
        let hard_weight = (!self.ignore_existing || prefers).then_some(self.hard_weight);
        Some(Box::new(AffinityGroups::new(cx, hard_weight)))
    }
}

impl PreFilter for InterPodAffinity {
    fn pre_filter(&self, cx: &Context<'_>, state: &mut State) -> PreFiltered {
        if let Some(error) = cx.pod.class.pod_terms.as_ref().and_then(|t| t.error.as_ref()) {
            return PreFiltered::unresolvable(format!("parsing pod: {error}"));
        }
        let counts = Counts::new(cx);
        if counts.is_idle() {
            return PreFiltered::Skip;
        }
        state.put(counts);
        PreFiltered::Proceed
    }

    fn add_pod(&self, cx: &Context<'_>, state: &mut State, pod: PodIdx, node: NodeIdx) {
        if let Some(counts) = state.get_mut::<Counts>() {
            counts.update(cx, pod, node, 1);
        }
    }

    fn remove_pod(&self, cx: &Context<'_>, state: &mut State, pod: PodIdx, node: NodeIdx) {
        if let Some(counts) = state.get_mut::<Counts>() {
            counts.update(cx, pod, node, -1);
        }
    }
}

impl Filter for InterPodAffinity {
    fn filter(
        &self,
        cx: &Context<'_>,
        state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        let own;
        let counts = match state.get::<Counts>() {
            Some(counts) => counts,
            None => {
                own = Counts::new(cx);
                &own
            }
        };
        for (at, node) in nodes.iter().enumerate() {
            if !counts.satisfies_affinity(cx.nodes, *node) {
                let cause = counts.unmet(cx.nodes, *node);
                verdicts.set(at, Verdict::unresolvable(Reason::new(&REASON_AFFINITY, cause)));
            } else if !counts.satisfies_anti_affinity(cx.nodes, *node) {
                let cause = counts.met(cx.nodes, *node);
                let reason = Reason::new(&REASON_ANTI_AFFINITY, cause);
                verdicts.set(at, Verdict::unschedulable(reason));
            } else if !counts.satisfies_existing(cx.nodes, *node) {
                let cause = counts.repelled(cx.nodes, *node);
                verdicts.set(at, Verdict::unschedulable(Reason::new(&REASON_EXISTING, cause)));
            }
        }
    }
}

impl PreScore for InterPodAffinity {
    fn pre_score(&self, cx: &Context<'_>, _nodes: &[NodeIdx], state: &mut State) -> PreScored {
        let terms = cx.pod.class.pod_terms.as_deref();
        if let Some(error) = terms.and_then(|t| t.error.as_ref()) {
            return PreScored::broken(format!("failed to parse pod: {error}"));
        }
        let prefers =
            terms.is_some_and(|t| !t.preferred.is_empty() || !t.anti_preferred.is_empty());
        if self.ignore_existing && !prefers {
            return PreScored::Skip;
        }
        let preferences = Preferences::new(cx, self.hard_weight);
        if preferences.is_empty() {
            return PreScored::Skip;
        }
        state.put(preferences);
        PreScored::Proceed
    }
}

impl Score for InterPodAffinity {
    fn score(&self, cx: &Context<'_>, state: &State, nodes: &[NodeIdx], scores: &mut [i64]) {
        let own;
        let preferences = match state.get::<Preferences>() {
            Some(preferences) => preferences,
            None => {
                own = Preferences::new(cx, self.hard_weight);
                &own
            }
        };
        for (score, node) in scores.iter_mut().zip(nodes) {
            *score = preferences.of(cx.nodes, *node);
        }
    }

    /// Divides before it multiplies, as the reference does: 29 of 50 is 57, not 58.
    fn normalize(&self, _cx: &Context<'_>, _state: &State, scores: &mut [i64]) {
        let (Some(least), Some(most)) =
            (scores.iter().copied().min(), scores.iter().copied().max())
        else {
            return;
        };
        let range = most - least;
        for score in scores {
            *score = if range > 0 {
                (MAX_NODE_SCORE as f64 * ((*score - least) as f64 / range as f64)) as i64
            } else {
                0
            };
        }
    }
}
