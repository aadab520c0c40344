//! `berth run` whose stderr takes nothing: the log may be lost, pods are placed and the process
//! stops when told.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use berth_sandbox::Sandbox;

use crate::pods::{PODS_PER_NODE, node_of, nodes};
use crate::stage::{create_pods, sandbox};

const NODES: usize = 40;
const PODS: usize = NODES * PODS_PER_NODE;

/// Longest wait for what takes a second.
const DEADLINE: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

struct Run {
    sandbox: Sandbox,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Run {
    /// The binary at work on a sandbox, with such an stderr. At `-v=6` it writes more than the
    /// 64 kB that a pipe holds.
    async fn start(stderr: Stdio) -> Self {
        let sandbox = sandbox(nodes(NODES), None).await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_berth"))
            .args(["run", "--secure-port=0", "-v=6", "--kube-api-qps=-1", "--kubeconfig"])
            .arg(&kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        Self { sandbox, child, _folder: folder }
    }

    /// Places all pods, is told to stop, and ends well.
    async fn place_and_stop(mut self) {
        create_pods(&self.sandbox, "p", PODS);
        let bound = || self.sandbox.count("pods", |pod| node_of(pod).is_some()).unwrap();
        let until = Instant::now() + DEADLINE;
        while bound() < PODS {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended with {ended:?}, {} of {PODS} bound", bound());
            assert!(Instant::now() < until, "{} of {PODS} bound", bound());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let until = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "does not end");
            tokio::time::sleep(LOOK_EVERY).await;
        };
        assert!(status.success(), "{status}");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Ended already, unless the test failed.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_under_stderr_stops_nothing() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    Run::start(full.into()).await.place_and_stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_pipe_under_stderr_stops_nothing() {
    let mut run = Run::start(Stdio::piped()).await;
    drop(run.child.stderr.take());
    run.place_and_stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_that_nobody_reads_under_stderr_stops_nothing() {
    // The reading end stays open and unread in `child`.
    Run::start(Stdio::piped()).await.place_and_stop().await;
}

#[test]
fn an_error_at_the_start_ends_with_1_where_stderr_is_full() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_berth"))
        .args(["run", "--kubeconfig=/nonexistent"])
        .stderr(full)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}
