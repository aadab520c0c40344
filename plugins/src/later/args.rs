//! Arguments of plugins not acted on yet: preemption, devices.
//!
//! Source: `staging/src/k8s.io/kube-scheduler/config/v1/types_pluginargs.go`,
//! `pkg/scheduler/apis/config/v1/defaults.go` and
//! `pkg/scheduler/apis/config/validation/validation_pluginargs.go`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FieldError, GoDuration, PluginArgs};

/// `DefaultPreemptionArgs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DefaultPreemptionArgs {
    /// Candidates to look for, at least, in percent of the nodes; 10 by default.
    #[schemars(range(min = 0, max = 100))]
    pub min_candidate_nodes_percentage: Option<i32>,
    /// Candidates to look for, at least; 100 by default.
    #[schemars(range(min = 0))]
    pub min_candidate_nodes_absolute: Option<i32>,
}

impl Default for DefaultPreemptionArgs {
    fn default() -> Self {
        Self { min_candidate_nodes_percentage: Some(10), min_candidate_nodes_absolute: Some(100) }
    }
}

impl PluginArgs for DefaultPreemptionArgs {
    const KIND: &'static str = "DefaultPreemptionArgs";

    fn set_defaults(&mut self) {
        self.min_candidate_nodes_percentage.get_or_insert(10);
        self.min_candidate_nodes_absolute.get_or_insert(100);
    }

    fn validate(&self) -> Vec<FieldError> {
        let (percentage, absolute) =
            (self.min_candidate_nodes_percentage, self.min_candidate_nodes_absolute);
        let mut errors = Vec::new();
        let mut wrong = |path: &str, value: Option<i32>, message: &str| {
            let message = format!("Invalid value: {}: {message}", value.unwrap_or_default());
            errors.push(FieldError::new(path, message));
        };
        let paths = ("minCandidateNodesPercentage", "minCandidateNodesAbsolute");
        if percentage.is_some_and(|p| !(0..=100).contains(&p)) {
            wrong(paths.0, percentage, "not in valid range [0, 100]");
        }
        if absolute.is_some_and(|a| a < 0) {
            wrong(paths.1, absolute, "not in valid range [0, inf)");
        }
        if percentage == Some(0) && absolute == Some(0) {
            wrong(
                paths.0,
                percentage,
                "cannot be zero at the same time as minCandidateNodesAbsolute",
            );
            wrong(
                paths.1,
                absolute,
                "cannot be zero at the same time as minCandidateNodesPercentage",
            );
        }
        errors
    }
}

/// `DynamicResourcesArgs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DynamicResourcesArgs {
    /// How long the filter may search the devices of one node; 10s by default, 0 for no limit.
    pub filter_timeout: Option<GoDuration>,
    /// How long a bind may wait for the conditions of its devices; 10m by default, at least 1s.
    pub binding_timeout: Option<GoDuration>,
}

const FILTER_TIMEOUT: GoDuration = GoDuration::from_seconds(10);
const BINDING_TIMEOUT: GoDuration = GoDuration::from_seconds(600);

impl Default for DynamicResourcesArgs {
    fn default() -> Self {
        Self { filter_timeout: Some(FILTER_TIMEOUT), binding_timeout: Some(BINDING_TIMEOUT) }
    }
}

impl PluginArgs for DynamicResourcesArgs {
    const KIND: &'static str = "DynamicResourcesArgs";

    fn set_defaults(&mut self) {
        self.filter_timeout.get_or_insert(FILTER_TIMEOUT);
        self.binding_timeout.get_or_insert(BINDING_TIMEOUT);
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut at_least = |path: &str, value: Option<GoDuration>, least, message: &str| {
            if let Some(value) = value.filter(|v| *v < least) {
                let message = format!("Invalid value: {value}: {message}");
                errors.push(FieldError::new(path, message));
            }
        };
        let (zero, second) = (GoDuration::default(), GoDuration::from_seconds(1));
        at_least("filterTimeout", self.filter_timeout, zero, "must be zero or positive");
        at_least("bindingTimeout", self.binding_timeout, second, "must be at least 1 second");
        errors
    }
}
