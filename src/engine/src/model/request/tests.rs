use super::*;

fn list(entries: &[(&str, i64)]) -> ResourceList {
    entries
        .iter()
        .map(|(name, amount)| {
            let quantity = if *name == "cpu" {
                Quantity::from_milli(*amount)
            } else {
                Quantity::from_units(*amount)
            };
            (*name, quantity)
        })
        .collect()
}

fn container(entries: &[(&str, i64)], restartable: bool) -> Container {
    Container { name: "c".into(), requests: list(entries), restartable, ..Container::default() }
}

fn footprint(spec: &PodSpec, resize: Option<&Resize>) -> (i64, i64, [i64; 2]) {
    let mut symbols = Symbols::default();
    let mut dims = Dims::new(&mut symbols);
    let f = Footprint::of(spec, resize, &mut dims, &mut symbols);
    (f.request.get(super::super::Dim::CPU), f.request.get(super::super::Dim::MEMORY), f.nonzero)
}

#[test]
fn init_containers_count_as_their_maximum() {
    let spec = PodSpec {
        containers: vec![
            container(&[("cpu", 2000), ("memory", 1)], false),
            container(&[("cpu", 1000), ("memory", 1)], false),
        ],
        init_containers: vec![
            container(&[("cpu", 2000), ("memory", 1)], false),
            container(&[("cpu", 2000), ("memory", 3)], false),
        ],
        ..PodSpec::default()
    };
    assert_eq!(footprint(&spec, None), (3000, 3, [3000, 3]));
}

#[test]
fn sidecars_run_beside_what_follows() {
    let spec = PodSpec {
        containers: vec![container(&[("cpu", 100), ("memory", 1)], false)],
        init_containers: vec![
            container(&[("cpu", 500), ("memory", 1)], true),
            container(&[("cpu", 900), ("memory", 1)], false),
        ],
        overhead: list(&[("cpu", 10)]),
        ..PodSpec::default()
    };
    assert_eq!(footprint(&spec, None).0, 1410);
}

#[test]
fn missing_requests_count_when_scoring_only() {
    let spec = PodSpec {
        containers: vec![container(&[], false), container(&[("cpu", 0)], false)],
        ..PodSpec::default()
    };
    let memory = 2 * NONZERO_MEMORY;
    assert_eq!(footprint(&spec, None), (0, 0, [NONZERO_MILLI_CPU, memory]));
}

#[test]
fn pod_level_requests_override_and_silence_the_default() {
    let spec = PodSpec {
        containers: vec![container(&[("memory", 5)], false), container(&[], false)],
        pod_requests: Some(list(&[("cpu", 700)])),
        ..PodSpec::default()
    };
    assert_eq!(footprint(&spec, None), (700, 5, [700, 5]));
    assert_eq!(container_requests(&spec, true).get("cpu").map(|q| q.milli_value()), Some(200));
}

#[test]
fn a_resize_counts_as_the_largest_of_what_may_be_in_force() {
    let spec = PodSpec {
        containers: vec![container(&[("cpu", 300), ("memory", 9)], false)],
        ..PodSpec::default()
    };
    let status = |pending, allocated: i64, actuated: i64| Resize {
        pending,
        statuses: vec![ContainerStatus {
            name: "c".into(),
            allocated: Some(list(&[("cpu", allocated), ("memory", 9)])),
            requests: Some(list(&[("cpu", actuated), ("memory", 9)])),
        }],
        ..Resize::default()
    };
    assert_eq!(footprint(&spec, Some(&status(None, 200, 100))).0, 300);
    assert_eq!(footprint(&spec, Some(&status(None, 200, 500))).0, 500);
    let infeasible = Some(ResizePending::Infeasible);
    assert_eq!(footprint(&spec, Some(&status(infeasible, 200, 100))).0, 200);
}

#[test]
fn an_empty_pod_level_status_is_not_set() {
    let spec =
        PodSpec { containers: vec![container(&[("cpu", 300)], false)], ..PodSpec::default() };
    let resize = Resize {
        pod_allocated: Some(list(&[("cpu", 100)])),
        pod_requests: Some(list(&[])),
        ..Resize::default()
    };
    assert_eq!(footprint(&spec, Some(&resize)).0, 300);
    let infeasible = Resize { pending: Some(ResizePending::Infeasible), ..resize };
    assert_eq!(footprint(&spec, Some(&infeasible)).0, 0);
}
