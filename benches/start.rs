//! What a start costs besides the API server's time: 150,000 bound pods of Indexed Jobs decoded
//! from protobuf and taken in by the engine. `cargo bench -p berth --bench start`
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use berth::watch::{Asked, Format, Kind, decode_bytes};
use berth_engine::record::NodeRecord;
use berth_engine::{Control, Engine, Input};

const NODES: usize = 5_000;
const PODS: usize = 150_000;
/// Pods decoded before they are handed on, as a watch does.
const BATCH: usize = 500;

/// A pod of a Job as kube-apiserver writes it, with `INDEX` for its index and `NODE` for its node.
const POD: &[u8] = include_bytes!("../src/watch/tests/fixtures/JobPod.pb");

fn main() {
    let mut engine = Engine::new(None);
    let config = berth::config::default_engine_config(&berth_plugins::in_tree().unwrap()).unwrap();
    let nodes = (0..NODES).map(|at| {
        let name = format!("{at:04}").into();
        Input::NodeApplied(Arc::new(NodeRecord { name, ..NodeRecord::default() }))
    });
    let settings = [Input::Control(Control::Pause(true)), Input::Config(Arc::new(config))];
    let inputs = settings.into_iter().chain(nodes);
    engine.step(inputs, 1_000, &mut Vec::new(), &mut ());
    let before = resident_kib();
    let (mut decode, mut take_in, mut bytes) = (Duration::ZERO, Duration::ZERO, 0);
    for start in (0..PODS).step_by(BATCH) {
        let list = list(start..start + BATCH);
        bytes += list.len();
        let begun = Instant::now();
        let pods = decode_bytes(Format::Protobuf, Asked::List, Kind::Pod, &list);
        decode += begun.elapsed();
        let inputs: Vec<Input> = pods.into_iter().map(|pod| pod.unwrap()).collect();
        assert_eq!(inputs.len(), BATCH);
        let begun = Instant::now();
        engine.step(inputs, 1_000, &mut Vec::new(), &mut ());
        take_in += begun.elapsed();
    }
    assert_eq!(engine.cache().pods().count(), PODS);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / PODS as f64;
    println!(
        "{PODS} pods of {} bytes each on {NODES} nodes: decoded in {decode:.2?} ({:.1} µs each), \
         taken in in {take_in:.2?} ({:.1} µs each); resident memory grew by {} bytes a pod, lists \
         being read included",
        bytes / PODS,
        each(decode),
        each(take_in),
        (resident_kib() - before) * 1024 / PODS
    );
}

/// A list of these pods in its envelope.
fn list(indexes: std::ops::Range<usize>) -> Vec<u8> {
    let mut items = Vec::new();
    for index in indexes {
        // The object is the field `raw` of its envelope, behind the type.
        let item = named(raw(POD), index);
        items.push(0x12);
        varint(item.len(), &mut items);
        items.extend_from_slice(&item);
    }
    let mut list = b"k8s\0\x12".to_vec();
    varint(items.len(), &mut list);
    list.extend_from_slice(&items);
    list
}

/// The content of field 2 of an envelope.
fn raw(document: &[u8]) -> &[u8] {
    let mut rest = document.strip_prefix(b"k8s\0").unwrap();
    loop {
        let key = rest[0];
        let (mut length, mut at) = (0, 1);
        loop {
            length |= usize::from(rest[at] & 0x7f) << (7 * (at - 1));
            at += 1;
            if rest[at - 1] < 0x80 {
                break;
            }
        }
        let content = &rest[at..at + length];
        if key == 0x12 {
            return content;
        }
        rest = &rest[at + length..];
    }
}

/// The pod of this index: words of the same length in place of the template's, five digits of 36
/// for the index and four for the node.
fn named(pod: &[u8], index: usize) -> Vec<u8> {
    let digits = |mut value: usize, count: usize| {
        let mut text = vec![b'0'; count];
        for place in text.iter_mut().rev() {
            *place = b"0123456789"[value % 10];
            value /= 10;
        }
        text
    };
    let mut pod = pod.to_vec();
    // 150,000 have six digits: the first is a letter.
    let mut word = digits(index % 10_000, 5);
    word[0] = b'a' + u8::try_from(index / 10_000).unwrap();
    replace(&mut pod, b"INDEX", &word);
    replace(&mut pod, b"NODE", &digits(index % NODES, 4));
    // `metadata.uid` is the first uid; the owner's follow.
    let uid = pod.windows(12).position(|window| window == b"00000000abcd");
    let at = uid.unwrap();
    pod[at..at + 8].copy_from_slice(&digits(index, 8));
    pod
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|window| window == from) {
        bytes[at + found..at + found + to.len()].copy_from_slice(to);
        at += found + to.len();
    }
}

fn varint(mut value: usize, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
