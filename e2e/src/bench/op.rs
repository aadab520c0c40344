//! Operations of a workload, read strictly.
//!
//! Source: `test/integration/scheduler_perf/operations.go` of Kubernetes 1.37. Field names are
//! those of its files; a field or an opcode that is not carried out here is refused by name.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod nodes;
mod pods;
mod waits;

pub use nodes::{CreateNamespaces, CreateNodes, LabelNodes, NodeAllocatable, UniqueNodeLabel};
pub use pods::{CreatePodSets, CreatePods, DeletePods};
pub use waits::{Barrier, Sleep, Stage, duration};

use super::parameter::Parameters;

/// Opcodes that Kubernetes has and this benchmark does not, with what they would need.
const ELSEWHERE: [(&str, &str); 5] = [
    ("allocResourceClaims", "it allocates devices"),
    ("createResourceClaims", "it allocates devices"),
    ("createPodGroups", "it needs pod groups"),
    ("startCollectingProfile", "it profiles a scheduler inside the test's process"),
    ("stopCollectingProfile", "it profiles a scheduler inside the test's process"),
];

/// One operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Op {
    /// `createNodes`.
    CreateNodes(CreateNodes),
    /// `createNamespaces`.
    CreateNamespaces(CreateNamespaces),
    /// `createPods`.
    CreatePods(CreatePods),
    /// `createPodSets`.
    CreatePodSets(CreatePodSets),
    /// `deletePods`.
    DeletePods(DeletePods),
    /// `churn`.
    Churn(Churn),
    /// `barrier`.
    Barrier(Barrier),
    /// `sleep`.
    Sleep(Sleep),
    /// `createAny`.
    CreateAny(AnyObject),
    /// `updateAny`.
    UpdateAny(AnyObject),
    /// `startCollectingMetrics`.
    StartCollecting(StartCollecting),
    /// `stopCollectingMetrics`.
    StopCollecting,
}

/// `churn`: objects that come and go, or only come, beside everything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Churn {
    /// What happens in each interval.
    pub mode: ChurnMode,
    /// Cycles of creation before deletion begins; with `create`, the most objects (0: no limit).
    #[serde(default)]
    pub number: usize,
    /// Pause between cycles; 500 ms where it is 0.
    #[serde(default)]
    pub interval_milliseconds: u64,
    /// Where the objects are; `namespace-N` without it, N the operation's place.
    pub namespace: Option<String>,
    /// The objects of each cycle.
    pub template_paths: Vec<String>,
}

/// What a churn does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChurnMode {
    /// Create, later delete, again and again.
    Recreate,
    /// Create only.
    Create,
}

/// `createAny` and `updateAny`: objects of any kind from a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnyObject {
    /// For objects that have one.
    pub namespace: Option<String>,
    /// The object.
    pub template_path: String,
    /// How many; 1 without it.
    pub count: Option<usize>,
    /// A parameter in its place.
    pub count_param: Option<String>,
    /// What the template may name.
    #[serde(default)]
    pub template_params: Map<String, Value>,
    /// `updateAny` only: how fast; all at once without it.
    #[serde(default)]
    pub update_per_second: u32,
    /// `updateAny` only: what of the object is updated, besides its status.
    #[serde(default)]
    pub subresources: Vec<String>,
}

/// `startCollectingMetrics`: the pods created from here on are measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartCollecting {
    /// For people.
    #[serde(default)]
    pub name: String,
    /// Where the pods are.
    pub namespaces: Vec<String>,
    /// Labels they must have.
    #[serde(default)]
    pub label_selector: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFields {}

impl Op {
    /// Reads one entry of a `workloadTemplate`.
    ///
    /// # Errors
    /// An opcode or a field that is not known or not carried out, by name.
    pub fn parse(entry: Value) -> Result<Self> {
        let Value::Object(mut fields) = entry else { bail!("an operation is a mapping") };
        let opcode = fields.remove("opcode").context("an operation without opcode")?;
        let opcode = opcode.as_str().context("opcode: not a text")?.to_owned();
        let read = Self::parse_as(&opcode, Value::Object(fields));
        let op = read.with_context(|| format!("opcode {opcode}"))?;
        op.validate().with_context(|| format!("opcode {opcode}"))?;
        Ok(op)
    }

    fn parse_as(opcode: &str, fields: Value) -> Result<Self> {
        Ok(match opcode {
            "createNodes" => Self::CreateNodes(read(fields)?),
            "createNamespaces" => Self::CreateNamespaces(read(fields)?),
            "createPods" => Self::CreatePods(read(fields)?),
            "createPodSets" => Self::CreatePodSets(read(fields)?),
            "deletePods" => Self::DeletePods(read(fields)?),
            "churn" => Self::Churn(read(fields)?),
            "barrier" => Self::Barrier(read(fields)?),
            "sleep" => Self::Sleep(read(fields)?),
            "createAny" => Self::CreateAny(read(fields)?),
            "updateAny" => Self::UpdateAny(read(fields)?),
            "startCollectingMetrics" => Self::StartCollecting(read(fields)?),
            "stopCollectingMetrics" => {
                read::<NoFields>(fields)?;
                Self::StopCollecting
            }
            other => match ELSEWHERE.iter().find(|(name, _)| *name == other) {
                Some((_, why)) => bail!("not supported here: {why}"),
                None => bail!("unknown"),
            },
        })
    }

    /// What can be told before parameters are filled in.
    fn validate(&self) -> Result<()> {
        match self {
            Self::CreatePods(op) => op.validate(),
            Self::CreatePodSets(op) => op.create_pods_op.validate(),
            Self::CreateNodes(op) => op.validate(),
            Self::Churn(op) => {
                ensure!(!op.template_paths.is_empty(), "templatePaths: at least one is needed");
                let endless = op.mode == ChurnMode::Recreate && op.number == 0;
                ensure!(!endless, "number: cannot be 0 with mode recreate");
                Ok(())
            }
            Self::CreateAny(op) => {
                ensure!(op.update_per_second == 0, "updatePerSecond is of updateAny");
                ensure!(op.subresources.is_empty(), "subresources are of updateAny");
                Ok(())
            }
            Self::StartCollecting(op) => {
                ensure!(!op.namespaces.is_empty(), "namespaces: at least one is needed");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The operation with every parameter filled in.
    ///
    /// # Errors
    /// A parameter that is not there or of another kind.
    pub fn resolve(mut self, params: &Parameters) -> Result<Self> {
        match &mut self {
            Self::CreateNodes(op) => op.resolve(params)?,
            Self::CreateNamespaces(op) => {
                op.count = params.count(op.count, op.count_param.take().as_deref())?
            }
            Self::CreatePods(op) => op.resolve(params)?,
            Self::CreatePodSets(op) => op.resolve(params)?,
            Self::Sleep(op) => op.resolve(params)?,
            Self::CreateAny(op) | Self::UpdateAny(op) => {
                let own = op.count.unwrap_or(1);
                op.count = Some(params.count(own, op.count_param.take().as_deref())?);
                op.template_params = params.template(&op.template_params)?;
            }
            Self::DeletePods(_)
            | Self::Churn(_)
            | Self::Barrier(_)
            | Self::StartCollecting(_)
            | Self::StopCollecting => {}
        }
        Ok(self)
    }

    /// The templates it names; the workload's default pod is not among them.
    pub fn template_paths(&self) -> Vec<&str> {
        let named: Vec<&Option<String>> = match self {
            Self::CreateNodes(op) => vec![&op.node_template_path],
            Self::CreateNamespaces(op) => vec![&op.namespace_template_path],
            Self::CreatePods(op) => op.template_paths().to_vec(),
            Self::CreatePodSets(op) => op.create_pods_op.template_paths().to_vec(),
            Self::Churn(op) => return op.template_paths.iter().map(String::as_str).collect(),
            Self::CreateAny(op) | Self::UpdateAny(op) => return vec![&op.template_path],
            Self::DeletePods(_)
            | Self::Barrier(_)
            | Self::Sleep(_)
            | Self::StartCollecting(_)
            | Self::StopCollecting => Vec::new(),
        };
        named.into_iter().flatten().map(String::as_str).collect()
    }

    /// The namespaces that it makes sure of, as operation number `place`.
    pub fn namespaces(&self, place: usize) -> Vec<String> {
        let numbered = |prefix: &str, count| (0..count).map(|i| format!("{prefix}-{i}")).collect();
        let or_own = |named: &Option<String>| {
            vec![named.clone().unwrap_or_else(|| format!("namespace-{place}"))]
        };
        match self {
            Self::CreateNamespaces(op) => numbered(&op.prefix, op.count),
            Self::CreatePodSets(op) => numbered(&op.namespace_prefix, op.count),
            Self::CreatePods(op) => or_own(&op.namespace),
            Self::Churn(op) => or_own(&op.namespace),
            Self::CreateAny(op) => op.namespace.clone().into_iter().collect(),
            Self::CreateNodes(_)
            | Self::DeletePods(_)
            | Self::Barrier(_)
            | Self::Sleep(_)
            | Self::UpdateAny(_)
            | Self::StartCollecting(_)
            | Self::StopCollecting => Vec::new(),
        }
    }

    /// Whether pods are measured in it.
    pub fn collects(&self) -> bool {
        match self {
            Self::CreatePods(op) => op.collect_metrics,
            Self::CreatePodSets(op) => op.create_pods_op.collect_metrics,
            Self::StartCollecting(_) => true,
            _ => false,
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(fields: Value) -> Result<T> {
    Ok(serde_json::from_value(fields)?)
}

#[cfg(test)]
mod tests;
