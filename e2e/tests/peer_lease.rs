//! Pods of `default-scheduler`: Berth takes them only where no kube-scheduler lives, which it
//! sees by kube-scheduler's Lease.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::Duration;

use e2e::batch::JobShape;
use e2e::controlplane::{ControlPlane, Options};
use e2e::nodes::NodePool;
use e2e::scheduler::{self, Kind, Scheduler};
use e2e::{installed, patience};

/// kube-scheduler's Lease runs 15 s.
const LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(500);

fn default_scheduler(kind: Kind, kubeconfig: PathBuf, elect: bool) -> scheduler::Options {
    let mut options = scheduler::Options::unlimited(kind, kubeconfig, "default-scheduler");
    let elect = format!("leaderElect: {elect}");
    options.config = options.config.replace("leaderElect: false", &elect);
    options
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn default_scheduler_is_taken_only_from_a_dead_peer() {
    let options = Options { name: "peer".to_owned(), controllers: true, kwok: true, load: false };
    let plane = ControlPlane::start(&options).await.unwrap();
    let client = plane.client();
    let pool = NodePool::new("own", 2);
    pool.create(&client).await.unwrap();
    pool.wait_untainted(&client, LIMIT).await.unwrap();
    let kubeconfig = installed::install(&plane).await.unwrap().kubeconfig;
    let peer_kubeconfig = plane.credentials().kube_scheduler();
    let peer_options = default_scheduler(Kind::KubeScheduler, peer_kubeconfig, true);
    let mut peer = Scheduler::start(&plane, &peer_options).await.unwrap();
    let kubectl = plane.kubectl();
    let lease = ["get", "lease", "kube-scheduler", "-n", "kube-system"];
    patience::until("kube-scheduler's Lease", LIMIT, POLL, async || kubectl.run(&lease).await)
        .await
        .unwrap();

    let options = default_scheduler(Kind::Berth, kubeconfig, false);
    let mut refused = Scheduler::spawn(&plane, &options).unwrap();
    let status = refused.process.exit(LIMIT).await.unwrap();
    let log = refused.process.log_text().unwrap();
    assert!(!status.success(), "Berth ended with {status} beside a live kube-scheduler");
    assert!(log.contains("kube-system/kube-scheduler"), "no word of the Lease: {log}");
    assert!(log.contains("--allow-default-scheduler"), "no word of the way out: {log}");
    let mut allowed = options.clone();
    allowed.flags.push("--allow-default-scheduler".to_owned());
    let mut beside = Scheduler::start(&plane, &allowed).await.unwrap();
    assert!(beside.process.terminate(LIMIT).await.unwrap().success());

    peer.process.kill().unwrap();
    let alone = patience::until("Berth alone", LIMIT, POLL, async || {
        Scheduler::start(&plane, &options).await
    });
    let alone = alone.await.unwrap();
    let job = JobShape::new("load", "default-scheduler", "own", 8);
    job.submit(&client).await.unwrap();
    job.complete(&client, LIMIT).await.unwrap();
    println!("peer lease: refused ({status}), allowed by the flag, taken over from a dead peer");
    drop(alone);
    plane.stop().unwrap();
}
