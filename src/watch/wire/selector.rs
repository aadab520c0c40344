//! Selectors of labels and of nodes.

use berth_engine::record::{
    LabelSelector as LabelSelectorRecord, NodeSelector as NodeSelectorRecord,
    NodeSelectorTerm as NodeSelectorTermRecord, Requirement as RequirementRecord, SelectorOp,
};
use serde::Deserialize;

use super::nullable;
use super::scalar::{Entry, boxed, string_map, text};

/// `metav1.LabelSelector`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LabelSelector {
    #[prost(message, repeated, tag = "1")]
    #[serde(with = "nullable::map")]
    pub(crate) match_labels: Vec<Entry>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) match_expressions: Vec<Requirement>,
}

/// `metav1.LabelSelectorRequirement` and `v1.NodeSelectorRequirement`: same fields, same tags.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Requirement {
    #[prost(string, optional, tag = "1")]
    pub(crate) key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) operator: Option<String>,
    #[prost(string, repeated, tag = "3")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) values: Vec<String>,
}

/// `v1.NodeSelector`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NodeSelector {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) node_selector_terms: Vec<NodeSelectorTerm>,
}

/// `v1.NodeSelectorTerm`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NodeSelectorTerm {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) match_expressions: Vec<Requirement>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) match_fields: Vec<Requirement>,
}

impl From<LabelSelector> for LabelSelectorRecord {
    fn from(wire: LabelSelector) -> Self {
        Self {
            match_labels: string_map(wire.match_labels),
            match_expressions: requirements(wire.match_expressions),
        }
    }
}

impl From<Requirement> for RequirementRecord {
    fn from(wire: Requirement) -> Self {
        Self {
            key: text(wire.key),
            op: operator(wire.operator.as_deref().unwrap_or_default()),
            values: boxed(wire.values),
        }
    }
}

impl From<NodeSelector> for NodeSelectorRecord {
    fn from(wire: NodeSelector) -> Self {
        Self { terms: wire.node_selector_terms.into_iter().map(Into::into).collect() }
    }
}

impl From<NodeSelectorTerm> for NodeSelectorTermRecord {
    fn from(wire: NodeSelectorTerm) -> Self {
        Self {
            match_expressions: requirements(wire.match_expressions),
            match_fields: requirements(wire.match_fields),
        }
    }
}

fn requirements(wire: Vec<Requirement>) -> Vec<RequirementRecord> {
    wire.into_iter().map(Into::into).collect()
}

fn operator(name: &str) -> SelectorOp {
    match name {
        "In" => SelectorOp::In,
        "NotIn" => SelectorOp::NotIn,
        "Exists" => SelectorOp::Exists,
        "DoesNotExist" => SelectorOp::DoesNotExist,
        "Gt" => SelectorOp::Gt,
        "Lt" => SelectorOp::Lt,
        _ => SelectorOp::Unknown,
    }
}
