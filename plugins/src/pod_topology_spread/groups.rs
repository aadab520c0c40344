//! Constraints followed pod by pod: what a node is to them, in a number each.
//!
//! A domain of many nodes is named by its value, so that a pod that comes changes a count and no
//! node. A domain of few nodes is named by its count, so that there are as many groups as counts,
//! not as domains; its nodes change groups when the count does.

use std::collections::BTreeMap;

use berth_engine::base::{NodeIdx, Sym};
use berth_engine::framework::{Context, GroupKey, Groups, PodMoved, PreScored, Reads, Touched};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::constraint::Constraint;
use super::go_ln::ln;
use super::hard::{Domain, Domains, Hard};
use super::soft::{IGNORED, Soft};

/// The number of a node without the label.
const ABSENT: i64 = -1;

/// What PodTopologySpread knows about pods of one kin.
#[derive(Debug)]
pub(super) struct SpreadGroups {
    hard: Vec<HardRule>,
    soft: Vec<SoftRule>,
    all_keys: bool,
    reads: Reads,
}

#[derive(Debug)]
struct HardRule {
    constraint: Constraint,
    wide: bool,
    domains: Domains,
    // How many domains have so many pods; its first key is the minimum.
    by_pods: BTreeMap<i64, u32>,
}

#[derive(Debug)]
struct SoftRule {
    constraint: Constraint,
    // By domain; of host names pods are counted on the node.
    pods: FxHashMap<Sym, i64>,
    // The domain of nodes without a value.
    empty: Sym,
    weight: f64,
}

fn number(value: Option<Sym>) -> i64 {
    value.and_then(|value| i64::try_from(value.at()).ok()).unwrap_or(ABSENT)
}

fn value(number: i64) -> Option<Sym> {
    usize::try_from(number).ok().map(Sym::from_row)
}

/// Whether domains are few against their nodes: at most as many domains as nodes in each.
fn is_wide(domains: usize, nodes: usize) -> bool {
    domains.saturating_mul(domains) <= nodes
}

impl SpreadGroups {
    /// From counts over all nodes. `owners` is what the selectors were made of.
    pub(super) fn new(
        hard: Hard,
        soft: Soft,
        all_keys: bool,
        owners: Reads,
        cx: &Context<'_>,
    ) -> Self {
        let nodes = cx.nodes.live().len();
        let hard = hard.into_counts().map(|(constraint, domains)| {
            let mut by_pods = BTreeMap::new();
            for domain in domains.values() {
                *by_pods.entry(domain.pods()).or_insert(0) += 1;
            }
            HardRule { constraint, wide: is_wide(domains.len(), nodes), domains, by_pods }
        });
        let empty = cx.symbols().get("").unwrap_or(Sym::NONE);
        let soft = soft.into_counts().map(|(constraint, pods)| SoftRule {
            constraint,
            pods,
            empty,
            weight: 0.0,
        });
        let (hard, soft): (Vec<_>, Vec<_>) = (hard.collect(), soft.collect());
        let counted = Reads::NODE_EXISTS
            | Reads::NODE_LABELS
            | Reads::NODE_TAINTS
            | Reads::DOMAINS
            | Reads::DOMAIN_TAINTS;
        let idle = hard.is_empty() && soft.is_empty();
        let reads = if idle { owners } else { owners | counted };
        Self { hard, soft, all_keys, reads }
    }

    /// Whether the node has what it takes to be in domains of the hard constraints.
    fn is_counted(&self, cx: &Context<'_>, node: NodeIdx) -> bool {
        self.hard.iter().all(|rule| cx.nodes.label(node, rule.constraint.key).is_some())
    }

    /// As much for the soft ones.
    fn is_in_domains(&self, cx: &Context<'_>, node: NodeIdx) -> bool {
        let has = |rule: &SoftRule| cx.nodes.label(node, rule.constraint.key).is_some();
        !self.all_keys || self.soft.iter().all(has)
    }

    /// Whether nodes with these numbers of soft constraints are scored.
    fn is_scored(&self, soft: &[i64]) -> bool {
        !self.all_keys || soft.iter().all(|number| *number != ABSENT)
    }
}

impl Groups for SpreadGroups {
    fn reads(&self) -> Reads {
        self.reads
    }

    fn follows_all(&self) -> bool {
        !self.hard.is_empty() || !self.soft.is_empty()
    }

    fn concerns(&self, cx: &Context<'_>, moved: &PodMoved<'_>) -> bool {
        let hard = self.hard.iter().map(|rule| &rule.constraint);
        hard.chain(self.soft.iter().map(|rule| &rule.constraint)).any(|of| of.counts(cx, moved))
    }

    fn bytes(&self) -> usize {
        let hard = self.hard.iter().map(|rule| rule.domains.capacity()).sum::<usize>();
        let soft = self.soft.iter().map(|rule| rule.pods.capacity()).sum::<usize>();
        hard * size_of::<(Sym, Domain)>() + soft * size_of::<(Sym, i64)>()
    }

    fn follow(&mut self, cx: &Context<'_>, moved: &PodMoved<'_>, touched: &mut Touched) {
        let node = moved.node;
        if !cx.nodes.live().contains(node) {
            return;
        }
        let label = |key| cx.nodes.label(node, key);
        if self.is_counted(cx, node) {
            for rule in &mut self.hard {
                if let Some(value) = label(rule.constraint.key)
                    && rule.constraint.counts(cx, moved)
                    && rule.constraint.includes(cx, node)
                {
                    rule.add_pods(value, moved.amount);
                    if !rule.wide {
                        touched.domains.push((rule.constraint.key, value));
                    }
                }
            }
        }
        let scored = self.is_in_domains(cx, node);
        for rule in &mut self.soft {
            if !rule.constraint.counts(cx, moved) {
                continue;
            }
            if rule.constraint.is_hostname {
                touched.nodes.push(node);
            } else if scored && rule.constraint.includes(cx, node) {
                let domain = rule.domain(label(rule.constraint.key));
                *rule.pods.entry(domain).or_insert(0) += moved.amount;
            }
        }
    }

    /// A key that no node has had is not known yet: the first that has it calls for a new count.
    fn follows_nodes(&self) -> bool {
        let hard = self.hard.iter().map(|rule| &rule.constraint);
        hard.chain(self.soft.iter().map(|rule| &rule.constraint)).all(|of| of.key != Sym::NONE)
    }

    fn follow_node(&mut self, cx: &Context<'_>, node: NodeIdx, amount: i64) {
        // The node may be the first with an empty value.
        let empty = cx.symbols().get("").unwrap_or(Sym::NONE);
        self.soft.iter_mut().for_each(|rule| rule.empty = empty);
        if self.is_counted(cx, node) {
            for rule in &mut self.hard {
                if let Some(value) = cx.nodes.label(node, rule.constraint.key)
                    && rule.constraint.includes(cx, node)
                {
                    rule.add_nodes(value, amount);
                }
            }
        }
        // A domain without nodes is asked for by nobody, and has no pods.
        if amount > 0 && self.is_in_domains(cx, node) {
            for rule in self.soft.iter_mut().filter(|rule| !rule.constraint.is_hostname) {
                let domain = rule.domain(cx.nodes.label(node, rule.constraint.key));
                rule.pods.entry(domain).or_insert(0);
            }
        }
    }

    fn key(&self, cx: &Context<'_>, node: NodeIdx, key: &mut GroupKey) {
        for rule in &self.hard {
            let value = cx.nodes.label(node, rule.constraint.key);
            key.push(match value {
                Some(value) if !rule.wide => rule.pods(value),
                value => number(value),
            });
        }
        for rule in &self.soft {
            let value = cx.nodes.label(node, rule.constraint.key);
            key.push(match value {
                Some(_) if rule.constraint.is_hostname => rule.constraint.count(cx, node),
                value => number(value),
            });
        }
    }

    fn fits(&self, key: &[i64]) -> bool {
        self.hard.iter().zip(key).all(|(rule, number)| rule.fits(*number))
    }

    fn pre_score(&mut self, _cx: &Context<'_>, groups: &[(&[i64], u64)]) -> PreScored {
        if self.soft.is_empty() {
            return PreScored::Skip;
        }
        let from = self.hard.len();
        let scored =
            groups.iter().map(|(key, nodes)| (key.get(from..).unwrap_or_default(), *nodes));
        let scored: SmallVec<[(&[i64], u64); 8]> =
            scored.filter(|(soft, _)| self.is_scored(soft)).collect();
        let nodes: u64 = scored.iter().map(|(_, nodes)| *nodes).sum();
        for (at, rule) in self.soft.iter_mut().enumerate() {
            let size = if rule.constraint.is_hostname {
                nodes
            } else {
                let values = scored.iter().filter_map(|(soft, _)| soft.get(at));
                let mut domains: Vec<Sym> = values.map(|n| rule.domain(value(*n))).collect();
                domains.sort_unstable();
                domains.dedup();
                domains.len() as u64
            };
            rule.weight = ln((size + 2) as f64);
        }
        PreScored::Proceed
    }

    /// In the steps of [`Soft::raw`].
    fn raw(&self, _cx: &Context<'_>, key: &[i64]) -> i64 {
        let mut score = 0.0;
        for (rule, number) in self.soft.iter().zip(key.iter().skip(self.hard.len())) {
            if *number == ABSENT {
                if self.all_keys {
                    return IGNORED;
                }
                continue;
            }
            let count = if rule.constraint.is_hostname {
                *number
            } else {
                let domain = value(*number).unwrap_or(Sym::NONE);
                let known = rule.pods.get(&domain).or_else(|| rule.pods.get(&Sym::NONE));
                known.copied().unwrap_or(0)
            };
            score += count as f64 * rule.weight + (rule.constraint.max_skew - 1) as f64;
        }
        f64::round(score) as i64
    }
}

impl HardRule {
    fn pods(&self, value: Sym) -> i64 {
        self.domains.get(&value).map_or(0, |domain| domain.pods())
    }

    /// One domain less has `before` pods, and one more `now`; `None` for no domain.
    fn move_domain(&mut self, before: Option<i64>, now: Option<i64>) {
        if let Some(pods) = before
            && let Some(domains) = self.by_pods.get_mut(&pods)
        {
            *domains -= 1;
            if *domains == 0 {
                self.by_pods.remove(&pods);
            }
        }
        if let Some(pods) = now {
            *self.by_pods.entry(pods).or_insert(0) += 1;
        }
    }

    fn add_pods(&mut self, value: Sym, amount: i64) {
        let Some(domain) = self.domains.get_mut(&value) else { return };
        let (before, now) = (domain.pods(), domain.add_pods(amount));
        self.move_domain(Some(before), Some(now));
    }

    fn add_nodes(&mut self, value: Sym, amount: i64) {
        let domain = self.domains.entry(value).or_default();
        let (before, pods) = (domain.nodes(), domain.pods());
        match (before, domain.add_nodes(amount)) {
            (0, _) => self.move_domain(None, Some(pods)),
            (_, 0) => {
                self.domains.remove(&value);
                self.move_domain(Some(pods), None);
            }
            _ => {}
        }
    }

    fn fits(&self, number: i64) -> bool {
        if number == ABSENT {
            return false;
        }
        let pods =
            if self.wide { value(number).map_or(0, |value| self.pods(value)) } else { number };
        pods + self.constraint.itself - self.floor() <= self.constraint.max_skew
    }

    /// As in [`Hard`]: the pods of the emptiest domain, or 0 while there are too few domains.
    fn floor(&self) -> i64 {
        let domains = i64::try_from(self.domains.len()).unwrap_or(i64::MAX);
        if domains < self.constraint.min_domains {
            return 0;
        }
        self.by_pods.keys().next().copied().unwrap_or(i32::MAX.into())
    }
}

impl SoftRule {
    /// No label and an empty one are the same, as in a Go map.
    fn domain(&self, value: Option<Sym>) -> Sym {
        value.filter(|value| *value != self.empty).unwrap_or(Sym::NONE)
    }
}
