//! Who binds the pods of a round: one of the two schedulers, or a flooder that finds the API
//! server's ceiling.

use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::creation::Created;
use super::flood::{Flood, Load};
use super::workload::Workload;
use crate::controlplane::ControlPlane;
use crate::scheduler::{Kind, Options, Scheduler};
use crate::usage::Usage;

/// Requests in flight that the sweep tries.
pub const SWEEP: [usize; 3] = [32, 64, 128];

/// Names in kept rounds of flooders that are no more: they posted JSON through kube's client, which
/// is slower than Berth's own requests, and their rounds count for nothing.
pub(super) const FORMER: [&str; 3] = ["sweep", "binds", "binds-and-events"];

/// Who binds.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Contestant {
    /// `berth run`.
    Berth,
    /// `berth run` with plain pods in place of the shape's own, on the same nodes: what the shape
    /// is told against, minutes away at most.
    BerthPlain,
    /// kube-scheduler.
    KubeScheduler,
    /// Bare binds, a third of the pods at each of [`SWEEP`].
    #[serde(rename = "sweep-protobuf")]
    Sweep,
    /// Bare binds, as many in flight as the sweeps found best.
    #[serde(rename = "binds-protobuf")]
    Binds,
    /// A `Scheduled` event behind each bind.
    #[serde(rename = "binds-and-events-protobuf")]
    BindsAndEvents,
}

impl Contestant {
    /// As it is called in tables and kept rounds.
    pub fn name(self) -> &'static str {
        match self {
            Self::Berth => "Berth",
            Self::BerthPlain => "Berth, plain pods",
            Self::KubeScheduler => "kube-scheduler",
            Self::Sweep => "in-flight sweep",
            Self::Binds => "bare binds",
            Self::BindsAndEvents => "binds and events",
        }
    }

    /// `schedulerName` of its pods. Berth does not take over `default-scheduler`.
    pub fn profile(self) -> &'static str {
        match self {
            Self::Berth | Self::BerthPlain => "berth",
            _ => "default-scheduler",
        }
    }

    /// Whether it is a scheduler.
    pub fn is_scheduler(self) -> bool {
        self.kind().is_some()
    }

    /// Whether it writes an event for each pod.
    pub fn writes_events(self) -> bool {
        !matches!(self, Self::Sweep | Self::Binds)
    }

    fn kind(self) -> Option<Kind> {
        match self {
            Self::Berth | Self::BerthPlain => Some(Kind::Berth),
            Self::KubeScheduler => Some(Kind::KubeScheduler),
            _ => None,
        }
    }
}

/// A contestant at work in one round.
#[derive(Debug)]
pub(super) struct Driver<'a> {
    plane: &'a ControlPlane,
    contestant: Contestant,
    options: Option<Options>,
    in_flight: usize,
    nodes: &'a [String],
    scheduler: Option<Scheduler>,
    /// When it was let loose.
    pub(super) released: Option<Instant>,
    /// Pods a second by requests in flight: of [`Contestant::Sweep`].
    pub(super) windows: Vec<(usize, Instant, Vec<String>)>,
}

impl<'a> Driver<'a> {
    pub(super) fn new(
        plane: &'a ControlPlane,
        workload: &Workload,
        contestant: Contestant,
        in_flight: usize,
        nodes: &'a [String],
    ) -> Result<Self> {
        let options = contestant.kind().map(|kind| options(plane, workload, kind)).transpose()?;
        Ok(Self {
            plane,
            contestant,
            options,
            in_flight,
            nodes,
            scheduler: None,
            released: None,
            windows: Vec::new(),
        })
    }

    /// Starts the scheduler and waits until it is ready, for pods that are yet to come.
    pub(super) async fn start(&mut self) -> Result<()> {
        if let Some(options) = &self.options {
            self.released = Some(Instant::now());
            self.scheduler = Some(Scheduler::start(self.plane, options).await?);
        }
        Ok(())
    }

    /// Lets it loose on `waiting`: starts the scheduler unless it runs, or binds them.
    pub(super) async fn release(&mut self, waiting: &[&Created]) -> Result<()> {
        if let Some(options) = &self.options {
            if self.scheduler.is_none() {
                self.released = Some(Instant::now());
                self.scheduler = Some(Scheduler::spawn(self.plane, options)?);
            }
            return Ok(());
        }
        if waiting.is_empty() {
            return Ok(());
        }
        let load = match self.contestant {
            Contestant::BindsAndEvents => Load::BindsAndEvents,
            _ => Load::Binds,
        };
        let flood = Flood::open(self.plane, self.nodes).await?;
        if self.contestant != Contestant::Sweep {
            let burst = flood.ready(waiting, load, self.in_flight).await?;
            self.released.get_or_insert_with(Instant::now);
            return burst.run().await;
        }
        for (window, in_flight) in waiting.chunks(waiting.len().div_ceil(SWEEP.len())).zip(SWEEP) {
            let uids = window.iter().map(|pod| pod.uid.clone()).collect();
            let burst = flood.ready(window, load, in_flight).await?;
            let begun = Instant::now();
            self.released.get_or_insert(begun);
            self.windows.push((in_flight, begun, uids));
            burst.run().await?;
        }
        Ok(())
    }

    /// Waits for `work`; fails at once when the scheduler ends meanwhile.
    pub(super) async fn alive_during(
        &mut self,
        work: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let Some(scheduler) = &mut self.scheduler else { return work.await };
        let done = scheduler.process.alive_during(work).await;
        done.with_context(|| scheduler.process.log_tail())
    }

    /// Requests in flight, of a flooder.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// CPU time and memory of the scheduler so far; nothing of a flooder.
    pub(super) fn usage(&self) -> Result<Option<Usage>> {
        self.scheduler.as_ref().map(|scheduler| scheduler.process.usage()).transpose()
    }
}

/// How a scheduler is started: no limit on requests, the administrator for both (the same work
/// for the authorizer), and the workload's configuration where it has one.
fn options(plane: &ControlPlane, workload: &Workload, kind: Kind) -> Result<Options> {
    let contestant = match kind {
        Kind::Berth => Contestant::Berth,
        Kind::KubeScheduler => Contestant::KubeScheduler,
    };
    let mut options = Options::unlimited(kind, plane.kubeconfig(), contestant.profile());
    if kind == Kind::Berth {
        // A round kills its scheduler, and the next one would wait 15 s for the Lease of the dead.
        options.flags.push("--allow-second-instance".to_owned());
    }
    if let Some(path) = &workload.scheduler_config {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let own: Map<String, Value> =
            serde_saphyr::from_str(&text).with_context(|| path.display().to_string())?;
        let merged = merged(own, &options.config, contestant.profile())?;
        options.config = merged;
    }
    if kind == Kind::KubeScheduler && !workload.feature_gates.is_empty() {
        let gates: Vec<String> =
            workload.feature_gates.iter().map(|(gate, on)| format!("{gate}={on}")).collect();
        options.flags.push(format!("--feature-gates={}", gates.join(",")));
    }
    Ok(options)
}

/// A workload's configuration with the client and election settings of every round, and the
/// profile's name. JSON is YAML.
fn merged(mut own: Map<String, Value>, every_round: &str, profile: &str) -> Result<String> {
    let every_round: Map<String, Value> = serde_saphyr::from_str(every_round)?;
    for field in ["clientConnection", "leaderElection"] {
        if let Some(value) = every_round.get(field) {
            own.insert(field.to_owned(), value.clone());
        }
    }
    let profiles = own.entry("profiles").or_insert_with(|| json!([{}]));
    for entry in profiles.as_array_mut().context("profiles: not a list")? {
        if matches!(entry["schedulerName"].as_str(), None | Some("default-scheduler")) {
            entry["schedulerName"] = json!(profile);
        }
    }
    Ok(Value::Object(own).to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_workloads_configuration_keeps_its_plugins() {
        let own = json!({"kind": "KubeSchedulerConfiguration", "profiles": [
            {"schedulerName": "default-scheduler", "pluginConfig": []}, {"schedulerName": "x"},
        ]});
        let every = "clientConnection: {qps: 7}\nprofiles: []\n";
        let text = merged(own.as_object().unwrap().clone(), every, "berth").unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(config["clientConnection"]["qps"], 7);
        assert_eq!(config["profiles"][0]["schedulerName"], "berth");
        assert_eq!(config["profiles"][1]["schedulerName"], "x");
        assert!(config["profiles"][0]["pluginConfig"].is_array());
    }
}
