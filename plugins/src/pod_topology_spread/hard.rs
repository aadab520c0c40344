//! Hard constraints: pods per domain, and the emptiest domain.

use berth_engine::base::{NodeIdx, PodIdx, Sym};
use berth_engine::framework::Context;
use berth_engine::model::NodeTable;
use rustc_hash::FxHashMap;

use super::constraint::{Constraint, has_all_keys};

/// What PreFilter leaves for Filter (`preFilterState`).
#[derive(Debug, Clone)]
pub(super) struct Hard {
    rules: Vec<Rule>,
}

/// The nodes that count and have one topology value. A class that spreads over hosts has one for
/// each of them: in 12 bytes with its value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Domain {
    pods: i32,
    nodes: i32,
}

impl Domain {
    /// Pods that count on its nodes, perhaps none.
    pub(super) fn pods(self) -> i64 {
        self.pods.into()
    }

    /// How many nodes: at least one.
    pub(super) fn nodes(self) -> i64 {
        self.nodes.into()
    }

    /// Counts pods in, or out by a negative number; how many there are then.
    pub(super) fn add_pods(&mut self, amount: i64) -> i64 {
        self.pods = sum(self.pods, amount);
        self.pods()
    }

    /// As much for nodes.
    pub(super) fn add_nodes(&mut self, amount: i64) -> i64 {
        self.nodes = sum(self.nodes, amount);
        self.nodes()
    }
}

/// Of what there are far fewer than two billion. It wraps round, so that what goes leaves what was
/// there before it came.
fn sum(count: i32, amount: i64) -> i32 {
    count.wrapping_add(amount as i32)
}

/// By topology value.
pub(super) type Domains = FxHashMap<Sym, Domain>;

/// One constraint with its counts.
#[derive(Debug, Clone)]
struct Rule {
    constraint: Constraint,
    domains: Domains,
    /// The pods of the emptiest domain. The reference keeps two "critical paths"; as pods are only
    /// added to and taken from one node at a time, its first is this minimum.
    least: i64,
}

/// What a node is to the constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Fits,
    /// It lacks this topology key.
    NoDomain(Sym),
    /// The pod would make its domain too full.
    Skewed {
        /// The constraint's place.
        at: usize,
        /// Pods in the domain.
        pods: i64,
        /// Pods in the emptiest one.
        least: i64,
    },
}

impl Hard {
    pub(super) fn new(constraints: Vec<Constraint>, cx: &Context<'_>) -> Self {
        let mut counts: Vec<Domains> = vec![Domains::default(); constraints.len()];
        if !constraints.is_empty() {
            for node in cx.nodes.live().iter() {
                if !has_all_keys(&constraints, cx.nodes, node) {
                    continue;
                }
                for (constraint, domains) in constraints.iter().zip(&mut counts) {
                    let value = cx.nodes.label(node, constraint.key);
                    if let Some(value) = value.filter(|_| constraint.includes(cx, node)) {
                        let domain = domains.entry(value).or_default();
                        domain.add_pods(constraint.count(cx, node));
                        domain.add_nodes(1);
                    }
                }
            }
        }
        let rule = |(constraint, domains)| {
            let mut rule = Rule { constraint, domains, least: 0 };
            rule.find_least();
            rule
        };
        Self { rules: constraints.into_iter().zip(counts).map(rule).collect() }
    }

    /// Follows `amount` pods like `pod` on `node`, a row of `cx.nodes` (`updateWithPod`). As there,
    /// pods that are being deleted, and empty selectors, count here though they did not before.
    pub(super) fn update(&mut self, cx: &Context<'_>, pod: PodIdx, node: NodeIdx, amount: i64) {
        if self.rules.iter().any(|r| cx.nodes.label(node, r.constraint.key).is_none()) {
            return;
        }
        for rule in &mut self.rules {
            let constraint = &rule.constraint;
            if !constraint.matches(cx, pod) || !constraint.includes(cx, node) {
                continue;
            }
            let Some(value) = cx.nodes.label(node, constraint.key) else { continue };
            let domain = rule.domains.entry(value).or_default();
            let was_least = domain.pods() == rule.least;
            let pods = domain.add_pods(amount);
            if pods < rule.least {
                rule.least = pods;
            } else if was_least {
                rule.find_least();
            }
        }
    }

    /// The constraints, each with its domains.
    pub(super) fn into_counts(self) -> impl Iterator<Item = (Constraint, Domains)> {
        self.rules.into_iter().map(|rule| (rule.constraint, rule.domains))
    }

    pub(super) fn judge(&self, nodes: &NodeTable, node: NodeIdx) -> Judgement {
        for (at, rule) in self.rules.iter().enumerate() {
            let Some(value) = nodes.label(node, rule.constraint.key) else {
                return Judgement::NoDomain(rule.constraint.key);
            };
            let pods = rule.domains.get(&value).map_or(0, |domain| domain.pods());
            let least = rule.floor();
            if pods + rule.constraint.itself - least > rule.constraint.max_skew {
                return Judgement::Skewed { at, pods, least };
            }
        }
        Judgement::Fits
    }
}

impl Rule {
    fn find_least(&mut self) {
        // The reference starts from MaxInt32; it shows only where minDomains is 0 or less.
        self.least =
            self.domains.values().map(|domain| domain.pods()).min().unwrap_or(i32::MAX.into());
    }

    /// The pods of the emptiest domain, or 0 while there are fewer than `minDomains`.
    fn floor(&self) -> i64 {
        let domains = i64::try_from(self.domains.len()).unwrap_or(i64::MAX);
        if domains < self.constraint.min_domains { 0 } else { self.least }
    }
}
