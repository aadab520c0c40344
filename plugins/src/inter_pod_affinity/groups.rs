//! Terms followed pod by pod: what a node is to them, in one or two numbers for each topology key.
//!
//! A domain of many nodes is named by its value, so that a pod that comes changes a count and no
//! node. A domain of few nodes is named by what the counts say of it, so that all hosts without a
//! matching pod are one group; its nodes change groups when that changes.

use berth_engine::base::{ClassIdx, NodeIdx, Sym};
use berth_engine::framework::{Context, GroupKey, Groups, PodMoved, PreScored, Reads, Touched};
use berth_engine::model::{PodTerm, PodTerms};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::counts::Counts;
use super::domains::Domains;
use super::placed;
use super::preferences::{Wishes, own, wishes_of};
use super::scope::{Reverse, Scope, Target};

/// The number of a node without the label.
const ABSENT: i64 = -1;
/// Bits of the number of a small domain.
const EXISTING: i64 = 1;
const AFFINITY: i64 = 2;
const ANTI_AFFINITY: i64 = 4;

/// A topology key in play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    key: Sym,
    // Domains are few against their nodes.
    wide: bool,
}

/// What a domain has to say; nothing for a node that is in none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Domain {
    bits: i64,
    preference: i64,
}

/// The sum of what preferred terms say of a domain, and how many terms of how many pods say it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Wish {
    sum: i64,
    terms: i64,
}

/// What InterPodAffinity knows about pods of one kin.
#[derive(Debug)]
pub(super) struct AffinityGroups {
    counts: Counts,
    // What an existing pod's required affinity counts for; `None` where nothing is scored.
    hard_weight: Option<i64>,
    // The own preferred terms' scopes, in the order of `own`.
    scopes: Vec<Scope>,
    wishes: FxHashMap<(Sym, Sym), Wish>,
    keys: SmallVec<[Key; 2]>,
    reads: Reads,
}

impl AffinityGroups {
    /// Counted over all nodes.
    pub(super) fn new(cx: &Context<'_>, hard_weight: Option<i64>) -> Self {
        let terms = cx.pod.class.pod_terms.as_deref();
        let preferred = terms.filter(|_| hard_weight.is_some()).map(|terms| own(terms, cx));
        let scopes = preferred.into_iter().flatten().map(|own| own.scope).collect();
        let mut groups = Self {
            counts: Counts::new(cx),
            hard_weight,
            scopes,
            wishes: FxHashMap::default(),
            keys: SmallVec::new(),
            reads: Reads::NAMESPACES,
        };
        if hard_weight.is_some() {
            groups.count_wishes(cx);
        }
        let mut keys: Vec<Sym> = terms.map(|t| all_keys(t).collect()).unwrap_or_default();
        keys.extend(groups.counts.existing.keys());
        let mut wished: Vec<Sym> = groups.wishes.keys().map(|(key, _)| *key).collect();
        // Maps have no order of their own; keys must have one.
        wished.sort_unstable();
        keys.extend(wished);
        for key in keys {
            groups.enter(cx, key);
        }
        // Pods on nodes without an object count once it comes: its coming has to be heard of.
        for node in cx.nodes.with_terms().iter().filter(|n| !cx.nodes.live().contains(*n)) {
            for pod in cx.nodes.pods(node) {
                let terms = Target::existing(cx, *pod).and_then(|t| t.class.pod_terms.as_deref());
                for key in terms.into_iter().flat_map(all_keys) {
                    groups.enter(cx, key);
                }
            }
        }
        groups
    }

    /// Brings a topology key into play; true where it was not.
    fn enter(&mut self, cx: &Context<'_>, key: Sym) -> bool {
        if self.keys.iter().any(|known| known.key == key) {
            return false;
        }
        // Of the cluster: `cx.nodes` may be one node as it was.
        let all = cx.cache.nodes();
        let nodes = all.live().len();
        let mut domains: FxHashSet<Sym> = FxHashSet::default();
        for node in all.live().iter() {
            domains.extend(all.label(node, key));
            if domains.len().saturating_mul(domains.len()) > nodes {
                break;
            }
        }
        let wide = domains.len().saturating_mul(domains.len()) <= nodes;
        self.keys.push(Key { key, wide });
        self.reads |= Reads::NODE_EXISTS | Reads::NODE_LABELS | Reads::DOMAINS;
        true
    }

    fn count_wishes(&mut self, cx: &Context<'_>) {
        let nodes = if self.scopes.is_empty() { cx.nodes.with_terms() } else { cx.nodes.live() };
        if nodes.is_empty() {
            return;
        }
        // Pods of one class all wish the same.
        let reverse = Reverse::new(cx);
        let mut theirs: FxHashMap<ClassIdx, Wishes> = FxHashMap::default();
        let hard_weight = self.hard_weight.unwrap_or(0);
        placed::each(cx, nodes, |node, class, target| {
            self.wish_own(target, node, 1, &mut |_, _| {});
            let Some(terms) = target.class.pod_terms.as_deref() else { return };
            let wishes =
                theirs.entry(class).or_insert_with(|| wishes_of(terms, &reverse, hard_weight));
            for (key, weight) in wishes {
                self.wish(cx, node, *key, *weight, 1);
            }
        });
    }

    /// The own preferred terms, what each says of a pod that it means, and its scope.
    fn own_wishes<'a>(
        &'a self,
        cx: &Context<'a>,
    ) -> impl Iterator<Item = ((&'a PodTerm, i64), &'a Scope)> {
        let preferred = cx.pod.class.pod_terms.as_deref().into_iter().flat_map(|terms| {
            let drawn = terms.preferred.iter().map(|of| (&of.term, i64::from(of.weight)));
            let repelled = terms.anti_preferred.iter();
            drawn.chain(repelled.map(|of| (&of.term, i64::from(of.weight.wrapping_neg()))))
        });
        preferred.zip(&self.scopes)
    }

    /// What the own preferred terms say of a pod that is there; `note` hears of each domain.
    fn wish_own(
        &mut self,
        target: &Target<'_>,
        node: NodeIdx,
        amount: i64,
        note: &mut dyn FnMut(Sym, Sym),
    ) {
        if self.scopes.is_empty() {
            return;
        }
        let cx = target.cx;
        let meant = self.own_wishes(cx).filter(|((term, _), scope)| scope.matches(term, target));
        let said: Wishes = meant.map(|((term, weight), _)| (term.topology_key, weight)).collect();
        for (key, weight) in said {
            if let Some(value) = self.wish(cx, node, key, weight, amount) {
                note(key, value);
            }
        }
    }

    /// Adds to the domain of `node`, if it has `key`; the domain's value.
    fn wish(
        &mut self,
        cx: &Context<'_>,
        node: NodeIdx,
        key: Sym,
        weight: i64,
        amount: i64,
    ) -> Option<Sym> {
        let value = cx.nodes.label(node, key)?;
        let wish = self.wishes.entry((key, value)).or_default();
        // As in Go, and exact in the end whatever comes and goes between. The API server accepts
        // weights of 1 to 100: it takes 10^16 terms to get here.
        wish.sum = wish.sum.wrapping_add(weight.wrapping_mul(amount));
        wish.terms += amount;
        if wish.terms == 0 {
            self.wishes.remove(&(key, value));
        }
        Some(value)
    }

    fn domain(&self, key: Sym, value: Sym) -> Domain {
        let bit = |counts: &super::domains::Domains, bit| {
            if counts.amount(key, value) > 0 { bit } else { 0 }
        };
        let bits = bit(&self.counts.existing, EXISTING)
            | bit(&self.counts.affinity, AFFINITY)
            | bit(&self.counts.anti_affinity, ANTI_AFFINITY);
        let preference = self.wishes.get(&(key, value)).map_or(0, |wish| wish.sum);
        Domain { bits, preference }
    }

    /// The domains that the numbers of a node stand for, by topology key.
    fn domains<'a>(
        &'a self,
        numbers: &'a [i64],
    ) -> impl Iterator<Item = (Sym, Option<Domain>)> + 'a {
        let mut numbers = numbers.iter().copied();
        self.keys.iter().map(move |Key { key, wide }| {
            let first = numbers.next().unwrap_or(ABSENT);
            let second = if *wide { 0 } else { numbers.next().unwrap_or(0) };
            let domain = match usize::try_from(first) {
                Err(_) => None,
                Ok(value) if *wide => Some(self.domain(*key, Sym::from_row(value))),
                Ok(_) => Some(Domain { bits: first, preference: second }),
            };
            (*key, domain)
        })
    }

    /// Notes a domain of few nodes.
    fn touch(&self, key: Sym, value: Sym, touched: &mut Touched) {
        if self.keys.iter().any(|known| known.key == key && !known.wide) {
            touched.domains.push((key, value));
        }
    }
}

impl Groups for AffinityGroups {
    fn reads(&self) -> Reads {
        self.reads
    }

    fn follows_all(&self) -> bool {
        self.counts.terms.as_deref().is_some_and(|t| all_keys(t).next().is_some())
    }

    fn concerns(&self, cx: &Context<'_>, moved: &PodMoved<'_>) -> bool {
        let target = Target { cx, class: moved.class, labels: moved.labels };
        let theirs = moved.class.pod_terms.as_deref();
        self.counts.concerns(&target)
            || self.own_wishes(cx).any(|((term, _), scope)| scope.matches(term, &target))
            || self.hard_weight.zip(theirs).is_some_and(|(weight, theirs)| {
                !wishes_of(theirs, &Reverse::new(cx), weight).is_empty()
            })
    }

    fn bytes(&self) -> usize {
        let Counts { existing, affinity, anti_affinity, .. } = &self.counts;
        let counts: usize = [existing, affinity, anti_affinity].map(Domains::bytes).iter().sum();
        counts + self.wishes.capacity() * size_of::<((Sym, Sym), Wish)>()
    }

    fn follow(&mut self, cx: &Context<'_>, moved: &PodMoved<'_>, touched: &mut Touched) {
        let node = moved.node;
        for key in moved.class.pod_terms.as_deref().into_iter().flat_map(all_keys) {
            touched.all |= self.enter(cx, key);
        }
        if !cx.nodes.live().contains(node) {
            return;
        }
        let target = Target { cx, class: moved.class, labels: moved.labels };
        let mut domains: SmallVec<[(Sym, Sym); 4]> = SmallVec::new();
        let mut note = |key, value| domains.push((key, value));
        self.counts.follow(&target, node, moved.amount, &mut note);
        self.wish_own(&target, node, moved.amount, &mut note);
        if let (Some(theirs), Some(weight)) = (moved.class.pod_terms.as_deref(), self.hard_weight) {
            for (key, weight) in wishes_of(theirs, &Reverse::new(cx), weight) {
                if let Some(value) = self.wish(cx, node, key, weight, moved.amount) {
                    note(key, value);
                }
            }
        }
        for (key, value) in domains {
            self.touch(key, value, touched);
        }
    }

    /// Domains are those of the pods on them: a node without pods is nothing to them.
    fn follows_nodes(&self) -> bool {
        true
    }

    fn key(&self, cx: &Context<'_>, node: NodeIdx, numbers: &mut GroupKey) {
        for Key { key, wide } in &self.keys {
            let value = cx.nodes.label(node, *key);
            if *wide {
                let number = value.and_then(|value| i64::try_from(value.at()).ok());
                numbers.push(number.unwrap_or(ABSENT));
                continue;
            }
            let domain = value.map(|value| self.domain(*key, value));
            numbers.push(domain.map_or(ABSENT, |d| d.bits));
            numbers.push(domain.map_or(0, |d| d.preference));
        }
    }

    fn fits(&self, numbers: &[i64]) -> bool {
        let Self { counts, .. } = self;
        let terms = counts.terms.as_deref();
        let (required, anti): (&[PodTerm], &[PodTerm]) =
            terms.map(|t| (t.required.as_ref(), t.anti_required.as_ref())).unwrap_or_default();
        let mut joined = true;
        for (key, domain) in self.domains(numbers) {
            let has = |bit| domain.is_some_and(|d| d.bits & bit != 0);
            if has(EXISTING) {
                return false;
            }
            if has(ANTI_AFFINITY) && anti.iter().any(|term| term.topology_key == key) {
                return false;
            }
            if required.iter().any(|term| term.topology_key == key) {
                if domain.is_none() {
                    return false;
                }
                joined &= has(AFFINITY);
            }
        }
        joined || (counts.affinity.is_empty() && counts.matches_itself)
    }

    fn pre_score(&mut self, _cx: &Context<'_>, _groups: &[(&[i64], u64)]) -> PreScored {
        if self.wishes.is_empty() { PreScored::Skip } else { PreScored::Proceed }
    }

    fn raw(&self, _cx: &Context<'_>, numbers: &[i64]) -> i64 {
        self.domains(numbers)
            .filter_map(|(_, domain)| domain)
            .fold(0, |sum: i64, d| sum.wrapping_add(d.preference))
    }
}

fn required_keys(terms: &PodTerms) -> impl Iterator<Item = Sym> {
    terms.required.iter().chain(&terms.anti_required).map(|term| term.topology_key)
}

fn all_keys(terms: &PodTerms) -> impl Iterator<Item = Sym> {
    let preferred = terms.preferred.iter().chain(&terms.anti_preferred);
    required_keys(terms).chain(preferred.map(|p| p.term.topology_key))
}
