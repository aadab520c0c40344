//! The main test: Jobs for Berth and for kube-scheduler, on nodes of Berth's own and on nodes
//! they share.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::{Api, Client};

use e2e::audit::{self, BERTH, Entry, KUBE_SCHEDULER};
use e2e::batch::JobShape;
use e2e::controlplane::{ControlPlane, Options};
use e2e::installed;
use e2e::nodes::NodePool;
use e2e::record::{Record, Recorder, SlimPod};
use e2e::scheduler::{self, Kind, Scheduler};

const OWN: &str = "own";
const SHARED: &str = "shared";
/// Each Job's pods run for 1 to 4 s; the largest needs two rounds over its nodes.
const JOBS_LIMIT: Duration = Duration::from_secs(240);
const SHORT: Duration = Duration::from_secs(60);

/// Jobs that complete: Berth's own nodes hold 160 pods of 1 CPU at a time, the shared ones 40
/// CPU for 120 pods of half a CPU.
fn jobs() -> Vec<JobShape> {
    let large = JobShape { cpu: "1".to_owned(), ..JobShape::new("large", "berth", OWN, 300) };
    let small = JobShape { cpu: "100m".to_owned(), ..JobShape::new("small", "berth", OWN, 200) };
    let indexed = JobShape {
        indexed: true,
        parallelism: 16,
        memory: "4Gi".to_owned(),
        ..JobShape::new("indexed", "berth", OWN, 64)
    };
    let beside = JobShape::new("beside", "berth", SHARED, 60);
    let peer = JobShape::new("peer", "default-scheduler", SHARED, 60);
    vec![large, small, indexed, beside, peer]
}

/// The same pod for both schedulers: no node has a thousand CPUs.
fn impossible(scheduler: &str) -> JobShape {
    let name = format!("impossible-{scheduler}");
    JobShape { cpu: "1000".to_owned(), ..JobShape::new(&name, scheduler, SHARED, 1) }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn jobs_of_two_schedulers_complete() {
    let options = Options { name: "jobs".to_owned(), controllers: true, kwok: true, load: false };
    let plane = ControlPlane::start(&options).await.unwrap();
    let client = plane.client();
    create_nodes(&client).await;
    let recorder = Recorder::start(&client).await.unwrap();
    let berth_options = installed::install(&plane).await.unwrap();
    let peer_kubeconfig = plane.credentials().kube_scheduler();
    let peer_options =
        scheduler::Options::unlimited(Kind::KubeScheduler, peer_kubeconfig, "default-scheduler");
    let mut peer = Scheduler::start(&plane, &peer_options).await.unwrap();
    let mut berth = Scheduler::start(&plane, &berth_options).await.unwrap();
    // The manifests' own pod first: of a priority at which kube-scheduler would make room for it.
    let rollout = ["rollout", "status", "deployment/berth", "-n", "berth-system", "--timeout=60s"];
    plane.kubectl().run(&rollout).await.unwrap();

    let jobs = jobs();
    let impossible = ["berth", "default-scheduler"].map(impossible);
    for job in jobs.iter().chain(&impossible) {
        job.submit(&client).await.unwrap();
    }
    for job in &jobs {
        job.complete(&client, JOBS_LIMIT).await.unwrap();
    }
    check_waiting(&client, &recorder).await;
    peer.process.running().unwrap();
    let status = berth.process.terminate(SHORT).await.unwrap();
    assert!(status.success(), "SIGTERM ended Berth with {status}");

    let entries = plane.audit().entries().unwrap();
    check_placements(&recorder.read(), &jobs);
    check_territories(&entries, &recorder.read());
    check_events(&client, &recorder).await;
    summary(&entries, &recorder.read());
    drop(peer);
    plane.stop().unwrap();
}

async fn create_nodes(client: &Client) {
    let mut own = NodePool::new(OWN, 20);
    own.taint = Some(("e2e/own".to_owned(), "berth".to_owned()));
    let mut shared = NodePool::new(SHARED, 10);
    shared.cpu = "4".to_owned();
    for pool in [own, shared] {
        pool.create(client).await.unwrap();
        pool.wait_untainted(client, SHORT).await.unwrap();
    }
}

/// The pods that fit nowhere say so, Berth's in the words of kube-scheduler's.
async fn check_waiting(client: &Client, recorder: &Recorder) {
    let waits = |record: &Record, scheduler: &str| {
        let job = impossible(scheduler).name;
        let pod = record.pods.values().find(|pod| pod.job() == Some(&job)).cloned();
        let pod = pod.ok_or_else(|| anyhow::anyhow!("{job} has no pod"))?;
        let condition = pod.scheduled().cloned().unwrap_or_default();
        anyhow::ensure!(condition.status == "False", "{job}: {condition:?}");
        anyhow::Ok((pod, condition))
    };
    let both = ["berth", "default-scheduler"];
    recorder
        .until("PodScheduled=False on the pods that fit nowhere", SHORT, |record| {
            both.iter().try_for_each(|name| waits(record, name).map(|_| ()))
        })
        .await
        .unwrap();
    let [ours, theirs] = both.map(|name| waits(&recorder.read(), name).unwrap());
    assert_eq!(ours.1.reason, "Unschedulable");
    assert_eq!(ours.1.reason, theirs.1.reason);
    assert_eq!(first_sentence(&ours.1.message), first_sentence(&theirs.1.message));
    assert!(ours.1.message.starts_with("0/30 nodes are available: "), "{}", ours.1.message);
    let events = events_of(client, &ours.0, "FailedScheduling").await;
    assert!(!events.is_empty(), "no FailedScheduling event on {}", ours.0.full_name());
    for event in &events {
        assert_eq!(event.type_.as_deref(), Some("Warning"));
        assert_eq!(event.reporting_controller.as_deref(), Some("berth"));
        let note = event.note.as_deref().unwrap_or_default();
        assert_eq!(first_sentence(note), first_sentence(&ours.1.message));
    }
    println!("jobs: fits nowhere: {}", ours.1.message);
}

/// The verdict, without what preemption adds behind it.
fn first_sentence(message: &str) -> &str {
    message.split(". ").next().unwrap_or_default().trim_end_matches('.')
}

async fn events_of(client: &Client, pod: &SlimPod, reason: &str) -> Vec<Event> {
    let api: Api<Event> = Api::namespaced(client.clone(), &pod.metadata.namespace);
    let params = ListParams::default().fields(&format!("reason={reason}"));
    let of_pod = |event: &Event| {
        let regarding = event.regarding.as_ref();
        regarding.and_then(|object| object.uid.as_deref()) == Some(pod.metadata.uid.as_str())
    };
    api.list(&params).await.unwrap().items.into_iter().filter(of_pod).collect()
}

fn check_placements(record: &Record, jobs: &[JobShape]) {
    assert_eq!(record.gaps, 0, "the record has gaps");
    assert!(record.moved.is_empty(), "pods whose node changed: {:?}", record.moved);
    let own = record.overcommits_on(OWN);
    assert!(own.is_empty(), "nodes of Berth's own over-committed: {own:?}");
    for job in jobs {
        let pods = record.pods.values().filter(|pod| pod.job() == Some(&job.name));
        let pods: Vec<_> = pods.collect();
        assert_eq!(pods.len(), job.completions, "{}: pods made", job.name);
        let prefix = format!("{}-", job.pool);
        for pod in pods {
            let node = pod.spec.node_name.as_deref().unwrap_or_default();
            assert!(node.starts_with(&prefix), "{} is on {node:?}", pod.full_name());
        }
    }
}

/// By the API server's audit log: each scheduler wrote to no pod but its own, bound none of them
/// twice, and Berth asked for nothing its ServiceAccount may not do.
fn check_territories(entries: &[Entry], record: &Record) {
    let owner = [("berth", BERTH), ("default-scheduler", KUBE_SCHEDULER)];
    let owner = BTreeMap::from(owner);
    let pods: BTreeMap<String, &SlimPod> =
        record.pods.values().map(|pod| (pod.full_name(), pod)).collect();
    let mut binds: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.writes_pod()) {
        let pod = pods.get(&entry.object()).unwrap_or_else(|| panic!("no such pod: {entry:?}"));
        let name = pod.spec.scheduler_name.as_str();
        assert_eq!(owner[name], entry.user.username, "a pod of {name}: {entry:?}");
        if entry.binds() && entry.code() == 201 {
            *binds.entry(entry.object()).or_default() += 1;
        }
    }
    let twice: Vec<_> = binds.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "bound twice: {twice:?}");
    for pod in record.of_scheduler("berth").filter(|pod| pod.spec.node_name.is_some()) {
        assert!(binds.contains_key(&pod.full_name()), "{}: bound by whom?", pod.full_name());
    }
    let denied = audit::denied(entries, BERTH);
    assert!(denied.is_empty(), "the manifests' RBAC refuses Berth: {denied:#?}");
}

/// Each pod of Berth that has a node has one Scheduled event, and it is Berth's.
async fn check_events(client: &Client, recorder: &Recorder) {
    let api: Api<Event> = Api::all(client.clone());
    let params = ListParams::default().fields("reason=Scheduled");
    let events = api.list(&params).await.unwrap().items;
    let mut reporters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in events {
        let uid = event.regarding.and_then(|object| object.uid).unwrap_or_default();
        reporters.entry(uid).or_default().push(event.reporting_controller.unwrap_or_default());
    }
    let record = recorder.read();
    let bound = record.pods.values().filter(|pod| pod.spec.node_name.is_some());
    for pod in bound {
        let seen = reporters.remove(&pod.metadata.uid).unwrap_or_default();
        let name = pod.spec.scheduler_name.clone();
        assert!(seen.iter().all(|reporter| *reporter == name), "{}: {seen:?}", pod.full_name());
        assert!(name != "berth" || seen.len() == 1, "{}: {seen:?}", pod.full_name());
    }
}

fn summary(entries: &[Entry], record: &Record) {
    let shared = record.overcommits_on(SHARED);
    let by_berth = shared.iter().filter(|case| case.scheduler == "berth").count();
    println!(
        "jobs: {} pods of Berth and {} of kube-scheduler placed; bind answers {:?} and {:?}; \
         over-commits on shared nodes: {} ({by_berth} by Berth); on Berth's own: {}",
        record.of_scheduler("berth").filter(|pod| pod.spec.node_name.is_some()).count(),
        record.of_scheduler("default-scheduler").filter(|p| p.spec.node_name.is_some()).count(),
        audit::binding_codes(entries, BERTH),
        audit::binding_codes(entries, KUBE_SCHEDULER),
        shared.len(),
        record.overcommits_on(OWN).len(),
    );
}
