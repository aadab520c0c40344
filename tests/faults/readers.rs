//! Snapshots for readers, beside a scheduler that goes on.

use berth::cli::evaluate::judge;
use berth::scheduler::Unread;
use berth_engine::TooManySnapshots;

use crate::pods::{PODS_PER_NODE, nodes, refusal};
use crate::stage::Stage;

const NODES: usize = 2;
const PODS: usize = NODES * PODS_PER_NODE;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_stays_as_it_was_and_a_third_is_refused() {
    let stage = Stage::with_nodes(nodes(NODES)).await;
    stage.create_pods("pod", PODS);
    stage.all_placed(PODS).await;
    let reader = stage.scheduler.reader();
    let (first, second) = (reader.snapshot().await.unwrap(), reader.snapshot().await.unwrap());
    let third = reader.snapshot().await;
    assert!(matches!(third, Err(Unread::Busy(TooManySnapshots))), "{third:?}");

    stage.create_pods("more", 1);
    stage
        .until("pod more-000 is told why it waits", || {
            stage.pod("more-000").as_ref().and_then(refusal).is_some()
        })
        .await;
    assert_eq!((first.pods().count(), second.pods().count()), (PODS, PODS));
    drop(first);
    let mut now = reader.snapshot().await.unwrap();
    assert_eq!(now.pods().count(), PODS + 1);

    let waits = judge(&mut now, "default", "more-000").unwrap();
    assert_eq!(waits["state"], "waiting", "{waits}");
    let message = waits["cycle"]["message"].as_str().unwrap();
    let pod = stage.pod("more-000").unwrap();
    let written = refusal(&pod).unwrap()["message"].as_str().unwrap();
    assert!(written.starts_with(message.trim_end_matches('.')), "{written:?} and {message:?}");
    let placed = judge(&mut now, "default", "pod-000").unwrap();
    assert!(placed["node"].is_string() && placed.get("cycle").is_none(), "{placed}");
    assert_eq!(judge(&mut now, "default", "nobody"), None);
    stage.stop().await;
    assert_eq!(reader.snapshot().await.map(|_| ()), Err(Unread::Ended));
}
