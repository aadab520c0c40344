//! The sizes that ARCHITECTURE.md states.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::{Arc, Mutex, PoisonError};

use berth_engine::base::HashKey;
use berth_engine::model::Pod;
use berth_engine::record::{Container, NodeRecord, PodRecord, PodSpec, Quantity};
use berth_engine::{Engine, Input};

const PODS: usize = 100_000;

/// One at a time: what another test allocates meanwhile is in the resident set as well.
static ALONE: Mutex<()> = Mutex::new(());

/// A counting allocator needs `unsafe`, which is forbidden here: the heap is measured from
/// outside, by the resident set of this process.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}

fn uid(i: usize) -> String {
    format!("{:08x}-0000-4000-8000-{:012x}", i, i * 7919)
}

#[test]
fn a_pod_row_is_64_bytes() {
    assert_eq!(size_of::<Pod>(), 64);
    assert_eq!(size_of::<Option<Pod>>(), 64);
}

#[test]
fn a_bound_pod_costs_at_most_160_bytes() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut engine = Engine::new(None);
    for n in 0..1_000 {
        let node = NodeRecord { name: format!("node-{n}").into(), ..NodeRecord::default() };
        engine.step([Input::NodeApplied(Arc::new(node))], 0, &mut Vec::new(), &mut ());
    }
    let spec = Arc::new(PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting([("cpu", Quantity::from_milli(100))])],
        ..PodSpec::default()
    });
    let add = |engine: &mut Engine, i: usize| {
        // The name of a Job's pod: Job, index, five random letters.
        let name = format!("train-resnet-{}-x{:04x}", i % 500, i % 65_536);
        let mut pod = PodRecord::new("research", &name, &uid(i), Arc::clone(&spec));
        pod.labels = [("batch.kubernetes.io/job-name", "train-resnet"), ("app", "resnet")]
            .into_iter()
            .collect();
        pod.node_name = Some(format!("node-{}", i % 1_000).into());
        engine.step([Input::PodApplied(Box::new(pod))], 0, &mut Vec::new(), &mut ());
    };
    // The first tenth warms the allocator and the tables up.
    for i in 0..PODS / 10 {
        add(&mut engine, i);
    }
    let before = resident_bytes();
    let counted = PODS - PODS / 10;
    for i in PODS / 10..PODS {
        add(&mut engine, i);
    }
    let each = (resident_bytes() - before) / counted;
    println!("a bound pod costs {each} bytes, measured over {counted}");
    assert_eq!(engine.cache().pods().count(), PODS);
    assert_eq!(engine.cache().classes().count(), 1);
    assert!(each <= 160, "a bound pod costs {each} bytes");
}

/// A node of a cloud: name, labels, amounts.
fn cloud_node(n: usize) -> Input {
    let labels = [
        ("kubernetes.io/hostname", format!("node-{n}")),
        ("kubernetes.io/arch", "amd64".to_owned()),
        ("kubernetes.io/os", "linux".to_owned()),
        ("node.kubernetes.io/instance-type", format!("m5.{}xlarge", 1 << (n % 4))),
        ("topology.kubernetes.io/region", "eu-central-1".to_owned()),
        ("topology.kubernetes.io/zone", format!("eu-central-1{}", ["a", "b", "c"][n % 3])),
    ];
    let amounts = ["cpu", "memory", "ephemeral-storage", "pods"];
    let amounts = amounts.map(|name| (name, Quantity::from_units(1 << 30)));
    Input::NodeApplied(Arc::new(NodeRecord {
        name: format!("node-{n}").into(),
        uid: uid(n).into(),
        labels: labels.into_iter().collect(),
        allocatable: amounts.into_iter().collect(),
        ..NodeRecord::default()
    }))
}

/// 5,000 nodes and 150,000 bound pods of 300 indexed Jobs.
fn cluster() -> Engine {
    let mut engine = Engine::new(None);
    engine.step((0..5_000).map(cloud_node), 0, &mut Vec::new(), &mut ());
    let jobs: Vec<(String, Arc<PodSpec>)> = (0..300)
        .map(|job| {
            let requests = [("cpu", Quantity::from_milli(100 + job))];
            let containers = vec![Container::requesting(requests)];
            let scheduler_name = "berth".into();
            let spec = PodSpec { scheduler_name, containers, ..PodSpec::default() };
            (format!("train-resnet-{job}"), Arc::new(spec))
        })
        .collect();
    let pods = (0..150_000).map(|i| {
        let ((job, spec), index) = (&jobs[i % 300], i / 300);
        let name = format!("{job}-{index}-x{:04x}", i % 65_536);
        let mut pod = PodRecord::new("research", &name, &uid(i), Arc::clone(spec));
        let index = index.to_string();
        pod.labels = [
            ("batch.kubernetes.io/job-name", job.as_str()),
            ("batch.kubernetes.io/job-completion-index", &index),
            ("app", "resnet"),
        ]
        .into_iter()
        .collect();
        pod.node_name = Some(format!("node-{}", i % 5_000).into());
        Input::PodApplied(Box::new(pod))
    });
    engine.step(pods, 0, &mut Vec::new(), &mut ());
    engine
}

#[test]
fn a_saved_state_takes_at_most_100_bytes_a_pod() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let engine = cluster();
    let begun = std::time::Instant::now();
    let state = engine.save();
    let saved = begun.elapsed();
    let nobody = |_: &str| Err("there is no configuration");
    let loaded = Engine::load(&state, None, HashKey::PUBLIC, nobody).unwrap();
    let loading = begun.elapsed() - saved;
    println!("{} bytes, saved in {saved:.1?}, loaded in {loading:.1?}", state.len());
    assert_eq!(loaded.cache().pods().count(), 150_000);
    assert!(loaded.save() == state);
    // The nodes' objects are 2 MB of it.
    assert!(state.len() < 15_000_000, "{} bytes", state.len());
}
