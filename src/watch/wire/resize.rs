//! In-place resize state, recorded only where kube-scheduler's request rule could give another
//! result with it than from the spec alone.
//!
//! Source: `component-helpers/resource/helpers.go`, `PodRequests` with `UseStatusResources` and
//! `InPlacePodLevelResourcesVerticalScalingEnabled`.

use berth_engine::record::{
    ContainerStatus as StatusRecord, PodSpec, Quantity, Resize, ResizePending, ResourceList,
};

use super::container::Resources;
use super::pod_status::{ContainerStatus, PodStatus};
use super::scalar::{Resource, each, resource_list, text};
use crate::watch::error::{FieldError, Within};

/// The nominated node name and the resize state of `status`.
///
/// Every running pod's status repeats its spec, per container and (kubelet 1.37) for the pod as a
/// whole; of that nothing is kept.
pub(crate) fn record(
    status: PodStatus,
    spec: &PodSpec,
) -> Result<(Option<String>, Option<Resize>), FieldError> {
    let pending = pending(&status);
    let mut statuses = each(status.container_statuses, container).within("containerStatuses")?;
    statuses
        .extend(each(status.init_container_statuses, container).within("initContainerStatuses")?);
    let pod_allocated = set(status.allocated_resources).within("allocatedResources")?;
    let pod_requests = match status.resources {
        Some(Resources { requests, .. }) => {
            Some(resource_list(requests).within("requests").within("resources")?)
        }
        None => None,
    };
    let resize = Resize { pending, statuses, pod_allocated, pod_requests };
    let repeats = resize.pending.is_none()
        && aggregates_repeat_spec(&resize, spec)
        && override_repeats_spec(&resize, spec);
    Ok((status.nominated_node_name, (!repeats).then_some(resize)))
}

/// Reason of the first `PodResizePending` condition; its status is not read, as in
/// `IsPodResizeInfeasible`.
fn pending(status: &PodStatus) -> Option<ResizePending> {
    let condition =
        status.conditions.iter().find(|c| c.kind.as_deref() == Some("PodResizePending"))?;
    match condition.reason.as_deref() {
        Some("Infeasible") => Some(ResizePending::Infeasible),
        Some("Deferred") => Some(ResizePending::Deferred),
        _ => None,
    }
}

fn container(wire: ContainerStatus) -> Result<StatusRecord, FieldError> {
    Ok(StatusRecord {
        name: text(wire.name),
        allocated: set(wire.allocated_resources).within("allocatedResources")?,
        requests: set(wire.resources.unwrap_or_default().requests)
            .within("requests")
            .within("resources")?,
    })
}

/// A resource list where it lists something.
fn set(entries: Vec<Resource>) -> Result<Option<ResourceList>, FieldError> {
    if entries.is_empty() { Ok(None) } else { resource_list(entries).map(Some) }
}

/// Whether max(spec, actuated, allocated) is the spec's aggregate. Where both pod-level lists are
/// set they stand for the containers' statuses, otherwise those count, each found by name as
/// `findContainerStatus` does.
fn aggregates_repeat_spec(resize: &Resize, spec: &PodSpec) -> bool {
    let requests = resize.pod_requests.as_ref().filter(|list| !list.is_empty());
    if let (Some(allocated), Some(requests)) = (&resize.pod_allocated, requests) {
        return [allocated, requests]
            .into_iter()
            .all(|list| list.iter().all(|(name, amount)| amount <= aggregate(spec, name)));
    }
    spec.containers.iter().chain(&spec.init_containers).all(|container| {
        let status = resize.statuses.iter().find(|status| status.name == container.name);
        status.is_none_or(|status| {
            [&status.allocated, &status.requests]
                .into_iter()
                .flatten()
                .all(|list| *list == container.requests)
        })
    })
}

/// Whether the pod-level override is the spec's own: it is the maximum of the spec's pod-level
/// requests and the two pod-level lists of the status.
fn override_repeats_spec(resize: &Resize, spec: &PodSpec) -> bool {
    let (Some(own), Some(requests)) = (&spec.pod_requests, &resize.pod_requests) else {
        return true;
    };
    resize.pod_allocated.iter().chain([requests]).flat_map(ResourceList::iter).all(
        |(name, amount)| !pod_level(name) || own.get(name).is_some_and(|limit| amount <= limit),
    )
}

/// `IsSupportedPodLevelResource`.
fn pod_level(name: &str) -> bool {
    name == "cpu" || name == "memory" || name.starts_with("hugepages-")
}

/// `AggregateContainerRequests` of one resource, from the spec alone.
fn aggregate(spec: &PodSpec, name: &str) -> Quantity {
    let own = |requests: &ResourceList| requests.get(name).unwrap_or(Quantity::ZERO);
    let mut running = spec.containers.iter().fold(Quantity::ZERO, |sum, c| sum + own(&c.requests));
    let (mut sidecars, mut peak) = (Quantity::ZERO, Quantity::ZERO);
    for init in &spec.init_containers {
        let amount = own(&init.requests);
        if init.restartable {
            running = running + amount;
            sidecars = sidecars + amount;
            peak = peak.max(sidecars);
        } else {
            peak = peak.max(sidecars + amount);
        }
    }
    running.max(peak)
}
