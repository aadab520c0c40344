//! Nodes.

use std::sync::Arc;

use berth_engine::Input;
use berth_engine::record::{
    Image, NodeRecord, ObjectKey, StringMap, Taint as TaintRecord, TaintEffect,
};
use serde::Deserialize;

use super::meta::ObjectMeta;
use super::nullable;
use super::object::{Told, WireObject};
use super::pod_status::Condition;
use super::scalar::{Resource, boxed, resource_list, string_map, text};
use crate::watch::error::{FieldError, Within};
use crate::watch::templates::Templates;

/// `v1.Node`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Node {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<NodeSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<NodeStatus>,
}

/// `v1.NodeSpec`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct NodeSpec {
    #[prost(bool, optional, tag = "4")]
    pub(crate) unschedulable: Option<bool>,
    #[prost(message, repeated, tag = "5")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) taints: Vec<Taint>,
}

/// `v1.NodeStatus`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NodeStatus {
    #[prost(message, repeated, tag = "2")]
    #[serde(with = "nullable::map")]
    pub(crate) allocatable: Vec<Resource>,
    #[prost(message, repeated, tag = "4")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) conditions: Vec<Condition>,
    #[prost(message, repeated, tag = "8")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) images: Vec<ContainerImage>,
    #[prost(string, repeated, tag = "14")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) declared_features: Vec<String>,
}

/// `v1.Taint`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Taint {
    #[prost(string, optional, tag = "1")]
    pub(crate) key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) value: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) effect: Option<String>,
}

/// `v1.ContainerImage`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ContainerImage {
    #[prost(string, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) names: Vec<String>,
    #[prost(int64, optional, tag = "2")]
    pub(crate) size_bytes: Option<i64>,
}

impl WireObject for Node {
    type Record = NodeRecord;
    type Schema = k8s_openapi::api::core::v1::Node;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    /// Annotations are left out: nothing in the tree reads them, and some agents rewrite them every
    /// few seconds.
    fn record(self, _: &mut Templates) -> Result<NodeRecord, FieldError> {
        let meta = self.metadata.unwrap_or_default();
        let spec = self.spec.unwrap_or_default();
        let status = self.status.unwrap_or_default();
        Ok(NodeRecord {
            name: text(meta.name),
            uid: text(meta.uid),
            labels: string_map(meta.labels),
            annotations: StringMap::default(),
            unschedulable: spec.unschedulable.unwrap_or_default(),
            taints: spec.taints.into_iter().map(Into::into).collect(),
            allocatable: resource_list(status.allocatable)
                .within("allocatable")
                .within("status")?,
            images: status.images.into_iter().map(Into::into).collect(),
            declared_features: boxed(status.declared_features),
            conditions: status
                .conditions
                .into_iter()
                .map(|c| (text(c.kind), text(c.status)))
                .collect(),
        })
    }
}

impl Told for Node {
    fn applied(record: NodeRecord) -> Input {
        Input::NodeApplied(Arc::new(record))
    }
    fn deleted(key: ObjectKey, _: Option<Box<str>>) -> Input {
        Input::NodeDeleted { name: key.name }
    }
}

impl From<Taint> for TaintRecord {
    fn from(wire: Taint) -> Self {
        Self {
            key: text(wire.key),
            value: text(wire.value),
            effect: taint_effect(wire.effect.as_deref().unwrap_or_default()),
        }
    }
}

impl From<ContainerImage> for Image {
    fn from(wire: ContainerImage) -> Self {
        Self { names: boxed(wire.names), size: wire.size_bytes.unwrap_or_default() }
    }
}

/// `v1.TaintEffect` by name.
pub(crate) fn taint_effect(name: &str) -> TaintEffect {
    match name {
        "NoSchedule" => TaintEffect::NoSchedule,
        "PreferNoSchedule" => TaintEffect::PreferNoSchedule,
        "NoExecute" => TaintEffect::NoExecute,
        _ => TaintEffect::Unknown,
    }
}
