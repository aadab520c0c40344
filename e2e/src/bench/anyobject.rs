//! Objects of any kind: `createAny`, `updateAny`, and what is left of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::storage::v1::CSINode;
use kube::api::{ApiResource, DeleteParams, DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, Client};
use serde_json::Value;

use super::object::{ObjectTemplate, address};
use super::op::AnyObject;
use super::workload::Workload;

/// Deletions in flight, as many as the API server's own for a collection.
const DELETIONS: usize = 16;

/// Objects that were created and that somebody has to delete.
#[derive(Debug, Clone, Default)]
pub(super) struct Leftovers(Arc<Mutex<Vec<Leftover>>>);

#[derive(Clone)]
struct Leftover {
    api: Api<DynamicObject>,
    name: String,
}

impl std::fmt::Debug for Leftover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.api.resource_url(), self.name)
    }
}

impl Leftovers {
    pub(super) fn add(&self, api: &Api<DynamicObject>, name: String) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.push(Leftover { api: api.clone(), name });
    }

    /// Nodes, and their CSINodes where they have them.
    pub(super) fn add_nodes(&self, client: &Client, names: &[String], with_csi: bool) {
        let nodes = Api::all_with(client.clone(), &ApiResource::erase::<Node>(&()));
        let csi_nodes = Api::all_with(client.clone(), &ApiResource::erase::<CSINode>(&()));
        for name in names {
            self.add(&nodes, name.clone());
            if with_csi {
                self.add(&csi_nodes, name.clone());
            }
        }
    }

    /// Deletes them. Some are gone already: a churn deletes by itself.
    pub(super) async fn delete(&self) -> Result<()> {
        let list = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        stream::iter(list)
            .map(|leftover| async move { delete(&leftover.api, &leftover.name).await })
            .buffer_unordered(DELETIONS)
            .try_collect()
            .await
    }
}

pub(super) async fn delete(api: &Api<DynamicObject>, name: &str) -> Result<()> {
    match api.delete(name, &DeleteParams::default().grace_period(0)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(drop).with_context(|| format!("deleting {name}")),
    }
}

/// Where objects of the kind of `object` are.
pub(super) async fn api_of(
    client: &Client,
    object: &Value,
    namespace: Option<&str>,
) -> Result<Api<DynamicObject>> {
    let text = |field: &str| object[field].as_str().with_context(|| format!("no {field}"));
    let (group, version) =
        text("apiVersion")?.rsplit_once('/').unwrap_or(("", text("apiVersion")?));
    let kind = GroupVersionKind::gvk(group, version, text("kind")?);
    let (resource, capabilities) =
        pinned_kind(client, &kind).await.with_context(|| format!("kind {}", kind.kind))?;
    Ok(match (capabilities.scope, namespace) {
        (Scope::Namespaced, Some(namespace)) => {
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
        (Scope::Cluster, None) => Api::all_with(client.clone(), &resource),
        (Scope::Namespaced, None) => anyhow::bail!("{}: namespace is needed", kind.kind),
        (Scope::Cluster, Some(_)) => anyhow::bail!("{}: has no namespace", kind.kind),
    })
}

/// `createAny`.
pub(super) async fn create(
    client: &Client,
    workload: &Workload,
    op: &AnyObject,
    scheduler: &str,
    leftovers: &Leftovers,
) -> Result<()> {
    let template = ObjectTemplate::load(&workload.path(&op.template_path), &op.template_params)?;
    let count = op.count.unwrap_or(1);
    for index in 0..count {
        let mut object = template.object(index, count)?;
        address(&mut object, scheduler);
        let api = api_of(client, &object, op.namespace.as_deref()).await?;
        let object: DynamicObject = serde_json::from_value(object)?;
        let created = api.create(&PostParams::default(), &object).await;
        let created = created.with_context(|| op.template_path.clone())?;
        leftovers.add(&api, created.metadata.name.unwrap_or_default());
    }
    Ok(())
}

/// `updateAny`: object and status of each.
pub(super) async fn update(
    client: &Client,
    workload: &Workload,
    op: &AnyObject,
    scheduler: &str,
) -> Result<()> {
    let template = ObjectTemplate::load(&workload.path(&op.template_path), &op.template_params)?;
    let count = op.count.unwrap_or(1);
    let pause = Duration::from_secs(1).checked_div(op.update_per_second).unwrap_or_default();
    for index in 0..count {
        tokio::time::sleep(pause).await;
        let mut object = template.object(index, count)?;
        address(&mut object, scheduler);
        let api = api_of(client, &object, op.namespace.as_deref()).await?;
        let object: DynamicObject = serde_json::from_value(object)?;
        let name = object.metadata.name.clone().context("updateAny: an object without a name")?;
        let parameters = PostParams::default();
        if op.subresources.is_empty() {
            api.replace(&name, &parameters, &object).await.with_context(|| name.clone())?;
        } else {
            let path = op.subresources.join("/");
            let replaced = api.replace_subresource(&path, &name, &parameters, &object).await;
            replaced.with_context(|| format!("{name}/{path}"))?;
        }
        api.replace_status(&name, &parameters, &object).await.with_context(|| name)?;
    }
    Ok(())
}

/// Fails unless all background work that has ended has ended well.
pub(super) fn ensure_well(ended: &Result<Result<()>, tokio::task::JoinError>) -> Result<()> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => anyhow::bail!("background operation: {error:#}"),
        Err(error) => {
            ensure!(error.is_cancelled(), "background operation: {error}");
            Ok(())
        }
    }
}
