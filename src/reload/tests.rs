//! A scheduler on the sandbox while its configuration file changes.
#![allow(clippy::unwrap_used)]

mod own;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::Mutex;

use berth_engine::Origin;
use berth_sandbox::{SHAPES, Sandbox, shaped};
use serde_json::{Value, json};
use tempfile::TempDir;
use tracing::subscriber::DefaultGuard;

use super::*;
use crate::client::{ConnectOptions, Rate, connect};
use crate::scheduler::Options;
use crate::watch::Format;

/// Ends a broken test.
const LIMIT: Duration = Duration::from_secs(60);

/// What the log says, of this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start(&self) -> DefaultGuard {
        let log = self.clone();
        let builder = tracing_subscriber::fmt().with_ansi(false);
        tracing::subscriber::set_default(builder.with_writer(move || log.clone()).finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A configuration whose only scores are those of NodeResourcesFit by CPU.
fn by(strategy: &str, name: &str) -> String {
    format!(
        "apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: {name}
  plugins:
    multiPoint:
      disabled:
      - name: NodeResourcesBalancedAllocation
  pluginConfig:
  - name: NodeResourcesFit
    args:
      scoringStrategy: {{type: {strategy}, resources: [{{name: cpu, weight: 1}}]}}
"
    )
}

struct Bench {
    sandbox: Sandbox,
    scheduler: Scheduler,
    in_force: watch::Receiver<InForce>,
    _reloader: Reloader,
    dir: TempDir,
}

impl Bench {
    /// Two alike nodes, and a file that says `text`.
    async fn start(text: &str) -> Self {
        Self::start_at(text, Rate::Unlimited).await
    }

    async fn start_at(text: &str, rate: Rate) -> Self {
        let nodes = ["a", "b"].map(|name| shaped(name, &SHAPES[0], "zone-a")).to_vec();
        let options = berth_sandbox::Options { nodes, ..berth_sandbox::Options::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        sandbox
            .create(
                "configmaps",
                json!({"apiVersion": "v1", "kind": "ConfigMap",
                       "metadata": {"name": "berth-config", "namespace": "default"}}),
            )
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let kubeconfig = dir.path().join("kubeconfig");
        fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
        let connect_options = ConnectOptions { kubeconfig: Some(kubeconfig), master: None };
        let client = connect(&connect_options).await.unwrap();
        let path = dir.path().join("config.yaml");
        fs::write(&path, text).unwrap();
        let registry = berth_plugins::in_tree().unwrap();
        let loaded = config::load(text, "config.yaml", &registry).unwrap();
        let events = loaded.berth().granularity();
        let options =
            Options { rate, format: Format::Json, threads: 1, origin: Origin::seeded(1), events };
        let config = loaded.engine_config(true).unwrap();
        let scheduler = Scheduler::start(client.clone(), config, options).unwrap();
        let at_start = InForce::at_start(loaded);
        show_start(&at_start, &scheduler.health().metrics().config);
        let (announce, in_force) = watch::channel(at_start);
        let options = ReloadOptions {
            path,
            text: text.to_owned(),
            every: Duration::from_millis(5),
            parked_max_ms: 300_000,
            events: None,
            allow_default_scheduler: false,
            claims: None,
            hangups: None,
            subject: Subject::find(Some("default/berth-config")).unwrap(),
        };
        let reloader = Reloader::spawn(options, client, registry, &scheduler, announce);
        Self { sandbox, scheduler, in_force, _reloader: reloader, dir }
    }

    /// Writes the file, waits for the reload, and says how it ended.
    async fn write(&mut self, text: &str) -> ReloadResult {
        self.in_force.borrow_and_update();
        let before = self.in_force.borrow().last().cloned();
        fs::write(self.dir.path().join("config.yaml"), text).unwrap();
        let ended = self.in_force.wait_for(|now| now.last() != before.as_ref());
        let ended = tokio::time::timeout(LIMIT, ended).await.expect("a reload").unwrap();
        ended.last().unwrap().result.clone()
    }

    fn create(&self, name: &str, scheduler: &str) {
        let container = json!({"name": "c", "image": "i",
                               "resources": {"requests": {"cpu": "100m"}}});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"schedulerName": scheduler, "containers": [container]},
        });
        self.sandbox.create("pods", pod).unwrap();
    }

    /// Names of the pods with a node.
    fn bound(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pods = self.sandbox.list("pods", None).unwrap();
        let pods =
            pods.iter().map(|p| (text(&p["metadata"]["name"]), text(&p["spec"]["nodeName"])));
        pods.filter(|(_, node)| !node.is_empty()).collect()
    }

    async fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let ended = async {
            while !is(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(LIMIT, ended).await.unwrap_or_else(|_| panic!("not in time: {what}"));
    }

    /// Creates pods one after another, each when the one before has its node, and says how many
    /// the two nodes have then, the emptier first.
    async fn place(&self, names: &[&str], scheduler: &str) -> [usize; 2] {
        for name in names {
            self.create(name, scheduler);
            self.until(name, |bench| bench.bound().contains_key(*name)).await;
        }
        let on = |node: &str| self.bound().values().filter(|n| *n == node).count();
        let mut counts = [on("a"), on("b")];
        counts.sort_unstable();
        counts
    }

    fn metrics(&self) -> String {
        self.scheduler.health().metrics().encode(None).body
    }

    /// Waits for an event, and gives it back by core/v1's names.
    async fn event(&self, reason: &str, note: &str) -> Value {
        let find = |bench: &Self| {
            let events = bench.sandbox.list("events", None).unwrap();
            let is = |event: &Value| {
                event["reason"] == reason
                    && event["message"].as_str().is_some_and(|text| text.contains(note))
            };
            events.into_iter().find(is)
        };
        self.until("an event", |bench| find(bench).is_some()).await;
        find(self).unwrap()
    }

    async fn stop(self) {
        assert_eq!(self.scheduler.stop(LIMIT).await, 0);
        self.sandbox.stop().await;
    }
}

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.contains(line), "missing {line:?} in\n{text}");
}

#[tokio::test]
async fn the_next_pods_land_by_the_new_configuration() {
    let log = Log::default();
    let _guard = log.start();
    let mut bench = Bench::start(&by("LeastAllocated", "berth")).await;
    let started = bench.in_force.borrow().hash();
    has(&bench.metrics(), &format!("berth_config_hash {started}\n"));
    has(&bench.metrics(), "berth_config_last_reload_successful 1\n");
    assert_eq!(bench.place(&["p1", "p2", "p3", "p4"], "berth").await, [2, 2]);

    let result = bench.write(&(by("MostAllocated", "berth") + "parallelism: 3\n")).await;
    let needs_restart = vec!["parallelism".to_owned()];
    assert_eq!(result, ReloadResult::Success { needs_restart });
    assert_eq!(bench.place(&["q1", "q2", "q3", "q4"], "berth").await, [2, 6]);

    let hash = bench.in_force.borrow().hash();
    assert_ne!(hash, started);
    has(&bench.metrics(), &format!("berth_config_hash {hash}\n"));
    has(&bench.metrics(), "berth_config_reloads_total{result=\"success\"} 1\n");
    let page = bench.in_force.borrow().page();
    let args = &page["componentconfig"]["profiles"][0]["pluginConfig"];
    let fit = args.as_array().unwrap().iter().find(|c| c["name"] == "NodeResourcesFit").unwrap();
    assert_eq!(fit["args"]["scoringStrategy"]["type"], "MostAllocated");
    assert_eq!(page["componentconfig"]["parallelism"], 16);
    has(&log.text(), "Configuration reloaded");
    has(&log.text(), "read at the start alone differ from then");
    let event = bench.event("ConfigReloaded", "need a restart: parallelism").await;
    let uid = bench.sandbox.get("configmaps", "default", "berth-config").unwrap().unwrap();
    assert_eq!(event["involvedObject"]["kind"], "ConfigMap");
    assert_eq!(event["involvedObject"]["uid"], uid["metadata"]["uid"]);
    assert_eq!((&event["type"], &event["reportingComponent"]), (&json!("Normal"), &json!("berth")));
    bench.stop().await;
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_says_so() {
    let log = Log::default();
    let _guard = log.start();
    let right = by("MostAllocated", "berth");
    let mut bench = Bench::start(&right).await;
    let started = bench.in_force.borrow().hash();
    bench.place(&["p1"], "berth").await;
    let wrong = right.replace("MostAllocated", "Leased").replace("name: cpu", "nam: cpu");
    let ReloadResult::Rejected { problems } = bench.write(&wrong).await else { panic!("taken") };
    assert_eq!(problems.len(), 2, "{problems:?}");
    for (problem, field) in problems.iter().zip(["type", "resources[0].nam"]) {
        has(problem, "config.yaml:12: profiles[0].pluginConfig[0].args.scoringStrategy.");
        has(&(problems.join("\n") + "\n"), field);
        has(&log.text(), problem);
    }
    assert_eq!(bench.in_force.borrow().hash(), started);
    let metrics = bench.metrics();
    has(&metrics, "berth_config_last_reload_successful 0\n");
    has(&metrics, "berth_config_reloads_total{result=\"rejected\"} 1\n");
    has(&metrics, &format!("berth_config_hash {started}\n"));
    let page = bench.in_force.borrow().page();
    assert_eq!(page["berth"]["lastReload"]["result"], "rejected");
    assert_eq!(page["berth"]["lastReload"]["problems"], json!(problems));
    let event = bench.event("ConfigRejected", "resources[0].nam").await;
    assert_eq!(event["type"], "Warning");
    assert_eq!(bench.place(&["p2", "p3"], "berth").await, [0, 3], "still packed");

    assert_eq!(bench.write(&(right.clone() + "# mended\n")).await, ReloadResult::Unchanged);
    has(&bench.metrics(), "berth_config_last_reload_successful 1\n");
    fs::remove_file(bench.dir.path().join("config.yaml")).unwrap();
    bench.event("ConfigRejected", "cannot be read: No such file").await;
    assert_eq!(bench.place(&["p4"], "berth").await, [0, 4]);
    bench.stop().await;
}

#[tokio::test]
async fn what_the_start_refuses_a_reload_refuses_too() {
    let mut bench = Bench::start(&by("LeastAllocated", "berth")).await;
    let renewed = jiff::Timestamp::now().strftime("%FT%T.%6fZ").to_string();
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "kube-scheduler", "namespace": "kube-system"},
        "spec": {"holderIdentity": "peer_1", "leaseDurationSeconds": 600, "renewTime": renewed},
    });
    bench.sandbox.create("leases.coordination.k8s.io", lease).unwrap();
    let extenders = by("LeastAllocated", "berth") + "extenders: [{urlPrefix: 'http://x'}]\n";
    for (text, why) in [
        (by("LeastAllocated", "default-scheduler"), "peer_1 holds the Lease"),
        (extenders, "does not call extenders yet"),
    ] {
        let ReloadResult::Rejected { problems } = bench.write(&text).await else {
            panic!("taken: {text}")
        };
        has(&problems.join("\n"), why);
    }
    bench.place(&["p1"], "berth").await;
    bench.stop().await;
}

#[tokio::test]
async fn pods_follow_the_names_of_the_profiles() {
    let mut bench = Bench::start(&by("LeastAllocated", "berth")).await;
    bench.create("early", "batch");
    bench.place(&["p1"], "berth").await;
    assert!(!bench.bound().contains_key("early"));
    bench.write(&by("LeastAllocated", "batch")).await;
    bench.until("early", |bench| bench.bound().contains_key("early")).await;
    bench.create("left", "berth");
    bench.place(&["p2", "p3"], "batch").await;
    assert!(!bench.bound().contains_key("left"));
    bench.write(&by("LeastAllocated", "berth")).await;
    bench.until("left", |bench| bench.bound().contains_key("left")).await;
    bench.stop().await;
}

#[tokio::test]
async fn no_pod_and_no_bind_is_lost_while_profiles_change() {
    let mut bench = Bench::start(&by("LeastAllocated", "berth")).await;
    for round in 0..10 {
        for pod in 0..20 {
            bench.create(&format!("p{round}-{pod}"), "berth");
        }
        // Also to a name that the pods do not have, and back.
        let name = if round % 3 == 1 { "other" } else { "berth" };
        let strategy = if round % 2 == 0 { "MostAllocated" } else { "LeastAllocated" };
        let result = bench.write(&by(strategy, name)).await;
        assert_eq!(result, ReloadResult::Success { needs_restart: Vec::new() }, "round {round}");
    }
    bench.until("200 pods bound", |bench| bench.bound().len() == 200).await;
    let requests = bench.sandbox.requests();
    let binds = requests.iter().filter(|((_, resource, _), _)| resource == "pods/binding");
    assert_eq!(binds.map(|(_, count)| count).sum::<u64>(), 200, "one bind each: {requests:?}");
    bench.stop().await;
}
