//! A sandbox and a scheduler in it, as `berth run` would connect to it.

use std::time::Duration;

use berth::client::{Client, ConnectOptions, Rate, connect};
use berth::config::default_engine_config;
use berth::events::Granularity;
use berth::scheduler::{Options, Scheduler};
use berth::watch::Format;
use berth_engine::Origin;
use berth_sandbox::Sandbox;
use serde_json::Value;
use tokio::time::Instant;

use crate::ledger::Ledger;
use crate::pods::{node_of, pod};

/// How long anything may take. Not a measurement: what has not come by then never will.
const DEADLINE: Duration = Duration::from_secs(45);

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) scheduler: Scheduler,
}

impl Stage {
    /// On these nodes, with the scheduler's first lists in.
    pub(crate) async fn with_nodes(nodes: Vec<Value>) -> Self {
        let stage = Self::of(sandbox(nodes, None).await).await;
        stage.until("the first lists are in", || stage.scheduler.health().is_synced()).await;
        stage
    }

    /// In a sandbox that has been prepared; the first lists may still be under way.
    pub(crate) async fn of(sandbox: Sandbox) -> Self {
        Self::telling(sandbox, Granularity::Each).await
    }

    /// With such events.
    pub(crate) async fn telling(sandbox: Sandbox, events: Granularity) -> Self {
        let scheduler = scheduler(&sandbox, events).await;
        Self { sandbox, scheduler }
    }

    /// With such a `clientConnection.qps` and `burst`.
    pub(crate) async fn at_rate(sandbox: Sandbox, rate: Rate) -> Self {
        let scheduler = scheduler_at(&sandbox, Granularity::Each, rate).await;
        Self { sandbox, scheduler }
    }

    /// Creates pods `NAME-000` and up.
    pub(crate) fn create_pods(&self, name: &str, n: usize) {
        create_pods(&self.sandbox, name, n);
    }

    /// How many pods are bound.
    pub(crate) fn bound(&self) -> usize {
        self.sandbox.count("pods", |pod| node_of(pod).is_some()).unwrap()
    }

    pub(crate) fn pod(&self, name: &str) -> Option<Value> {
        self.sandbox.get("pods", "default", name).unwrap()
    }

    pub(crate) async fn bound_at_least(&self, n: usize) {
        self.until(&format!("{n} pods are bound"), || self.bound() >= n).await;
    }

    /// Waits until `pods` are bound, and holds the ledger against the store.
    pub(crate) async fn all_placed(&self, pods: usize) -> Ledger {
        self.bound_at_least(pods).await;
        // A bind is in the store before its answer is counted.
        let answered = || self.answers("create", "pods/binding", 201) >= pods as u64;
        self.until(&format!("{pods} binds are answered"), answered).await;
        let ledger = Ledger::read(&self.sandbox);
        ledger.assert_sound(pods, self.metric("berth_bind_retries_total"));
        ledger
    }

    /// Waits until it holds. What is then wrong is told with the state of things.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds() {
            assert!(
                Instant::now() < deadline,
                "not within {DEADLINE:?}: {what}\n{}",
                self.report()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn report(&self) -> String {
        let text = self.scheduler.health().metrics().encode(None).body;
        let telling = |line: &&str| {
            ["berth_bind", "scheduler_pending", "scheduler_cache", "berth_watch"]
                .iter()
                .any(|prefix| line.starts_with(prefix))
                && !line.ends_with(" 0")
                && !line.contains("_bucket")
        };
        let lines: Vec<&str> = text.lines().filter(telling).collect();
        let states = self.scheduler.health().states();
        let waiting: Vec<String> = states.pending().map(|(k, s)| format!("{k}: {s}")).collect();
        format!(
            "{} pods bound; lists that wait: {waiting:?}\n{}\n{:?}",
            self.bound(),
            lines.join("\n"),
            self.sandbox.requests()
        )
    }

    /// The value of a series, such as `berth_watch_lists_total{kind="Pod"}`; 0 where there is none.
    pub(crate) fn metric(&self, series: &str) -> u64 {
        let text = self.scheduler.health().metrics().encode(None).body;
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse::<f64>().unwrap() as u64)
    }

    /// Answers of the API server to `verb` of `resource` with this code.
    pub(crate) fn answers(&self, verb: &str, resource: &str, code: u16) -> u64 {
        let key = (verb.to_owned(), resource.to_owned(), code);
        self.sandbox.requests().get(&key).copied().unwrap_or(0)
    }

    /// Stops both; no bind may be left in doubt.
    pub(crate) async fn stop(self) {
        assert_eq!(self.scheduler.stop(DEADLINE).await, 0, "binds in doubt after a stop");
        self.sandbox.stop().await;
    }
}

/// Creates pods `NAME-000` and up.
pub(crate) fn create_pods(sandbox: &Sandbox, name: &str, n: usize) {
    for i in 0..n {
        sandbox.create("pods", pod(&format!("{name}-{i:03}"))).unwrap();
    }
}

/// A sandbox whose bound pods run on; nodes are silent unless told otherwise.
pub(crate) async fn sandbox(nodes: Vec<Value>, heartbeat: Option<Duration>) -> Sandbox {
    let options = berth_sandbox::Options { nodes, heartbeat, ..berth_sandbox::Options::default() };
    Sandbox::start(options).await.unwrap()
}

/// A client by the sandbox's kubeconfig, as that of `berth run --kubeconfig`.
pub(crate) async fn client(sandbox: &Sandbox) -> Client {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
    let connection = ConnectOptions { kubeconfig: Some(kubeconfig), master: None };
    connect(&connection).await.unwrap()
}

/// A scheduler in the sandbox.
pub(crate) async fn scheduler(sandbox: &Sandbox, events: Granularity) -> Scheduler {
    scheduler_at(sandbox, events, Rate::Unlimited).await
}

async fn scheduler_at(sandbox: &Sandbox, events: Granularity, rate: Rate) -> Scheduler {
    let client = client(sandbox).await;
    let config = default_engine_config(&berth_plugins::in_tree().unwrap()).unwrap();
    let format = Format::default();
    let options = Options { rate, format, threads: 1, origin: Origin::seeded(37), events };
    Scheduler::start(client, config, options).unwrap()
}
