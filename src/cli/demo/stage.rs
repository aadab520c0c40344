//! The ground of the demo: the sandbox, the scheduler in it, and a client of the demo's own.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use berth_engine::{Config, Origin};
use berth_sandbox::Sandbox;
use http::Request;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::params::ListParams;
use kube::core::request::Request as Path;
use serde::Deserialize;
use serde_json::Value;

use super::manifest::NAMESPACE;
use crate::client::{self, Rate};
use crate::events::Granularity;
use crate::scheduler::{Options, Scheduler};
use crate::watch::Format;

/// How long one request of the demo's own may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long the scheduler may take to read the cluster: 100,000 nodes of 2 kB are read in a few
/// seconds.
const SYNC_DEADLINE: Duration = Duration::from_secs(30);

/// How long each of scheduler and sandbox may take to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(3);

/// Events read about one pod; the API server has one per reason and message.
const EVENTS_MAX: u32 = 50;

/// A sandbox and a scheduler that runs against it over HTTPS.
pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    pub(super) scheduler: Scheduler,
    /// Not the scheduler's.
    pub(super) client: Client,
}

impl Stage {
    /// Starts both.
    pub(super) async fn start(nodes: Vec<Value>, config: Config, seed: u64) -> Result<Self> {
        let options = berth_sandbox::Options { nodes, ..berth_sandbox::Options::default() };
        let sandbox = Sandbox::start(options).await;
        // Its message has the cause in it already.
        let sandbox = sandbox.map_err(|error| anyhow!("starting the sandbox: {error}"))?;
        let options = Options {
            // The sandbox is ours alone: as fast as it goes.
            rate: Rate::Unlimited,
            // It speaks JSON only.
            format: Format::Json,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            origin: Origin::seeded(seed),
            events: Granularity::Each,
        };
        let scheduler = client::Client::new(config_of(&sandbox).await?);
        let scheduler = scheduler.context("setting up the scheduler's client")?;
        let scheduler =
            Scheduler::start(scheduler, config, options).context("starting the scheduler")?;
        let client = Client::try_from(config_of(&sandbox).await?);
        let client = client.context("setting up a client for the sandbox")?;
        let stage = Self { sandbox, scheduler, client };
        stage.synced().await?;
        Ok(stage)
    }

    /// Waits until the scheduler has read the cluster, so that pods wait for decisions alone.
    async fn synced(&self) -> Result<()> {
        let health = self.scheduler.health();
        let deadline = tokio::time::Instant::now() + SYNC_DEADLINE;
        while !health.is_synced() {
            if tokio::time::Instant::now() > deadline {
                bail!("the scheduler has not read the cluster in {SYNC_DEADLINE:?}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Stops both.
    pub(super) async fn stop(self) {
        self.scheduler.stop(STOP_DEADLINE).await;
        // What has not ended by then ends with the process.
        let _in_time = tokio::time::timeout(STOP_DEADLINE, self.sandbox.stop()).await;
    }
}

/// How any user of the sandbox reaches it: by its kubeconfig.
async fn config_of(sandbox: &Sandbox) -> Result<kube::Config> {
    let kubeconfig = Kubeconfig::from_yaml(&sandbox.kubeconfig()).context("the kubeconfig")?;
    let options = KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .context("the sandbox's kubeconfig")?;
    // kube would repeat a POST that was answered with 429 or 5xx, unseen.
    config.default_retry = false;
    config.disable_compression = true;
    Ok(config)
}

/// Creates a Job.
pub(super) async fn submit(client: &Client, job: &Value) -> Result<()> {
    let name = &job["metadata"]["name"];
    let path = format!("/apis/batch/v1/namespaces/{NAMESPACE}/jobs");
    let body = serde_json::to_vec(job).context("writing a Job")?;
    let request = Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)
        .context("writing a request")?;
    let answer = tokio::time::timeout(DEADLINE, client.request::<Value>(request)).await;
    answer
        .with_context(|| format!("creating Job {name}: no answer in {DEADLINE:?}"))?
        .map(drop)
        .with_context(|| format!("creating Job {name}"))
}

#[derive(Debug, Deserialize)]
struct Events {
    items: Vec<Event>,
}

/// `events.k8s.io/v1` Event, as far as it is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    note: String,
    #[serde(default)]
    event_time: Option<String>,
}

/// Note of the newest `FailedScheduling` event of a pod.
pub(super) async fn failed_scheduling(client: &Client, pod: &str) -> Result<Option<String>> {
    let fields = format!("regarding.name={pod},reason=FailedScheduling");
    let params = ListParams::default().fields(&fields).limit(EVENTS_MAX);
    let path = Path::new(format!("/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events"));
    let request = path.list(&params).context("writing a request")?;
    let answer = tokio::time::timeout(DEADLINE, client.request::<Events>(request)).await;
    let events = answer.context("listing events: no answer")?.context("listing events")?;
    // RFC 3339 in UTC with the same number of digits sorts by time.
    let newest = events.items.into_iter().max_by(|a, b| a.event_time.cmp(&b.event_time));
    Ok(newest.map(|event| event.note))
}
