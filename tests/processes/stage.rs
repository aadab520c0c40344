//! A sandbox, and `berth run` as a process on it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use berth_sandbox::{Options, SHAPES, Sandbox, shaped};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// Ends a broken test.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

pub(crate) const LEASES: &str = "leases.coordination.k8s.io";

/// Lease, renewals and tries of a fifth of the usual.
const FAST: [&str; 3] = [
    "--leader-elect-lease-duration=3s",
    "--leader-elect-renew-deadline=2s",
    "--leader-elect-retry-period=200ms",
];

pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) struct Berth {
    pub(crate) child: Child,
    pub(crate) log: std::path::PathBuf,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let nodes = (0..8).map(|i| shaped(&format!("n{i}"), &SHAPES[0], "zone-a")).collect();
        let options = Options { nodes, heartbeat: None, ..Options::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("kubeconfig"), sandbox.kubeconfig()).unwrap();
        Self { sandbox, dir }
    }

    pub(crate) fn start(&self, name: &str, flags: &[&str]) -> Berth {
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

    pub(crate) fn create(&self, names: impl Iterator<Item = String>) {
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

    pub(crate) fn bound(&self) -> usize {
        self.sandbox.count("pods", |pod| pod["spec"]["nodeName"].is_string()).unwrap()
    }

    pub(crate) fn holder(&self) -> String {
        let lease = self.sandbox.get(LEASES, "kube-system", "berth-berth").unwrap();
        let holder =
            lease.and_then(|lease| lease["spec"]["holderIdentity"].as_str().map(str::to_owned));
        holder.unwrap_or_default()
    }

    /// Pods that the nodes have room for.
    pub(crate) fn room(&self) -> usize {
        let nodes = self.sandbox.list("nodes", None).unwrap();
        nodes.iter().map(room).sum()
    }

    /// Most pods that a node has beyond its room for them.
    pub(crate) fn overcommitted(&self) -> usize {
        let mut pods: BTreeMap<String, usize> = BTreeMap::new();
        for pod in self.sandbox.list("pods", None).unwrap() {
            if let Some(node) = pod["spec"]["nodeName"].as_str() {
                *pods.entry(node.to_owned()).or_default() += 1;
            }
        }
        let nodes = self.sandbox.list("nodes", None).unwrap();
        let beyond = nodes.iter().map(|node| {
            let name = node["metadata"]["name"].as_str().unwrap();
            pods.get(name).copied().unwrap_or(0).saturating_sub(room(node))
        });
        beyond.max().unwrap()
    }
}

impl Berth {
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("/bin/sh")
            .args(["-c", &format!("kill -{signal} {id}")])
            .status();
        assert!(sent.unwrap().success());
    }

    pub(crate) async fn exit(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("still runs: {}", self.log())).unwrap()
    }
}

pub(crate) async fn until(what: &str, logs: &[&Path], holds: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        let texts =
            || logs.iter().map(|log| std::fs::read_to_string(log).unwrap()).collect::<Vec<_>>();
        assert!(Instant::now() < deadline, "{what}: {}", texts().join("\n---\n"));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn pods(kind: &str, n: usize) -> impl Iterator<Item = String> {
    let kind = kind.to_owned();
    (0..n).map(move |i| format!("{kind}-{i}"))
}

/// Pods of half a CPU that a node has room for.
fn room(node: &Value) -> usize {
    let cpu = node["status"]["allocatable"]["cpu"].as_str().unwrap();
    2 * cpu.parse::<usize>().unwrap()
}
