#![allow(clippy::unwrap_used)]
use super::*;

const FILE: &str = "
- name: Basic
  defaultPodTemplatePath: ../pod.yaml
  labels: [all]
  featureGates: {SchedulerAsyncAPICalls: true}
  workloadTemplate:
  - opcode: createNodes
    countParam: $nodes
  - opcode: createPods
    countParam: $pods
    collectMetrics: true
  workloads:
  - name: small
    labels: [short]
    threshold: 680
    params: {nodes: 5, pods: 10}
  - name: wrong
    params: {nodes: 5}
  - name: spare
    params: {nodes: 5, pods: 10, pdos: 3}
  - name: gated
    featureGates: {DynamicResourceAllocation: true}
    params: {nodes: 5, pods: 10}
- name: Groups
  workloadTemplate:
  - opcode: createPodGroups
    count: 1
  workloads:
  - name: any
- name: Typo
  workloadTemplates: []
  workloads: []
";

fn parsed() -> Vec<Result<Workload>> {
    Workload::parse(FILE, Path::new("dir")).unwrap()
}

#[test]
fn a_workload_is_its_case_with_numbers() {
    let basic = parsed().remove(0).unwrap();
    assert_eq!((basic.name.as_str(), basic.case()), ("Basic/small", "Basic"));
    assert_eq!(basic.labels, ["all", "short"]);
    assert!(basic.is_first && basic.has_label("short") && !basic.has_label("long"));
    let [Op::CreateNodes(nodes), Op::CreatePods(pods)] = &basic.ops[..] else { panic!("two ops") };
    assert_eq!((nodes.count, pods.count), (5, 10));
    assert_eq!(basic.path("../pod.yaml"), Path::new("dir/../pod.yaml"));
    assert!(basic.feature_gates["SchedulerAsyncAPICalls"]);
}

#[test]
fn a_wrong_workload_says_what_is_wrong_and_spares_the_others() {
    let errors: Vec<String> =
        parsed().into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    let expected = [
        ("Basic/wrong", "parameter pods"),
        ("Basic/spare", "pdos"),
        ("Basic/gated", "DynamicResourceAllocation"),
        ("Groups/any", "createPodGroups"),
        ("Typo", "workloadTemplates"),
    ];
    assert_eq!(errors.len(), expected.len());
    for (error, (place, what)) in errors.iter().zip(expected) {
        assert!(error.contains(place) && error.contains(what), "{error}");
    }
}

#[test]
fn a_file_is_a_list() {
    assert!(Workload::parse("name: x", Path::new(".")).is_err());
    let missing = Workload::load(Path::new("gone.yaml")).unwrap_err();
    assert!(format!("{missing:#}").contains("gone.yaml"));
}

#[test]
fn every_workload_of_ours_is_understood() {
    let dir = crate::package_dir().join("bench/workloads");
    let mut names = Vec::new();
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "yaml") {
            for workload in Workload::load(&path).unwrap() {
                names.push(workload.unwrap().name);
            }
        }
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two workloads of one name");
    assert!(names.iter().any(|name| name == "plain/5000Nodes_10000Pods"));
}

#[test]
fn a_barrier_knows_namespaces_with_and_without_pods() {
    let parsed = |namespaces: &str| {
        let text = format!(
            "
- name: a
  workloadTemplate:
  - {{opcode: createNamespaces, prefix: empty, count: 2}}
  - {{opcode: createPods, count: 1, collectMetrics: true}}
  - {{opcode: barrier, namespaces: {namespaces}}}
  - {{opcode: createPods, count: 1, namespace: later}}
  workloads: [{{name: first}}]
"
        );
        Workload::parse(&text, Path::new(".")).unwrap().remove(0)
    };
    parsed("[empty-0, empty-1, namespace-1]").unwrap();
    for unknown in ["empty-2", "namespace-0", "later"] {
        let error = format!("{:#}", parsed(&format!("[empty-0, {unknown}]")).unwrap_err());
        let place = format!("workloadTemplate[2]: opcode barrier: unknown namespace {unknown}");
        assert!(error.contains(&place), "{error}");
    }
}
