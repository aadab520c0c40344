//! The pod's status, as far as scheduling reads it.

use serde::Deserialize;

use super::container::Resources;
use super::nullable;
use super::scalar::{Resource, Time};

/// `v1.PodStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PodStatus {
    #[prost(string, optional, tag = "1")]
    pub(crate) phase: Option<String>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) conditions: Vec<Condition>,
    #[prost(message, optional, tag = "7")]
    pub(crate) start_time: Option<Time>,
    #[prost(message, repeated, tag = "8")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) container_statuses: Vec<ContainerStatus>,
    #[prost(message, repeated, tag = "10")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) init_container_statuses: Vec<ContainerStatus>,
    #[prost(string, optional, tag = "11")]
    pub(crate) nominated_node_name: Option<String>,
    #[prost(message, repeated, tag = "19")]
    #[serde(with = "nullable::map")]
    pub(crate) allocated_resources: Vec<Resource>,
    #[prost(message, optional, tag = "20")]
    pub(crate) resources: Option<Resources>,
}

/// `v1.PodCondition` and `v1.NodeCondition`: type, status, reason and message share their tags.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Condition {
    #[prost(string, optional, tag = "1")]
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) status: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(crate) reason: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) message: Option<String>,
    /// Pods only.
    #[prost(int64, optional, tag = "7")]
    #[serde(rename = "observedGeneration")]
    pub(crate) observed_generation: Option<i64>,
}

/// `v1.ContainerStatus`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ContainerStatus {
    #[prost(string, optional, tag = "1")]
    pub(crate) name: Option<String>,
    #[prost(message, repeated, tag = "10")]
    #[serde(with = "nullable::map")]
    pub(crate) allocated_resources: Vec<Resource>,
    #[prost(message, optional, tag = "11")]
    pub(crate) resources: Option<Resources>,
}
