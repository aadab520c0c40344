//! When each pod got its node, its condition and its events, as watches show it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use tokio::task::JoinHandle;

use super::wire::{Event, Pod, Stream, Verb, Watched};

const PODS: &str = "/api/v1/pods";
const EVENTS: &str = "/apis/events.k8s.io/v1/events";

/// How often waiting looks. Times are taken when a change comes, not when somebody looks; a look
/// at 10,000 pods takes about 1 ms.
const LOOK: Duration = Duration::from_millis(200);

/// Everything seen so far. Keys are uids of pods.
#[derive(Debug, Default)]
pub struct Seen {
    /// First sight of the pod with a node.
    pub bound: HashMap<String, Instant>,
    /// First sight of the pod with a PodScheduled condition.
    pub attempted: HashMap<String, Instant>,
    /// Pods that were deleted.
    pub gone: HashSet<String>,
    /// First sight of the pod's `Scheduled` event.
    pub events: HashMap<String, Instant>,
    /// First sight of the pod's `FailedScheduling` event.
    pub failures: HashMap<String, Instant>,
    /// The time that this event bears.
    pub verdicts: HashMap<String, Instant>,
    /// Why a watch is over.
    broken: Option<String>,
}

/// Watches on all pods and events, until dropped.
#[derive(Debug)]
pub struct Sightings {
    seen: Arc<Mutex<Seen>>,
    tasks: [JoinHandle<()>; 2],
}

impl Sightings {
    /// Watches from now on; what is there already is not seen.
    pub async fn start(client: &Client) -> Result<Self> {
        let seen = Arc::<Mutex<Seen>>::default();
        let (pods, events) = (now(client, PODS).await?, now(client, EVENTS).await?);
        let tasks = [
            tokio::spawn(keep::<Pod>(client.clone(), PODS, pods, Arc::clone(&seen))),
            tokio::spawn(keep::<Event>(client.clone(), EVENTS, events, Arc::clone(&seen))),
        ];
        Ok(Self { seen, tasks })
    }

    /// What was seen up to now.
    pub fn read(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }

    /// Waits until `enough` finds nothing missing; it gives the number of what is.
    pub async fn until(
        &self,
        what: &str,
        limit: Duration,
        missing: impl Fn(&Seen) -> usize,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let left = {
                let seen = self.read();
                if let Some(reason) = &seen.broken {
                    bail!("a watch of the benchmark broke: {reason}");
                }
                missing(&seen)
            };
            if left == 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("{what}: {left} not within {} s", limit.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Sightings {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// What a change of an object adds to what was seen.
trait Sighted: Watched {
    fn mark(self, verb: Verb, seen: &mut Seen);
}

impl Sighted for Pod {
    fn mark(self, verb: Verb, seen: &mut Seen) {
        let Some(metadata) = self.metadata else { return };
        if verb == Verb::Gone {
            seen.gone.insert(metadata.uid);
            return;
        }
        let conditions = self.status.map(|status| status.conditions).unwrap_or_default();
        if conditions.iter().any(|condition| condition.kind == "PodScheduled") {
            seen.attempted.entry(metadata.uid.clone()).or_insert_with(Instant::now);
        }
        if self.spec.is_some_and(|spec| !spec.node_name.is_empty()) {
            seen.bound.entry(metadata.uid).or_insert_with(Instant::now);
        }
    }
}

impl Sighted for Event {
    fn mark(self, verb: Verb, seen: &mut Seen) {
        let (Verb::Set, Some(pod)) = (verb, self.regarding) else { return };
        let now = Instant::now();
        match self.reason.as_str() {
            "Scheduled" => {
                seen.events.entry(pod.uid).or_insert(now);
            }
            "FailedScheduling" if !seen.failures.contains_key(&pod.uid) => {
                if let Some(age) = self.event_time.and_then(|time| time.age(SystemTime::now())) {
                    seen.verdicts.extend(now.checked_sub(age).map(|at| (pod.uid.clone(), at)));
                }
                seen.failures.insert(pod.uid, now);
            }
            _ => {}
        }
    }
}

/// Follows a watch and resumes it where the server ends it. What cannot be resumed is told to
/// those who wait: times after a gap would be wrong.
async fn keep<T: Sighted>(
    client: Client,
    path: &'static str,
    mut version: String,
    seen: Arc<Mutex<Seen>>,
) {
    loop {
        if let Err(error) = follow::<T>(&client, path, &mut version, &seen).await {
            lock(&seen).broken = Some(format!("{path}: {error:#}"));
            return;
        }
    }
}

async fn follow<T: Sighted>(
    client: &Client,
    path: &str,
    version: &mut String,
    seen: &Mutex<Seen>,
) -> Result<()> {
    let mut stream = Stream::open(client, path, version).await?;
    while let Some((verb, object)) = stream.next::<T>().await? {
        if let Some(metadata) = object.metadata() {
            version.clone_from(&metadata.resource_version);
        }
        if verb != Verb::Bookmark {
            object.mark(verb, &mut lock(seen));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    resource_version: String,
}

/// The newest place in the history.
pub(super) async fn now(client: &Client, path: &str) -> Result<String> {
    let request = Request::new(path).list(&ListParams::default().limit(1))?;
    let page: Page = client.request(request).await.with_context(|| path.to_owned())?;
    Ok(page.metadata.resource_version)
}

/// A poisoned lock only means that an assertion failed elsewhere.
fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::UNIX_EPOCH;

    use super::super::wire::{Condition, Metadata, MicroTime, PodSpec, PodStatus, Reference};
    use super::*;

    fn metadata(uid: &str) -> Option<Metadata> {
        Some(Metadata { uid: uid.to_owned(), resource_version: "1".to_owned() })
    }

    fn pod(uid: &str, node: &str, conditions: &[&str]) -> Pod {
        let conditions = conditions.iter().map(|kind| Condition { kind: (*kind).to_owned() });
        Pod {
            metadata: metadata(uid),
            spec: Some(PodSpec { node_name: node.to_owned() }),
            status: Some(PodStatus { conditions: conditions.collect() }),
        }
    }

    #[test]
    fn the_first_sight_counts() {
        let mut seen = Seen::default();
        pod("a", "", &[]).mark(Verb::Set, &mut seen);
        assert!(seen.bound.is_empty() && seen.attempted.is_empty());
        pod("a", "n", &["PodScheduled"]).mark(Verb::Set, &mut seen);
        let first = seen.bound["a"];
        pod("a", "n", &["PodScheduled", "Ready"]).mark(Verb::Set, &mut seen);
        assert_eq!(seen.bound["a"], first);
        pod("a", "n", &[]).mark(Verb::Gone, &mut seen);
        assert!(seen.gone.contains("a") && seen.attempted["a"] <= first);
    }

    #[test]
    fn a_verdict_is_as_old_as_its_event_says() {
        let mut seen = Seen::default();
        let age = Duration::from_secs(5);
        let time = (SystemTime::now() - age).duration_since(UNIX_EPOCH).unwrap();
        let event = |nanos| Event {
            metadata: metadata("e"),
            event_time: Some(MicroTime { seconds: i64::try_from(time.as_secs()).unwrap(), nanos }),
            reason: "FailedScheduling".to_owned(),
            regarding: Some(Reference { uid: "a".to_owned() }),
        };
        event(i32::try_from(time.subsec_nanos()).unwrap()).mark(Verb::Set, &mut seen);
        let verdict = seen.verdicts["a"];
        assert!(seen.failures["a"] - verdict >= age);
        // The same event, told again: the first one counts.
        event(0).mark(Verb::Set, &mut seen);
        assert_eq!(seen.verdicts["a"], verdict);
    }

    #[test]
    fn events_count_by_their_reason() {
        let mut seen = Seen::default();
        let event = |reason: &str| Event {
            metadata: metadata("e"),
            event_time: None,
            reason: reason.to_owned(),
            regarding: Some(Reference { uid: "a".to_owned() }),
        };
        event("Scheduled").mark(Verb::Gone, &mut seen);
        event("Preempted").mark(Verb::Set, &mut seen);
        assert!(seen.events.is_empty() && seen.failures.is_empty());
        event("FailedScheduling").mark(Verb::Set, &mut seen);
        assert!(seen.events.is_empty() && seen.failures.contains_key("a"));
        event("Scheduled").mark(Verb::Set, &mut seen);
        assert!(seen.events.contains_key("a"));
    }
}
