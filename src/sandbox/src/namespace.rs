//! The namespace controller: a deleted namespace empties, then goes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::api::Apiserver;
use crate::informer::Informer;
use crate::registry::{DeleteOptions, Registry, Target};
use crate::resource;
use crate::timer::Timers;

/// Time between looks at a namespace whose objects take time to go.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Runs until dropped.
pub(crate) async fn run(api: Arc<Apiserver>) {
    let registry = &api.registry;
    let mut namespaces = Informer::new(registry, resource::namespaces());
    let mut timers: Timers<String> = Timers::new();
    loop {
        let mut keys: BTreeSet<String> = namespaces.read(registry).keys;
        while let Some(key) = timers.pop_due(Instant::now()) {
            keys.insert(key);
        }
        for key in &keys {
            let name = key.trim_start_matches('/');
            let object = registry.store.get(resource::namespaces(), "", name);
            if !object.is_some_and(|o| o.is_terminating()) {
                continue;
            }
            if empty(registry, name).await {
                finish(registry, name);
            } else {
                timers.set(Instant::now() + LOOK_AGAIN, key.clone());
            }
        }
        if keys.is_empty() {
            tokio::select! {
                () = namespaces.wait() => {}
                () = timers.wait() => {}
            }
        }
    }
}

/// Deletes what is in a namespace; true when nothing is left.
async fn empty(registry: &Registry, namespace: &str) -> bool {
    let mut left = false;
    for row in resource::all().iter().filter(|r| r.namespaced && !r.review && !r.is_new_events()) {
        for object in registry.store.list(row, Some(namespace)).1 {
            if !object.is_terminating() {
                let target = Target::new(row, namespace, object.name());
                // Gone already is as good.
                let _ = registry.delete(target, &DeleteOptions::default());
            }
            left |= registry.store.get(row, namespace, object.name()).is_some();
        }
        tokio::task::yield_now().await;
    }
    !left
}

fn finish(registry: &Registry, name: &str) {
    let target = Target::new(resource::namespaces(), "", name);
    // Gone already is as good.
    let _ = registry.modify(target, |old| {
        let mut value = old.value.clone();
        value["spec"]["finalizers"] = json!([]);
        Ok(Some(value))
    });
}
