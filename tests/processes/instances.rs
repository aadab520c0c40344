//! Two `berth run` for the pods of one `schedulerName`: one of them schedules.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use berth_sandbox::{Options, SHAPES, Sandbox, shaped};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// Ends a broken test.
const DEADLINE: Duration = Duration::from_secs(90);

const LEASES: &str = "leases.coordination.k8s.io";

/// Lease, renewals and tries of a fifth of the usual.
const FAST: [&str; 3] = [
    "--leader-elect-lease-duration=3s",
    "--leader-elect-renew-deadline=2s",
    "--leader-elect-retry-period=200ms",
];

struct Stage {
    sandbox: Sandbox,
    dir: tempfile::TempDir,
}

struct Berth {
    child: Child,
    log: std::path::PathBuf,
}

impl Stage {
    async fn new() -> Self {
        let nodes = (0..8).map(|i| shaped(&format!("n{i}"), &SHAPES[0], "zone-a")).collect();
        let options = Options { nodes, heartbeat: None, ..Options::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("kubeconfig"), sandbox.kubeconfig()).unwrap();
        Self { sandbox, dir }
    }

    fn start(&self, name: &str, flags: &[&str]) -> Berth {
        let log = self.dir.path().join(name);
        let kubeconfig = format!("--kubeconfig={}", self.dir.path().join("kubeconfig").display());
        let child = Command::new(env!("CARGO_BIN_EXE_berth"))
            .args(["run", "--secure-port=0", "--leader-elect=false", &kubeconfig])
            .args(FAST)
            .args(flags)
            .env_remove("RUST_LOG")
            .env_remove("POD_NAMESPACE")
            .stderr(std::fs::File::create(&log).unwrap())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Berth { child, log }
    }

    fn create(&self, names: impl Iterator<Item = String>) {
        for name in names {
            let requests = json!({"cpu": "500m", "memory": "64Mi"});
            let containers =
                json!([{"name": "c", "image": "i", "resources": {"requests": requests}}]);
            let pod = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": "default"},
                "spec": {"schedulerName": "berth", "containers": containers},
            });
            self.sandbox.create("pods", pod).unwrap();
        }
    }

    fn bound(&self) -> usize {
        self.sandbox.count("pods", |pod| pod["spec"]["nodeName"].is_string()).unwrap()
    }

    fn holder(&self) -> String {
        let lease = self.sandbox.get(LEASES, "kube-system", "berth-berth").unwrap();
        let holder =
            lease.and_then(|lease| lease["spec"]["holderIdentity"].as_str().map(str::to_owned));
        holder.unwrap_or_default()
    }

    /// Most pods that a node has beyond its room for them.
    fn overcommitted(&self) -> usize {
        let mut pods: BTreeMap<String, usize> = BTreeMap::new();
        for pod in self.sandbox.list("pods", None).unwrap() {
            if let Some(node) = pod["spec"]["nodeName"].as_str() {
                *pods.entry(node.to_owned()).or_default() += 1;
            }
        }
        let room = |node: &Value| {
            let cpu = node["status"]["allocatable"]["cpu"].as_str().unwrap();
            2 * cpu.parse::<usize>().unwrap()
        };
        let nodes = self.sandbox.list("nodes", None).unwrap();
        let beyond = nodes.iter().map(|node| {
            let name = node["metadata"]["name"].as_str().unwrap();
            pods.get(name).copied().unwrap_or(0).saturating_sub(room(node))
        });
        beyond.max().unwrap()
    }
}

impl Berth {
    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("/bin/sh")
            .args(["-c", &format!("kill -{signal} {id}")])
            .status();
        assert!(sent.unwrap().success());
    }

    async fn exit(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("still runs: {}", self.log())).unwrap()
    }
}

async fn until(what: &str, logs: &[&Path], holds: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        let texts =
            || logs.iter().map(|log| std::fs::read_to_string(log).unwrap()).collect::<Vec<_>>();
        assert!(Instant::now() < deadline, "{what}: {}", texts().join("\n---\n"));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn pods(kind: &str, n: usize) -> impl Iterator<Item = String> {
    let kind = kind.to_owned();
    (0..n).map(move |i| format!("{kind}-{i}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_instance_places_nothing_until_the_first_has_ended() {
    let stage = Stage::new().await;
    let mut first = stage.start("first", &[]);
    until("the first holds the Lease", &[&first.log], || !stage.holder().is_empty()).await;
    let of_first = stage.holder();
    let mut second = stage.start("second", &[]);
    let logs = [&*first.log.clone(), &*second.log.clone()];
    let alive = "Refusing to serve this schedulerName while the other instance renews its Lease";
    until("the second sees the first renew", &logs, || second.log().contains(alive)).await;
    stage.create(pods("pod", 20));
    until("20 pods are bound", &logs, || stage.bound() == 20).await;
    assert!(!second.log().contains("Lease acquired"), "{}", second.log());
    assert_eq!(stage.holder(), of_first);
    assert!(second.log().contains("--allow-second-instance"), "{}", second.log());

    // In order: the second follows at once, and the first has finished what it began.
    first.signal("TERM");
    assert!(first.exit().await.success(), "{}", first.log());
    assert!(first.log().contains("Lease released"), "{}", first.log());
    stage.create(pods("late", 20));
    until("40 pods are bound", &logs, || stage.bound() == 40).await;
    assert!(second.log().contains("Lease acquired"));

    // Killed: its Lease runs out.
    second.child.kill().await.unwrap();
    stage.create(pods("last", 20));
    let third = stage.start("third", &[]);
    until("60 pods are bound", &[&third.log], || stage.bound() == 60).await;
    assert!(third.log().contains("Another instance holds the Lease: waiting"), "{}", third.log());
    assert_eq!(stage.overcommitted(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_whose_lease_was_taken_ends_with_an_error() {
    let stage = Stage::new().await;
    let mut first = stage.start("first", &["--logging-format=json"]);
    until("it holds the Lease", &[&first.log], || !stage.holder().is_empty()).await;
    let mut stolen = stage.sandbox.get(LEASES, "kube-system", "berth-berth").unwrap().unwrap();
    stolen["spec"]["holderIdentity"] = json!("thief_3");
    while stage.sandbox.update(LEASES, false, &stolen).is_err() {
        let now = stage.sandbox.get(LEASES, "kube-system", "berth-berth").unwrap().unwrap();
        stolen["metadata"] = now["metadata"].clone();
    }
    let status = first.exit().await;
    assert_eq!(status.code(), Some(1), "{}", first.log());
    assert!(first.log().contains("thief_3 has taken Lease kube-system/berth-berth"));
    assert_eq!(stage.holder(), "thief_3");
    let told = |event: &Value| event["reason"] == "LeaderElection" && event["type"] == "Warning";
    assert_eq!(stage.sandbox.count("events", told).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_instance_is_allowed_loudly() {
    let stage = Stage::new().await;
    let first = stage.start("first", &[]);
    until("the first holds the Lease", &[&first.log], || !stage.holder().is_empty()).await;
    let mut second = stage.start("second", &["--allow-second-instance"]);
    let ready = "scheduling begins";
    until("the second schedules", &[&second.log], || second.log().contains(ready)).await;
    assert!(second.log().contains("WARN") && second.log().contains("no Lease is held"));
    // It alone places these, with nobody's Lease.
    drop(first);
    stage.create(pods("pod", 20));
    until("20 pods are bound", &[&second.log], || stage.bound() == 20).await;
    second.signal("TERM");
    assert!(second.exit().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_reads_the_configuration_again_and_ends_nothing() {
    let stage = Stage::new().await;
    let file = stage.dir.path().join("config.yaml");
    let write = |profiles: &str| {
        let text = format!(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
             leaderElection: {{leaderElect: false}}\nprofiles: {profiles}\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    write("[{schedulerName: berth}]");
    let mut berth = stage.start("file", &[&format!("--config={}", file.display())]);
    until("it holds the Lease", &[&berth.log], || !stage.holder().is_empty()).await;
    berth.signal("HUP");
    let told = |berth: &Berth, what: &'static str| {
        let log = berth.log.clone();
        async move {
            until(what, &[&log], || std::fs::read_to_string(&log).unwrap().contains(what)).await;
        }
    };
    told(&berth, "The configuration says what is in force").await;
    write("[{schedulerName: 7}]");
    berth.signal("HUP");
    told(&berth, "Configuration refused").await;
    write("[{schedulerName: berth}, {schedulerName: other}]");
    berth.signal("HUP");
    told(&berth, "Configuration reloaded").await;
    berth.signal("TERM");
    assert!(berth.exit().await.success(), "{}", berth.log());

    let mut without = stage.start("without", &[]);
    until("it holds the Lease", &[&without.log], || without.log().contains("Lease acquired")).await;
    without.signal("HUP");
    told(&without, "SIGHUP ignored").await;
    without.signal("TERM");
    assert!(without.exit().await.success(), "{}", without.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_refused_for_a_lease_is_put_in_force_when_the_lease_is_free() {
    let stage = Stage::new().await;
    let file = stage.dir.path().join("config.yaml");
    let write = |profiles: &str| {
        let text = format!(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
             leaderElection: {{leaderElect: false}}\nprofiles: {profiles}\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    let mut other = stage.start("other", &[]);
    until("the other holds the Lease", &[&other.log], || !stage.holder().is_empty()).await;
    write("[{schedulerName: batch}]");
    let berth = stage.start("file", &[&format!("--config={}", file.display())]);
    let logs = [&*other.log.clone(), &*berth.log.clone()];
    until("it holds its own", &logs, || berth.log().contains("Lease acquired")).await;
    write("[{schedulerName: batch}, {schedulerName: berth}]");
    until("it is refused", &logs, || berth.log().contains("Configuration refused")).await;
    assert!(berth.log().contains("tried again every 2 s until the Lease is free"));
    stage.create(pods("pod", 20));
    until("20 pods are bound", &logs, || stage.bound() == 20).await;
    other.signal("TERM");
    assert!(other.exit().await.success(), "{}", other.log());
    until("it is taken", &logs, || berth.log().contains("Configuration reloaded")).await;
    stage.create(pods("late", 20));
    until("40 pods are bound", &logs, || stage.bound() == 40).await;
    let log = berth.log();
    assert_eq!(log.matches("Configuration refused").count(), 1, "once for each cause: {log}");
    assert!(!log.contains("takes over when the Lease is free"), "it serves batch: {log}");
}
