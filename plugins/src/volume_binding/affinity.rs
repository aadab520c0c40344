//! The node affinity of a volume, compiled.

use berth_engine::base::Symbols;
use berth_engine::model::NodeTerm;
use berth_engine::record::{NodeSelector, NodeSelectorTerm};

/// The terms. They are matched against a node of no name
/// (`CheckNodeAffinity`), so requirements on fields compare with the empty string, as those on
/// unknown fields do.
pub(super) fn compile(affinity: &NodeSelector, symbols: &Symbols) -> Vec<NodeTerm> {
    let compile = |term: &NodeSelectorTerm| {
        if term.match_fields.is_empty() {
            return NodeTerm::compile_known(term, symbols);
        }
        let mut nameless = term.clone();
        for field in &mut nameless.match_fields {
            field.key = Box::default();
        }
        NodeTerm::compile_known(&nameless, symbols)
    };
    affinity.terms.iter().map(compile).collect()
}
