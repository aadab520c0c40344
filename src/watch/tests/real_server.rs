//! Against a real API server: `KUBECONFIG=… cargo test -p berth --lib real_server -- --ignored`.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use berth_engine::Input;
use tokio::sync::mpsc;

use crate::watch::{CHANNEL_BATCHES, Format, WatchOptions, Watches};

/// The whole world in one format, by name, and the bytes and nanoseconds it took.
async fn world(client: &kube::Client, format: Format) -> (BTreeMap<String, String>, u64, u64) {
    let (sender, mut inputs) = mpsc::channel(CHANNEL_BATCHES);
    let watches = Watches::start(
        client,
        &WatchOptions { format, page_size: 7, ..WatchOptions::default() },
        &sender,
    );
    drop(sender);
    let mut records = BTreeMap::new();
    let mut states = watches.states();
    let mut ready = false;
    while !ready {
        tokio::select! {
            changed = states.wait_for(crate::watch::States::is_ready) => ready = changed.is_ok(),
            batch = inputs.recv() => record(&mut records, batch.expect("running watches")),
            () = tokio::time::sleep(Duration::from_secs(30)) => {
                panic!("not ready: {:?}", watches.states().borrow().pending().collect::<Vec<_>>())
            }
        }
    }
    // Some seconds of watching, so that events are decoded too.
    let until = tokio::time::Instant::now() + Duration::from_secs(5);
    while let Ok(batch) = tokio::time::timeout_at(until, inputs.recv()).await {
        record(&mut records, batch.expect("running watches"));
    }
    let sum = |field: fn(&crate::watch::KindStats) -> u64| {
        watches.stats().iter().map(|(_, stats)| field(stats)).sum::<u64>()
    };
    for (kind, stats) in watches.stats().iter() {
        println!("{format:?} {kind}: {stats:?}");
    }
    assert_eq!(sum(|stats| stats.malformed.load(Relaxed)), 0);
    assert_eq!(sum(|stats| stats.failures.load(Relaxed)), 0);
    let cost = (sum(|s| s.decoded_bytes.load(Relaxed)), sum(|s| s.decode_nanos.load(Relaxed)));
    watches.stop().await;
    (records, cost.0, cost.1)
}

fn record(records: &mut BTreeMap<String, String>, batch: Vec<Input>) {
    for input in batch {
        let text = format!("{input:?}");
        let name = match &input {
            Input::PodApplied(pod) => format!("pod {}/{}", pod.namespace, pod.name),
            Input::NodeApplied(node) => format!("node {}", node.name),
            other => format!("{other:?}").chars().take(120).collect(),
        };
        records.insert(name, text);
    }
}

#[tokio::test]
#[ignore = "needs KUBECONFIG"]
async fn both_formats_show_the_same_world() {
    let client = kube::Client::try_default().await.unwrap();
    let (from_proto, bytes, nanos) = world(&client, Format::Protobuf).await;
    println!("protobuf: {} records, {bytes} bytes, {nanos} ns", from_proto.len());
    let (from_json, bytes, nanos) = world(&client, Format::Json).await;
    println!("JSON: {} records, {bytes} bytes, {nanos} ns", from_json.len());
    assert!(!from_proto.is_empty());
    assert_eq!(from_proto, from_json);
}
