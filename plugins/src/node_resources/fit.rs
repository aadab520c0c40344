//! Keeps pods off nodes that lack what they ask for, and scores nodes by how full they are.
//!
//! Source: `pkg/scheduler/framework/plugins/noderesources/fit.go`.

mod args;
#[cfg(test)]
mod tests;

pub use args::{
    NodeResourcesFitArgs, RequestedToCapacityRatioParam, ScoringStrategy, ScoringStrategyType,
};

use berth_engine::base::NodeIdx;
use berth_engine::framework::{
    Awaits, Cause, Context, Filter, Keeps, Plugin, PreFilter, PreFiltered, PreScore, PreScored,
    Reads, Reason, Reasons, Score, State, Verdict, Verdicts,
};
use berth_engine::model::{Column, Dim, NodeTable, is_extended_resource};
use smallvec::SmallVec;

use super::ratio::Shape;
use super::{AskedList, ResourceSpec, Sum, asked, columns, lanes, least, most, shares};

/// The name in configurations.
pub const NAME: &str = "NodeResourcesFit";
/// The node has as many pods as it takes.
pub const TOO_MANY_PODS: &str = "Too many pods";
/// The node lacks a resource, whose name follows.
pub const INSUFFICIENT: &str = "Insufficient";

/// Nodes of which it is told what is scarce.
const SAMPLE: usize = 64;

/// The plugin.
#[derive(Debug, Clone)]
pub struct NodeResourcesFit {
    ignored: Vec<String>,
    ignored_groups: Vec<String>,
    strategy: Strategy,
    resources: Vec<ResourceSpec>,
}

/// How a node's score follows from its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Strategy {
    Least,
    Most,
    Ratio(Shape),
}

/// One resource that the pod asks for.
#[derive(Debug, Clone, Copy)]
struct Need {
    dim: Dim,
    amount: i64,
}

/// CPU, memory and ephemeral storage first, then scalars: the order of the reasons.
type Needs = SmallVec<[Need; 4]>;

impl NodeResourcesFit {
    /// The plugin with its arguments.
    pub fn new(args: NodeResourcesFitArgs) -> Self {
        let strategy = args.scoring_strategy.unwrap_or_default();
        let kind = strategy.kind();
        let shape = strategy.requested_to_capacity_ratio.unwrap_or_default().shape;
        Self {
            ignored: args.ignored_resources,
            ignored_groups: args.ignored_resource_groups,
            strategy: match kind {
                Some(ScoringStrategyType::RequestedToCapacityRatio) => {
                    Strategy::Ratio(Shape::new(&shape))
                }
                Some(ScoringStrategyType::MostAllocated) => Strategy::Most,
                Some(ScoringStrategyType::LeastAllocated) | None => Strategy::Least,
            },
            resources: strategy.resources,
        }
    }

    fn needs(&self, cx: &Context<'_>) -> Needs {
        let dims = cx.cache.dims();
        let amounts = cx.pod.class.request.iter().filter(|(_, amount)| *amount > 0);
        amounts
            .filter(|(dim, _)| !(dim.is_scalar() && self.ignores(dims.name(*dim))))
            .map(|(dim, amount)| Need { dim, amount })
            .collect()
    }

    /// Only extended resources can be ignored, by name or by what stands before the slash.
    fn ignores(&self, name: &str) -> bool {
        let group = name.split('/').next().unwrap_or("");
        is_extended_resource(name)
            && (self.ignored.iter().any(|i| i == name)
                || self.ignored_groups.iter().any(|g| g == group))
    }

    /// The resource that most nodes lack, by a few of them all over the table; `None` where that is
    /// places for pods. Any would do: a node has to have enough of each.
    fn scarcest(needs: &[Need], nodes: &NodeTable) -> Option<Need> {
        let step = nodes.rows() / SAMPLE + 1;
        let sample = || {
            let rows = (0..nodes.rows()).step_by(step).map(NodeIdx::new);
            rows.filter(|node| nodes.live().contains(*node))
        };
        let lacking = needs.iter().map(|need| {
            let column = nodes.column(need.dim);
            let lacks =
                |node: &NodeIdx| column.get(*node).copied().unwrap_or_default().lacks(need.amount);
            (sample().filter(lacks).count(), *need)
        });
        // The first of equals.
        let most = lacking.reduce(|a, b| if b.0 > a.0 { b } else { a });
        most.filter(|(nodes, _)| *nodes > 0).map(|(_, need)| need)
    }

    /// Container sums only: the scorer of this plugin does not see pod-level requests, while the
    /// sums of the node do.
    fn asked(&self, cx: &Context<'_>) -> AskedList {
        asked(&self.resources, &cx.pod.class.container_request_nonzero, cx)
    }
}

impl Plugin for NodeResourcesFit {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NODE_ALLOCATABLE | Reads::NODE_ROOM
    }

    /// A node with enough of what is scarce.
    fn awaits(&self, cx: &Context<'_>, awaits: &mut Awaits) {
        match Self::scarcest(&self.needs(cx), cx.nodes) {
            Some(need) => awaits.room(Some(need.dim), need.amount),
            None => awaits.room(None, 0),
        }
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

    fn as_pre_score(&self) -> Option<&dyn PreScore> {
        Some(self)
    }

    fn as_score(&self) -> Option<&dyn Score> {
        Some(self)
    }
}

impl PreFilter for NodeResourcesFit {
    fn pre_filter(&self, cx: &Context<'_>, state: &mut State) -> PreFiltered {
        state.put(self.needs(cx));
        PreFiltered::Proceed
    }
}

impl Filter for NodeResourcesFit {
    fn filter(
        &self,
        cx: &Context<'_>,
        state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        let own;
        let needs = match state.get::<Needs>() {
            Some(needs) => needs,
            None => {
                own = self.needs(cx);
                &own
            }
        };
        let wanted: SmallVec<[(i64, Column<'_>); 4]> =
            needs.iter().map(|need| (need.amount, cx.nodes.column(need.dim))).collect();
        let rooms = cx.nodes.rooms();
        match wanted.as_slice() {
            // Mostly CPU and memory, which mostly do: without a branch for each.
            [(cpu, Column::Cpu(_)), (memory, Column::Memory(_))] => {
                reject(needs, cx.nodes, nodes, verdicts, |node| {
                    rooms.get(node.at()).is_none_or(|room| {
                        (room.left <= 0) | room.cpu.lacks(*cpu) | room.memory.lacks(*memory)
                    })
                });
            }
            all => reject(needs, cx.nodes, nodes, verdicts, |node| {
                let lacks = |(amount, column): &(i64, Column<'_>)| {
                    column.get(node).copied().unwrap_or_default().lacks(*amount)
                };
                rooms.get(node.at()).is_none_or(|room| room.left <= 0) || all.iter().any(lacks)
            }),
        }
    }
}

impl PreScore for NodeResourcesFit {
    fn pre_score(&self, cx: &Context<'_>, _nodes: &[NodeIdx], state: &mut State) -> PreScored {
        state.put(self.asked(cx));
        PreScored::Proceed
    }
}

impl Score for NodeResourcesFit {
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
        let columns = columns(asked, Sum::NonZero, cx.nodes);
        if let (Strategy::Least, [a, b]) = (&self.strategy, columns.as_slice())
            && (a.asked.weight, b.asked.weight) == (1, 1)
        {
            // The default, without a list for each node.
            lanes::score([a, b], nodes, scores, least::float_mean, |node| {
                match (a.share(node), b.share(node)) {
                    (Some(a), Some(b)) => least::score([a, b].into_iter()),
                    (one, other) => least::score(one.into_iter().chain(other)),
                }
            });
            return;
        }
        let shares = |node| shares(&columns, node);
        for (score, node) in scores.iter_mut().zip(nodes) {
            *score = match &self.strategy {
                Strategy::Least => least::score(shares(*node)),
                Strategy::Most => most::score(shares(*node)),
                Strategy::Ratio(shape) => shape.score(shares(*node)),
            };
        }
    }
}

/// Rejects the nodes that have no place for a pod more, or lack something.
fn reject(
    needs: &[Need],
    table: &NodeTable,
    nodes: &[NodeIdx],
    verdicts: &mut Verdicts<'_>,
    lacks: impl Fn(NodeIdx) -> bool,
) {
    for (at, node) in nodes.iter().enumerate() {
        if lacks(*node) {
            verdicts.set(at, rejection(needs, table, *node));
        }
    }
}

/// All reasons. Preemption cannot help where even the empty node is too small; of too many pods
/// it can always take some away.
fn rejection(needs: &[Need], nodes: &NodeTable, node: NodeIdx) -> Verdict {
    let mut reasons = Reasons::new();
    let mut resolvable = true;
    if nodes.rooms().get(node.at()).is_none_or(|room| room.left <= 0) {
        let allowed = nodes.pods_allowed(node);
        reasons.push(Reason::new(&TOO_MANY_PODS, Cause::Pods { allowed }));
    }
    for need in needs {
        let amounts = nodes.column(need.dim).get(node).copied().unwrap_or_default();
        if amounts.lacks(need.amount) {
            resolvable &= need.amount <= amounts.allocatable;
            let (asked, free) = (need.amount, amounts.free());
            let cause = Cause::Resource { resource: need.dim, asked, free };
            reasons.push(Reason::new(&INSUFFICIENT, cause));
        }
    }
    Verdict::Reject { resolvable, reasons }
}
