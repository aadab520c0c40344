#![allow(clippy::unwrap_used)]

use super::super::inventory::{Amounts, Inventory};
use super::super::workload;
use super::*;

const ABILITIES: Abilities =
    Abilities { live: false, colour: false, blocks: true, width: 80, height: 0 };

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A summary of 200 nodes, from its heading "How fast".
fn tail(moved: usize, reasons: &[Reason]) -> Vec<String> {
    let inventory = Inventory::of(&berth_sandbox::nodes(200));
    let groups = workload::plan(4000, &inventory);
    let requested = vec![Amounts::default(); 200];
    let summary = Summary {
        groups: &groups,
        picture: Picture { inventory: &inventory, requested: &requested },
        pace: Some(Pace { bound: 3799, took: ms(4000), best: 1200 }),
        burst: Latency::of(vec![ms(1), ms(2000)]),
        single: Latency::of(vec![ms(4)]),
        moved,
        reasons,
    };
    let lines = summary.lines(ABILITIES);
    let lines: Vec<_> = lines.iter().map(|line| line.render(false, 80)).collect();
    let from = lines.iter().position(|line| line == "How fast").unwrap();
    lines[from..].to_vec()
}

const MESSAGE: &str = "0/200 nodes are available: 20 node(s) had untolerated taint(s), \
                       180 Insufficient nvidia.com/gpu.";

fn impossible(event: Option<&str>) -> Reason {
    let waiting = Waiting {
        group: 6,
        pods: 1,
        example: "impossible-x".to_owned(),
        message: Some(MESSAGE.to_owned()),
    };
    Reason { waiting, event: event.map(str::to_owned) }
}

#[test]
fn how_fast_and_why_pods_wait() {
    assert_eq!(
        tail(0, &[impossible(Some(MESSAGE))]),
        [
            "How fast",
            "3,799 pods bound in 4.00 s: 950 pods/s, 1,200 in the best second",
            "from creation to binding         P50       P99       max",
            "7 Jobs at once               1.00 ms    2.00 s    2.00 s",
            "40 Jobs one by one           4.00 ms   4.00 ms   4.00 ms",
            "",
            "Why pods wait",
            "impossible: 1 pod",
            "    each asks for 1 CPU, 1,024 MiB, 16 GPUs on one node; tolerates the GPU taint",
            "    PodScheduled=False: 0/200 nodes are available: 20 node(s) had untolerated",
            "    taint(s), 180 Insufficient nvidia.com/gpu.",
            "    event FailedScheduling: the same",
            "",
            "Checked: no pod was bound twice, no node is over-committed.",
        ]
    );
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let untold = Reason {
        waiting: Waiting { message: None, ..impossible(None).waiting },
        event: Some("another note".to_owned()),
    };
    let lines = tail(1, &[untold]);
    assert_eq!(
        lines[9..],
        [
            "    no scheduler has said why yet",
            "    event FailedScheduling: another note",
            "",
            "Wrong: 1 pod bound twice, 0 nodes over-committed.",
        ]
    );
    let unwritten = tail(0, &[impossible(None)]);
    assert_eq!(unwritten[11], "    event FailedScheduling: not written yet");
    assert_eq!(tail(0, &[])[7], "no pod waits");
    let many: Vec<_> = (0..10).map(|_| impossible(None)).collect();
    assert!(tail(0, &many).contains(&"and 2 more reasons".to_owned()));
}
