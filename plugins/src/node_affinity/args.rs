//! The arguments of NodeAffinity, and `v1.NodeAffinity` as a file writes it.
//!
//! Source: `NodeAffinityArgs` in
//! `staging/src/k8s.io/kube-scheduler/config/v1/types_pluginargs.go`, `ValidateNodeAffinityArgs`
//! and `staging/src/k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go`.

use berth_engine::model::{is_label_key, is_label_value};
use berth_engine::record::{self, Preferred, SelectorOp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::go_json::or_default;
use crate::{FieldError, PluginArgs};

/// `NodeAffinityArgs`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NodeAffinityArgs {
    /// Applies to all pods besides their own node affinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_affinity: Option<AddedAffinity>,
}

/// `v1.NodeAffinity`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AddedAffinity {
    /// What a node has to match.
    #[serde(
        rename = "requiredDuringSchedulingIgnoredDuringExecution",
        skip_serializing_if = "Option::is_none"
    )]
    pub required: Option<NodeSelector>,
    /// What is better matched.
    #[serde(
        rename = "preferredDuringSchedulingIgnoredDuringExecution",
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub preferred: Vec<PreferredSchedulingTerm>,
}

/// `v1.NodeSelector`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NodeSelector {
    /// Alternatives; without any, no node matches. Written even where absent, as `null`.
    pub node_selector_terms: Option<Vec<NodeSelectorTerm>>,
}

/// `v1.PreferredSchedulingTerm`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PreferredSchedulingTerm {
    /// Added to the score of matching nodes.
    #[serde(deserialize_with = "or_default")]
    pub weight: i32,
    /// The term.
    #[serde(deserialize_with = "or_default")]
    pub preference: NodeSelectorTerm,
}

/// `v1.NodeSelectorTerm`: all requirements have to hold; an empty one matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NodeSelectorTerm {
    /// Requirements on labels.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<NodeSelectorRequirement>,
    /// Requirements on `metadata.name`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub match_fields: Vec<NodeSelectorRequirement>,
}

/// `v1.NodeSelectorRequirement`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NodeSelectorRequirement {
    /// Label key or field name.
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
    #[serde(deserialize_with = "or_default")]
    #[schemars(extend("enum" = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]))]
    pub operator: String,
    /// Values to compare with.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl PluginArgs for NodeAffinityArgs {
    const KIND: &'static str = "NodeAffinityArgs";

    fn validate(&self) -> Vec<FieldError> {
        let Some(added) = &self.added_affinity else { return Vec::new() };
        let mut errors = Vec::new();
        let terms = added.required.iter().flat_map(|r| r.node_selector_terms.iter().flatten());
        for (at, term) in terms.enumerate() {
            let path = format!(
                "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.\
                 nodeSelectorTerms[{at}]"
            );
            term.validate(&path, &mut errors);
        }
        for (at, preferred) in added.preferred.iter().enumerate().filter(|(_, p)| p.weight != 0) {
            let path =
                format!("addedAffinity.preferredDuringSchedulingIgnoredDuringExecution[{at}]");
            preferred.preference.validate(&path, &mut errors);
        }
        errors
    }
}

impl AddedAffinity {
    pub(super) fn required_terms(&self) -> Option<Vec<record::NodeSelectorTerm>> {
        let terms = self.required.as_ref()?.node_selector_terms.iter().flatten();
        Some(terms.map(NodeSelectorTerm::record).collect())
    }

    pub(super) fn preferred_terms(&self) -> Vec<Preferred<record::NodeSelectorTerm>> {
        let of = |p: &PreferredSchedulingTerm| Preferred {
            weight: p.weight,
            term: p.preference.record(),
        };
        self.preferred.iter().map(of).collect()
    }
}

impl NodeSelectorTerm {
    fn record(&self) -> record::NodeSelectorTerm {
        let all = |of: &[NodeSelectorRequirement]| of.iter().map(|r| r.record()).collect();
        record::NodeSelectorTerm {
            match_expressions: all(&self.match_expressions),
            match_fields: all(&self.match_fields),
        }
    }

    fn validate(&self, path: &str, errors: &mut Vec<FieldError>) {
        for (at, requirement) in self.match_expressions.iter().enumerate() {
            requirement.validate_label(&format!("{path}.matchExpressions[{at}]"), errors);
        }
        for (at, requirement) in self.match_fields.iter().enumerate() {
            requirement.validate_field(&format!("{path}.matchFields[{at}]"), errors);
        }
    }
}

impl NodeSelectorRequirement {
    fn op(&self) -> SelectorOp {
        match self.operator.as_str() {
            "In" => SelectorOp::In,
            "NotIn" => SelectorOp::NotIn,
            "Exists" => SelectorOp::Exists,
            "DoesNotExist" => SelectorOp::DoesNotExist,
            "Gt" => SelectorOp::Gt,
            "Lt" => SelectorOp::Lt,
            _ => SelectorOp::Unknown,
        }
    }

    fn record(&self) -> record::Requirement {
        let values = self.values.iter().map(|v| v.as_str().into()).collect();
        record::Requirement { key: self.key.as_str().into(), op: self.op(), values }
    }

    /// `labels.NewRequirement`.
    fn validate_label(&self, path: &str, errors: &mut Vec<FieldError>) {
        let mut wrong = |field: String, message: String| {
            errors.push(FieldError::new(format!("{path}.{field}"), message));
        };
        let op = self.op();
        let number = matches!(op, SelectorOp::Gt | SelectorOp::Lt);
        let count = match op {
            SelectorOp::In | SelectorOp::NotIn if self.values.is_empty() => "at least one value",
            SelectorOp::Exists | SelectorOp::DoesNotExist if !self.values.is_empty() => "no values",
            SelectorOp::Gt | SelectorOp::Lt if self.values.len() != 1 => "exactly one value",
            SelectorOp::Unknown => {
                let known = "In, NotIn, Exists, DoesNotExist, Gt, Lt";
                let message = format!("Unsupported value: {:?}: one of {known}", self.operator);
                return wrong("operator".to_owned(), message);
            }
            _ => "",
        };
        if !is_label_key(&self.key) {
            let message = format!("Invalid value: {:?}: must be a label key", self.key);
            wrong("key".to_owned(), message);
        }
        if !count.is_empty() {
            let message = format!("Invalid value: operator {} takes {count}", self.operator);
            wrong("values".to_owned(), message);
        }
        for (at, value) in self.values.iter().enumerate() {
            if number && value.parse::<i64>().is_err() {
                let message = format!("Invalid value: {value:?}: must be an integer");
                wrong(format!("values[{at}]"), message);
            }
            if !is_label_value(value) {
                let message = format!("Invalid value: {value:?}: must be a label value");
                wrong(format!("values[{at}][{}]", self.key), message);
            }
        }
    }

    /// `nodeSelectorRequirementsAsFieldSelector`.
    fn validate_field(&self, path: &str, errors: &mut Vec<FieldError>) {
        if !matches!(self.op(), SelectorOp::In | SelectorOp::NotIn) {
            let message = format!("Unsupported value: {:?}: one of In, NotIn", self.operator);
            errors.push(FieldError::new(format!("{path}.operator"), message));
        } else if self.values.len() != 1 {
            let message = "Invalid value: must have one element";
            errors.push(FieldError::new(format!("{path}.values"), message));
        }
    }
}
