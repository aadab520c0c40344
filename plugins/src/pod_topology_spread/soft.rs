//! Soft constraints: pods per domain, weighed by the number of domains.

use berth_engine::base::{NodeIdx, Sym};
use berth_engine::framework::Context;
use berth_engine::model::NodeTable;
use rustc_hash::FxHashMap;

use super::constraint::{Constraint, has_all_keys};
use super::go_ln::ln;

/// The raw score of a node that is in no domain of some constraint; all others are 0 or more.
pub(super) const IGNORED: i64 = -1;

/// What PreScore leaves for Score (`preScoreState`).
#[derive(Debug, Clone)]
pub(super) struct Soft {
    rules: Vec<Rule>,
    all_keys: bool,
}

/// One constraint with its counts.
#[derive(Debug, Clone)]
struct Rule {
    constraint: Constraint,
    /// Pods by domain, for domains of feasible nodes; of host names they are counted when scoring.
    pods: FxHashMap<Sym, i64>,
    weight: f64,
}

/// The domain of a node. No label and an empty one are the same, as in a Go map.
pub(super) fn domain(nodes: &NodeTable, node: NodeIdx, key: Sym, empty: Sym) -> Sym {
    nodes.label(node, key).filter(|value| *value != empty).unwrap_or(Sym::NONE)
}

impl Soft {
    /// With `all_keys`, nodes that lack a key of any constraint are ignored.
    pub(super) fn new(
        constraints: &[Constraint],
        all_keys: bool,
        cx: &Context<'_>,
        feasible: &[NodeIdx],
    ) -> Self {
        if constraints.is_empty() {
            return Self { rules: Vec::new(), all_keys };
        }
        let counts = |node: &NodeIdx| !all_keys || has_all_keys(constraints, cx.nodes, *node);
        let scored: Vec<NodeIdx> = feasible.iter().copied().filter(counts).collect();
        let included: Vec<NodeIdx> = cx.nodes.live().iter().filter(|n| counts(n)).collect();
        let empty = cx.symbols().get("").unwrap_or(Sym::NONE);
        let rule = |constraint: &Constraint| {
            let mut pods: FxHashMap<Sym, i64> = FxHashMap::default();
            let mut size = scored.len();
            if !constraint.is_hostname {
                let domain = |node| domain(cx.nodes, node, constraint.key, empty);
                pods.extend(scored.iter().map(|node| (domain(*node), 0)));
                size = pods.len();
                for node in &included {
                    let Some(pods) = pods.get_mut(&domain(*node)) else { continue };
                    if constraint.includes(cx, *node) {
                        *pods += constraint.count(cx, *node);
                    }
                }
            }
            let weight = ln((size + 2) as f64);
            Rule { constraint: constraint.clone(), pods, weight }
        };
        Self { rules: constraints.iter().map(rule).collect(), all_keys }
    }

    /// The constraints, each with its pods by domain.
    pub(super) fn into_counts(self) -> impl Iterator<Item = (Constraint, FxHashMap<Sym, i64>)> {
        self.rules.into_iter().map(|rule| (rule.constraint, rule.pods))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The raw score of a node: more is fuller. Multiplies, then adds, constraint by constraint, in
    /// the steps of the reference.
    pub(super) fn raw(&self, cx: &Context<'_>, node: NodeIdx) -> i64 {
        let mut score = 0.0;
        for Rule { constraint, pods, weight } in &self.rules {
            let Some(value) = cx.nodes.label(node, constraint.key) else {
                if self.all_keys {
                    return IGNORED;
                }
                continue;
            };
            let count = if constraint.is_hostname {
                constraint.count(cx, node)
            } else {
                let known = pods.get(&value).or_else(|| pods.get(&Sym::NONE));
                known.copied().unwrap_or(0)
            };
            score += count as f64 * weight + (constraint.max_skew - 1) as f64;
        }
        // Half away from zero, as Go's math.Round.
        f64::round(score) as i64
    }
}
