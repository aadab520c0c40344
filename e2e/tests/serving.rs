//! The secure port on a real API server: who may read what, and kube-scheduler's own metrics.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use e2e::batch::JobShape;
use e2e::controlplane::{ControlPlane, Options};
use e2e::metrics::{self, Family};
use e2e::nodes::NodePool;
use e2e::scheduler::{self, Kind, Scheduler};
use e2e::{installed, serviceaccount};

const LIMIT: Duration = Duration::from_secs(60);

/// Families that a scheduler has used once it has placed pods and failed to place one.
const EXPECTED: [&str; 6] = [
    "scheduler_schedule_attempts_total",
    "scheduler_scheduling_attempt_duration_seconds",
    "scheduler_pending_pods",
    "scheduler_queue_incoming_pods_total",
    "scheduler_pod_scheduling_attempts",
    "scheduler_pod_scheduling_sli_duration_seconds",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn metrics_are_guarded_and_named_as_kube_schedulers() {
    let options =
        Options { name: "serving".to_owned(), controllers: true, kwok: true, load: false };
    let plane = ControlPlane::start(&options).await.unwrap();
    let client = plane.client();
    let pool = NodePool::new("own", 4);
    pool.create(&client).await.unwrap();
    pool.wait_untainted(&client, LIMIT).await.unwrap();
    let berth_options = installed::install(&plane).await.unwrap();
    let peer_kubeconfig = plane.credentials().kube_scheduler();
    let peer_options =
        scheduler::Options::unlimited(Kind::KubeScheduler, peer_kubeconfig, "default-scheduler");
    let mut berth = Scheduler::start(&plane, &berth_options).await.unwrap();
    let peer = Scheduler::start(&plane, &peer_options).await.unwrap();
    for name in ["berth", "default-scheduler"] {
        let too_big = format!("too-big-{name}");
        let too_big = JobShape { cpu: "1k".to_owned(), ..JobShape::new(&too_big, name, "own", 1) };
        too_big.submit(&client).await.unwrap();
        let job = JobShape::new(&format!("load-{name}"), name, "own", 20);
        job.submit(&client).await.unwrap();
        job.complete(&client, LIMIT).await.unwrap();
    }
    let reader = reader_token(&plane).await;
    check_doors(&berth, &plane, &reader).await;
    let (_, ours) = berth.get("/metrics", Some(&reader)).await.unwrap();
    let (status, theirs) = peer.get("/metrics", Some(&reader)).await.unwrap();
    assert_eq!(status, 200, "kube-scheduler's /metrics: {theirs}");
    let compared = compare(&metrics::families(&ours), &metrics::families(&theirs));
    let status = berth.process.terminate(LIMIT).await.unwrap();
    assert!(status.success(), "SIGTERM ended Berth with {status}");
    println!("serving: {compared} families of metrics as kube-scheduler's; SIGTERM: {status}");
    drop(peer);
    plane.stop().unwrap();
}

/// A ServiceAccount that the manifests' role for scrapers is bound to.
async fn reader_token(plane: &ControlPlane) -> String {
    let kubectl = plane.kubectl();
    for name in ["scraper", "stranger"] {
        kubectl.run(&["create", "serviceaccount", name]).await.unwrap();
    }
    let role = "--clusterrole=berth-metrics-reader";
    let bind = ["create", "clusterrolebinding", "scraper", role];
    let bind = [&bind[..], &["--serviceaccount=default:scraper"]].concat();
    kubectl.run(&bind).await.unwrap();
    serviceaccount::token(plane, "default", "scraper").await.unwrap()
}

async fn check_doors(berth: &Scheduler, plane: &ControlPlane, reader: &str) {
    for path in ["/healthz", "/livez", "/readyz"] {
        let (status, body) = berth.get(path, None).await.unwrap();
        assert_eq!(status, 200, "{path}: {body}");
    }
    let stranger = serviceaccount::token(plane, "default", "stranger").await.unwrap();
    let visitors = [
        ("nobody", None, vec![401, 403]),
        ("a false token", Some("false"), vec![401]),
        ("a stranger", Some(stranger.as_str()), vec![403]),
        ("the scraper", Some(reader), vec![200]),
    ];
    for (who, token, expected) in visitors {
        let (status, body) = berth.get("/metrics", token).await.unwrap();
        assert!(expected.contains(&status), "/metrics for {who}: {status} {body}");
    }
}

/// Families both have: the same type, labels and buckets. Gives back how many.
fn compare(ours: &BTreeMap<String, Family>, theirs: &BTreeMap<String, Family>) -> usize {
    for name in EXPECTED {
        assert!(theirs.contains_key(name), "kube-scheduler has no {name}");
        assert!(ours.contains_key(name), "Berth has no {name}: {:?}", ours.keys());
    }
    let in_both = ours.iter().filter_map(|(name, our)| Some((name, our, theirs.get(name)?)));
    let in_both: Vec<_> = in_both.filter(|(name, ..)| name.starts_with("scheduler_")).collect();
    for (name, our, their) in &in_both {
        assert_eq!(our.kind, their.kind, "{name}: type");
        assert_eq!(our.labels, their.labels, "{name}: labels");
        assert_eq!(our.buckets, their.buckets, "{name}: buckets");
    }
    let names: BTreeSet<_> = ours.keys().filter(|name| name.starts_with("scheduler_")).collect();
    let own: Vec<_> = names.iter().filter(|name| !theirs.contains_key(**name)).collect();
    println!("serving: families kube-scheduler shows none of here: {own:?}");
    in_both.len()
}
