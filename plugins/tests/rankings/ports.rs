//! Host ports that more than one pod has: pods that name their node themselves ask no scheduler.

use std::sync::Arc;

use berth_engine::Input;
use berth_engine::record::{Affinity, HostPort, ObjectKey};

use super::cluster::{Cluster, applied, node, on, pod, template};
use super::twins::Twins;

/// A port stays taken until the last pod that has it is gone. kube-scheduler keeps a set and gives
/// it up with the first (see the differences in src/ARCHITECTURE.md).
#[test]
fn a_port_of_two_pods_is_free_when_both_are_gone() {
    let mut spec = (*template(Affinity::default())).clone();
    spec.containers[0].host_ports =
        vec![HostPort { ip: "".into(), protocol: "TCP".into(), port: 8_080 }];
    let spec = Arc::new(spec);
    let gone = |name: &str| {
        let (key, uid) = (ObjectKey::new("default", name), format!("{name}-uid").into());
        Input::PodDeleted { key, uid }
    };
    let mut cluster = Cluster::new(Twins::new(1, None));
    let there = ["a", "b"].map(|name| on("only", pod(name, &spec, "")));
    cluster.live([node("only", 4, "")].into_iter().chain(there));
    assert_eq!(cluster.live([applied(pod("web", &spec, ""))]), [[""; 2]; 0], "both have it");
    assert_eq!(cluster.live([gone("a")]), [[""; 2]; 0], "the other has it");
    assert_eq!(cluster.live([gone("b")]), [["web", "only"]]);
    assert_eq!(cluster.live([applied(pod("next", &spec, ""))]), [[""; 2]; 0], "now web has it");
}
