//! What decoding costs. Prints figures; run it optimized:
//! `cargo test --release -p berth --lib decoding_cost -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use berth_engine::Input;
use bytes::Bytes;

use crate::watch::kind::Kind;
use crate::watch::templates::Templates;
use crate::watch::{json, proto};

/// Repeats `decode` for a while and prints the mean.
fn measure(name: &str, bytes: usize, mut decode: impl FnMut()) {
    const ROUNDS: u32 = 20_000;
    for _ in 0..ROUNDS / 10 {
        decode();
    }
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        decode();
    }
    println!("{name}: {bytes} bytes, {:?} each", begun.elapsed() / ROUNDS);
}

#[test]
#[ignore = "prints figures that depend on the machine"]
fn decoding_cost() {
    let job_pod = include_bytes!("fixtures/JobPod.json").to_vec();
    let job_pod_document = Bytes::from_static(include_bytes!("fixtures/JobPod.pb"));
    let fixtures = super::kubernetes_bytes::all();
    let job = ("Pod of a Job", Kind::Pod, job_pod, job_pod_document);
    let named = |(kind, text, document): (Kind, _, _)| (kind.name(), kind, text, document);
    for (name, kind, text, document) in std::iter::once(job).chain(fixtures.take(2).map(named)) {
        let mut templates = Templates::default();
        measure(&format!("{name}, JSON"), text.len(), || {
            json::object(kind, &text, &mut templates).unwrap();
        });
        measure(&format!("{name}, protobuf"), document.len(), || {
            proto::object(kind, &document, &mut templates).unwrap();
        });
    }
}

/// A Job's pods differ in name, uid, index label, hostname, node and token volume, and in nothing
/// of their template.
#[test]
fn pods_of_a_job_share_one_template() {
    let text = include_str!("fixtures/JobPod.json");
    let mut templates = Templates::default();
    let mut shared = |index: &str, node: &str| {
        let text = text.replace("INDEX", index).replace("NODE", node);
        match json::object(Kind::Pod, text.as_bytes(), &mut templates).unwrap().input {
            Input::PodApplied(pod) => pod,
            other => panic!("{other:?}"),
        }
    };
    let (first, second) = (shared("0", ""), shared("1", "node-7"));
    assert_ne!((&first.name, &first.labels), (&second.name, &second.labels));
    assert!(Arc::ptr_eq(&first.spec, &second.spec));
    assert_eq!(first.spec.scheduler_name.as_ref(), "berth");
}
