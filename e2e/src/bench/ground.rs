//! The control plane that rounds are run on, and what stays on it from round to round.
//!
//! The first operations of a workload need no scheduler: nodes, namespaces, pods that come with
//! their node. Their objects stay while rounds of workloads that begin alike follow each other;
//! for another beginning a new control plane is started, which takes less time than deleting them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, Client};
use serde_json::Value;

use super::anyobject::Leftovers;
use super::creation;
use super::identity::fingerprint;
use super::op::Op;
use super::workload::Workload;
use crate::controlplane::{ControlPlane, Options};
use crate::patience;

/// 16 deletions at a time take about 10 s for 10,000 pods. What is left then, such as pods with
/// finalizers, goes with the whole control plane.
const CLEAR_LIMIT: Duration = Duration::from_secs(90);

/// A control plane with what stays on it.
#[derive(Debug)]
pub struct Ground {
    plane: ControlPlane,
    stays: Stays,
    /// A round left something behind.
    spoiled: AtomicBool,
}

/// The objects that stay.
#[derive(Debug, Clone, Default)]
pub(super) struct Stays {
    /// Of the operations that made them.
    mark: String,
    /// How many operations those are.
    pub(super) ops: usize,
    /// Names of the nodes, in order.
    pub(super) nodes: Vec<String>,
    /// How many pods they carry.
    pub(super) pods: usize,
    namespaces: BTreeSet<String>,
}

impl Ground {
    /// A ground for `workload`: the one there is if it fits, else a new one.
    pub async fn prepare(current: Option<Self>, workload: &Workload) -> Result<Self> {
        let (count, mark) = beginning(workload)?;
        if let Some(ground) = current {
            if ground.stays.mark == mark && !ground.spoiled.load(Relaxed) {
                return Ok(ground);
            }
            ground.plane.stop()?;
        }
        let options = Options { name: "bench".to_owned(), load: true, ..Options::default() };
        let plane = ControlPlane::start(&options).await?;
        let mut stays = Stays { mark, ops: count, ..Stays::default() };
        for (place, op) in workload.ops[..count].iter().enumerate() {
            stays.make(&plane.client(), workload, place, op).await?;
        }
        Ok(Self { plane, stays, spoiled: AtomicBool::new(false) })
    }

    /// The control plane.
    pub fn plane(&self) -> &ControlPlane {
        &self.plane
    }

    pub(super) fn stays(&self) -> &Stays {
        &self.stays
    }

    /// Removes what a round left in these namespaces and these objects, or marks the ground as one
    /// for no other round.
    pub(super) async fn clear(&self, namespaces: &BTreeSet<String>, leftovers: &Leftovers) {
        if let Err(error) = self.try_clear(namespaces, leftovers).await {
            eprintln!("the control plane is started anew: {error:#}");
            self.spoiled.store(true, Relaxed);
        }
    }

    async fn try_clear(&self, namespaces: &BTreeSet<String>, leftovers: &Leftovers) -> Result<()> {
        leftovers.delete().await?;
        let client = self.plane.client();
        for namespace in namespaces.difference(&self.stays.namespaces) {
            clear(&client, namespace).await.with_context(|| format!("clearing {namespace}"))?;
        }
        // Cluster-wide, and made by rounds only.
        let volumes: Api<PersistentVolume> = Api::all(client);
        let now = DeleteParams::default().grace_period(0);
        volumes.delete_collection(&now, &ListParams::default()).await?;
        Ok(())
    }

    /// Stops the control plane.
    pub fn stop(self) -> Result<()> {
        self.plane.stop()
    }
}

impl Stays {
    async fn make(
        &mut self,
        client: &Client,
        workload: &Workload,
        place: usize,
        op: &Op,
    ) -> Result<()> {
        match op {
            Op::CreateNodes(op) => {
                self.nodes.extend(creation::nodes(client, workload, place, op).await?);
            }
            Op::CreateNamespaces(op) => {
                creation::namespaces(client, workload, op).await?;
            }
            Op::CreatePods(op) => {
                let namespace = op.namespace.clone().unwrap_or(format!("namespace-{place}"));
                creation::namespace(client, &namespace, &Value::Null).await?;
                let name = "default-scheduler";
                self.pods += creation::pods(client, workload, op, &namespace, name).await?.len();
                self.namespaces.insert(namespace);
            }
            _ => {}
        }
        Ok(())
    }
}

/// How many operations at the beginning need no scheduler, and a mark of them: of the operations
/// and of the templates they name.
fn beginning(workload: &Workload) -> Result<(usize, String)> {
    let mut count = 0;
    let mut text = String::new();
    for op in &workload.ops {
        let stays = match op {
            Op::CreateNodes(_) | Op::CreateNamespaces(_) => true,
            Op::CreatePods(op) => !op.collect_metrics && creation::are_bound(workload, op)?,
            _ => false,
        };
        if !stays {
            break;
        }
        count += 1;
        text.push_str(&serde_json::to_string(op)?);
        let default = match op {
            Op::CreatePods(_) => workload.default_pod_template.as_deref(),
            _ => None,
        };
        for path in op.template_paths().into_iter().chain(default) {
            let path = workload.path(path);
            text.push_str(&std::fs::read_to_string(&path).with_context(|| format!("{path:?}"))?);
        }
    }
    Ok((count, fingerprint(text.as_bytes())))
}

/// Leaves no pod, claim or event behind in a namespace.
async fn clear(client: &Client, namespace: &str) -> Result<()> {
    let now = DeleteParams::default().grace_period(0);
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let all = ListParams::default();
    let pause = Duration::from_millis(500);
    patience::until("pods and events deleted", CLEAR_LIMIT, pause, async || {
        // Together: each waits for etcd most of the time.
        let deleted = tokio::join!(
            pods.delete_collection(&now, &all),
            events.delete_collection(&now, &all),
            claims.delete_collection(&now, &all),
        );
        deleted.0?;
        deleted.1?;
        deleted.2?;
        let one = all.clone().limit(1);
        let left = pods.list_metadata(&one).await?.items.len()
            + events.list_metadata(&one).await?.items.len();
        ensure!(left == 0, "some are left");
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn workload(name: &str) -> Workload {
        let dir = crate::package_dir().join("bench/workloads");
        let file = name.split('/').next().unwrap();
        let all = Workload::load(&dir.join(format!("{file}.yaml"))).unwrap();
        all.into_iter().map(Result::unwrap).find(|workload| workload.name == name).unwrap()
    }

    #[test]
    fn what_needs_no_scheduler_stays() {
        let plain = beginning(&workload("plain/5000Nodes_10000Pods")).unwrap();
        assert_eq!(plain.0, 1);
        assert_eq!(plain, beginning(&workload("plain/5000Nodes_10000Pods_arriving")).unwrap());
        assert_ne!(plain.1, beginning(&workload("plain/1000Nodes_10000Pods")).unwrap().1);
        assert_eq!(plain.1, beginning(&workload("mixed/5000Nodes_200Jobs")).unwrap().1);
        assert_eq!(beginning(&workload("start/500Nodes_5000Pods")).unwrap().0, 2);
    }
}
