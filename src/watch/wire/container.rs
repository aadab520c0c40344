//! Containers and their resources.

use berth_engine::record::{Container as ContainerRecord, HostPort};
use serde::Deserialize;

use super::nullable;
use super::scalar::{Resource, resource_list, text};
use crate::watch::error::{FieldError, Within};

/// `v1.Container`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Container {
    #[prost(string, optional, tag = "1")]
    pub(crate) name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) image: Option<String>,
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) ports: Vec<ContainerPort>,
    #[prost(message, optional, tag = "8")]
    pub(crate) resources: Option<Resources>,
    #[prost(message, repeated, tag = "9")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) volume_mounts: Vec<VolumeMount>,
    #[prost(string, optional, tag = "24")]
    pub(crate) restart_policy: Option<String>,
    #[prost(message, repeated, tag = "25")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) restart_policy_rules: Vec<ContainerRestartRule>,
}

/// `v1.VolumeMount`: what needs a feature of the node.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct VolumeMount {
    #[prost(string, repeated, tag = "8")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) bind_mount_options: Vec<String>,
}

/// `v1.ContainerRestartRule`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct ContainerRestartRule {
    #[prost(string, optional, tag = "1")]
    pub(crate) action: Option<String>,
}

/// `v1.EphemeralContainer`: protobuf has what it shares with containers as a message of its own,
/// JSON inline.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(from = "EphemeralContainerCommon")]
#[cfg_attr(test, serde(into = "EphemeralContainerCommon"))]
pub(crate) struct EphemeralContainer {
    #[prost(message, optional, tag = "1")]
    pub(crate) common: Option<EphemeralContainerCommon>,
}

/// `v1.EphemeralContainerCommon`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct EphemeralContainerCommon {
    #[prost(message, repeated, tag = "9")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) volume_mounts: Vec<VolumeMount>,
}

impl From<EphemeralContainerCommon> for EphemeralContainer {
    fn from(json: EphemeralContainerCommon) -> Self {
        Self { common: Some(json) }
    }
}

/// `v1.ResourceRequirements` and `v1.VolumeResourceRequirements`: same fields, same tags.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Resources {
    #[prost(message, repeated, tag = "1")]
    #[serde(with = "nullable::map")]
    pub(crate) limits: Vec<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(with = "nullable::map")]
    pub(crate) requests: Vec<Resource>,
}

/// `v1.ContainerPort`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ContainerPort {
    #[prost(int32, optional, tag = "2")]
    pub(crate) host_port: Option<i32>,
    #[prost(string, optional, tag = "4")]
    pub(crate) protocol: Option<String>,
    #[prost(string, optional, tag = "5")]
    #[serde(rename = "hostIP")]
    pub(crate) host_ip: Option<String>,
}

impl Container {
    /// The record; `init` tells whether `restartPolicy` makes it a sidecar.
    pub(crate) fn record(self, init: bool) -> Result<ContainerRecord, FieldError> {
        let resources = self.resources.unwrap_or_default();
        let requests = resource_list(resources.requests).within("requests").within("resources")?;
        let limits = resource_list(resources.limits).within("limits").within("resources")?;
        let host_ports = self.ports.into_iter().filter_map(ContainerPort::record).collect();
        Ok(ContainerRecord {
            name: text(self.name),
            image: text(self.image),
            requests,
            limits,
            host_ports,
            restartable: init && self.restart_policy.as_deref() == Some("Always"),
        })
    }
}

impl ContainerPort {
    /// The port on the node, where it takes one.
    fn record(self) -> Option<HostPort> {
        let port = self.host_port.filter(|port| *port > 0)?;
        Some(HostPort { ip: text(self.host_ip), protocol: text(self.protocol), port })
    }
}

/// The way back, for tests that write JSON.
#[cfg(test)]
impl From<EphemeralContainer> for EphemeralContainerCommon {
    fn from(container: EphemeralContainer) -> Self {
        container.common.unwrap_or_default()
    }
}
