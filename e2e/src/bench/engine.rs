//! What the engine's own benchmark left: one line of JSON per measurement.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

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
    /// The run of the benchmark, whose rounds measure the same again; 0 for one without rounds.
    #[serde(default)]
    pub run: u64,
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

/// Measurements by case, nodes and threads; of the same the last run's, of its rounds the median.
#[derive(Debug, Clone, Default)]
pub struct EngineResults(Vec<EngineMeasurement>);

impl EngineResults {
    /// Reads the file; nothing where there is none.
    ///
    /// # Errors
    /// A file that cannot be read, or a line that is no measurement.
    pub fn load(path: &Path) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// [`Self::load`] of a text.
    ///
    /// # Errors
    /// A line that is no measurement.
    pub fn parse(text: &str) -> Result<Self> {
        let mut of_last_runs: Vec<EngineMeasurement> = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let read = serde_json::from_str(line);
            let new: EngineMeasurement = read.with_context(|| format!("line {}", index + 1))?;
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(name: &str, rate: u32) -> String {
        let ns = 1e9 / f64::from(rate);
        format!(
            "{{\"name\":\"{name}\",\"nodes\":5000,\"classes\":1,\"threads\":1,\"pods\":9,\
             \"decisions_per_s\":{rate}.0,\"ns_per_decision\":{ns},\"bytes_per_node\":250.0,\
             \"bytes_per_pod\":null,\"seconds\":[1.0,2.0,3.0,4.0,5.0],\"refused\":0}}\n"
        )
    }

    #[test]
    fn the_last_of_a_case_counts() {
        let text = [line("one-class", 5), line("memory", 1), line("one-class", 7)].concat();
        let results = EngineResults::parse(&text).unwrap();
        assert_eq!(results.all().len(), 2);
        let one = results.find("one-class", 5000, 1).unwrap();
        assert_eq!((one.decisions_per_s, one.placing_seconds()), (7.0, Some(9.0)));
        assert!(results.find("one-class", 5000, 2).is_none());
        assert_eq!(results.of_case("memory").count(), 1);
    }

    #[test]
    fn of_the_last_run_the_median_counts() {
        let of_run = |rate, run: u32| {
            let line = line("one-class", rate);
            line.replace("\"refused\":0", &format!("\"refused\":0,\"run\":{run}"))
        };
        let rate = |lines: &[String]| {
            let results = EngineResults::parse(&lines.concat()).unwrap();
            assert_eq!(results.all().len(), 1);
            results.all()[0].decisions_per_s
        };
        let older = [of_run(90, 1), line("one-class", 80), of_run(70, 2)];
        assert_eq!(rate(&older), 70.0);
        let rounds = [of_run(5, 3), of_run(9, 3), of_run(7, 3)];
        assert_eq!(rate(&[older.clone(), rounds.clone()].concat()), 7.0);
        assert_eq!(rate(&rounds[..2]), 5.0);
    }

    #[test]
    fn a_broken_line_is_told_and_a_missing_file_is_empty() {
        let error = EngineResults::parse("{}\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 1"));
        assert!(EngineResults::load(Path::new("gone.jsonl")).unwrap().all().is_empty());
    }
}
