//! One round: make pods, start a scheduler, watch until the last pod has a node, clear up.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use e2e::controlplane::ControlPlane;
use e2e::patience;
use e2e::process::Process;
use e2e::record::Recorder;
use e2e::scheduler::{Kind, Options, Scheduler};
use e2e::usage::Usage;

/// kube-scheduler needs half a minute for 5,000 pods on two cores.
const LIMIT: Duration = Duration::from_secs(900);
const IN_FLIGHT: usize = 32;

/// What one scheduler did in one round.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) kind: Kind,
    pub(crate) pods: usize,
    /// From the start of its process to the first and the last binding seen.
    pub(crate) first: Duration,
    pub(crate) last: Duration,
    /// CPU time and memory until it came to rest: its events come after the bindings.
    pub(crate) usage: Usage,
    /// Scheduled events it wrote.
    pub(crate) events: usize,
}

impl Round {
    /// Pods a second from the start of the process: with its first lists.
    pub(crate) fn rate_from_start(&self) -> f64 {
        self.pods as f64 / self.last.as_secs_f64()
    }

    /// Pods a second from the first binding; the first pod itself is the start.
    pub(crate) fn rate_from_first(&self) -> f64 {
        (self.pods - 1) as f64 / (self.last - self.first).as_secs_f64()
    }

    pub(crate) fn cpu_ms_per_pod(&self) -> f64 {
        self.usage.cpu.as_secs_f64() * 1000.0 / self.pods as f64
    }

    pub(crate) fn peak_mib(&self) -> f64 {
        self.usage.peak_kib as f64 / 1024.0
    }
}

pub(crate) async fn run(
    plane: &ControlPlane,
    kind: Kind,
    number: usize,
    pods: usize,
) -> Result<Round> {
    let client = plane.client();
    let profile = match kind {
        Kind::Berth => "berth",
        Kind::KubeScheduler => "default-scheduler",
    };
    create_pods(&client, profile, pods).await?;
    let recorder = Recorder::start(&client).await?;
    // The administrator for both: the same work for the authorizer.
    let mut options = Options::unlimited(kind, plane.kubeconfig(), profile);
    options.name = format!("{}-{number}", kind.name());
    let started = Instant::now();
    let mut scheduler = Scheduler::spawn(plane, &options)?;
    let all_bound = recorder.until("all pods bound", LIMIT, |record| {
        ensure!(record.bound.len() == pods, "{} of {pods}", record.bound.len());
        Ok(())
    });
    let all_bound = scheduler.process.alive_during(all_bound).await;
    all_bound.with_context(|| scheduler.process.log_tail())?;
    let (first, last) = {
        let record = recorder.read();
        ensure!(record.gaps == 0, "the record has gaps");
        ensure!(record.overcommits.is_empty(), "over-committed: {:?}", record.overcommits);
        let first = record.bound.values().min().context("no pod bound")?;
        let last = record.bound.values().max().context("no pod bound")?;
        (*first - started, *last - started)
    };
    let usage = at_rest(&mut scheduler.process).await?;
    drop(scheduler);
    let events = count_events(&client).await?;
    clear(&client).await?;
    Ok(Round { kind, pods, first, last, usage, events })
}

async fn create_pods(client: &Client, profile: &str, count: usize) -> Result<()> {
    let api: Api<Pod> = Api::namespaced(client.clone(), "default");
    stream::iter(0..count)
        .map(|index| {
            let api = api.clone();
            async move {
                let pod = serde_json::from_value(json!({
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {"name": format!("pod-{index:05}")},
                    "spec": {
                        "schedulerName": profile,
                        "containers": [{
                            "name": "pause",
                            "image": "registry.k8s.io/pause:3.10",
                            "resources": {"requests": {"cpu": "100m", "memory": "500M"}},
                        }],
                    },
                }))?;
                api.create(&PostParams::default(), &pod).await?;
                anyhow::Ok(())
            }
        })
        .buffer_unordered(IN_FLIGHT)
        .try_collect()
        .await
        .context("creating the pods")
}

/// Its usage once it takes less than a twentieth of a core, or after 30 s.
async fn at_rest(process: &mut Process) -> Result<Usage> {
    const STEP: Duration = Duration::from_millis(500);
    let mut before = process.usage()?;
    for _ in 0..60 {
        tokio::time::sleep(STEP).await;
        process.running()?;
        let now = process.usage()?;
        let spent = now.cpu - before.cpu;
        before = now;
        if spent < STEP / 20 {
            break;
        }
    }
    Ok(before)
}

async fn count_events(client: &Client) -> Result<usize> {
    let api: Api<Event> = Api::namespaced(client.clone(), "default");
    let params = ListParams::default().fields("reason=Scheduled");
    Ok(api.list_metadata(&params).await?.items.len())
}

/// Leaves no pod and no event behind.
async fn clear(client: &Client) -> Result<()> {
    let now = DeleteParams::default().grace_period(0);
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let events: Api<Event> = Api::namespaced(client.clone(), "default");
    let all = ListParams::default();
    let pause = Duration::from_millis(500);
    patience::until("pods and events deleted", LIMIT, pause, async || {
        pods.delete_collection(&now, &all).await?;
        events.delete_collection(&now, &all).await?;
        let left = pods.list_metadata(&all.clone().limit(1)).await?.items.len();
        ensure!(left == 0, "some are left");
        Ok(())
    })
    .await
}
