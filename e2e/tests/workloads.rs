//! Kubernetes' own workload files: which of them are understood, and that one runs as it is.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use e2e::bench::contestant::Contestant;
use e2e::bench::ground::Ground;
use e2e::bench::round;
use e2e::bench::workload::Workload;
use e2e::binaries::kubernetes_source;

/// What a refusal may be about: features that need what Berth or this benchmark has not.
const REFUSED: [&str; 8] = [
    "feature gate",
    "createPodGroups",
    "createResourceClaims",
    "allocResourceClaims",
    "steadyState",
    // Read by Go functions of one file.
    "numNodeDeclaredFeatures",
    "startCollectingProfile",
    "stopCollectingProfile",
];

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.ends_with("performance-config.yaml") {
            found.push(path);
        }
    }
}

#[test]
#[ignore = "needs Go and Kubernetes' source"]
fn each_workload_of_kubernetes_is_understood_or_refused_by_name() {
    let root = kubernetes_source().unwrap().join("test/integration/scheduler_perf");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    let (mut understood, mut refused) = (0, Vec::new());
    for path in paths {
        for workload in Workload::load(&path).unwrap() {
            match workload {
                Ok(_) => understood += 1,
                Err(error) => refused.push(format!("{error:#}")),
            }
        }
    }
    refused.iter().for_each(|error| println!("{error}"));
    println!("{understood} understood, {} refused", refused.len());
    let unnamed: Vec<&String> = refused
        .iter()
        .filter(|error| !REFUSED.iter().any(|feature| error.contains(feature)))
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:#?}");
    // Of Kubernetes 1.37.2: all but devices, pod groups and one that wants a Go function.
    assert_eq!((understood, refused.len()), (141, 126));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd, Kubernetes and the release build of Berth"]
async fn kubernetes_own_basic_workload_runs_unchanged() {
    let root = kubernetes_source().unwrap().join("test/integration/scheduler_perf");
    let all = Workload::load(&root.join("misc/performance-config.yaml")).unwrap();
    let mut all = all.into_iter().filter_map(Result::ok);
    let basic = all.find(|workload| workload.name == "SchedulingBasic/5Nodes").unwrap();
    let ground = Ground::prepare(None, &basic).await.unwrap();
    for contestant in [Contestant::KubeScheduler, Contestant::Berth] {
        let figures = round::run(&ground, &basic, contestant, 1).await.unwrap();
        assert_eq!((figures.pods, figures.events_missing), (10, 0), "{contestant:?}");
        assert!(figures.cpu_ms.is_some() && figures.latency_p99_ms >= figures.latency_p50_ms);
    }
    ground.stop().unwrap();
}
