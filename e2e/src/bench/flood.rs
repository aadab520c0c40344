//! The API server's ceiling: binds from placements computed beforehand, with nothing to decide.
//!
//! The same watches are open as a scheduler's, and requests are Berth's own: a Binding and an
//! `events.k8s.io/v1` Event in protobuf, over connections of their own. All bodies are encoded and
//! all connections open before the clock starts, so that a flooder has less to do than Berth has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::{Context, Result, bail, ensure};
use kube::Client;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::creation::Created;
use super::sightings::now;
use super::wire::Stream;
use crate::controlplane::ControlPlane;
use crate::credentials;

mod body;
mod connection;

use body::Post;
use connection::{Connection, Target};

/// What is written for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    Binds,
    BindsAndEvents,
}

/// A pod and a node watch, open until dropped, and where requests go.
pub(super) struct Flood<'a> {
    target: Arc<Target>,
    nodes: &'a [String],
    watches: Vec<JoinHandle<()>>,
}

impl<'a> Flood<'a> {
    pub(super) async fn open(plane: &ControlPlane, nodes: &'a [String]) -> Result<Self> {
        ensure!(!nodes.is_empty(), "a flood needs nodes that are there before its pods");
        let config = credentials::config(&plane.kubeconfig()).await?;
        let target = Arc::new(Target::new(&config, &plane.credentials().admin_token()?)?);
        let client = Client::try_from(config)?;
        let mut watches = Vec::new();
        for path in ["/api/v1/pods", "/api/v1/nodes"] {
            let stream = Stream::open(&client, path, &now(&client, path).await?).await?;
            watches.push(tokio::spawn(async move {
                // It ends when it is aborted, or with the API server.
                let _ = stream.drain().await;
            }));
        }
        Ok(Self { target, nodes, watches })
    }

    /// Makes everything ready to bind the pods, node after node in turn, `in_flight` at a time.
    pub(super) async fn ready(
        &self,
        pods: &[&Created],
        load: Load,
        in_flight: usize,
    ) -> Result<Burst> {
        let mut posts = Vec::new();
        for (pod, node) in pods.iter().zip(self.nodes.iter().cycle()) {
            let event = (load == Load::BindsAndEvents).then(|| body::event(pod, node));
            posts.push((body::binding(pod, node)?, event.transpose()?));
        }
        Burst::ready(Arc::clone(&self.target), posts, in_flight).await
    }
}

impl Drop for Flood<'_> {
    fn drop(&mut self) {
        self.watches.iter().for_each(JoinHandle::abort);
    }
}

/// What is posted for a pod, in this order.
type Posts = Vec<(Post, Option<Post>)>;

/// Requests that wait for the word. Dropped before it, they are never sent.
pub(super) struct Burst {
    go: oneshot::Sender<()>,
    done: JoinHandle<Result<()>>,
}

impl Burst {
    /// On a thread of its own, as Berth's requests are: tasks that several threads pass on to each
    /// other cost a fifth more CPU, which the API server has to do without.
    async fn ready(target: Arc<Target>, posts: Posts, in_flight: usize) -> Result<Self> {
        let (ready, is_ready) = oneshot::channel();
        let (go, gone) = oneshot::channel();
        let done = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connections = Vec::new();
                for _ in 0..in_flight {
                    connections.push(target.connect().await?);
                }
                // Whoever does not wait any more does not give the word either.
                let _ = ready.send(());
                if gone.await.is_err() {
                    return Ok(());
                }
                send(Arc::new(posts), connections).await
            })
        });
        if is_ready.await.is_err() {
            done.await??;
            bail!("a flood that ended before it began");
        }
        Ok(Self { go, done })
    }

    /// Sends them, and waits for the last answer.
    pub(super) async fn run(self) -> Result<()> {
        // Where nobody hears it, the thread has ended and says why.
        let _ = self.go.send(());
        self.done.await.context("the flood's thread")?
    }
}

/// Each connection takes the next pod as soon as it is done with one.
async fn send(posts: Arc<Posts>, connections: Vec<Connection>) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for mut connection in connections {
        let (posts, next) = (Arc::clone(&posts), Arc::clone(&next));
        workers.spawn(async move {
            while let Some((bind, event)) = posts.get(next.fetch_add(1, Relaxed)) {
                connection.post(bind).await?;
                if let Some(event) = event {
                    connection.post(event).await?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.context("a flood's connection")??;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
