//! Required terms: how many pods match them, by domain.

use std::sync::Arc;

use berth_engine::base::{ClassIdx, NodeIdx, PodIdx, Sym};
use berth_engine::framework::{Cause, Context};
use berth_engine::model::{Class, NodeTable, PodTerm, PodTerms};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::domains::Domains;
use super::placed;
use super::scope::{Reverse, Scope, Target};

/// What PreFilter leaves for Filter (`preFilterState`).
#[derive(Debug, Clone)]
pub(super) struct Counts {
    pub(super) terms: Option<Arc<PodTerms>>,
    scopes: Vec<Scope>,
    anti_scopes: Vec<Scope>,
    /// Pods whose anti-affinity means the incoming pod.
    pub(super) existing: Domains,
    /// Pods that match all affinity terms, under each term's key.
    pub(super) affinity: Domains,
    /// Pods that match an anti-affinity term.
    pub(super) anti_affinity: Domains,
    pub(super) matches_itself: bool,
}

/// Topology keys of anti-affinity terms that mean a pod, one for each term.
type Keys = SmallVec<[Sym; 2]>;

/// The classes with required anti-affinity that have pods on nodes, and maybe some that have not.
/// Of 20,000 such classes that wait none keeps anybody away, so pods on nodes are looked through
/// where they are fewer. Pods that are promised nodes count as if they were there.
fn repelling<'a>(cx: &Context<'a>) -> Vec<(ClassIdx, &'a Class)> {
    let classes = cx.cache.classes();
    let all = classes.repelling();
    let nodes = cx.nodes.with_repelling_terms();
    let is_promised = !cx.cache.nominations().is_empty();
    if nodes.is_empty() && !is_promised {
        return Vec::new();
    }
    let mut pods = 0;
    let is_few = nodes.iter().all(|node| {
        pods += cx.nodes.pods(node).len();
        pods < all.len()
    });
    if is_promised || !is_few {
        return all.filter_map(|(at, class)| Some((at, class?))).collect();
    }
    let on_nodes = nodes.iter().flat_map(|node| cx.nodes.pods(node));
    let mut found: Vec<ClassIdx> =
        on_nodes.filter_map(|pod| Some(cx.cache.pods().get(*pod)?.class)).collect();
    found.sort_unstable();
    found.dedup();
    let found = found.into_iter().filter_map(|at| Some((at, classes.get(at)?)));
    found.filter(|(_, class)| class.pod_terms.as_deref().is_some_and(PodTerms::repels)).collect()
}

/// The classes whose pods keep the incoming pod away, with the keys of the terms that do.
pub(super) fn repelled(cx: &Context<'_>) -> Vec<(ClassIdx, Keys)> {
    let classes = repelling(cx);
    if classes.is_empty() {
        return Vec::new();
    }
    let reverse = Reverse::new(cx);
    let keys_of = |terms: &PodTerms| -> Keys {
        let meant = terms.anti_required.iter().filter(|term| reverse.matches(term));
        meant.map(|term| term.topology_key).collect()
    };
    let all = classes
        .into_iter()
        .filter_map(|(at, class)| Some((at, keys_of(class.pod_terms.as_deref()?))));
    all.filter(|(_, keys)| !keys.is_empty()).collect()
}

/// The terms of pods in the cluster that keep the incoming pod away where those pods are.
pub(super) fn repelling_terms<'a>(cx: &Context<'a>) -> Vec<&'a PodTerm> {
    let reverse = Reverse::new(cx);
    let classes = repelling(cx).into_iter();
    let terms = classes.filter_map(|(_, class)| class.pod_terms.as_deref());
    terms.flat_map(|terms| &terms.anti_required).filter(|term| reverse.matches(term)).collect()
}

/// Whether the pod has required affinity and matches all of it itself.
pub(super) fn matches_itself(cx: &Context<'_>) -> bool {
    let Some(terms) = &cx.pod.class.pod_terms else { return false };
    let scopes = scopes(&terms.required, cx);
    matches_all(&terms.required, &scopes, &Target::incoming(cx))
}

fn scopes(terms: &[PodTerm], cx: &Context<'_>) -> Vec<Scope> {
    terms.iter().map(|term| Scope::of(term, cx)).collect()
}

/// No terms match nothing.
fn matches_all(terms: &[PodTerm], scopes: &[Scope], pod: &Target<'_>) -> bool {
    !terms.is_empty() && terms.iter().zip(scopes).all(|(term, scope)| scope.matches(term, pod))
}

impl Counts {
    pub(super) fn new(cx: &Context<'_>) -> Self {
        let terms = cx.pod.class.pod_terms.clone();
        let own = terms.as_deref();
        let mut counts = Self {
            scopes: own.map(|t| scopes(&t.required, cx)).unwrap_or_default(),
            anti_scopes: own.map(|t| scopes(&t.anti_required, cx)).unwrap_or_default(),
            existing: Domains::default(),
            affinity: Domains::default(),
            anti_affinity: Domains::default(),
            matches_itself: false,
            terms,
        };
        counts.count_existing(cx);
        if let Some(terms) = counts.terms.clone().filter(|t| has_required(t)) {
            let own = &terms.required;
            counts.matches_itself = matches_all(own, &counts.scopes, &Target::incoming(cx));
            counts.count_own(cx, &terms);
        }
        counts
    }

    /// Whether every node passes: the filter is left out then, also where nominated pods are added
    /// later.
    pub(super) fn is_idle(&self) -> bool {
        self.existing.is_empty() && !self.terms.as_deref().is_some_and(has_required)
    }

    fn count_existing(&mut self, cx: &Context<'_>) {
        if cx.nodes.with_repelling_terms().is_empty() {
            return;
        }
        let repelled: FxHashMap<ClassIdx, Keys> = repelled(cx).into_iter().collect();
        if repelled.is_empty() {
            return;
        }
        placed::each(cx, cx.nodes.with_repelling_terms(), |node, class, _| {
            for key in repelled.get(&class).into_iter().flatten() {
                self.existing.count(cx.nodes, node, *key, 1);
            }
        });
    }

    /// Where no pod has the labels that are asked for, none is looked at: who waits for such pods
    /// may be one of thousands.
    fn count_own(&mut self, cx: &Context<'_>, terms: &PodTerms) {
        let may_match = |term: &PodTerm| term.selector.may_match(cx.cache.labels());
        let joins = !terms.required.is_empty() && terms.required.iter().all(may_match);
        if !joins && !terms.anti_required.iter().any(may_match) {
            return;
        }
        placed::each(cx, cx.nodes.live(), |node, _, pod| {
            self.update_own(terms, pod, node, 1, &mut |_, _| {});
        });
    }

    fn update_own(
        &mut self,
        terms: &PodTerms,
        pod: &Target<'_>,
        node: NodeIdx,
        amount: i64,
        note: &mut dyn FnMut(Sym, Sym),
    ) {
        let nodes = pod.cx.nodes;
        if matches_all(&terms.required, &self.scopes, pod) {
            for term in &terms.required {
                let key = term.topology_key;
                if let Some(value) = self.affinity.count(nodes, node, key, amount) {
                    note(key, value);
                }
            }
        }
        for (term, scope) in terms.anti_required.iter().zip(&self.anti_scopes) {
            let key = term.topology_key;
            if scope.matches(term, pod)
                && let Some(value) = self.anti_affinity.count(nodes, node, key, amount)
            {
                note(key, value);
            }
        }
    }

    /// Follows `amount` pods like `pod` on `node`, a row of `cx.nodes` (`updateWithPod`).
    pub(super) fn update(&mut self, cx: &Context<'_>, pod: PodIdx, node: NodeIdx, amount: i64) {
        if let Some(target) = Target::existing(cx, pod) {
            self.follow(&target, node, amount, &mut |_, _| {});
        }
    }

    /// Whether pods like `target` are counted on any node: terms of theirs mean the incoming pod,
    /// or its own mean them.
    pub(super) fn concerns(&self, target: &Target<'_>) -> bool {
        let reverse = Reverse::new(target.cx);
        let theirs = target.class.pod_terms.as_deref();
        theirs.is_some_and(|terms| terms.anti_required.iter().any(|term| reverse.matches(term)))
            || self.terms.as_deref().is_some_and(|own| {
                let mut anti = own.anti_required.iter().zip(&self.anti_scopes);
                matches_all(&own.required, &self.scopes, target)
                    || anti.any(|(term, scope)| scope.matches(term, target))
            })
    }

    /// Follows `amount` pods like `target` on `node`; `note` hears of each domain that has pods now
    /// and had none, or the other way round.
    pub(super) fn follow(
        &mut self,
        target: &Target<'_>,
        node: NodeIdx,
        amount: i64,
        note: &mut dyn FnMut(Sym, Sym),
    ) {
        let cx = target.cx;
        if let Some(theirs) = target.class.pod_terms.as_deref().filter(|t| t.repels()) {
            let reverse = Reverse::new(cx);
            for term in theirs.anti_required.iter().filter(|term| reverse.matches(term)) {
                let key = term.topology_key;
                if let Some(value) = self.existing.count(cx.nodes, node, key, amount) {
                    note(key, value);
                }
            }
        }
        if let Some(terms) = self.terms.clone().filter(|t| has_required(t)) {
            self.update_own(&terms, target, node, amount, note);
        }
    }

    /// The first pod of a group has nobody to join: it passes where nobody anywhere matches, it
    /// matches itself, and the node has all keys.
    pub(super) fn satisfies_affinity(&self, nodes: &NodeTable, node: NodeIdx) -> bool {
        let Some(terms) = &self.terms else { return true };
        let mut joined = true;
        for term in &terms.required {
            match self.affinity.at(nodes, node, term.topology_key) {
                None => return false,
                Some(pods) => joined &= pods > 0,
            }
        }
        joined || (self.affinity.is_empty() && self.matches_itself)
    }

    pub(super) fn satisfies_anti_affinity(&self, nodes: &NodeTable, node: NodeIdx) -> bool {
        let Some(terms) = &self.terms else { return true };
        if self.anti_affinity.is_empty() {
            return true;
        }
        let free = |term: &PodTerm| {
            self.anti_affinity.at(nodes, node, term.topology_key).is_none_or(|pods| pods <= 0)
        };
        terms.anti_required.iter().all(free)
    }

    pub(super) fn satisfies_existing(&self, nodes: &NodeTable, node: NodeIdx) -> bool {
        self.existing.is_empty() || self.existing.of(nodes, node).all(|pods| pods <= 0)
    }
}

/// What rejections are made of, found once a node is out.
impl Counts {
    /// The affinity term that the node's domain does not satisfy. One whose label is missing comes
    /// before those that nobody matches.
    pub(super) fn unmet(&self, nodes: &NodeTable, node: NodeIdx) -> Cause {
        let own = self.terms.as_deref().map(|terms| terms.required.as_ref()).unwrap_or_default();
        let least = own.iter().map(|term| {
            let key = term.topology_key;
            (self.affinity.at(nodes, node, key), key)
        });
        let (pods, key) = least.min_by_key(|(pods, _)| *pods).unwrap_or((None, Sym::NONE));
        Cause::Term { key, pods }
    }

    /// The anti-affinity term that pods of the node's domain match.
    pub(super) fn met(&self, nodes: &NodeTable, node: NodeIdx) -> Cause {
        let own = self.terms.as_deref().map(|t| t.anti_required.as_ref()).unwrap_or_default();
        let most = own.iter().map(|term| {
            let key = term.topology_key;
            (self.anti_affinity.at(nodes, node, key), key)
        });
        let (pods, key) = most.max_by_key(|(pods, _)| *pods).unwrap_or((None, Sym::NONE));
        Cause::Term { key, pods }
    }

    /// The topology key of the terms that keep the pod out of the node's domain.
    pub(super) fn repelled(&self, nodes: &NodeTable, node: NodeIdx) -> Cause {
        let pods = |key: Sym| self.existing.at(nodes, node, key).unwrap_or(0);
        let key = self.existing.keys().find(|key| pods(*key) > 0).unwrap_or(Sym::NONE);
        Cause::Repelled { key, pods: pods(key) }
    }
}

pub(super) fn has_required(terms: &PodTerms) -> bool {
    !terms.required.is_empty() || !terms.anti_required.is_empty()
}
