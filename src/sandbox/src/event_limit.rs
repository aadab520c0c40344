//! Old events go: after an hour, as kube-apiserver's `--event-ttl`, and the oldest first when
//! there are too many for a process that keeps everything in memory.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::api::Apiserver;
use crate::informer::Informer;
use crate::registry::{DeleteOptions, Registry, Target};
use crate::resource;

/// Events kept. A `Scheduled` event takes about 6 KB in all, so this is 120 MB; it covers the
/// Jobs of a demo ten times over.
const EVENTS_MAX: usize = 20_000;

/// `--event-ttl` of kube-apiserver.
const TTL: Duration = Duration::from_secs(3600);

/// Deletions before other tasks get a turn.
const PER_TURN: usize = 64;

/// Runs until dropped.
pub(crate) async fn run(api: Arc<Apiserver>) {
    let registry = &api.registry;
    let mut events = Informer::new(registry, resource::events());
    let mut known: HashSet<String> = HashSet::new();
    let mut queue: VecDeque<(Instant, String)> = VecDeque::new();
    loop {
        let touched = events.read(registry);
        let idle = touched.keys.is_empty();
        let now = Instant::now();
        for key in touched.keys {
            let exists = registry.store.at(resource::events().id, &key).is_some();
            if exists && known.insert(key.clone()) {
                queue.push_back((now, key));
            }
        }
        let mut deleted = 0_usize;
        while let Some((_, key)) =
            queue.pop_front_if(|(made, _)| *made + TTL <= now || known.len() > EVENTS_MAX)
        {
            known.remove(&key);
            delete(registry, &key);
            deleted += 1;
            if deleted.is_multiple_of(PER_TURN) {
                tokio::task::yield_now().await;
            }
        }
        if idle {
            let next = queue.front().map(|(made, _)| *made + TTL);
            tokio::select! {
                () = events.wait() => {}
                () = sleep_until(next.unwrap_or(now + TTL)) => {}
            }
        }
    }
}

fn delete(registry: &Registry, key: &str) {
    if let Some((namespace, name)) = key.split_once('/') {
        let target = Target::new(resource::events(), namespace, name);
        // Gone already is as good.
        let _ = registry.delete(target, &DeleteOptions::default());
    }
}
