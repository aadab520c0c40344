//! Operations that make and delete pods.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::bench::parameter::Parameters;

/// `createPods`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CreatePods {
    /// For an operation inside `createPodSets`, which repeats it.
    #[serde(skip_serializing)]
    pub opcode: Option<String>,
    /// How many.
    pub count: usize,
    /// A parameter in its place.
    pub count_param: Option<String>,
    /// A parameter that the count is multiplied by.
    pub count_multiplier_param: Option<String>,
    /// Refused: pods are created and deleted for a time.
    pub steady_state: bool,
    /// Refused, as `steadyState`.
    pub steady_state_param: Option<String>,
    /// Of `steadyState`.
    pub duration: Option<String>,
    /// Of `steadyState`.
    pub duration_param: Option<String>,
    /// These pods are measured.
    pub collect_metrics: bool,
    /// Where; `namespace-N` without it, N the operation's place.
    pub namespace: Option<String>,
    /// The pod; the case's `defaultPodTemplatePath`, else a plain pod without it.
    pub pod_template_path: Option<String>,
    /// The next operation starts before these pods have nodes.
    pub skip_wait_to_completion: bool,
    /// A volume per pod, bound to the pod's claim.
    pub persistent_volume_template_path: Option<String>,
    /// The claim per pod.
    pub persistent_volume_claim_template_path: Option<String>,
    /// What the template may name.
    pub template_params: Map<String, Value>,
    /// So many pods in a row share their label `signature`; 1 where it is 0.
    pub signature_batch_size: usize,
    /// A parameter in its place.
    pub signature_batch_size_param: Option<String>,
}

/// `createPodSets`: the same `createPods` in `PREFIX-0`, `PREFIX-1`, …
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePodSets {
    /// How many namespaces.
    #[serde(default)]
    pub count: usize,
    /// A parameter in its place.
    pub count_param: Option<String>,
    /// What the namespaces' names begin with.
    pub namespace_prefix: String,
    /// What is done in each.
    pub create_pods_op: CreatePods,
}

/// `deletePods`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeletePods {
    /// Where.
    pub namespace: String,
    /// Labels the pods must have.
    #[serde(default)]
    pub label_selector: BTreeMap<String, String>,
    /// The next operation starts before the pods are gone.
    #[serde(default)]
    pub skip_wait_to_completion: bool,
    /// How fast; all at once where it is 0.
    #[serde(default)]
    pub delete_pods_per_second: u32,
}

impl CreatePods {
    pub(super) fn template_paths(&self) -> [&Option<String>; 3] {
        [
            &self.pod_template_path,
            &self.persistent_volume_template_path,
            &self.persistent_volume_claim_template_path,
        ]
    }

    pub(super) fn validate(&self) -> Result<()> {
        if let Some(opcode) = &self.opcode {
            ensure!(opcode == "createPods", "opcode {opcode}, expected createPods");
        }
        let steady = self.steady_state || self.steady_state_param.is_some();
        if steady || self.duration.is_some() || self.duration_param.is_some() {
            bail!("steadyState is not supported here: a round ends with the last pod's node");
        }
        let both = self.collect_metrics && self.skip_wait_to_completion;
        ensure!(!both, "collectMetrics and skipWaitToCompletion cannot be true at the same time");
        let (volume, claim) =
            (&self.persistent_volume_template_path, &self.persistent_volume_claim_template_path);
        ensure!(
            volume.is_some() == claim.is_some(),
            "persistentVolumeTemplatePath and persistentVolumeClaimTemplatePath go together"
        );
        Ok(())
    }

    pub(super) fn resolve(&mut self, params: &Parameters) -> Result<()> {
        self.count = params.count(self.count, self.count_param.take().as_deref())?;
        if let Some(multiplier) = self.count_multiplier_param.take() {
            self.count *= params.count(1, Some(&multiplier))?;
        }
        let batch = self.signature_batch_size_param.take();
        self.signature_batch_size =
            params.count(self.signature_batch_size, batch.as_deref())?.max(1);
        self.template_params = params.template(&self.template_params)?;
        Ok(())
    }
}

impl CreatePodSets {
    pub(super) fn resolve(&mut self, params: &Parameters) -> Result<()> {
        self.count = params.count(self.count, self.count_param.take().as_deref())?;
        self.create_pods_op.resolve(params)
    }
}
