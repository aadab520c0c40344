//! A resize state that is not recorded must not have mattered: the engine's request rule gives the
//! same with it as without.

use berth_engine::base::Symbols;
use berth_engine::model::{Dims, Footprint};
use berth_engine::record::{ContainerStatus as StatusRecord, Resize, ResourceList};
use proptest::prelude::*;

use super::random::{Draw, Random};
use crate::watch::wire::container::Resources;
use crate::watch::wire::pod_spec::PodSpec;
use crate::watch::wire::pod_status::{ContainerStatus, PodStatus};
use crate::watch::wire::resize;
use crate::watch::wire::scalar::{Quantity, Resource, resource_list};

/// A short list of few resources and amounts, so that equal ones are common.
fn list(draw: &mut Draw) -> Vec<Resource> {
    let names = ["cpu", "memory", "hugepages-2Mi", "example.com/gpu"];
    let mut list = Vec::new();
    for name in names {
        if draw.below(2) == 0 {
            let string = Some(["0", "1", "1000m", "2"][draw.below(4)].into());
            list.push(Resource { key: Some(name.into()), value: Some(Quantity { string }) });
        }
    }
    list
}

/// Its own list half of the time, so that the status repeats the spec often.
fn repeated(draw: &mut Draw, own: &[Resource]) -> Vec<Resource> {
    match draw.below(4) {
        0 => list(draw),
        1 => Vec::new(),
        _ => own.to_vec(),
    }
}

fn requests(list: Vec<Resource>) -> Option<Resources> {
    Some(Resources { requests: list, limits: Vec::new() })
}

/// A pod of one or two containers and an init container, with the status that a kubelet might
/// report.
fn pod(draw: &mut Draw) -> (PodSpec, PodStatus) {
    let mut spec = PodSpec::default();
    let mut status = PodStatus::default();
    for (at, name) in ["a", "b", "i", "s"].into_iter().enumerate() {
        if at > 0 && draw.below(2) == 0 {
            continue;
        }
        let mut container = crate::watch::wire::container::Container::default();
        let own = list(draw);
        container.name = Some(name.into());
        container.resources = requests(own.clone());
        let reported = ContainerStatus {
            name: Some(name.into()),
            allocated_resources: repeated(draw, &own),
            resources: requests(repeated(draw, &own)),
        };
        let report = draw.below(4) > 0;
        let statuses = if at < 2 {
            spec.containers.push(container);
            &mut status.container_statuses
        } else {
            container.restart_policy = (name == "s").then(|| "Always".into());
            spec.init_containers.push(container);
            &mut status.init_container_statuses
        };
        if report {
            statuses.push(reported);
        }
    }
    let own = list(draw);
    if draw.below(2) == 0 {
        spec.resources = requests(own.clone());
    }
    if draw.below(2) == 0 {
        status.allocated_resources = repeated(draw, &own);
        let actuated = repeated(draw, &own);
        if bool::random(draw) && !actuated.is_empty() {
            status.resources = requests(actuated);
        }
    }
    (spec, status)
}

/// The whole resize state, whether it repeats the spec or not.
fn whole(status: &PodStatus) -> Resize {
    let set = |list: &Vec<Resource>| -> Option<ResourceList> {
        (!list.is_empty()).then(|| resource_list(list.clone()).unwrap())
    };
    let statuses = status.container_statuses.iter().chain(&status.init_container_statuses);
    Resize {
        pending: None,
        statuses: statuses
            .map(|s| StatusRecord {
                name: s.name.clone().unwrap().into(),
                allocated: set(&s.allocated_resources),
                requests: s.resources.as_ref().and_then(|r| set(&r.requests)),
            })
            .collect(),
        pod_allocated: set(&status.allocated_resources),
        pod_requests: status.resources.as_ref().map(|r| resource_list(r.requests.clone()).unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_not_recorded_does_not_matter(seed: u64) {
        let (spec, status) = pod(&mut Draw::new(seed));
        let all = whole(&status);
        let spec = spec.record("p").unwrap();
        let (_, recorded) = resize::record(status, &spec).unwrap();
        let mut symbols = Symbols::default();
        let mut dims = Dims::new(&mut symbols);
        let mut of = |resize| Footprint::of(&spec, resize, &mut dims, &mut symbols);
        prop_assert_eq!(of(recorded.as_ref()), of(Some(&all)), "{:?} {:?}", spec, all);
    }
}
