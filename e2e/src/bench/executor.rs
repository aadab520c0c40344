//! Carries out a workload's operations.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, Client};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::anyobject::{self, Leftovers};
use super::churn;
use super::contestant::Driver;
use super::creation::{self, Created};
use super::op::{Barrier, CreatePods, DeletePods, Op, Stage, StartCollecting};
use super::sightings::{Seen, Sightings};
use super::workload::Workload;

/// kube-scheduler needs 4 min for 10,000 pods with anti-affinity on two cores.
const LIMIT: Duration = Duration::from_secs(900);

/// A pod, and what the workload wants of it.
#[derive(Debug)]
pub(super) struct Entrant {
    pub(super) pod: Created,
    /// It is measured.
    pub(super) measured: bool,
    /// Nobody has waited for it yet.
    open: bool,
}

/// A workload at work in one round.
pub(super) struct Executor<'a> {
    client: Client,
    workload: &'a Workload,
    scheduler: &'a str,
    sightings: &'a Sightings,
    pub(super) driver: Driver<'a>,
    pub(super) pods: Vec<Entrant>,
    /// Namespaces in which this round left something.
    pub(super) namespaces: BTreeSet<String>,
    pub(super) leftovers: Leftovers,
    /// CPU time of the scheduler when measuring began.
    pub(super) cpu_before: Duration,
    collecting: Option<StartCollecting>,
    background: JoinSet<Result<()>>,
}

impl<'a> Executor<'a> {
    pub(super) fn new(
        client: Client,
        workload: &'a Workload,
        scheduler: &'a str,
        sightings: &'a Sightings,
        driver: Driver<'a>,
    ) -> Self {
        Self {
            client,
            workload,
            scheduler,
            sightings,
            driver,
            pods: Vec::new(),
            namespaces: BTreeSet::new(),
            leftovers: Leftovers::default(),
            cpu_before: Duration::ZERO,
            collecting: None,
            background: JoinSet::new(),
        }
    }

    /// Carries out the operations from the `skip`-th on.
    pub(super) async fn run(&mut self, skip: usize) -> Result<()> {
        let workload = self.workload;
        for (place, op) in workload.ops.iter().enumerate().skip(skip) {
            self.step(place, op).await.with_context(|| format!("workloadTemplate[{place}]"))?;
            while let Some(ended) = self.background.try_join_next() {
                anyobject::ensure_well(&ended)?;
            }
        }
        Ok(())
    }

    /// Ends churn and deletions that still go on.
    pub(super) async fn stop_background(&mut self) -> Result<()> {
        self.background.abort_all();
        while let Some(ended) = self.background.join_next().await {
            anyobject::ensure_well(&ended)?;
        }
        Ok(())
    }

    async fn step(&mut self, place: usize, op: &Op) -> Result<()> {
        let client = self.client.clone();
        match op {
            Op::CreateNodes(op) => {
                let names = creation::nodes(&client, self.workload, place, op).await?;
                let with_csi = op.node_allocatable_strategy.is_some();
                self.leftovers.add_nodes(&client, &names, with_csi);
            }
            Op::CreateNamespaces(op) => {
                creation::namespaces(&client, self.workload, op).await?;
            }
            Op::CreatePods(op) => self.create_pods(place, op).await?,
            Op::CreatePodSets(op) => {
                for index in 0..op.count {
                    let namespace = Some(format!("{}-{index}", op.namespace_prefix));
                    let set = CreatePods { namespace, ..op.create_pods_op.clone() };
                    self.create_pods(place, &set).await?;
                }
            }
            Op::DeletePods(op) => self.delete_pods(op).await?,
            Op::Churn(op) => {
                let namespace = op.namespace.clone().unwrap_or(format!("namespace-{place}"));
                self.enter(&namespace).await?;
                let leftovers = self.leftovers.clone();
                let work = self.workload.clone();
                let (op, scheduler) = (op.clone(), self.scheduler.to_owned());
                let churn = churn::churn(client, work, op, scheduler, namespace, leftovers);
                self.background.spawn(churn);
            }
            Op::Barrier(op) => self.barrier(op).await?,
            Op::Sleep(op) => tokio::time::sleep(op.length()?).await,
            Op::CreateAny(op) => {
                if let Some(namespace) = &op.namespace {
                    self.enter(namespace).await?;
                }
                anyobject::create(&client, self.workload, op, self.scheduler, &self.leftovers)
                    .await?;
            }
            Op::UpdateAny(op) => {
                anyobject::update(&client, self.workload, op, self.scheduler).await?
            }
            Op::StartCollecting(op) => {
                ensure!(self.collecting.is_none(), "metrics are collected already");
                self.begin_measuring()?;
                self.collecting = Some(op.clone());
            }
            Op::StopCollecting => {
                ensure!(self.collecting.take().is_some(), "metrics are not collected");
            }
        }
        Ok(())
    }

    /// Makes sure of a namespace and of its clearing.
    async fn enter(&mut self, namespace: &str) -> Result<()> {
        if self.namespaces.insert(namespace.to_owned()) {
            creation::namespace(&self.client, namespace, &Value::Null).await?;
        }
        Ok(())
    }

    fn begin_measuring(&mut self) -> Result<()> {
        if self.pods.iter().all(|entrant| !entrant.measured) {
            self.cpu_before = self.driver.usage()?.map(|usage| usage.cpu).unwrap_or_default();
        }
        Ok(())
    }

    async fn create_pods(&mut self, place: usize, op: &CreatePods) -> Result<()> {
        let namespace = op.namespace.clone().unwrap_or(format!("namespace-{place}"));
        self.enter(&namespace).await?;
        if op.collect_metrics {
            self.begin_measuring()?;
        }
        let (workload, scheduler) = (self.workload, self.scheduler);
        let client = self.client.clone();
        let created = creation::pods(&client, workload, op, &namespace, scheduler).await?;
        let first = self.pods.len();
        for pod in created {
            let collecting = self.collecting.as_ref().is_some_and(|op| {
                op.namespaces.contains(&pod.namespace) && matches(&op.label_selector, &pod.labels)
            });
            let measured = op.collect_metrics || collecting;
            self.pods.push(Entrant { pod, measured, open: op.skip_wait_to_completion });
        }
        if op.skip_wait_to_completion {
            return Ok(());
        }
        let range: Vec<usize> = (first..self.pods.len()).collect();
        self.wait(&range, Stage::Scheduled).await
    }

    async fn barrier(&mut self, op: &Barrier) -> Result<()> {
        let waits = |entrant: &Entrant| {
            let pod = &entrant.pod;
            let here = op.namespaces.is_empty() || op.namespaces.contains(&pod.namespace);
            entrant.open && here && matches(&op.label_selector, &pod.labels)
        };
        let open: Vec<usize> =
            (0..self.pods.len()).filter(|&index| waits(&self.pods[index])).collect();
        self.wait(&open, op.stage_requirement).await?;
        if op.stage_requirement == Stage::Scheduled {
            open.iter().for_each(|&index| self.pods[index].open = false);
        }
        Ok(())
    }

    /// Lets the contestant loose and waits until it is through with these pods.
    async fn wait(&mut self, which: &[usize], stage: Stage) -> Result<()> {
        let pods: Vec<&Created> = which.iter().map(|&index| &self.pods[index].pod).collect();
        self.driver.release(&pods).await?;
        let through = |seen: &Seen, uid: &String| {
            let attempted = stage == Stage::Attempted && seen.attempted.contains_key(uid);
            attempted || seen.bound.contains_key(uid) || seen.gone.contains(uid)
        };
        let missing = |seen: &Seen| pods.iter().filter(|pod| !through(seen, &pod.uid)).count();
        let what = format!("pods {stage:?}");
        self.driver.alive_during(self.sightings.until(&what, LIMIT, missing)).await
    }

    async fn delete_pods(&mut self, op: &DeletePods) -> Result<()> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &op.namespace);
        let named = |entrant: &&Entrant| {
            let pod = &entrant.pod;
            pod.namespace == op.namespace && matches(&op.label_selector, &pod.labels)
        };
        let names: Vec<String> =
            self.pods.iter().filter(named).map(|entrant| entrant.pod.name.clone()).collect();
        let deletion = delete_pods(api, names, op.clone());
        if op.skip_wait_to_completion {
            self.background.spawn(deletion);
            return Ok(());
        }
        deletion.await
    }
}

/// Deletes pods at the operation's rate, or all at once.
async fn delete_pods(api: Api<Pod>, names: Vec<String>, op: DeletePods) -> Result<()> {
    let parameters = DeleteParams::default();
    let Some(pause) = Duration::from_secs(1).checked_div(op.delete_pods_per_second) else {
        let selector: Vec<String> =
            op.label_selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let which = ListParams::default().labels(&selector.join(","));
        api.delete_collection(&parameters, &which).await?;
        return Ok(());
    };
    let mut ticks = interval_at(Instant::now() + pause, pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for name in names {
        ticks.tick().await;
        match api.delete(&name, &parameters).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => bail!("deleting pod {}/{name}: {error}", op.namespace),
            Ok(_) => {}
        }
    }
    Ok(())
}

fn matches(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}
