//! The arguments of NodeResourcesFit.
//!
//! Source: `NodeResourcesFitArgs` in
//! `staging/src/k8s.io/kube-scheduler/config/v1/types_pluginargs.go` and
//! `ValidateNodeResourcesFitArgs` in
//! `pkg/scheduler/apis/config/validation/validation_pluginargs.go`.

use berth_engine::model::is_label_key;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::go_json::or_default;
use crate::node_resources::{
    ResourceSpec, UtilizationShapePoint, default_resources, set_defaults, validate_shape,
};
use crate::{FieldError, PluginArgs};

/// `NodeResourcesFitArgs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NodeResourcesFitArgs {
    /// Extended resources that the filter ignores; scoring does not.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub ignored_resources: Vec<String>,
    /// Groups of extended resources that the filter ignores: `example.com` stands for all names
    /// that begin with `example.com/`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub ignored_resource_groups: Vec<String>,
    /// How nodes are scored; LeastAllocated of CPU and memory by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scoring_strategy: Option<ScoringStrategy>,
}

/// `ScoringStrategy`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ScoringStrategy {
    /// `LeastAllocated`, `MostAllocated` or `RequestedToCapacityRatio`; required.
    #[serde(rename = "type", deserialize_with = "or_default")]
    #[schemars(with = "ScoringStrategyType")]
    pub strategy: String,
    /// Resources that count, with weights of 1 to 100; CPU and memory by default.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceSpec>,
    /// For `RequestedToCapacityRatio` only, and required there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_to_capacity_ratio: Option<RequestedToCapacityRatioParam>,
}

/// `ScoringStrategyType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
pub enum ScoringStrategyType {
    /// Favours empty nodes.
    LeastAllocated,
    /// Favours full nodes.
    MostAllocated,
    /// Scores by a function of the utilization.
    RequestedToCapacityRatio,
}

/// `RequestedToCapacityRatioParam`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RequestedToCapacityRatioParam {
    /// Points of the function, by rising utilization.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub shape: Vec<UtilizationShapePoint>,
}

impl Default for NodeResourcesFitArgs {
    fn default() -> Self {
        Self {
            ignored_resources: Vec::new(),
            ignored_resource_groups: Vec::new(),
            scoring_strategy: Some(ScoringStrategy {
                strategy: "LeastAllocated".to_owned(),
                resources: default_resources(),
                requested_to_capacity_ratio: None,
            }),
        }
    }
}

impl ScoringStrategy {
    /// The strategy, if there is one of that name.
    pub fn kind(&self) -> Option<ScoringStrategyType> {
        match self.strategy.as_str() {
            "LeastAllocated" => Some(ScoringStrategyType::LeastAllocated),
            "MostAllocated" => Some(ScoringStrategyType::MostAllocated),
            "RequestedToCapacityRatio" => Some(ScoringStrategyType::RequestedToCapacityRatio),
            _ => None,
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |path: String, message: String| {
            errors.push(FieldError::new(format!("scoringStrategy.{path}"), message));
        };
        if self.kind().is_none() {
            wrong(
                "type".to_owned(),
                format!(
                    "Unsupported value: {:?}: supported values: \"LeastAllocated\", \
                     \"MostAllocated\", \"RequestedToCapacityRatio\"",
                    self.strategy
                ),
            );
        }
        for (at, resource) in self.resources.iter().enumerate() {
            if !(1..=100).contains(&resource.weight) {
                wrong(
                    format!("resources[{at}].weight"),
                    format!(
                        "Invalid value: {}: resource weight of {} not in valid range (0, 100]",
                        resource.weight, resource.name
                    ),
                );
            }
        }
        let ratio = self.kind() == Some(ScoringStrategyType::RequestedToCapacityRatio);
        let path = "requestedToCapacityRatio";
        match &self.requested_to_capacity_ratio {
            None if ratio => wrong(
                path.to_owned(),
                "Required value: must be specified when type is RequestedToCapacityRatio"
                    .to_owned(),
            ),
            Some(_) if !ratio => wrong(
                path.to_owned(),
                "Forbidden: must be nil when type is not RequestedToCapacityRatio".to_owned(),
            ),
            Some(param) => {
                let path = format!("scoringStrategy.{path}.shape");
                errors.extend(validate_shape(&param.shape, &path));
            }
            None => {}
        }
        errors
    }
}

impl PluginArgs for NodeResourcesFitArgs {
    const KIND: &'static str = "NodeResourcesFitArgs";

    fn set_defaults(&mut self) {
        match &mut self.scoring_strategy {
            None => self.scoring_strategy = Self::default().scoring_strategy,
            Some(strategy) => set_defaults(&mut strategy.resources),
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let name = |errors: &mut Vec<FieldError>, path: String, name: &str| {
            if !is_label_key(name) {
                let message = format!("Invalid value: {name:?}: must be a qualified name");
                errors.push(FieldError::new(path, message));
            }
        };
        for (at, resource) in self.ignored_resources.iter().enumerate() {
            name(&mut errors, format!("ignoredResources[{at}]"), resource);
        }
        for (at, group) in self.ignored_resource_groups.iter().enumerate() {
            let path = format!("ignoredResourceGroups[{at}]");
            if group.contains('/') {
                let message = format!("Invalid value: {group:?}: must not contain '/'");
                errors.push(FieldError::new(path, message));
            } else {
                name(&mut errors, path, group);
            }
        }
        errors.extend(self.scoring_strategy.iter().flat_map(ScoringStrategy::validate));
        errors
    }
}
