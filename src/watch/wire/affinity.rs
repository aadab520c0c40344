//! Affinity terms and spread constraints.

use berth_engine::record::{
    Affinity as AffinityRecord, PodAffinityTerm as PodAffinityTermRecord, Preferred,
    TopologySpreadConstraint as SpreadRecord, WhenUnsatisfiable,
};
use serde::Deserialize;

use super::nullable;
use super::scalar::{boxed, text};
use super::selector::{LabelSelector, NodeSelector, NodeSelectorTerm};

/// `v1.Affinity`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Affinity {
    #[prost(message, optional, tag = "1")]
    pub(crate) node_affinity: Option<NodeAffinity>,
    #[prost(message, optional, tag = "2")]
    pub(crate) pod_affinity: Option<PodAffinity>,
    #[prost(message, optional, tag = "3")]
    pub(crate) pod_anti_affinity: Option<PodAffinity>,
}

/// `v1.NodeAffinity`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct NodeAffinity {
    #[prost(message, optional, tag = "1")]
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub(crate) required: Option<NodeSelector>,
    #[prost(message, repeated, tag = "2")]
    #[serde(
        rename = "preferredDuringSchedulingIgnoredDuringExecution",
        deserialize_with = "nullable::list"
    )]
    pub(crate) preferred: Vec<PreferredSchedulingTerm>,
}

/// `v1.PreferredSchedulingTerm`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct PreferredSchedulingTerm {
    #[prost(int32, optional, tag = "1")]
    pub(crate) weight: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(crate) preference: Option<NodeSelectorTerm>,
}

/// `v1.PodAffinity` and `v1.PodAntiAffinity`: same fields, same tags.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct PodAffinity {
    #[prost(message, repeated, tag = "1")]
    #[serde(
        rename = "requiredDuringSchedulingIgnoredDuringExecution",
        deserialize_with = "nullable::list"
    )]
    pub(crate) required: Vec<PodAffinityTerm>,
    #[prost(message, repeated, tag = "2")]
    #[serde(
        rename = "preferredDuringSchedulingIgnoredDuringExecution",
        deserialize_with = "nullable::list"
    )]
    pub(crate) preferred: Vec<WeightedPodAffinityTerm>,
}

/// `v1.WeightedPodAffinityTerm`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct WeightedPodAffinityTerm {
    #[prost(int32, optional, tag = "1")]
    pub(crate) weight: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(crate) pod_affinity_term: Option<PodAffinityTerm>,
}

/// `v1.PodAffinityTerm`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PodAffinityTerm {
    #[prost(message, optional, tag = "1")]
    pub(crate) label_selector: Option<LabelSelector>,
    #[prost(string, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) namespaces: Vec<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) topology_key: Option<String>,
    #[prost(message, optional, tag = "4")]
    pub(crate) namespace_selector: Option<LabelSelector>,
    #[prost(string, repeated, tag = "5")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) match_label_keys: Vec<String>,
    #[prost(string, repeated, tag = "6")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) mismatch_label_keys: Vec<String>,
}

/// `v1.TopologySpreadConstraint`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TopologySpreadConstraint {
    #[prost(int32, optional, tag = "1")]
    pub(crate) max_skew: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub(crate) topology_key: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) when_unsatisfiable: Option<String>,
    #[prost(message, optional, tag = "4")]
    pub(crate) label_selector: Option<LabelSelector>,
    #[prost(int32, optional, tag = "5")]
    pub(crate) min_domains: Option<i32>,
    #[prost(string, optional, tag = "6")]
    pub(crate) node_affinity_policy: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub(crate) node_taints_policy: Option<String>,
    #[prost(string, repeated, tag = "8")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) match_label_keys: Vec<String>,
}

impl From<Affinity> for AffinityRecord {
    fn from(wire: Affinity) -> Self {
        let node = wire.node_affinity.unwrap_or_default();
        let pod = wire.pod_affinity.unwrap_or_default();
        let anti = wire.pod_anti_affinity.unwrap_or_default();
        Self {
            node_required: node.required.map(Into::into),
            node_preferred: node
                .preferred
                .into_iter()
                .map(|p| Preferred {
                    weight: p.weight.unwrap_or_default(),
                    term: p.preference.unwrap_or_default().into(),
                })
                .collect(),
            pod_required: pod.required.into_iter().map(Into::into).collect(),
            pod_preferred: pod.preferred.into_iter().map(Into::into).collect(),
            anti_required: anti.required.into_iter().map(Into::into).collect(),
            anti_preferred: anti.preferred.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PodAffinityTerm> for PodAffinityTermRecord {
    fn from(wire: PodAffinityTerm) -> Self {
        Self {
            selector: wire.label_selector.map(Into::into),
            namespaces: boxed(wire.namespaces),
            namespace_selector: wire.namespace_selector.map(Into::into),
            topology_key: text(wire.topology_key),
            match_label_keys: boxed(wire.match_label_keys),
            mismatch_label_keys: boxed(wire.mismatch_label_keys),
        }
    }
}

impl From<WeightedPodAffinityTerm> for Preferred<PodAffinityTermRecord> {
    fn from(wire: WeightedPodAffinityTerm) -> Self {
        Self {
            weight: wire.weight.unwrap_or_default(),
            term: wire.pod_affinity_term.unwrap_or_default().into(),
        }
    }
}

/// The constraint, or `None` where `whenUnsatisfiable` has a value that Kubernetes does not
/// define: PodTopologySpread then neither filters nor scores by it.
pub(crate) fn spread(wire: TopologySpreadConstraint) -> Option<SpreadRecord> {
    let when_unsatisfiable = match wire.when_unsatisfiable.as_deref() {
        Some("DoNotSchedule") => WhenUnsatisfiable::DoNotSchedule,
        Some("ScheduleAnyway") => WhenUnsatisfiable::ScheduleAnyway,
        _ => return None,
    };
    Some(SpreadRecord {
        max_skew: wire.max_skew.unwrap_or_default(),
        topology_key: text(wire.topology_key),
        when_unsatisfiable,
        selector: wire.label_selector.map(Into::into),
        min_domains: wire.min_domains,
        honor_node_affinity: wire.node_affinity_policy.is_none_or(|p| p == "Honor"),
        honor_node_taints: wire.node_taints_policy.is_some_and(|p| p == "Honor"),
        match_label_keys: boxed(wire.match_label_keys),
    })
}
