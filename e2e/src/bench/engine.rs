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
}

impl EngineMeasurement {
    /// Seconds that the engine took to place its pods: queueing, deciding, confirming.
    pub fn placing_seconds(&self) -> Option<f64> {
        self.seconds.map(|[_, queue, decide, confirm, _]| queue + decide + confirm)
    }
}

/// Measurements by case, nodes and threads; of the same the last.
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
        let mut results = Self::default();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let read = serde_json::from_str(line);
            let new: EngineMeasurement = read.with_context(|| format!("line {}", index + 1))?;
            results.0.retain(|old| {
                (&old.name, old.nodes, old.threads) != (&new.name, new.nodes, new.threads)
            });
            results.0.push(new);
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
        format!(
            "{{\"name\":\"{name}\",\"nodes\":5000,\"classes\":1,\"threads\":1,\"pods\":9,\
             \"decisions_per_s\":{rate}.0,\"ns_per_decision\":2.5,\"bytes_per_node\":250.0,\
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
    fn a_broken_line_is_told_and_a_missing_file_is_empty() {
        let error = EngineResults::parse("{}\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 1"));
        assert!(EngineResults::load(Path::new("gone.jsonl")).unwrap().all().is_empty());
    }
}
