//! What a pod asks for, by kube-scheduler's arithmetic.
//!
//! Source: `PodRequests` in `staging/src/k8s.io/component-helpers/resource/helpers.go` and
//! `PodInfo.CalculateResource` in `pkg/scheduler/framework/types.go`.

use std::collections::BTreeMap;

use crate::base::Symbols;
use crate::record::{
    Container, ContainerStatus, PodSpec, Quantity, Resize, ResizePending, ResourceList,
};
use crate::stored::stored;

use super::{Dims, Request};

/// CPU that a container without a CPU request counts as when scoring (`DefaultMilliCPURequest`).
pub const NONZERO_MILLI_CPU: i64 = 100;
/// Memory that a container without a memory request counts as, 200 Mi (`DefaultMemoryRequest`).
pub const NONZERO_MEMORY: i64 = 200 * 1024 * 1024;

/// What a pod takes on its node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Footprint {
    /// `NodeInfo.Requested` share.
    pub request: Request,
    /// `NodeInfo.NonZeroRequested` share: milli CPU, bytes of memory.
    pub nonzero: [i64; 2],
}

type Amounts<'a> = BTreeMap<&'a str, Quantity>;

/// Values used for containers that do not name the resource.
#[derive(Debug, Clone, Copy, Default)]
struct Missing {
    cpu: bool,
    memory: bool,
}

/// Which of a container's lists counts.
#[derive(Debug, Clone, Copy)]
enum View {
    Spec,
    Allocated,
    Actuated,
}

impl Footprint {
    /// The footprint of a pod on a node; `resize` is its in-place resize state, if any.
    pub fn of(
        spec: &PodSpec,
        resize: Option<&Resize>,
        dims: &mut Dims,
        symbols: &mut Symbols,
    ) -> Self {
        let amounts = existing(spec, resize, Missing::default());
        let pod_level = pod_level_is_set(spec);
        let missing = Missing {
            cpu: !pod_level || !amounts.contains_key("cpu"),
            memory: !pod_level || !amounts.contains_key("memory"),
        };
        let nonzero = existing(spec, resize, missing);
        Self {
            request: Request::from_amounts(amounts, dims, symbols),
            nonzero: [
                nonzero.get("cpu").map_or(0, |q| q.milli_value()),
                nonzero.get("memory").map_or(0, |q| q.value()),
            ],
        }
    }
}

/// Request of an incoming pod by resource name, pod-level requests and overhead included.
pub fn pod_requests(spec: &PodSpec) -> BTreeMap<&str, Quantity> {
    existing(spec, None, Missing::default())
}

/// Container sums with overhead but without pod-level requests; with `nonzero`, containers that do
/// not name CPU or memory count as 100m or 200Mi. What NodeResourcesFit scores an incoming pod by.
pub fn container_requests(spec: &PodSpec, nonzero: bool) -> BTreeMap<&str, Quantity> {
    let missing = Missing { cpu: nonzero, memory: nonzero };
    let mut amounts = aggregate(spec, None, View::Spec, missing);
    add_list(&mut amounts, &spec.overhead);
    amounts
}

fn existing<'a>(spec: &'a PodSpec, resize: Option<&'a Resize>, missing: Missing) -> Amounts<'a> {
    let mut amounts = match resize {
        None => aggregate(spec, None, View::Spec, missing),
        Some(resize) => resized(spec, resize, missing),
    };
    if pod_level_is_set(spec) {
        for (name, amount) in effective_pod_level(spec, resize) {
            if is_pod_level(name) {
                amounts.insert(name, amount);
            }
        }
    }
    add_list(&mut amounts, &spec.overhead);
    amounts
}

/// KEP-1287: the maximum of the whole-pod sums of spec, allocated and actuated.
fn resized<'a>(spec: &'a PodSpec, resize: &'a Resize, missing: Missing) -> Amounts<'a> {
    // An absent map and an empty one are the same on the wire; Go takes either as not set.
    let pod_requests = resize.pod_requests.as_ref().filter(|list| !list.is_empty());
    let (allocated, actuated) = match (&resize.pod_allocated, pod_requests) {
        (Some(allocated), Some(actuated)) => {
            (allocated.iter().collect(), actuated.iter().collect::<Amounts<'_>>())
        }
        _ => (
            aggregate(spec, Some(resize), View::Allocated, missing),
            aggregate(spec, Some(resize), View::Actuated, missing),
        ),
    };
    let mut amounts = actuated;
    raise_to(&mut amounts, &allocated);
    if resize.pending != Some(ResizePending::Infeasible) {
        raise_to(&mut amounts, &aggregate(spec, Some(resize), View::Spec, missing));
    }
    amounts
}

fn effective_pod_level<'a>(spec: &'a PodSpec, resize: Option<&'a Resize>) -> Amounts<'a> {
    let own = || spec.pod_requests.iter().flat_map(ResourceList::iter).collect::<Amounts<'_>>();
    let Some(resize) = resize.filter(|r| r.pod_requests.is_some()) else { return own() };
    let infeasible = resize.pending == Some(ResizePending::Infeasible);
    let mut amounts = if infeasible { Amounts::new() } else { own() };
    for list in [&resize.pod_requests, &resize.pod_allocated].into_iter().flatten() {
        raise_to(&mut amounts, &list.iter().collect());
    }
    amounts
}

fn aggregate<'a>(
    spec: &'a PodSpec,
    resize: Option<&'a Resize>,
    view: View,
    missing: Missing,
) -> Amounts<'a> {
    let of = |container| with_missing(container_list(container, resize, view), missing);
    let mut sum = Amounts::new();
    for container in &spec.containers {
        add(&mut sum, &of(container));
    }
    let mut sidecars = Amounts::new();
    let mut init = Amounts::new();
    for container in &spec.init_containers {
        let mut need = of(container);
        if container.restartable {
            add(&mut sum, &need);
            add(&mut sidecars, &need);
            need.clone_from(&sidecars);
        } else {
            add(&mut need, &sidecars);
        }
        raise_to(&mut init, &need);
    }
    raise_to(&mut sum, &init);
    sum
}

fn container_list<'a>(
    container: &'a Container,
    resize: Option<&'a Resize>,
    view: View,
) -> Option<&'a ResourceList> {
    let status: Option<&ContainerStatus> =
        resize.and_then(|r| r.statuses.iter().find(|s| s.name == container.name));
    let infeasible = resize.is_some_and(|r| r.pending == Some(ResizePending::Infeasible));
    let fallback = || (!infeasible).then_some(&container.requests);
    let allocated = status.and_then(|s| s.allocated.as_ref());
    match view {
        View::Spec => Some(&container.requests),
        View::Allocated => allocated.or_else(fallback),
        View::Actuated => status.and_then(|s| s.requests.as_ref()).or(allocated).or_else(fallback),
    }
}

fn with_missing(list: Option<&ResourceList>, missing: Missing) -> Amounts<'_> {
    let mut amounts: Amounts<'_> = list.into_iter().flat_map(ResourceList::iter).collect();
    if missing.cpu {
        amounts.entry("cpu").or_insert(Quantity::from_milli(NONZERO_MILLI_CPU));
    }
    if missing.memory {
        amounts.entry("memory").or_insert(Quantity::from_units(NONZERO_MEMORY));
    }
    amounts
}

fn add<'a>(sum: &mut Amounts<'a>, other: &Amounts<'a>) {
    for (name, amount) in other {
        let slot = sum.entry(name).or_default();
        *slot = *slot + *amount;
    }
}

fn add_list<'a>(sum: &mut Amounts<'a>, list: &'a ResourceList) {
    for (name, amount) in list.iter() {
        let slot = sum.entry(name).or_default();
        *slot = *slot + amount;
    }
}

fn raise_to<'a>(amounts: &mut Amounts<'a>, other: &Amounts<'a>) {
    for (name, amount) in other {
        let slot = amounts.entry(name).or_insert(*amount);
        *slot = (*slot).max(*amount);
    }
}

fn is_pod_level(name: &str) -> bool {
    name == "cpu" || name == "memory" || name.starts_with("hugepages-")
}

/// `IsPodLevelRequestsSet`.
fn pod_level_is_set(spec: &PodSpec) -> bool {
    spec.pod_requests.as_ref().is_some_and(|list| list.iter().any(|(name, _)| is_pod_level(name)))
}

stored! { struct Footprint { request, nonzero } }

#[cfg(test)]
mod tests;
