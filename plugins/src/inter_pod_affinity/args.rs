//! The arguments of InterPodAffinity.
//!
//! Source: `InterPodAffinityArgs` in
//! `staging/src/k8s.io/kube-scheduler/config/v1/types_pluginargs.go` and
//! `ValidateInterPodAffinityArgs` in
//! `pkg/scheduler/apis/config/validation/validation_pluginargs.go`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::go_json::or_default;
use crate::{FieldError, PluginArgs};

/// `InterPodAffinityArgs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct InterPodAffinityArgs {
    /// Weight of the required affinity of pods that are there already; 1 by default.
    #[schemars(range(min = 0, max = 100))]
    pub hard_pod_affinity_weight: Option<i32>,
    /// Whether preferences of pods that are there count only for pods with terms of their own.
    #[serde(deserialize_with = "or_default")]
    pub ignore_preferred_terms_of_existing_pods: bool,
}

impl Default for InterPodAffinityArgs {
    fn default() -> Self {
        Self { hard_pod_affinity_weight: Some(1), ignore_preferred_terms_of_existing_pods: false }
    }
}

impl PluginArgs for InterPodAffinityArgs {
    const KIND: &'static str = "InterPodAffinityArgs";

    fn set_defaults(&mut self) {
        self.hard_pod_affinity_weight.get_or_insert(1);
    }

    fn validate(&self) -> Vec<FieldError> {
        let wrong = self.hard_pod_affinity_weight.filter(|w| !(0..=100).contains(w));
        let error = |w| {
            let message = format!("Invalid value: {w}: not in valid range [0, 100]");
            FieldError::new("hardPodAffinityWeight", message)
        };
        wrong.map(error).into_iter().collect()
    }
}
