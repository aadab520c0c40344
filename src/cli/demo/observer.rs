//! The demo's own eyes: a list and watch of pods over HTTPS, apart from the scheduler's.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use kube::Client;
use kube::core::WatchEvent;
use kube::core::params::{ListParams, WatchParams};
use kube::core::request::Request;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::manifest::NAMESPACE;
use super::sighting::{Pod, PodList, PodSeen, Sighting};

/// Sightings not yet taken in, about 300 bytes each: the watch waits where the demo is slower.
const QUEUE_MAX: usize = 4_096;

/// Objects per page of a list, as client-go's.
const PAGE: u32 = 500;

/// Pause before the watch is begun again after an error.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Errors in a row after which the observer gives up: 10 s with the pauses between.
const ERRORS_MAX: u32 = 40;

/// A running observer; dropping it ends it.
#[derive(Debug)]
pub(super) struct Observer {
    /// What was seen, and when it was read. It ends where the observer has given up.
    pub(super) sightings: mpsc::Receiver<(Instant, Sighting)>,
    _task: AbortOnDropHandle<()>,
}

impl Observer {
    /// Starts on the current runtime.
    pub(super) fn start(client: Client) -> Self {
        let (sender, sightings) = mpsc::channel(QUEUE_MAX);
        let task = tokio::spawn(async move {
            let mut errors = 0;
            // Ends when the receiver is gone, too.
            while errors < ERRORS_MAX && !sender.is_closed() {
                if let Err(error) = follow(&client, &sender, &mut errors).await {
                    errors += 1;
                    tracing::debug!("the demo's watch on pods: {error:#}");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        });
        Self { sightings, _task: AbortOnDropHandle::new(task) }
    }
}

type Sender = mpsc::Sender<(Instant, Sighting)>;

/// Lists, then watches until the watch ends with an error or an expired version.
async fn follow(client: &Client, sender: &Sender, errors: &mut u32) -> Result<()> {
    let (pods, mut version) = list(client).await?;
    send(sender, Sighting::All(pods)).await?;
    let request = Request::new(format!("/api/v1/namespaces/{NAMESPACE}/pods"));
    let params = WatchParams::default().timeout(290);
    loop {
        let watch = request.watch(&params, &version).context("watching pods")?;
        let events = client.request_events::<Pod>(watch).await.context("watching pods")?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            let sighting = match event.context("reading the watch on pods")? {
                WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                    version.clone_from(&pod.metadata.resource_version);
                    Sighting::Pod(PodSeen::from(pod))
                }
                WatchEvent::Deleted(pod) => {
                    version.clone_from(&pod.metadata.resource_version);
                    Sighting::Gone(pod.metadata.uid)
                }
                WatchEvent::Bookmark(bookmark) => {
                    version.clone_from(&bookmark.metadata.resource_version);
                    continue;
                }
                WatchEvent::Error(status) => bail!("the watch on pods: {}", status.message),
            };
            *errors = 0;
            send(sender, sighting).await?;
        }
        // The server ends a watch after its time; one that it ends at once must not be a busy loop.
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

async fn list(client: &Client) -> Result<(Vec<PodSeen>, String)> {
    let request = Request::new(format!("/api/v1/namespaces/{NAMESPACE}/pods"));
    let mut params = ListParams::default().limit(PAGE);
    let mut pods = Vec::new();
    loop {
        let page = request.list(&params).context("listing pods")?;
        let page: PodList = client.request(page).await.context("listing pods")?;
        pods.extend(page.items.into_iter().map(PodSeen::from));
        if page.metadata.next.is_empty() {
            return Ok((pods, page.metadata.resource_version));
        }
        params = params.continue_token(&page.metadata.next);
    }
}

async fn send(sender: &Sender, sighting: Sighting) -> Result<()> {
    sender.send((Instant::now(), sighting)).await.context("nobody looks any more")
}
