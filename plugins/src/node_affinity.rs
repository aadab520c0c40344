//! Keeps pods on the nodes that their node selector and node affinity name, and those of
//! `addedAffinity`.
//!
//! Source: `pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go`.

mod args;
#[cfg(test)]
mod tests;

pub use args::{
    AddedAffinity, NodeAffinityArgs, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm,
    PreferredSchedulingTerm,
};

use std::collections::BTreeSet;

use berth_engine::base::{NodeIdx, Symbols};
use berth_engine::framework::{
    Context, Filter, Keeps, Plugin, PreFilter, PreFiltered, PreScore, PreScored, Reads, Score,
    State, Verdict, Verdicts,
};
use berth_engine::model::{Class, NodeTable, NodeTerm, NodeTerms, PreferredNodeTerm};
use berth_engine::record::{self, Preferred, SelectorOp};

use crate::normalize::{Order, normalize};

/// The name in configurations.
pub const NAME: &str = "NodeAffinity";
/// The pod's own selector or affinity does not match.
pub const REASON: &str = "node(s) didn't match Pod's node affinity/selector";
/// The configuration's added affinity does not match.
pub const REASON_ENFORCED: &str = "node(s) didn't match scheduler-enforced node affinity";
/// Every term asks for two node names at once.
pub const REASON_CONFLICT: &str = "pod affinity terms conflict";

/// The plugin, with the added affinity of its configuration.
#[derive(Debug, Clone, Default)]
pub struct NodeAffinity {
    required: Option<Vec<record::NodeSelectorTerm>>,
    preferred: Vec<Preferred<record::NodeSelectorTerm>>,
}

/// Added required terms in the symbols of this cycle.
#[derive(Debug, Clone)]
struct AddedRequired(Option<NodeTerms>);

/// Added preferred terms in the symbols of this cycle.
#[derive(Debug, Clone)]
struct AddedPreferred(Box<[PreferredNodeTerm]>);

impl NodeAffinity {
    /// The plugin with its arguments.
    pub fn new(args: NodeAffinityArgs) -> Self {
        let Some(added) = args.added_affinity else { return Self::default() };
        Self { required: added.required_terms(), preferred: added.preferred_terms() }
    }

    fn added_required(&self, symbols: &Symbols) -> AddedRequired {
        let compile = |t| NodeTerm::compile_known(t, symbols);
        AddedRequired(self.required.as_ref().map(|terms| terms.iter().map(compile).collect()))
    }

    fn added_preferred(&self, symbols: &Symbols) -> AddedPreferred {
        AddedPreferred(PreferredNodeTerm::compile_known(&self.preferred, symbols))
    }
}

impl Plugin for NodeAffinity {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NODE_LABELS
    }

    /// Added terms are compiled for each cycle, in the symbols that there are then.
    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        if self.required.is_none() && self.preferred.is_empty() {
            Keeps::Node(Reads::NODE_LABELS)
        } else {
            Keeps::Nothing
        }
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

impl PreFilter for NodeAffinity {
    fn pre_filter(&self, cx: &Context<'_>, state: &mut State) -> PreFiltered {
        let class = cx.pod.class;
        if class.node_required.is_none()
            && class.node_selector.is_empty()
            && self.required.is_none()
        {
            return PreFiltered::Skip;
        }
        state.put(self.added_required(cx.symbols()));
        let required = class.spec.affinity.as_deref().and_then(|a| a.node_required.as_ref());
        match required.and_then(|required| named_nodes(&required.terms)) {
            None => PreFiltered::Proceed,
            Some(names) if names.is_empty() => PreFiltered::unresolvable(REASON_CONFLICT),
            Some(names) => PreFiltered::Narrow(names.into_iter().map(Into::into).collect()),
        }
    }
}

impl Filter for NodeAffinity {
    fn filter(
        &self,
        cx: &Context<'_>,
        state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        let own;
        let added = match state.get::<AddedRequired>() {
            Some(added) => added,
            None => {
                own = self.added_required(cx.symbols());
                &own
            }
        };
        for (at, node) in nodes.iter().enumerate() {
            if added.0.as_ref().is_some_and(|terms| !any_matches(terms, cx, *node)) {
                verdicts.set(at, Verdict::unresolvable(REASON_ENFORCED));
            } else if !fits(cx, *node) {
                verdicts.set(at, Verdict::unresolvable(REASON));
            }
        }
    }
}

impl PreScore for NodeAffinity {
    fn pre_score(&self, cx: &Context<'_>, _nodes: &[NodeIdx], state: &mut State) -> PreScored {
        let preferred = &cx.pod.class.node_preferred;
        if preferred.is_empty() && self.preferred.is_empty() {
            return PreScored::Skip;
        }
        // Empty terms are left out by now: one that never matches could not be parsed.
        if let Some(at) = preferred.iter().position(|p| p.term.never) {
            return PreScored::broken(format!(
                "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution: \
                 non-empty term {at} cannot be parsed: correct its keys, operators or values"
            ));
        }
        state.put(self.added_preferred(cx.symbols()));
        PreScored::Proceed
    }
}

impl Score for NodeAffinity {
    fn score(&self, cx: &Context<'_>, state: &State, nodes: &[NodeIdx], scores: &mut [i64]) {
        let own;
        let added = match state.get::<AddedPreferred>() {
            Some(added) => added,
            None => {
                own = self.added_preferred(cx.symbols());
                &own
            }
        };
        for (score, node) in scores.iter_mut().zip(nodes) {
            *score = weight(&added.0, cx, *node) + weight(&cx.pod.class.node_preferred, cx, *node);
        }
    }

    fn normalize(&self, _cx: &Context<'_>, _state: &State, scores: &mut [i64]) {
        normalize(scores, Order::MoreIsBetter);
    }
}

/// The nodes that terms of matchFields `metadata.name` In name: the union over the terms of the
/// intersection within each. `None` where a term names none, as then all nodes come into question.
fn named_nodes(terms: &[record::NodeSelectorTerm]) -> Option<BTreeSet<&str>> {
    let mut all: Option<BTreeSet<&str>> = None;
    for term in terms {
        let names = term
            .match_fields
            .iter()
            .filter(|r| r.key.as_ref() == "metadata.name" && r.op == SelectorOp::In)
            .map(|r| r.values.iter().map(AsRef::as_ref).collect::<BTreeSet<&str>>())
            .reduce(|a, b| a.intersection(&b).copied().collect())?;
        all.get_or_insert_default().extend(names);
    }
    all
}

fn any_matches(terms: &[NodeTerm], cx: &Context<'_>, node: NodeIdx) -> bool {
    terms.iter().any(|term| matches(term, cx.nodes, node, cx.symbols()))
}

fn matches(term: &NodeTerm, nodes: &NodeTable, node: NodeIdx, symbols: &Symbols) -> bool {
    nodes.name(node).is_some_and(|name| term.matches(name, nodes.labels(node), symbols))
}

/// Whether the pod's node selector and required affinity match.
pub(crate) fn fits(cx: &Context<'_>, node: NodeIdx) -> bool {
    let Class { node_selector, node_required, .. } = cx.pod.class;
    node_selector.iter().all(|(key, value)| cx.nodes.label(node, *key) == Some(*value))
        && node_required.as_ref().is_none_or(|terms| any_matches(terms, cx, node))
}

/// Sum of the weights of the terms that match.
fn weight(terms: &[PreferredNodeTerm], cx: &Context<'_>, node: NodeIdx) -> i64 {
    let matching = terms.iter().filter(|p| matches(&p.term, cx.nodes, node, cx.symbols()));
    matching.map(|p| p.weight).sum()
}
