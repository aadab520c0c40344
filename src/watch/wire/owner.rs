//! Namespaces, and the kinds that select pods.

use berth_engine::record::{
    DisruptionBudgetRecord, LabelSelector as SelectorRecord, NamespaceRecord, SelectorOwnerRecord,
};
use k8s_openapi::api::apps::v1 as apps;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::policy::v1 as policy;
use serde::Deserialize;

use super::meta::ObjectMeta;
use super::nullable;
use super::object::WireObject;
use super::scalar::{Entry, Key, boxed, string_map, text};
use super::selector::LabelSelector;
use crate::watch::error::FieldError;
use crate::watch::templates::Templates;

/// `v1.Namespace`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct Namespace {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
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

/// What a `spec` says about the pods that the object selects.
pub(crate) trait Selects {
    fn selector(self) -> Option<SelectorRecord>;
}

impl Selects for MapSelectingSpec {
    /// An empty selector is none: it selects nothing (`helper.DefaultSelector`).
    fn selector(self) -> Option<SelectorRecord> {
        let match_labels = string_map(self.selector);
        (!match_labels.is_empty())
            .then(|| SelectorRecord { match_labels, match_expressions: Vec::new() })
    }
}

impl Selects for SelectingSpec {
    fn selector(self) -> Option<SelectorRecord> {
        self.selector.map(Into::into)
    }
}

/// A kind that selects pods by `spec.selector`, at tag 2.
macro_rules! owner {
    ($($(#[$doc:meta])* $name:ident: $spec:ident, $schema:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, prost::Message, Deserialize)]
        #[cfg_attr(test, derive(serde::Serialize))]
        #[serde(default)]
        pub(crate) struct $name {
            #[prost(message, optional, tag = "1")]
            pub(crate) metadata: Option<ObjectMeta>,
            #[prost(message, optional, tag = "2")]
            pub(crate) spec: Option<$spec>,
        }

        impl WireObject for $name {
            type Record = SelectorOwnerRecord;
            type Schema = $schema;
            fn metadata(&self) -> Option<&ObjectMeta> {
                self.metadata.as_ref()
            }
            fn record(self, _: &mut Templates) -> Result<SelectorOwnerRecord, FieldError> {
                let meta = self.metadata.unwrap_or_default();
                let selector = self.spec.unwrap_or_default().selector();
                Ok(SelectorOwnerRecord { key: meta.key(), uid: text(meta.uid), selector })
            }
        }
    )*};
}

owner! {
    /// `v1.Service`: selects by a map.
    Service: MapSelectingSpec, core::Service;
    /// `v1.ReplicationController`: selects by a map.
    ReplicationController: MapSelectingSpec, core::ReplicationController;
    /// `apps/v1.ReplicaSet`: selects by a label selector.
    ReplicaSet: SelectingSpec, apps::ReplicaSet;
    /// `apps/v1.StatefulSet`: selects by a label selector.
    StatefulSet: SelectingSpec, apps::StatefulSet;
}

impl WireObject for Namespace {
    type Record = NamespaceRecord;
    type Schema = core::Namespace;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    fn record(self, _: &mut Templates) -> Result<NamespaceRecord, FieldError> {
        let meta = self.metadata.unwrap_or_default();
        Ok(NamespaceRecord { name: text(meta.name), labels: string_map(meta.labels) })
    }
}

impl WireObject for DisruptionBudget {
    type Record = DisruptionBudgetRecord;
    type Schema = policy::PodDisruptionBudget;
    fn metadata(&self) -> Option<&ObjectMeta> {
        self.metadata.as_ref()
    }
    fn record(self, _: &mut Templates) -> Result<DisruptionBudgetRecord, FieldError> {
        let meta = self.metadata.unwrap_or_default();
        let status = self.status.unwrap_or_default();
        let mut disrupted: Vec<String> =
            status.disrupted_pods.into_iter().map(|pod| pod.key.unwrap_or_default()).collect();
        // A map has no order; records are compared.
        disrupted.sort_unstable();
        disrupted.dedup();
        Ok(DisruptionBudgetRecord {
            key: meta.key(),
            selector: self.spec.unwrap_or_default().selector(),
            disruptions_allowed: status.disruptions_allowed.unwrap_or_default(),
            disrupted_pods: boxed(disrupted),
        })
    }
}
