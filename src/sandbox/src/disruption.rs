//! The disruption controller (`pkg/controller/disruption`): how many pods each
//! PodDisruptionBudget lets go, for schedulers that preempt and for `kubectl get pdb`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::api::Apiserver;
use crate::informer::Informer;
use crate::registry::{Registry, Target};
use crate::resource;
use crate::store::Object;
use crate::timer::Timers;

/// Least time between two counts of a namespace's pods, which cost time in their number: 20 a
/// second, and none at all in a namespace without budgets.
const COUNT_EVERY: Duration = Duration::from_millis(50);

/// Runs until dropped.
pub(crate) async fn run(api: Arc<Apiserver>) {
    let registry = &api.registry;
    let mut budgets = Informer::new(registry, resource::disruption_budgets());
    let mut pods = Informer::new(registry, resource::pods());
    let mut timers: Timers<String> = Timers::new();
    let mut waiting: BTreeSet<String> = BTreeSet::new();
    loop {
        let mut keys = budgets.read(registry).keys;
        keys.append(&mut pods.read(registry).keys);
        let idle = keys.is_empty();
        let spaces: BTreeSet<&str> =
            keys.iter().filter_map(|k| k.split_once('/')).map(|(space, _)| space).collect();
        for space in spaces {
            let guarded =
                !registry.store.list(resource::disruption_budgets(), Some(space)).1.is_empty();
            if guarded && waiting.insert(space.to_owned()) {
                timers.set(Instant::now() + COUNT_EVERY, space.to_owned());
            }
        }
        while let Some(space) = timers.pop_due(Instant::now()) {
            waiting.remove(&space);
            for budget in registry.store.list(resource::disruption_budgets(), Some(&space)).1 {
                count(registry, &budget);
            }
        }
        if idle {
            tokio::select! {
                () = budgets.wait() => {}
                () = pods.wait() => {}
                () = timers.wait() => {}
            }
        }
    }
}

fn count(registry: &Registry, budget: &Object) {
    let health = registry.health(budget);
    let target = Target::new(resource::disruption_budgets(), budget.namespace(), budget.name());
    // Gone already needs no status.
    let _ = registry.modify(target, |old| {
        let mut value = old.value.clone();
        let status = &mut value["status"];
        status["observedGeneration"] = old.value["metadata"]["generation"].clone();
        status["disruptionsAllowed"] = json!(health.disruptions_allowed());
        status["currentHealthy"] = json!(health.healthy);
        status["desiredHealthy"] = json!(health.desired);
        status["expectedPods"] = json!(health.expected);
        Ok(Some(value))
    });
}
