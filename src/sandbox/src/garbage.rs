//! The garbage collector: dependents follow their owners, by UID
//! (`pkg/controller/garbagecollector`).

use std::sync::Arc;

use serde_json::Value;

use crate::api::Apiserver;
use crate::registry::{DeleteOptions, Registry, Target};
use crate::resource;
use crate::store::{Garbage, Place};

/// Deletions before other tasks get a turn.
const PER_TURN: usize = 64;

/// Runs until dropped.
pub(crate) async fn run(api: Arc<Apiserver>) {
    let registry = &api.registry;
    loop {
        for garbage in registry.store.garbage().await {
            match garbage {
                Garbage::OwnerGone(uid) => {
                    for (n, place) in registry.store.dependents(&uid).iter().enumerate() {
                        collect(registry, place, &uid);
                        if n % PER_TURN == PER_TURN - 1 {
                            tokio::task::yield_now().await;
                        }
                    }
                }
                Garbage::Finalizing(place) => finalize(registry, &place),
            }
        }
    }
}

fn target<'a>(place: &'a Place) -> Target<'a> {
    let (namespace, name) = place.1.split_once('/').unwrap_or(("", &place.1));
    Target::new(&resource::all()[place.0], namespace, name)
}

/// Deletes a dependent whose owner is gone; one with other owners only loses the reference.
fn collect(registry: &Registry, place: &Place, uid: &str) {
    let Some(object) = registry.store.at(place.0, &place.1) else { return };
    let owners = object.value["metadata"]["ownerReferences"].as_array();
    let others = owners.is_some_and(|owners| owners.iter().any(|o| o["uid"] != uid));
    if others {
        release(registry, place, uid);
        return;
    }
    // Gone already is as good.
    let _ = registry.delete(target(place), &DeleteOptions::default());
}

/// Takes the reference to an owner off a dependent.
fn release(registry: &Registry, place: &Place, uid: &str) {
    let _ = registry.modify(target(place), |old| {
        let mut value = old.value.clone();
        let owners = value.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut);
        if let Some(owners) = owners {
            owners.retain(|o| o["uid"] != uid);
        }
        Ok(Some(value))
    });
}

/// An owner that waits for its dependents: they go first (`foregroundDeletion`), or are let go
/// (`orphan`).
fn finalize(registry: &Registry, place: &Place) {
    let Some(owner) = registry.store.at(place.0, &place.1) else { return };
    let finalizers = owner.value["metadata"]["finalizers"].as_array();
    let has = |name: &str| finalizers.is_some_and(|f| f.iter().any(|f| f == name));
    let dependents = registry.store.dependents(owner.uid());
    let done = if has("orphan") {
        dependents.iter().for_each(|place| release(registry, place, owner.uid()));
        "orphan"
    } else if has("foregroundDeletion") {
        for place in &dependents {
            let gone = registry.store.at(place.0, &place.1).is_none_or(|o| o.is_terminating());
            if !gone {
                let _ = registry.delete(target(place), &DeleteOptions::default());
            }
        }
        if !registry.store.dependents(owner.uid()).is_empty() {
            // The store tells again when the last dependent is gone.
            return;
        }
        "foregroundDeletion"
    } else {
        return;
    };
    let _ = registry.modify(target(place), |old| {
        let mut value = old.value.clone();
        let finalizers = value.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut);
        if let Some(finalizers) = finalizers {
            finalizers.retain(|f| f != done);
        }
        Ok(Some(value))
    });
}
