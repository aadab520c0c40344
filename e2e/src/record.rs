//! What happens to every pod, in the API server's own order.
//!
//! One watch over all pods; each change is weighed as it comes. So the account of a node is exact
//! at every moment of the run, not only at its end. Where the watch cannot resume (an API server
//! that was started again knows no history), the record lists anew and counts a gap.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, pin_mut};
use k8s_openapi::api::core::v1::Node;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use kube::{Api, Client};

use crate::patience;

mod pod;
mod quantity;

pub use pod::{Condition, SlimPod};

/// Room on a node, or what pods ask for: milli-CPU, bytes, pods.
type Amounts = [u64; 3];

const RESOURCE_NAMES: [&str; 3] = ["milli-CPU", "bytes of memory", "pods"];

/// A moment at which the pods of a node asked for more than it has.
#[derive(Debug, Clone)]
pub struct Overcommit {
    /// The node.
    pub node: String,
    /// The pod that came last, and the scheduler it names.
    pub pod: String,
    /// `schedulerName` of that pod.
    pub scheduler: String,
    /// What there was too much of.
    pub what: String,
}

/// Everything seen so far.
#[derive(Debug, Default)]
pub struct Record {
    /// The newest state of every pod that is there, by uid.
    pub pods: HashMap<String, SlimPod>,
    /// When each pod got its node, by uid.
    pub bound: HashMap<String, Instant>,
    /// Pods whose node changed: impossible, and therefore watched for.
    pub moved: Vec<String>,
    /// In the order of their happening.
    pub overcommits: Vec<Overcommit>,
    /// How often changes may have been missed.
    pub gaps: usize,
    nodes: HashMap<String, NodeAccount>,
}

#[derive(Debug)]
struct NodeAccount {
    allocatable: Amounts,
    used: Amounts,
}

/// A record that is being kept, until dropped.
#[derive(Debug)]
pub struct Recorder {
    record: Arc<Mutex<Record>>,
    task: tokio::task::JoinHandle<()>,
}

impl Recorder {
    /// Takes the nodes and pods there are, and watches the pods from there.
    pub async fn start(client: &Client) -> Result<Self> {
        let mut record = Record::default();
        for node in Api::<Node>::all(client.clone()).list(&ListParams::default()).await?.items {
            let (name, account) = NodeAccount::of(&node)?;
            record.nodes.insert(name, account);
        }
        let list = list(client).await?;
        record.replace(list.items);
        let record = Arc::new(Mutex::new(record));
        let task = keep(client.clone(), list.metadata.resource_version, Arc::clone(&record));
        let task = tokio::spawn(task);
        Ok(Self { record, task })
    }

    /// The record up to now.
    pub fn read(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// Waits until `enough` of the record is true.
    pub async fn until(
        &self,
        what: &str,
        limit: Duration,
        enough: impl Fn(&Record) -> Result<()>,
    ) -> Result<()> {
        let pause = Duration::from_millis(50);
        patience::until(what, limit, pause, async || enough(&self.read())).await
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Record {
    /// The pods that name a scheduler.
    pub fn of_scheduler<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a SlimPod> {
        self.pods.values().filter(move |pod| pod.spec.scheduler_name == name)
    }

    /// Over-commits on the nodes whose name starts with `prefix`.
    pub fn overcommits_on(&self, prefix: &str) -> Vec<&Overcommit> {
        self.overcommits.iter().filter(|case| case.node.starts_with(prefix)).collect()
    }

    /// Fails unless `count` pods that satisfy `which` have a node.
    pub fn ensure_bound(&self, count: usize, which: impl Fn(&SlimPod) -> bool) -> Result<()> {
        let bound = self.pods.values().filter(|pod| pod.spec.node_name.is_some() && which(pod));
        let bound = bound.count();
        ensure!(bound >= count, "{bound} of {count} pods are bound");
        Ok(())
    }

    /// Takes over the state of one moment. What makes room goes first, so that no node looks
    /// over-committed only by the order of a list.
    fn replace(&mut self, mut pods: Vec<SlimPod>) {
        let there: HashSet<&str> = pods.iter().map(|pod| pod.metadata.uid.as_str()).collect();
        let gone = self.pods.values().filter(|pod| !there.contains(pod.metadata.uid.as_str()));
        let gone: Vec<SlimPod> = gone.cloned().collect();
        gone.iter().for_each(|pod| self.remove(pod));
        pods.sort_by_key(|pod| !pod.has_ended());
        pods.into_iter().for_each(|pod| self.set(pod));
    }

    fn set(&mut self, pod: SlimPod) {
        let uid = pod.metadata.uid.clone();
        let before = self.pods.remove(&uid);
        if let Some(before) = &before {
            self.count(before, false);
            if before.spec.node_name.is_some() && before.spec.node_name != pod.spec.node_name {
                self.moved.push(pod.full_name());
            }
        }
        let newly = before.is_none_or(|before| before.spec.node_name.is_none());
        self.count(&pod, true);
        if newly && let Some(node) = &pod.spec.node_name {
            let overcommit = self.nodes.get(node).and_then(|account| account.excess(node, &pod));
            self.overcommits.extend(overcommit);
            self.bound.insert(uid.clone(), Instant::now());
        }
        self.pods.insert(uid, pod);
    }

    fn remove(&mut self, pod: &SlimPod) {
        if let Some(before) = self.pods.remove(&pod.metadata.uid) {
            self.count(&before, false);
        }
    }

    /// Adds an assigned pod to its node's account, or takes it out. A pod that has ended counts
    /// for nothing.
    fn count(&mut self, pod: &SlimPod, add: bool) {
        let Some(node) = &pod.spec.node_name else { return };
        let Some(account) = self.nodes.get_mut(node) else { return };
        if pod.has_ended() {
            return;
        }
        for (used, asked) in account.used.iter_mut().zip(pod.requests()) {
            *used = if add { *used + asked } else { *used - asked };
        }
    }
}

impl NodeAccount {
    fn of(node: &Node) -> Result<(String, Self)> {
        let name = node.metadata.name.clone().context("a node without a name")?;
        let status = node.status.as_ref().with_context(|| format!("{name}: no status"))?;
        let room =
            status.allocatable.as_ref().with_context(|| format!("{name}: no allocatable"))?;
        let amount = |resource: &str| room.get(resource).map_or("0", |quantity| &quantity.0);
        let allocatable = [
            quantity::milli(amount("cpu"))?,
            quantity::whole(amount("memory"))?,
            quantity::whole(amount("pods"))?,
        ];
        Ok((name, Self { allocatable, used: [0; 3] }))
    }

    fn excess(&self, node: &str, pod: &SlimPod) -> Option<Overcommit> {
        let over = (0..3).find(|&index| self.used[index] > self.allocatable[index])?;
        Some(Overcommit {
            node: node.to_owned(),
            pod: pod.full_name(),
            scheduler: pod.spec.scheduler_name.clone(),
            what: format!(
                "{} of {} {}",
                self.used[over], self.allocatable[over], RESOURCE_NAMES[over]
            ),
        })
    }
}

/// Follows the watch, and resumes it where the API server ends it (or is started again).
async fn keep(client: Client, mut version: String, record: Arc<Mutex<Record>>) {
    // Nobody answers while the API server is down. The tests' deadlines bound this.
    const PAUSE: Duration = Duration::from_millis(200);
    loop {
        match follow(&client, &mut version, &record).await {
            Ok(()) => {}
            Err(kube::Error::Api(status)) if status.code == 410 => {
                let Ok(list) = list(&client).await else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                version = list.metadata.resource_version;
                let mut record = lock(&record);
                record.gaps += 1;
                record.replace(list.items);
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn list(client: &Client) -> Result<pod::SlimPodList> {
    let request = Request::new("/api/v1/pods").list(&ListParams::default())?;
    Ok(client.request(request).await?)
}

async fn follow(
    client: &Client,
    version: &mut String,
    record: &Mutex<Record>,
) -> Result<(), kube::Error> {
    let request = Request::new("/api/v1/pods");
    let request =
        request.watch(&WatchParams::default(), version).map_err(kube::Error::BuildRequest)?;
    let events = client.request_events::<SlimPod>(request).await?;
    pin_mut!(events);
    while let Some(event) = events.next().await {
        match event? {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                version.clone_from(&pod.metadata.resource_version);
                lock(record).set(pod);
            }
            WatchEvent::Deleted(pod) => {
                version.clone_from(&pod.metadata.resource_version);
                lock(record).remove(&pod);
            }
            WatchEvent::Bookmark(bookmark) => *version = bookmark.metadata.resource_version,
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        }
    }
    Ok(())
}

/// A poisoned lock only means that an assertion failed elsewhere; the record is whole.
fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
