//! Holds a pod that names a node in its spec to that node.
//!
//! Source: `pkg/scheduler/framework/plugins/nodename/node_name.go`.

use berth_engine::base::{NodeIdx, Sym};
use berth_engine::framework::{
    Context, Filter, Keeps, Plugin, PreFilter, PreFiltered, Reads, State, Verdict, Verdicts,
};

/// The name in configurations.
pub const NAME: &str = "NodeName";
/// Why a node does not do.
pub const REASON: &str = "node(s) didn't match the requested node name";

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct NodeName;

impl NodeName {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

impl Plugin for NodeName {
    fn name(&self) -> &str {
        NAME
    }

    /// A node's name never changes.
    fn reads(&self) -> Reads {
        Reads::NODE_EXISTS
    }

    /// A pod that names a node is none of those that are asked for.
    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        Keeps::Aside
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }

    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }
}

impl PreFilter for NodeName {
    fn pre_filter(&self, cx: &Context<'_>, _state: &mut State) -> PreFiltered {
        match cx.pod.node_name {
            Some(name) => PreFiltered::Narrow(vec![cx.symbols().text(name).into()]),
            None => PreFiltered::Proceed,
        }
    }
}

impl Filter for NodeName {
    fn filter(
        &self,
        cx: &Context<'_>,
        _state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        if cx.pod.node_name.is_none() {
            return;
        }
        for (at, node) in nodes.iter().enumerate() {
            if !fits(cx.pod.node_name, cx.nodes.name(*node)) {
                verdicts.set(at, Verdict::unresolvable(REASON));
            }
        }
    }
}

fn fits(wanted: Option<Sym>, name: Option<Sym>) -> bool {
    wanted.is_none() || wanted == name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scene;

    #[test]
    fn only_the_named_node_is_left() {
        let mut scene = Scene::parse("pod cpu=1 / node a / node b");
        scene.check_pre_filter(&NodeName, &PreFiltered::Proceed);
        scene.check_filter(&NodeName, "a fits | b fits");
        scene.pretend_node_name("b");
        scene.check_pre_filter(&NodeName, &PreFiltered::Narrow(vec!["b".into()]));
        scene.check_filter(&NodeName, &format!("a unresolvable {REASON} | b fits"));
        scene.pretend_node_name("absent");
        scene.check_pre_filter(&NodeName, &PreFiltered::Narrow(vec!["absent".into()]));
    }
}
