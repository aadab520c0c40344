//! Workload files in scheduler_perf's format: test cases, each a template of operations and
//! workloads that fill it in with numbers.
//!
//! Source: `test/integration/scheduler_perf/scheduler_perf.go` of Kubernetes 1.37. Paths in a file
//! are relative to it, so that Kubernetes' own files run from where they lie.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::op::Op;
use super::parameter::Parameters;

/// Gates of Kubernetes that change how kube-scheduler works and not what it decides, or that are
/// on by default in 1.37. They are handed to kube-scheduler; Berth has none.
const GATES: [&str; 6] = [
    "SchedulerAsyncAPICalls",
    "SchedulerAsyncPreemption",
    "OpportunisticBatching",
    "NodeInclusionPolicyInPodTopologySpread",
    "InPlacePodVerticalScaling",
    "NodeDeclaredFeatures",
];

/// One entry of a file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TestCase {
    name: String,
    #[serde(default)]
    feature_gates: BTreeMap<String, bool>,
    // What scheduler_perf reads from inside the scheduler; here a round is measured from outside.
    #[serde(default, rename = "metricsCollectorConfig")]
    _metrics_collector_config: Option<Value>,
    #[serde(default, rename = "defaultThresholdMetricSelector")]
    _default_threshold_metric_selector: Option<Value>,
    workload_template: Vec<Value>,
    workloads: Vec<Numbers>,
    scheduler_config_path: Option<String>,
    default_pod_template_path: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
}

/// One entry of `workloads`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Numbers {
    name: String,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    feature_gates: BTreeMap<String, bool>,
    // Of Kubernetes' own machines.
    #[serde(default, rename = "threshold")]
    _threshold: Option<Value>,
    #[serde(default, rename = "thresholdMetricSelector")]
    _threshold_metric_selector: Option<Value>,
}

/// A workload that is ready to run.
#[derive(Debug, Clone)]
pub struct Workload {
    /// `CASE/WORKLOAD`.
    pub name: String,
    /// Labels of the case and the workload.
    pub labels: Vec<String>,
    /// What is done, in this order, every parameter filled in.
    pub ops: Vec<Op>,
    /// The pod where an operation names none.
    pub default_pod_template: Option<String>,
    /// A KubeSchedulerConfiguration.
    pub scheduler_config: Option<PathBuf>,
    /// Gates for kube-scheduler.
    pub feature_gates: BTreeMap<String, bool>,
    /// The folder that paths are relative to.
    pub dir: PathBuf,
    /// Whether it is the first of its case.
    pub is_first: bool,
}

impl Workload {
    /// Every workload of a file. One that needs what is not here is an error in its place, and
    /// leaves the others as they are.
    ///
    /// # Errors
    /// A file that cannot be read at all.
    pub fn load(path: &Path) -> Result<Vec<Result<Self>>> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let dir = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, dir).with_context(|| path.display().to_string())
    }

    /// [`Self::load`] of a text, with paths relative to `dir`.
    ///
    /// # Errors
    /// A text that is no list of test cases.
    pub fn parse(text: &str, dir: &Path) -> Result<Vec<Result<Self>>> {
        let cases: Vec<Value> = serde_saphyr::from_str(text)?;
        let mut workloads = Vec::new();
        for case in cases {
            let name = case.get("name").and_then(Value::as_str).unwrap_or("no name").to_owned();
            match serde_json::from_value(case).with_context(|| format!("test case {name}")) {
                Ok(case) => workloads.extend(of_case(&case, dir)),
                Err(error) => workloads.push(Err(error)),
            }
        }
        Ok(workloads)
    }

    /// Whether it has a label.
    pub fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|own| own == label)
    }

    /// A path of the file.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.dir.join(relative)
    }

    /// The name without the workload: `CASE`.
    pub fn case(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

fn of_case(case: &TestCase, dir: &Path) -> Vec<Result<Workload>> {
    let each = |(index, numbers): (usize, &Numbers)| {
        let name = format!("{}/{}", case.name, numbers.name);
        filled_in(case, numbers, dir, index == 0).with_context(|| name)
    };
    case.workloads.iter().enumerate().map(each).collect()
}

fn filled_in(case: &TestCase, numbers: &Numbers, dir: &Path, is_first: bool) -> Result<Workload> {
    let mut feature_gates = case.feature_gates.clone();
    feature_gates.extend(numbers.feature_gates.clone());
    if let Some(gate) = feature_gates.keys().find(|gate| !GATES.contains(&gate.as_str())) {
        bail!("feature gate {gate} is not supported here");
    }
    let params = Parameters::new(numbers.params.clone());
    let op = |(index, entry): (usize, &Value)| {
        let op = Op::parse(entry.clone()).and_then(|op| op.resolve(&params));
        op.with_context(|| format!("workloadTemplate[{index}]"))
    };
    let ops: Vec<Op> = case.workload_template.iter().enumerate().map(op).collect::<Result<_>>()?;
    params.ensure_used()?;
    ensure_known_namespaces(&ops)?;
    ensure!(ops.iter().any(Op::collects), "no operation collects metrics");
    let labels = case.labels.iter().chain(&numbers.labels).cloned().collect();
    Ok(Workload {
        name: format!("{}/{}", case.name, numbers.name),
        labels,
        ops,
        default_pod_template: case.default_pod_template_path.clone(),
        scheduler_config: case.scheduler_config_path.as_ref().map(|path| dir.join(path)),
        feature_gates,
        dir: dir.to_owned(),
        is_first,
    })
}

/// A barrier is for namespaces that an operation before it makes sure of, with pods or without.
fn ensure_known_namespaces(ops: &[Op]) -> Result<()> {
    let mut known = BTreeSet::new();
    for (place, op) in ops.iter().enumerate() {
        if let Op::Barrier(barrier) = op
            && let Some(unknown) = barrier.namespaces.iter().find(|name| !known.contains(*name))
        {
            bail!("workloadTemplate[{place}]: opcode barrier: unknown namespace {unknown}");
        }
        known.extend(op.namespaces(place));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
