//! The arguments of PodTopologySpread.
//!
//! Source: `PodTopologySpreadArgs` in
//! `staging/src/k8s.io/kube-scheduler/config/v1/types_pluginargs.go` and
//! `ValidatePodTopologySpreadArgs` in
//! `pkg/scheduler/apis/config/validation/validation_pluginargs.go`.

use std::collections::BTreeMap;

use berth_engine::model::is_label_key;
use berth_engine::record::{self, WhenUnsatisfiable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::go_json::or_default;
use crate::{FieldError, PluginArgs};

/// `PodTopologySpreadArgs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodTopologySpreadArgs {
    /// Constraints for pods that have none; only with `defaultingType: List`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub default_constraints: Vec<TopologySpreadConstraint>,
    /// `System` (the default): constraints of kube-scheduler's own; `List`: those above.
    #[serde(deserialize_with = "or_default")]
    #[schemars(extend("enum" = ["System", "List"]))]
    pub defaulting_type: String,
}

/// `v1.TopologySpreadConstraint`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TopologySpreadConstraint {
    /// Largest difference between domains, above 0.
    #[serde(deserialize_with = "or_default")]
    #[schemars(range(min = 1))]
    pub max_skew: i32,
    /// Node label that makes a domain.
    #[serde(deserialize_with = "or_default")]
    pub topology_key: String,
    /// `DoNotSchedule` or `ScheduleAnyway`.
    #[serde(deserialize_with = "or_default")]
    #[schemars(extend("enum" = ["DoNotSchedule", "ScheduleAnyway"]))]
    pub when_unsatisfiable: String,
    /// Must be absent: it is deduced for each pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// Domains below which the minimum is taken as 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_domains: Option<i32>,
    /// `Honor` (the default) or `Ignore`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_affinity_policy: Option<String>,
    /// `Honor` or `Ignore` (the default).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_taints_policy: Option<String>,
    /// Keys whose values of the incoming pod select too.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub match_label_keys: Vec<String>,
}

/// `metav1.LabelSelector`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LabelSelector {
    /// Labels that have to be equal.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Requirements on labels.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// `metav1.LabelSelectorRequirement`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LabelSelectorRequirement {
    /// Label key.
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    #[serde(deserialize_with = "or_default")]
    pub operator: String,
    /// Values to compare with.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl Default for PodTopologySpreadArgs {
    fn default() -> Self {
        Self { default_constraints: Vec::new(), defaulting_type: "System".to_owned() }
    }
}

impl PluginArgs for PodTopologySpreadArgs {
    const KIND: &'static str = "PodTopologySpreadArgs";

    fn set_defaults(&mut self) {
        if self.defaulting_type.is_empty() {
            "System".clone_into(&mut self.defaulting_type);
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let defaulting = match self.defaulting_type.as_str() {
            "System" if !self.default_constraints.is_empty() => {
                Some("Invalid value: \"System\": when .defaultConstraints are not empty".to_owned())
            }
            "System" | "List" => None,
            other => Some(format!(
                "Unsupported value: {other:?}: supported values: \"System\", \"List\""
            )),
        };
        errors.extend(defaulting.map(|message| FieldError::new("defaultingType", message)));
        for (at, constraint) in self.default_constraints.iter().enumerate() {
            let path = format!("defaultConstraints[{at}]");
            errors.extend(constraint.validate(&path));
            let same = |other: &&TopologySpreadConstraint| {
                other.topology_key == constraint.topology_key
                    && other.when_unsatisfiable == constraint.when_unsatisfiable
            };
            if self.default_constraints.iter().take(at).any(|other| same(&other)) {
                let (key, action) = (&constraint.topology_key, &constraint.when_unsatisfiable);
                let message = format!("Duplicate value: {{{key}, {action}}}");
                errors.push(FieldError::new(path, message));
            }
        }
        errors
    }
}

impl TopologySpreadConstraint {
    /// The constraint as pods have it. Its selector is deduced for each pod, and with it what
    /// `matchLabelKeys` would add.
    pub(super) fn record(&self) -> record::TopologySpreadConstraint {
        let honors = |policy: &Option<String>| policy.as_ref().map(|policy| policy == "Honor");
        let hard = self.when_unsatisfiable == "DoNotSchedule";
        record::TopologySpreadConstraint {
            max_skew: self.max_skew,
            topology_key: self.topology_key.as_str().into(),
            when_unsatisfiable: if hard {
                WhenUnsatisfiable::DoNotSchedule
            } else {
                WhenUnsatisfiable::ScheduleAnyway
            },
            selector: None,
            min_domains: self.min_domains,
            honor_node_affinity: honors(&self.node_affinity_policy).unwrap_or(true),
            honor_node_taints: honors(&self.node_taints_policy).unwrap_or(false),
            match_label_keys: Box::default(),
        }
    }

    fn validate(&self, path: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: String| {
            errors.push(FieldError::new(format!("{path}.{field}"), message));
        };
        if self.max_skew <= 0 {
            let message = format!("Invalid value: {}: not in valid range (0, inf)", self.max_skew);
            wrong("maxSkew", message);
        }
        let required = "Required value: can not be empty";
        if self.topology_key.is_empty() {
            wrong("topologyKey", required.to_owned());
        } else if !is_label_key(&self.topology_key) {
            let message = format!("Invalid value: {:?}: must be a label key", self.topology_key);
            wrong("topologyKey", message);
        }
        match self.when_unsatisfiable.as_str() {
            "DoNotSchedule" | "ScheduleAnyway" => {}
            "" => wrong("whenUnsatisfiable", required.to_owned()),
            other => wrong(
                "whenUnsatisfiable",
                format!(
                    "Unsupported value: {other:?}: supported values: \"DoNotSchedule\", \
                     \"ScheduleAnyway\""
                ),
            ),
        }
        if self.label_selector.is_some() {
            let message = "Forbidden: constraint must not define a selector, as they deduced for \
                           each pod";
            wrong("labelSelector", message.to_owned());
        }
        errors
    }
}
