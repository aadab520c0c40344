//! The sizes that ARCHITECTURE.md states.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use berth_engine::model::Pod;
use berth_engine::record::{Container, NodeRecord, PodRecord, PodSpec, Quantity};
use berth_engine::{Engine, Input};

const PODS: usize = 100_000;

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
