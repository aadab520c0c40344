//! Namespaces, and the kinds that select pods.

use berth_engine::Object;
use berth_engine::record::{
    DisruptionBudgetRecord, LabelSelector as SelectorRecord, NamespaceRecord, SelectorOwnerRecord,
};
use serde::Deserialize;

use super::meta::ObjectMeta;
use super::scalar::{Entry, Key, boxed, string_map, text};
use super::selector::LabelSelector;
use crate::watch::nullable;

/// `v1.Namespace`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Namespace {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
}

/// `v1.Service` and `v1.ReplicationController`: both select by `spec.selector`, a map at tag 2.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct MapSelecting {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<MapSelectingSpec>,
}

/// `v1.ServiceSpec` and `v1.ReplicationControllerSpec`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct MapSelectingSpec {
    #[prost(message, repeated, tag = "2")]
    #[serde(with = "nullable::map")]
    pub(crate) selector: Vec<Entry>,
}

/// `apps/v1.ReplicaSet`, `apps/v1.StatefulSet` and `policy/v1.PodDisruptionBudget`: all select by
/// `spec.selector`, a label selector at tag 2.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Selecting {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<SelectingSpec>,
}

/// `apps/v1.ReplicaSetSpec` and its likes.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct SelectingSpec {
    #[prost(message, optional, tag = "2")]
    pub(crate) selector: Option<LabelSelector>,
}

/// `policy/v1.PodDisruptionBudget`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct DisruptionBudget {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<SelectingSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<DisruptionBudgetStatus>,
}

/// `policy/v1.PodDisruptionBudgetStatus`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DisruptionBudgetStatus {
    #[prost(message, repeated, tag = "2")]
    #[serde(with = "nullable::map")]
    pub(crate) disrupted_pods: Vec<Key>,
    #[prost(int32, optional, tag = "3")]
    pub(crate) disruptions_allowed: Option<i32>,
}

impl Namespace {
    /// The record.
    pub(crate) fn object(self) -> Object {
        let meta = self.metadata.unwrap_or_default();
        Object::Namespace(NamespaceRecord {
            name: text(meta.name),
            labels: string_map(meta.labels),
        })
    }
}

impl MapSelecting {
    /// The record. An empty selector is none: it selects nothing (`helper.DefaultSelector`).
    pub(crate) fn record(self) -> SelectorOwnerRecord {
        let meta = self.metadata.unwrap_or_default();
        let labels = string_map(self.spec.unwrap_or_default().selector);
        let selector = (!labels.is_empty())
            .then(|| SelectorRecord { match_labels: labels, match_expressions: Vec::new() });
        SelectorOwnerRecord { key: meta.key(), uid: text(meta.uid), selector }
    }
}

impl Selecting {
    /// The record.
    pub(crate) fn record(self) -> SelectorOwnerRecord {
        let meta = self.metadata.unwrap_or_default();
        let selector = self.spec.unwrap_or_default().selector.map(Into::into);
        SelectorOwnerRecord { key: meta.key(), uid: text(meta.uid), selector }
    }
}

impl DisruptionBudget {
    /// The record.
    pub(crate) fn object(self) -> Object {
        let meta = self.metadata.unwrap_or_default();
        let status = self.status.unwrap_or_default();
        let mut disrupted: Vec<String> =
            status.disrupted_pods.into_iter().map(|pod| pod.key.unwrap_or_default()).collect();
        // A map has no order; records are compared.
        disrupted.sort_unstable();
        disrupted.dedup();
        Object::DisruptionBudget(DisruptionBudgetRecord {
            key: meta.key(),
            selector: self.spec.unwrap_or_default().selector.map(Into::into),
            disruptions_allowed: status.disruptions_allowed.unwrap_or_default(),
            disrupted_pods: boxed(disrupted),
        })
    }
}
