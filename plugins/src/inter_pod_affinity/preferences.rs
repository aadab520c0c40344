//! Preferred terms, and required ones of pods that are there: what they add up to, by domain.

use berth_engine::base::{ClassIdx, NodeIdx, Sym};
use berth_engine::framework::Context;
use berth_engine::model::{NodeTable, PodTerms, PreferredPodTerm};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::domains::Domains;
use super::placed;
use super::scope::{Reverse, Scope};

/// What PreScore leaves for Score (`preScoreState.topologyScore`).
#[derive(Debug, Clone, Default)]
pub(super) struct Preferences {
    scores: Domains,
}

/// Topology keys and weights of what pods of one class have to say about the incoming pod.
pub(super) type Wishes = SmallVec<[(Sym, i64); 2]>;

/// An own preferred term with the namespaces it means, and its signed weight.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Own<'a> {
    pub(super) of: &'a PreferredPodTerm,
    pub(super) scope: Scope,
    pub(super) weight: i64,
}

impl Preferences {
    /// `hard_weight` is what a required affinity term of a pod that is there counts for.
    pub(super) fn new(cx: &Context<'_>, hard_weight: i64) -> Self {
        let own = cx.pod.class.pod_terms.as_deref().map(|terms| own(terms, cx)).unwrap_or_default();
        let mut preferences = Self::default();
        let nodes = if own.is_empty() { cx.nodes.with_terms() } else { cx.nodes.live() };
        if nodes.is_empty() {
            return preferences;
        }
        let reverse = Reverse::new(cx);
        // Pods of one class all wish the same.
        let mut wishes: FxHashMap<ClassIdx, Wishes> = FxHashMap::default();
        placed::each(cx, nodes, |node, class, target| {
            for own in own.iter().filter(|own| own.scope.matches(&own.of.term, target)) {
                preferences.add(cx.nodes, node, own.of.term.topology_key, own.weight);
            }
            let Some(theirs) = target.class.pod_terms.as_deref() else { return };
            let theirs =
                wishes.entry(class).or_insert_with(|| wishes_of(theirs, &reverse, hard_weight));
            for (key, weight) in theirs {
                preferences.add(cx.nodes, node, *key, *weight);
            }
        });
        preferences
    }

    fn add(&mut self, nodes: &NodeTable, node: NodeIdx, key: Sym, weight: i64) {
        self.scores.credit(nodes, node, key, weight);
    }

    /// Whether no term had anything to say; one of weight 0 has.
    pub(super) fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// The raw score of a node; negative where anti-affinity prevails.
    pub(super) fn of(&self, nodes: &NodeTable, node: NodeIdx) -> i64 {
        self.scores.of(nodes, node).fold(0, i64::wrapping_add)
    }
}

/// The preferred terms of the incoming pod.
pub(super) fn own<'a>(terms: &'a PodTerms, cx: &Context<'_>) -> Vec<Own<'a>> {
    let scoped = |of: &'a PreferredPodTerm, weight: i32| Own {
        of,
        scope: Scope::of(&of.term, cx),
        weight: weight.into(),
    };
    let drawn = terms.preferred.iter().map(|of| scoped(of, of.weight));
    let repelled = terms.anti_preferred.iter().map(|of| scoped(of, of.weight.wrapping_neg()));
    drawn.chain(repelled).collect()
}

/// What the terms of a pod that is there say of the incoming one.
pub(super) fn wishes_of(theirs: &PodTerms, reverse: &Reverse<'_>, hard_weight: i64) -> Wishes {
    let required = theirs.required.iter().filter(|_| hard_weight > 0);
    let drawn = theirs.preferred.iter().map(|p| (&p.term, p.weight));
    let repelled = theirs.anti_preferred.iter().map(|p| (&p.term, p.weight.wrapping_neg()));
    let preferred = drawn.chain(repelled).map(|(term, weight)| (term, i64::from(weight)));
    let all = required.map(|term| (term, hard_weight)).chain(preferred);
    let meant = all.filter(|(term, _)| reverse.matches(term));
    meant.map(|(term, weight)| (term.topology_key, weight)).collect()
}
