//! The pod's template.

mod features;

use berth_engine::record::{
    PodSpec as PodSpecRecord, Toleration as TolerationRecord, TolerationOp,
};
use serde::Deserialize;

use super::affinity::{self, Affinity, TopologySpreadConstraint};
use super::container::{Container, EphemeralContainer, Resources};
use super::node::taint_effect;
use super::nullable;
use super::scalar::{Entry, Present, Resource, each, resource_list, string_map, text};
use super::volume::Volume;
use crate::watch::error::{FieldError, Within};

/// `v1.PodSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PodSpec {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) volumes: Vec<Volume>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) containers: Vec<Container>,
    #[prost(message, repeated, tag = "7")]
    #[serde(with = "nullable::map")]
    pub(crate) node_selector: Vec<Entry>,
    #[prost(string, optional, tag = "10")]
    pub(crate) node_name: Option<String>,
    #[prost(bool, optional, tag = "11")]
    pub(crate) host_network: Option<bool>,
    #[prost(message, optional, boxed, tag = "18")]
    pub(crate) affinity: Option<Box<Affinity>>,
    #[prost(string, optional, tag = "19")]
    pub(crate) scheduler_name: Option<String>,
    #[prost(message, repeated, tag = "20")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) init_containers: Vec<Container>,
    #[prost(message, repeated, tag = "22")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) tolerations: Vec<Toleration>,
    #[prost(int32, optional, tag = "25")]
    pub(crate) priority: Option<i32>,
    #[prost(string, optional, tag = "31")]
    pub(crate) preemption_policy: Option<String>,
    #[prost(message, repeated, tag = "32")]
    #[serde(with = "nullable::map")]
    pub(crate) overhead: Vec<Resource>,
    #[prost(message, repeated, tag = "33")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) topology_spread_constraints: Vec<TopologySpreadConstraint>,
    #[prost(message, repeated, tag = "34")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) ephemeral_containers: Vec<EphemeralContainer>,
    #[prost(bool, optional, tag = "37")]
    pub(crate) host_users: Option<bool>,
    #[prost(message, repeated, tag = "38")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) scheduling_gates: Vec<SchedulingGate>,
    #[prost(message, repeated, tag = "39")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) resource_claims: Vec<Present>,
    #[prost(message, optional, tag = "40")]
    pub(crate) resources: Option<Resources>,
    #[prost(message, optional, tag = "43")]
    pub(crate) scheduling_group: Option<Present>,
}

/// `v1.PodSchedulingGate`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct SchedulingGate {
    #[prost(string, optional, tag = "1")]
    pub(crate) name: Option<String>,
}

/// `v1.Toleration`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Toleration {
    #[prost(string, optional, tag = "1")]
    pub(crate) key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) operator: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) value: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) effect: Option<String>,
}

impl PodSpec {
    /// The template's record. What differs between siblings (node name, priority, gates) is the
    /// caller's; `pod` is the pod's name: generic ephemeral volumes make it part of their claims'
    /// names.
    pub(crate) fn record(self, pod: &str) -> Result<PodSpecRecord, FieldError> {
        let required_features = features::required(&self);
        Ok(PodSpecRecord {
            scheduler_name: text(self.scheduler_name),
            containers: each(self.containers, |c| c.record(false)).within("containers")?,
            init_containers: each(self.init_containers, |c| c.record(true))
                .within("initContainers")?,
            overhead: resource_list(self.overhead).within("overhead")?,
            pod_requests: match self.resources {
                Some(resources) if !resources.requests.is_empty() => {
                    Some(resource_list(resources.requests).within("requests").within("resources")?)
                }
                _ => None,
            },
            node_selector: string_map(self.node_selector),
            affinity: self.affinity.map(|affinity| Box::new((*affinity).into())),
            tolerations: self.tolerations.into_iter().map(Into::into).collect(),
            topology_spread: self
                .topology_spread_constraints
                .into_iter()
                .filter_map(affinity::spread)
                .collect(),
            volumes: self.volumes.into_iter().filter_map(|v| v.record(pod)).collect(),
            host_network: self.host_network.unwrap_or_default(),
            host_users: self.host_users,
            resource_claims: u32::try_from(self.resource_claims.len()).unwrap_or(u32::MAX),
            scheduling_group: self.scheduling_group.is_some(),
            required_features,
        })
    }
}

impl From<Toleration> for TolerationRecord {
    fn from(wire: Toleration) -> Self {
        Self {
            key: text(wire.key),
            op: match wire.operator.as_deref() {
                None | Some("" | "Equal") => TolerationOp::Equal,
                Some("Exists") => TolerationOp::Exists,
                // Lt and Gt need the alpha gate TaintTolerationComparisonOperators, which is off.
                Some(_) => TolerationOp::Unsupported,
            },
            value: text(wire.value),
            effect: wire.effect.as_deref().filter(|e| !e.is_empty()).map(taint_effect),
        }
    }
}
