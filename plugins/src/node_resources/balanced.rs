//! Favours nodes whose resources the pod brings to more equal use.
//!
//! Source: `pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go`.

use berth_engine::base::{NodeIdx, cut};
use berth_engine::framework::{
    Context, Keeps, MAX_NODE_SCORE, Plugin, PreScore, PreScored, Reads, Score, State,
};
use berth_engine::model::evenness as evenness_of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::lanes::{self, Floats};
use super::{
    AskedList, ResourceSpec, Share, Sum, asked, columns, default_resources, set_defaults, shares,
};
use crate::go_json::or_default;
use crate::{FieldError, PluginArgs};

/// The name in configurations.
pub const NAME: &str = "NodeResourcesBalancedAllocation";

/// `NodeResourcesBalancedAllocationArgs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NodeResourcesBalancedAllocationArgs {
    /// Resources whose use is compared; each has weight 1.
    #[serde(deserialize_with = "or_default")]
    pub resources: Vec<ResourceSpec>,
}

impl Default for NodeResourcesBalancedAllocationArgs {
    fn default() -> Self {
        Self { resources: default_resources() }
    }
}

impl PluginArgs for NodeResourcesBalancedAllocationArgs {
    const KIND: &'static str = "NodeResourcesBalancedAllocationArgs";

    fn set_defaults(&mut self) {
        set_defaults(&mut self.resources);
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for (at, resource) in self.resources.iter().enumerate() {
            let path = |field| format!("resources[{at}].{field}");
            if self.resources.iter().take(at).any(|r| r.name == resource.name) {
                let message = format!("Duplicate value: {:?}", resource.name);
                errors.push(FieldError::new(path("name"), message));
            }
            if resource.weight != 1 {
                let message = format!("Invalid value: {}: must be 1", resource.weight);
                errors.push(FieldError::new(path("weight"), message));
            }
        }
        errors
    }
}

/// The plugin.
#[derive(Debug, Clone)]
pub struct NodeResourcesBalancedAllocation {
    resources: Vec<ResourceSpec>,
}

impl NodeResourcesBalancedAllocation {
    /// The plugin with its arguments.
    pub fn new(args: NodeResourcesBalancedAllocationArgs) -> Self {
        Self { resources: args.resources }
    }

    fn asked(&self, cx: &Context<'_>) -> AskedList {
        asked(&self.resources, &cx.pod.class.request, cx)
    }
}

impl Plugin for NodeResourcesBalancedAllocation {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NOTHING
    }

    fn keeps(&self, _cx: &Context<'_>) -> Keeps {
        Keeps::Node(Reads::NODE_ALLOCATABLE | Reads::NODE_ROOM)
    }

    fn as_pre_score(&self) -> Option<&dyn PreScore> {
        Some(self)
    }

    fn as_score(&self) -> Option<&dyn Score> {
        Some(self)
    }
}

impl PreScore for NodeResourcesBalancedAllocation {
    /// Skips pods that ask for none of the resources, lest they all go to one node
    /// (kubernetes/kubernetes#129138).
    fn pre_score(&self, cx: &Context<'_>, _nodes: &[NodeIdx], state: &mut State) -> PreScored {
        let asked = self.asked(cx);
        if asked.iter().all(|a| a.amount == 0) {
            return PreScored::Skip;
        }
        state.put(asked);
        PreScored::Proceed
    }
}

impl Score for NodeResourcesBalancedAllocation {
    fn is_absolute(&self) -> bool {
        true
    }

    fn score(&self, cx: &Context<'_>, state: &State, nodes: &[NodeIdx], scores: &mut [i64]) {
        let own;
        let asked = match state.get::<AskedList>() {
            Some(asked) => asked,
            None => {
                own = self.asked(cx);
                &own
            }
        };
        let columns = columns(asked, Sum::Requested, cx.nodes);
        if let [a, b] = columns.as_slice() {
            // The default, without a list for each node.
            lanes::score([a, b], nodes, scores, balance_floats, |node| {
                match (a.share(node), b.share(node)) {
                    (Some(a), Some(b)) => balance(&[a, b]),
                    (Some(one), None) | (None, Some(one)) => balance(&[one]),
                    (None, None) => balance(&[]),
                }
            });
            return;
        }
        for (score, node) in scores.iter_mut().zip(nodes) {
            *score = balance(&shares(&columns, *node).collect::<SmallVec<[Share; 4]>>());
        }
    }
}

/// How much better balanced the node is with the pod: 75 where nothing changes, 50 to 100.
fn balance(shares: &[Share]) -> i64 {
    let with = evenness(shares, |s| s.requested);
    let without = evenness(shares, |s| s.allocated);
    MAX_NODE_SCORE / 2 + (MAX_NODE_SCORE / 2 + with - without) / 2
}

/// 100 less the standard deviation of the used fractions, in percent, cut. The float operations
/// are the reference's, in its order: another order gives other last bits and so other scores.
fn evenness(shares: &[Share], taken: impl Fn(&Share) -> i64) -> i64 {
    let fraction = |share: &Share| capped(taken(share) as f64 / share.allocatable as f64);
    let deviation = match shares {
        [] | [_] => 0.0,
        [a, b] => ((fraction(a) - fraction(b)) / 2.0).abs(),
        many => {
            let fractions: SmallVec<[f64; 4]> = many.iter().map(fraction).collect();
            let count = fractions.len() as f64;
            let mean = fractions.iter().fold(0.0, |sum, f| sum + f) / count;
            let squares = fractions.iter().fold(0.0, |sum, f| sum + (f - mean) * (f - mean));
            (squares / count).sqrt()
        }
    };
    ((1.0 - deviation) * MAX_NODE_SCORE as f64) as i64
}

/// [`balance`] of two resources in floats, by the same operations in the same order.
#[inline(always)]
fn balance_floats(a: Floats, b: Floats, without: f64) -> f64 {
    let with = evenness_of([a.requested / a.allocatable, b.requested / b.allocatable]);
    let half = MAX_NODE_SCORE as f64 / 2.0;
    half + cut((half + with - without) / 2.0)
}

fn capped(fraction: f64) -> f64 {
    if fraction > 1.0 { 1.0 } else { fraction }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_scores;

    #[test]
    fn evenness_is_the_deviation_cut_to_a_percentage() {
        for (used, expected) in [
            (&[][..], 100),
            (&[(1, 2)], 100),
            (&[(1, 2), (1, 2)], 100),
            (&[(0, 2), (2, 2)], 50),
            (&[(0, 2), (9, 2)], 50),
            // (1 - |3/10 - 1/2| / 2) · 100 is 90 in real numbers and in these floats.
            (&[(3, 10), (1, 2)], 90),
            (&[(1, 10), (2, 10), (3, 10)], 91),
        ] {
            let share = |(requested, allocatable): &(i64, i64)| Share {
                allocated: 0,
                requested: *requested,
                allocatable: *allocatable,
                weight: 1,
            };
            let shares: Vec<Share> = used.iter().map(share).collect();
            assert_eq!(evenness(&shares, |s| s.requested), expected, "{used:?}");
        }
    }

    #[test]
    fn pods_are_drawn_to_where_they_even_things_out() {
        let plugin = NodeResourcesBalancedAllocation::new(<_>::default());
        let nodes = "node a cpu=10 memory=10Gi / on a cpu=5 \
                     / node b cpu=10 memory=10Gi / on b memory=5Gi / node c cpu=10";
        for (pod, expected) in [
            ("pod", "skip"),
            ("pod nvidia.com/gpu=1", "skip"),
            ("pod cpu=0", "skip"),
            ("pod cpu=5", "a 62 | b 87 | c 75"),
            ("pod memory=5Gi", "a 87 | b 62 | c 75"),
            ("pod cpu=1 whole.cpu=5", "a 62 | b 87 | c 75"),
        ] {
            check_scores(&plugin, &format!("{pod} / {nodes}"), expected);
        }
    }

    #[test]
    fn weights_are_one_and_names_are_unique() {
        let spec = |name: &str, weight| ResourceSpec { name: name.to_owned(), weight };
        let args =
            NodeResourcesBalancedAllocationArgs { resources: vec![spec("cpu", 1), spec("cpu", 2)] };
        let paths: Vec<_> = args.validate().into_iter().map(|e| e.path).collect();
        assert_eq!(paths, ["resources[1].name", "resources[1].weight"]);
        assert_eq!(NodeResourcesBalancedAllocationArgs::default().validate(), []);
    }
}
