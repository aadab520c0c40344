//! Keeps pods off cordoned nodes.
//!
//! Source: `pkg/scheduler/framework/plugins/nodeunschedulable/node_unschedulable.go`.

use berth_engine::base::{NodeIdx, Sym, Symbols};
use berth_engine::framework::{
    Context, Filter, Keeps, Plugin, PreFilter, PreFiltered, Reads, State, Verdict, Verdicts,
};
use berth_engine::model::Tolerations;
use berth_engine::record::TaintEffect;

/// The name in configurations.
pub const NAME: &str = "NodeUnschedulable";
/// Why a node does not do.
pub const REASON: &str = "node(s) were unschedulable";
/// Who tolerates this taint with effect NoSchedule may go to a cordoned node
/// (`v1.TaintNodeUnschedulable`).
const TAINT: &str = "node.kubernetes.io/unschedulable";

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct NodeUnschedulable;

impl NodeUnschedulable {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

impl Plugin for NodeUnschedulable {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NODE_UNSCHEDULABLE
    }

    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        Keeps::Node(self.reads())
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }

    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }
}

impl PreFilter for NodeUnschedulable {
    fn pre_filter(&self, _cx: &Context<'_>, _state: &mut State) -> PreFiltered {
        PreFiltered::Proceed
    }
}

impl Filter for NodeUnschedulable {
    fn filter(
        &self,
        cx: &Context<'_>,
        _state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        if tolerates(&cx.pod.class.tolerations, cx.symbols()) {
            return;
        }
        for (at, node) in nodes.iter().enumerate() {
            if cx.nodes.unschedulable(*node) {
                verdicts.set(at, Verdict::unresolvable(REASON));
            }
        }
    }
}

fn tolerates(tolerations: &Tolerations, symbols: &Symbols) -> bool {
    let sym = |text| symbols.get(text).unwrap_or(Sym::NONE);
    let taint = (sym(TAINT), sym(""), TaintEffect::NoSchedule);
    tolerations.tolerate(taint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_filter;

    #[test]
    fn cordoned_nodes_take_who_tolerates_the_cordon() {
        let refused = format!("a unresolvable {REASON} | b fits");
        let refused = refused.as_str();
        for (pod, expected) in [
            ("pod", refused),
            ("pod tolerate=other", refused),
            ("pod tolerate=*", "a fits | b fits"),
            ("pod tolerate=*:NoSchedule", "a fits | b fits"),
            ("pod tolerate=*:NoExecute", refused),
            ("pod tolerate=node.kubernetes.io/unschedulable", "a fits | b fits"),
            ("pod tolerate=node.kubernetes.io/unschedulable:NoSchedule", "a fits | b fits"),
            ("pod tolerate=node.kubernetes.io/unschedulable=:NoSchedule", "a fits | b fits"),
            ("pod tolerate=node.kubernetes.io/unschedulable=x:NoSchedule", refused),
        ] {
            let text = format!("{pod} / node a unschedulable / node b");
            check_filter(&NodeUnschedulable, &text, expected);
        }
    }
}
