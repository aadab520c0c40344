//! What the engine's own benchmark left: one line of JSON per measurement.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::identity::Machine;

/// One measurement of the engine alone.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EngineMeasurement {
    /// The case.
    pub name: String,
    /// Nodes.
    pub nodes: usize,
    /// Distinct classes of pods.
    pub classes: usize,
    /// Threads.
    pub threads: usize,
    /// Pods placed.
    pub pods: usize,
    /// Decisions a second.
    pub decisions_per_s: f64,
    /// Time of one decision.
    pub ns_per_decision: f64,
    /// Memory per node.
    pub bytes_per_node: Option<f64>,
    /// Memory per bound pod.
    pub bytes_per_pod: Option<f64>,
    /// Seconds of loading nodes, queueing, deciding, confirming, and of the benchmark itself.
    pub seconds: Option<[f64; 5]>,
    /// What pods that wait cost the others; of crowds only.
    #[serde(default)]
    pub crowd: Option<CrowdCosts>,
    /// Fingerprint of the benchmark's binary; older lines have none.
    pub build: Option<String>,
    /// Where it was measured.
    pub machine: Option<Machine>,
    /// The run of the benchmark, whose rounds measure the same again; 0 for one without rounds.
    #[serde(default)]
    pub run: u64,
}

/// What 100,000 pods that wait cost.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct CrowdCosts {
    /// Rate of plain placements against that without the crowd.
    pub ratio: f64,
    /// An event that nobody waits for, less the same without the crowd, in microseconds.
    pub idle_us: f64,
    /// The step after an event that helps one class in which its head is placed: 1 is the next.
    pub helped_in_steps: usize,
    /// The longest step after an event that all classes wait for, in milliseconds.
    pub longest_step_ms: f64,
    /// What a waiting pod and its class take, in bytes.
    pub bytes_per_waiting: f64,
}

impl EngineMeasurement {
    /// Whether both measured the same.
    fn is_of(&self, other: &Self) -> bool {
        (&self.name, self.nodes, self.threads) == (&other.name, other.nodes, other.threads)
    }

    /// Seconds that the engine took to place its pods: queueing, deciding, confirming.
    pub fn placing_seconds(&self) -> Option<f64> {
        self.seconds.map(|[_, queue, decide, confirm, _]| queue + decide + confirm)
    }
}

/// Measurements of the newest binary on one machine, by case, nodes and threads; of the same the
/// last run's, of its rounds the median.
#[derive(Debug, Clone, Default)]
pub struct EngineResults(Vec<EngineMeasurement>);

impl EngineResults {
    /// Reads the file for one machine; nothing where there is none.
    ///
    /// # Errors
    /// A file that cannot be read, or a line that is no measurement.
    pub fn load(path: &Path, machine: &Machine) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, machine).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// [`Self::load`] of a text.
    ///
    /// # Errors
    /// A line that is no measurement.
    pub fn parse(text: &str, machine: &Machine) -> Result<Self> {
        let mut here: Vec<EngineMeasurement> = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let read = serde_json::from_str(line);
            here.push(read.with_context(|| format!("line {}", index + 1))?);
        }
        // Neither tells of what, nor where: what has no fingerprint is of an older build.
        here.retain(|one| one.build.is_some() && one.machine.as_ref() == Some(machine));
        let newest = here.last().and_then(|one| one.build.clone());
        here.retain(|one| one.build == newest);
        let mut of_last_runs: Vec<EngineMeasurement> = Vec::new();
        for new in here {
            of_last_runs.retain(|old| !old.is_of(&new) || (old.run == new.run && new.run > 0));
            of_last_runs.push(new);
        }
        let mut results = Self::default();
        for one in &of_last_runs {
            if results.find(&one.name, one.nodes, one.threads).is_none() {
                let mut rounds: Vec<_> = of_last_runs.iter().filter(|m| m.is_of(one)).collect();
                rounds.sort_by(|a, b| a.ns_per_decision.total_cmp(&b.ns_per_decision));
                // Of an even number the slower of the two in the middle.
                results.0.extend(rounds.get(rounds.len() / 2).map(|median| (*median).clone()));
            }
        }
        Ok(results)
    }

    /// The measurement of a case.
    pub fn find(&self, name: &str, nodes: usize, threads: usize) -> Option<&EngineMeasurement> {
        self.0
            .iter()
            .find(|one| (one.name.as_str(), one.nodes, one.threads) == (name, nodes, threads))
    }

    /// The measurements of a case with any number of threads.
    pub fn of_case<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a EngineMeasurement> {
        self.0.iter().filter(move |one| one.name == name)
    }

    /// All of them, in the order of the file.
    pub fn all(&self) -> &[EngineMeasurement] {
        &self.0
    }
}

#[cfg(test)]
pub(super) mod tests;
