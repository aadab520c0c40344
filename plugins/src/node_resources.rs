//! What NodeResourcesFit and NodeResourcesBalancedAllocation share: the resources that they score,
//! and how much of each a node would have taken with the pod.
//!
//! Source: `pkg/scheduler/framework/plugins/noderesources/resource_allocation.go`.

pub mod balanced;
pub mod fit;
mod lanes;
mod least;
mod most;
mod ratio;

pub(crate) use ratio::Shape;

use berth_engine::base::NodeIdx;
use berth_engine::framework::Context;
use berth_engine::model::{Column, Dim, NodeTable, Request, is_scalar_resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::FieldError;
use crate::go_json::or_default;

/// A resource with its weight in the score (`config.ResourceSpec`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResourceSpec {
    /// Name of the resource, such as `cpu` or `nvidia.com/gpu`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Weight of the resource; 0 and absent mean 1.
    #[serde(deserialize_with = "or_default")]
    pub weight: i64,
}

/// `cpu` and `memory`, with weight 1 each (`defaultResourceSpec`).
fn default_resources() -> Vec<ResourceSpec> {
    ["cpu", "memory"].map(|name| ResourceSpec { name: name.to_owned(), weight: 1 }).into()
}

/// The defaults of a list: [`default_resources`] for an empty one, weight 1 for 0.
fn set_defaults(resources: &mut Vec<ResourceSpec>) {
    if resources.is_empty() {
        *resources = default_resources();
    }
    for resource in resources.iter_mut().filter(|r| r.weight == 0) {
        resource.weight = 1;
    }
}

/// A point of a scoring function (`config.UtilizationShapePoint`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UtilizationShapePoint {
    /// Utilization in percent, 0 to 100.
    #[serde(deserialize_with = "or_default")]
    #[schemars(range(min = 0, max = 100))]
    pub utilization: i32,
    /// Score at that utilization, 0 to 10.
    #[serde(deserialize_with = "or_default")]
    #[schemars(range(min = 0, max = 10))]
    pub score: i32,
}

/// What is wrong with a shape (`validateFunctionShape`).
pub(crate) fn validate_shape(shape: &[UtilizationShapePoint], path: &str) -> Vec<FieldError> {
    if shape.is_empty() {
        return vec![FieldError::new(path, "Required value: at least one point must be specified")];
    }
    let mut errors = Vec::new();
    let pairs = shape.iter().zip(shape.iter().skip(1)).enumerate();
    let mut falls = pairs.filter(|(_, (a, b))| a.utilization >= b.utilization);
    if let Some((at, (_, point))) = falls.next() {
        let path = format!("{path}[{}].utilization", at + 1);
        let wrong = point.utilization;
        let message = format!("Invalid value: {wrong}: values must be sorted in increasing order");
        errors.push(FieldError::new(path, message));
    }
    for (at, point) in shape.iter().enumerate() {
        for (field, value, max) in
            [("utilization", point.utilization, 100), ("score", point.score, 10)]
        {
            if !(0..=max).contains(&value) {
                let message = format!("Invalid value: {value}: not in valid range [0, {max}]");
                errors.push(FieldError::new(format!("{path}[{at}].{field}"), message));
            }
        }
    }
    errors
}

/// A scored resource that the pod or every node has to do with, with the pod's amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    dim: Dim,
    weight: i64,
    amount: i64,
}

/// The scored resources in the order of the configuration; two by default.
type AskedList = SmallVec<[Asked; 4]>;

/// The resources of `specs` that count for a pod with this request. A name that no node and no
/// pod has ever used, and a scalar that the pod does not ask for, count on no node.
fn asked(specs: &[ResourceSpec], request: &Request, cx: &Context<'_>) -> AskedList {
    let dims = cx.cache.dims();
    specs
        .iter()
        .filter_map(|spec| {
            let dim = dims.get(cx.symbols(), &spec.name)?;
            let amount = request.get(dim);
            let counts = amount != 0 || !is_scalar_resource(&spec.name);
            counts.then_some(Asked { dim, weight: spec.weight, amount })
        })
        .collect()
}

/// One resource of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    /// What the pods on the node take.
    allocated: i64,
    /// The same with the pod.
    requested: i64,
    /// What there is; never 0.
    allocatable: i64,
    weight: i64,
}

/// Which sum over the pods of a node counts for CPU and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sum {
    /// `NodeInfo.Requested`.
    Requested,
    /// `NodeInfo.NonZeroRequested`.
    NonZero,
}

/// One scored resource of all nodes, looked up once for a call.
#[derive(Debug, Clone, Copy)]
struct Scored<'a> {
    asked: Asked,
    // Which of the sums over pods counts.
    nonzero: bool,
    amounts: Column<'a>,
}

/// Mostly CPU and memory.
type Columns<'a> = SmallVec<[Scored<'a>; 2]>;

fn columns<'a>(asked: &[Asked], sum: Sum, nodes: &'a NodeTable) -> Columns<'a> {
    let column = |asked: &Asked| Scored {
        asked: *asked,
        nonzero: sum == Sum::NonZero && (asked.dim == Dim::CPU || asked.dim == Dim::MEMORY),
        amounts: nodes.column(asked.dim),
    };
    asked.iter().map(column).collect()
}

impl Scored<'_> {
    /// What the node has of it; `None` where that is nothing.
    fn share(&self, node: NodeIdx) -> Option<Share> {
        let amounts = self.amounts.get(node).filter(|a| a.allocatable != 0)?;
        let allocated = if self.nonzero { amounts.nonzero } else { amounts.requested };
        // As a node's sum reads where an `i64` does not hold it; Go's wraps round to an empty node.
        let requested = allocated.saturating_add(self.asked.amount);
        let Asked { weight, .. } = self.asked;
        Some(Share { allocated, requested, allocatable: amounts.allocatable, weight })
    }
}

/// The resources that the node has at all.
fn shares(columns: &[Scored<'_>], node: NodeIdx) -> impl Iterator<Item = Share> {
    columns.iter().filter_map(move |column| column.share(node))
}

/// The mean of scores by weight, in integers; 0 without weights.
fn weighted_mean(scores: impl Iterator<Item = (i64, i64)>) -> i64 {
    let (sum, weights) = scores.fold((0i64, 0i64), |(sum, weights), (score, weight)| {
        (sum.wrapping_add(score.wrapping_mul(weight)), weights.wrapping_add(weight))
    });
    match weights {
        0 => 0,
        // The default of two resources, without the time that a division by a variable takes.
        2 => sum / 2,
        weights => sum / weights,
    }
}
