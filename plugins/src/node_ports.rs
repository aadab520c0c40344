//! Keeps pods off nodes where a host port that they want is taken.
//!
//! Source: `pkg/scheduler/framework/plugins/nodeports/node_ports.go`.

use berth_engine::base::NodeIdx;
use berth_engine::framework::{
    Cause, Context, Filter, Keeps, Plugin, PreFilter, PreFiltered, Reads, Reason, State, Verdict,
    Verdicts,
};
use berth_engine::model::UsedPort;

/// The name in configurations.
pub const NAME: &str = "NodePorts";
/// Why a node does not do.
pub const REASON: &str = "node(s) didn't have free ports for the requested pod ports";

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct NodePorts;

impl NodePorts {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

impl Plugin for NodePorts {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NODE_ROOM
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

impl PreFilter for NodePorts {
    fn pre_filter(&self, cx: &Context<'_>, _state: &mut State) -> PreFiltered {
        if cx.pod.class.ports.is_empty() { PreFiltered::Skip } else { PreFiltered::Proceed }
    }
}

impl Filter for NodePorts {
    fn filter(
        &self,
        cx: &Context<'_>,
        _state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        for (at, node) in nodes.iter().enumerate() {
            if !fits(&cx.pod.class.ports, cx.nodes.ports(*node)) {
                verdicts.set(at, rejection(&cx.pod.class.ports, cx.nodes.ports(*node)));
            }
        }
    }
}

fn rejection(wanted: &[UsedPort], taken: &[UsedPort]) -> Verdict {
    let port = wanted.iter().find(|port| port.conflicts_with_any(taken));
    Verdict::unschedulable(match port {
        Some(port) => Reason::new(&REASON, Cause::Port(*port)),
        None => REASON.into(),
    })
}

/// Both are sorted. A pod may take 10,000 ports: each of the fewer is searched for.
fn fits(wanted: &[UsedPort], taken: &[UsedPort]) -> bool {
    let (few, many) = if wanted.len() < taken.len() { (wanted, taken) } else { (taken, wanted) };
    !few.iter().any(|port| port.conflicts_with_any(many))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Scene, check_filter};

    #[test]
    fn a_port_is_taken_once_for_each_address_and_protocol() {
        let refused = format!("a unschedulable {REASON} | b fits");
        let refused = refused.as_str();
        for (pod, on, expected) in [
            ("pod", "port=80", "skip"),
            ("pod port=80", "port=81", "a fits | b fits"),
            ("pod port=80", "port=80", refused),
            ("pod port=80/UDP", "port=80", "a fits | b fits"),
            ("pod port=10.0.0.1:80", "port=10.0.0.2:80", "a fits | b fits"),
            ("pod port=10.0.0.1:80", "port=10.0.0.1:80/TCP", refused),
            ("pod port=10.0.0.1:80", "port=0.0.0.0:80", refused),
            ("pod port=80", "port=10.0.0.1:80", refused),
            ("pod port=1 + port=2", "port=7 port=2", refused),
        ] {
            check_filter(&NodePorts, &format!("{pod} / node a / on a {on} / node b"), expected);
        }
    }

    #[test]
    fn a_rejection_names_the_first_port_that_is_taken() {
        let scene = Scene::parse("pod port=1 + port=2 / node a / on a port=2 / node b");
        let taken = scene.context().pod.class.ports.iter().find(|port| port.port == 2);
        let expected = [taken.map(|port| Cause::Port(*port)), None];
        assert!(taken.is_some() && scene.causes(&NodePorts) == expected);
    }

    #[test]
    fn ports_of_sidecars_count_and_those_of_init_containers_do_not() {
        for (restartable, expected) in [(true, PreFiltered::Proceed), (false, PreFiltered::Skip)] {
            let scene = Scene::with("pod port=80 + / node a", |spec| {
                let mut container = spec.containers.remove(0);
                container.restartable = restartable;
                spec.init_containers.push(container);
            });
            scene.check_pre_filter(&NodePorts, &expected);
        }
    }
}
