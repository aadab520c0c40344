//! What the API server does to an object before it is stored: `pkg/registry` of Kubernetes.
//! Enter at [`Registry::create`], [`Registry::update`], [`Registry::delete`]; the rules of pods
//! (binding, eviction) are in `registry/pod.rs`, of events in `registry/event.rs`.

mod delete;
pub(crate) mod event;
pub(crate) mod metadata;
pub(crate) mod pod;
mod update;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::defaults;
use crate::object::name_of;
use crate::random;
use crate::resource::{self, Resource};
use crate::status::{Result, Status};
use crate::store::{Object, Store, Version};
use crate::validate;
pub(crate) use delete::{DeleteOptions, Deleted};

/// Tries of a write that needs the latest state. Each lost try means another write won, so ten
/// writers at once on one object are done within ten; the rest is reserve.
const TRIES_MAX: usize = 64;

/// Tries of a generated name before 409, as kube-apiserver's `RetryGenerateName`.
const NAME_TRIES_MAX: usize = 8;

/// The API server's rules over the store.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) store: Store,
}

/// Which object a request is about. `name` may be empty for `create`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) resource: &'static Resource,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) dry_run: bool,
}

impl<'a> Target<'a> {
    pub(crate) fn new(resource: &'static Resource, namespace: &'a str, name: &'a str) -> Self {
        Self { resource, namespace, name, dry_run: false }
    }
}

/// An object that is not in the store: the answer to a dry run.
fn unstored(resource: &Resource, value: Value) -> Arc<Object> {
    let version = Arc::new(Version::new(&resource::all()[resource.stored_as], 0, &value));
    Arc::new(Object { value, version })
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self { store: Store::new() }
    }

    pub(crate) fn get(&self, target: Target<'_>) -> Result<Arc<Object>> {
        self.store
            .get(target.resource, target.namespace, target.name)
            .ok_or_else(|| Status::not_found(target.resource, target.name))
    }

    /// Creates an object sent by a client or a controller.
    pub(crate) fn create(&self, target: Target<'_>, mut value: Value) -> Result<Arc<Object>> {
        let Target { resource, namespace, .. } = target;
        metadata::check_shape(resource, &value)?;
        metadata::check_request(target, &mut value)?;
        self.check_namespace(resource, namespace)?;
        let generated = metadata::generate_name(&value);
        for tries in 1.. {
            let mut value = value.clone();
            if let Some(prefix) = generated.as_deref() {
                value["metadata"]["name"] = json!(format!("{prefix}{}", random::suffix(5)));
            }
            metadata::begin(resource, &mut value);
            defaults::apply(resource, &mut value, true);
            pod::admit(&self.store, resource, &mut value)?;
            validate::create(resource, &value)?;
            if target.dry_run {
                let exists = self.store.get(resource, namespace, name_of(&value)).is_some();
                return if exists {
                    Err(Status::already_exists(resource, name_of(&value)))
                } else {
                    Ok(unstored(resource, value))
                };
            }
            let name = name_of(&value).to_owned();
            match self.store.insert(resource, value) {
                Ok(object) => return Ok(object),
                Err(_) if generated.is_some() && tries < NAME_TRIES_MAX => {}
                Err(_) => return Err(Status::already_exists(resource, &name)),
            }
        }
        Err(Status::internal("no name was generated"))
    }

    /// Objects are created only in a namespace that exists and is not going away.
    fn check_namespace(&self, resource: &Resource, namespace: &str) -> Result<()> {
        if !resource.namespaced {
            return Ok(());
        }
        let namespaces = resource::namespaces();
        let Some(object) = self.store.get(namespaces, "", namespace) else {
            return Err(Status::not_found(namespaces, namespace));
        };
        if object.is_terminating() {
            let detail = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            return Err(Status::forbidden(resource, "", &detail));
        }
        Ok(())
    }

    /// Reads, changes and writes an object until no other write comes between; `change` answers
    /// `None` to leave it as it is. Rules of clients' updates do not apply: this is how
    /// controllers and subresources write.
    pub(crate) fn modify(
        &self,
        target: Target<'_>,
        mut change: impl FnMut(&Object) -> Result<Option<Value>>,
    ) -> Result<Arc<Object>> {
        for _ in 0..TRIES_MAX {
            let old = self.get(target)?;
            metadata::check_parts(target.resource, &old.value)?;
            let Some(value) = change(&old)? else { return Ok(old) };
            if target.dry_run {
                return Ok(unstored(target.resource, value));
            }
            if let Ok(object) = self.store_or_finish(target.resource, &old, value) {
                return Ok(object);
            }
        }
        Err(Status::modified(target.resource, target.name))
    }

    /// Stores the new state, or removes the object when its last finalizer has gone.
    fn store_or_finish(
        &self,
        resource: &Resource,
        old: &Object,
        value: Value,
    ) -> Result<Arc<Object>, crate::store::Stale> {
        let metadata = &value["metadata"];
        let waits = metadata["finalizers"].as_array().is_some_and(|f| !f.is_empty())
            || metadata["deletionGracePeriodSeconds"].as_i64().is_some_and(|s| s > 0)
            || (resource.kind == "Namespace"
                && value.pointer("/spec/finalizers/0").is_some_and(|f| !f.is_null()));
        if metadata["deletionTimestamp"].is_null() || waits {
            return self.store.replace(resource, old, value);
        }
        let stored = self.store.replace(resource, old, value)?;
        let last = self.store.remove(resource, &stored)?;
        Ok(Arc::new(Object { value: stored.value.clone(), version: last }))
    }

    /// Creates what a new cluster has: four namespaces and two priority classes.
    pub(crate) fn bootstrap(&self) -> Result<()> {
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            let target = Target::new(resource::namespaces(), "", "");
            self.create(target, json!({"metadata": {"name": name}}))?;
        }
        for (name, value) in
            [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)]
        {
            let target = Target::new(resource::priority_classes(), "", "");
            self.create(target, json!({"metadata": {"name": name}, "value": value}))?;
        }
        Ok(())
    }
}
