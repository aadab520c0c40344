//! The unmodified kubectl against Berth's sandbox.

#![allow(clippy::unwrap_used)]

use std::process::Stdio;
use std::time::Duration;

use berth_sandbox::{Options, Sandbox};
use e2e::binaries::Binaries;
use e2e::kubectl::Kubectl;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// Nothing here takes a tenth of this.
const LIMIT: Duration = Duration::from_secs(60);

const JOB: &str = r#"
apiVersion: batch/v1
kind: Job
metadata:
  name: demo
spec:
  completions: 2
  parallelism: 1
  template:
    metadata:
      annotations: {sandbox.berth.dev/run-for: 10ms}
    spec:
      schedulerName: none
      restartPolicy: Never
      containers:
      - name: main
        image: busybox
        resources: {requests: {cpu: 100m}}
"#;

struct Ground {
    sandbox: Sandbox,
    kubectl: Kubectl,
    binary: std::path::PathBuf,
    dir: tempfile::TempDir,
}

async fn start() -> Ground {
    let binary = Binaries::ready().unwrap().path("kubectl");
    let nodes = berth_sandbox::nodes(3);
    let sandbox = Sandbox::start(Options { nodes, ..Options::default() }).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let kubeconfig = dir.path().join("kubeconfig");
    std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
    let kubectl = Kubectl::new(binary.clone(), kubeconfig);
    Ground { sandbox, kubectl, binary, dir }
}

impl Ground {
    async fn run(&self, args: &[&str]) -> String {
        timeout(LIMIT, self.kubectl.run(args)).await.unwrap().unwrap()
    }

    async fn run_with(&self, input: &str, args: &[&str]) -> String {
        timeout(LIMIT, self.kubectl.run_with(input, args)).await.unwrap().unwrap()
    }

    async fn fails(&self, input: &str, args: &[&str]) -> String {
        let ran = timeout(LIMIT, self.kubectl.run_with(input, args)).await.unwrap();
        ran.expect_err("kubectl must fail").to_string()
    }

    fn job(&self) -> Value {
        self.sandbox.get("jobs.batch", "default", "demo").unwrap().unwrap()
    }

    async fn bind(&self, pod: &str) {
        let binding = json!({
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod},
            "target": {"kind": "Node", "name": "node-00000"},
        });
        let path = format!("/api/v1/namespaces/default/pods/{pod}/binding");
        self.run_with(&binding.to_string(), &["create", "--raw", &path, "-f", "-"]).await;
    }

    /// Plays the scheduler until the Job has ended.
    async fn schedule(&self) {
        timeout(LIMIT, async {
            while self.job()["status"]["completionTime"].is_null() {
                for pod in self.sandbox.list("pods", Some("default")).unwrap() {
                    if pod["spec"]["nodeName"].is_null() {
                        self.bind(pod["metadata"]["name"].as_str().unwrap()).await;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn apply_get_describe_patch_wait_and_delete() {
    let ground = start().await;
    let applied = ground.run_with(JOB, &["apply", "-f", "-"]).await;
    assert!(applied.contains("job.batch/demo created"), "{applied}");
    let again = ground.run_with(JOB, &["apply", "-f", "-"]).await;
    assert!(again.contains("unchanged"), "{again}");
    let wider = JOB.replace("parallelism: 1", "parallelism: 2");
    let configured = ground.run_with(&wider, &["apply", "-f", "-"]).await;
    assert!(configured.contains("configured"), "{configured}");
    assert_eq!(ground.job()["spec"]["parallelism"], 2);

    let patch = r#"{"metadata":{"labels":{"by":"patch"}}}"#;
    ground.run(&["patch", "job", "demo", "-p", patch]).await;
    assert_eq!(ground.job()["metadata"]["labels"]["by"], "patch");
    let patch = r#"[{"op":"remove","path":"/metadata/labels/by"}]"#;
    ground.run(&["patch", "job", "demo", "--type=json", "-p", patch]).await;
    assert!(ground.job()["metadata"]["labels"]["by"].is_null());

    let nodes = ground.run(&["get", "nodes", "-o", "wide"]).await;
    for text in ["INTERNAL-IP", "node-00002", "Ready"] {
        assert!(nodes.contains(text), "{nodes} lacks {text}");
    }
    ground.schedule().await;
    ground.run(&["wait", "--for=condition=complete", "job/demo", "--timeout=30s"]).await;
    let jobs = ground.run(&["get", "jobs"]).await;
    assert!(jobs.contains("Complete") && jobs.contains("2/2"), "{jobs}");
    let pods = ground.run(&["get", "pods", "-o", "wide"]).await;
    assert!(pods.contains("Completed") && pods.contains("node-00000"), "{pods}");
    let described = ground.run(&["describe", "job", "demo"]).await;
    assert!(
        described.contains("SuccessfulCreate") && described.contains("2 Succeeded"),
        "{described}"
    );
    let name = ground.run(&["get", "pods", "-o", "jsonpath={.items[0].metadata.name}"]).await;
    let described = ground.run(&["describe", "pod", &name]).await;
    assert!(described.contains("Controlled By:  Job/demo"), "{described}");
    let described = ground.run(&["describe", "node", "node-00000"]).await;
    assert!(described.contains("KubeletReady"), "{described}");
    let logs = ground.fails("", &["logs", &name]).await;
    assert!(logs.contains("runs no containers"), "{logs}");
    ground.run(&["delete", "job", "demo", "--timeout=30s"]).await;
    assert!(ground.sandbox.list("jobs.batch", None).unwrap().is_empty());
    ground.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn server_side_apply_owns_fields_and_dry_runs_write_nothing() {
    let ground = start().await;
    let server = ["apply", "--server-side", "-f", "-"];
    let dry = ground.run_with(JOB, &["apply", "--dry-run=server", "-f", "-"]).await;
    assert!(dry.contains("server dry run"), "{dry}");
    assert!(ground.sandbox.list("jobs.batch", None).unwrap().is_empty());
    let applied = ground.run_with(JOB, &server).await;
    assert!(applied.contains("serverside-applied"), "{applied}");
    let wider = JOB.replace("parallelism: 1", "parallelism: 2");
    ground.run_with(&wider, &server).await;
    assert_eq!(ground.job()["spec"]["parallelism"], 2);
    let foreign = ["apply", "--server-side", "--field-manager", "other", "-f", "-"];
    let conflict = ground.fails(JOB, &foreign).await;
    assert!(conflict.contains("conflict with \"kubectl\": .spec.parallelism"), "{conflict}");
    let typo = JOB.replace("restartPolicy", "restartPolcy");
    let strict = ground.fails(&typo, &["apply", "-f", "-"]).await;
    assert!(strict.contains("unknown field \"spec.template.spec.restartPolcy\""), "{strict}");
    let mut raised = vec!["apply", "--server-side", "--force-conflicts"];
    raised.extend(["--field-manager", "other", "-f", "-"]);
    ground.run_with(JOB, &raised).await;
    assert_eq!(ground.job()["spec"]["parallelism"], 1);
    ground.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn a_watch_shows_changes_and_a_namespace_goes_with_its_contents() {
    let ground = start().await;
    let mut watch = Command::new(&ground.binary)
        .arg("--kubeconfig")
        .arg(ground.dir.path().join("kubeconfig"))
        .args(["get", "configmaps", "-n", "default", "-w", "-o", "name"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    for name in ["one", "two"] {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        ground.run_with(&map.to_string(), &["apply", "-f", "-"]).await;
        let seen = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
        assert_eq!(seen, format!("configmap/{name}"));
    }
    watch.kill().await.unwrap();
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}});
    ground.run_with(&space.to_string(), &["apply", "-f", "-"]).await;
    ground.run_with(JOB, &["apply", "-n", "x", "-f", "-"]).await;
    ground.run(&["delete", "namespace", "x", "--timeout=30s"]).await;
    assert!(ground.sandbox.list("pods", Some("x")).unwrap().is_empty());
    ground.sandbox.stop().await;
}
