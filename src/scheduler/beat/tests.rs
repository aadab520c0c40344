#![allow(clippy::unwrap_used)]
use std::sync::atomic::AtomicBool;

use berth_engine::Config;
use berth_engine::base::NodeIdx;
use berth_engine::framework::{Context, Plugin, Reads, Score, State};
use berth_plugins::Factory;
use berth_sandbox::{SHAPES, Sandbox, ZONES, shaped};
use serde_json::json;

use super::*;
use crate::client::fake::{FakeServer, Reply};
use crate::client::{Client, ConnectOptions, Rate, connect};
use crate::config::default_engine_config;
use crate::scheduler::{Options, Scheduler};

/// Longest wait for what takes a second.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_step_that_does_not_end_fails_the_check_and_the_next_one_mends_it() {
    let start = Instant::now();
    let second = Duration::from_secs(1);
    let beat = Beat::new(start);
    assert_eq!(beat.check(start + 30 * second), Ok(()));
    let why = "the engine's thread has not ended a step for 31 s".to_owned();
    assert_eq!(beat.check(start + 31 * second), Err(why), "the first step");
    let thread = beat.clone();
    thread.beat(start + 40 * second);
    assert_eq!(beat.check(start + 70 * second), Ok(()));
    assert!(beat.check(start + 71 * second).is_err());
    thread.beat(start + 72 * second);
    assert_eq!(beat.check(start + 73 * second), Ok(()));
}

fn start(client: Client, config: Config) -> Scheduler {
    let options = Options {
        rate: Rate::Unlimited,
        format: crate::watch::Format::default(),
        threads: 1,
        origin: berth_engine::Origin::seeded(1),
        events: crate::events::Granularity::Each,
    };
    Scheduler::start(client, config, options).unwrap()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {LONG:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_engine_with_nothing_to_do_beats() {
    // Its lists never come.
    let server = FakeServer::start(|_| Reply::Hang).await;
    let config = default_engine_config(&berth_plugins::in_tree().unwrap()).unwrap();
    let scheduler = start(server.client(), config);
    let beat = scheduler.health().beat().clone();
    for _ in 0..3 {
        let last = beat.last.load(Relaxed);
        until("a step ends", || beat.last.load(Relaxed) != last).await;
    }
    assert_eq!(scheduler.health().check_engine(), Ok(()));
    scheduler.stop(Duration::from_secs(1)).await;
}

/// Set once [`Stuck`] was asked.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Set once [`Stuck`] may return.
static FREE: AtomicBool = AtomicBool::new(false);

/// A plugin that does not return.
#[derive(Debug)]
struct Stuck;

impl Plugin for Stuck {
    fn name(&self) -> &str {
        "Stuck"
    }

    fn reads(&self) -> Reads {
        Reads::NOTHING
    }

    fn as_score(&self) -> Option<&dyn Score> {
        Some(self)
    }
}

impl Score for Stuck {
    fn score(&self, _cx: &Context<'_>, _state: &State, _nodes: &[NodeIdx], _scores: &mut [i64]) {
        ASKED.store(true, Relaxed);
        while !FREE.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_does_not_return_stops_the_beat() {
    let nodes = ["a", "b", "c"].map(|name| shaped(name, &SHAPES[3], ZONES[0])).to_vec();
    let options = berth_sandbox::Options { nodes, ..berth_sandbox::Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
    let connection = ConnectOptions { kubeconfig: Some(kubeconfig), master: None };
    let registry =
        berth_plugins::in_tree().unwrap().with("Stuck", Factory::plain(|| Stuck)).unwrap();
    let text = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
                profiles: [{schedulerName: berth, plugins: {score: {enabled: [{name: Stuck}]}}}]\n";
    let config = crate::config::load(text, "test", &registry).unwrap().engine_config(true).unwrap();
    let scheduler = start(connect(&connection).await.unwrap(), config);
    let beat = scheduler.health().beat().clone();
    let pod = json!({"metadata": {"name": "p"}, "spec": {"schedulerName": "berth",
        "containers": [{"name": "c", "image": "i"}]}});
    sandbox.create("pods", pod).unwrap();
    until("the plugin is asked", || ASKED.load(Relaxed)).await;
    let last = beat.last.load(Relaxed);
    // An idle engine would have made three steps.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(beat.last.load(Relaxed), last, "it beats while a step is under way");
    assert!(beat.check(Instant::now() + SILENT_MAX).is_err());
    FREE.store(true, Relaxed);
    until("the step has ended", || beat.last.load(Relaxed) != last).await;
    scheduler.stop(Duration::from_secs(5)).await;
    sandbox.stop().await;
}
