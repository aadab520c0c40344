//! `metav1`: what every object carries, and what lists and errors look like.

use berth_engine::record::{ObjectKey, Owner};
use serde::Deserialize;

use super::nullable;
use super::scalar::{Entry, Time, text};

/// `metav1.ObjectMeta` without `managedFields`, half of an object's bytes.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ObjectMeta {
    #[prost(string, optional, tag = "1")]
    pub(crate) name: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) namespace: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(crate) uid: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) resource_version: Option<String>,
    #[prost(int64, optional, tag = "7")]
    pub(crate) generation: Option<i64>,
    #[prost(message, optional, tag = "8")]
    pub(crate) creation_timestamp: Option<Time>,
    #[prost(message, optional, tag = "9")]
    pub(crate) deletion_timestamp: Option<Time>,
    #[prost(message, repeated, tag = "11")]
    #[serde(with = "nullable::map")]
    pub(crate) labels: Vec<Entry>,
    #[prost(message, repeated, tag = "12")]
    #[serde(with = "nullable::map")]
    pub(crate) annotations: Vec<Entry>,
    #[prost(message, repeated, tag = "13")]
    #[serde(deserialize_with = "nullable::list")]
    pub(crate) owner_references: Vec<OwnerReference>,
}

/// `metav1.OwnerReference`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct OwnerReference {
    #[prost(string, optional, tag = "1")]
    pub(crate) kind: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) name: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) uid: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(crate) api_version: Option<String>,
    #[prost(bool, optional, tag = "6")]
    pub(crate) controller: Option<bool>,
}

/// An object of which only the metadata is read.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default)]
pub(crate) struct PartialObject {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
}

/// `metav1.ListMeta`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ListMeta {
    #[prost(string, optional, tag = "2")]
    pub(crate) resource_version: Option<String>,
    #[prost(string, optional, tag = "3")]
    #[serde(rename = "continue")]
    pub(crate) continue_token: Option<String>,
}

impl ObjectMeta {
    /// Namespace and name.
    pub(crate) fn key(&self) -> ObjectKey {
        ObjectKey::new(
            self.namespace.as_deref().unwrap_or_default(),
            self.name.as_deref().unwrap_or_default(),
        )
    }

    /// The value of an annotation.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        let entry = self.annotations.iter().find(|e| e.key.as_deref() == Some(key))?;
        Some(entry.value.as_deref().unwrap_or_default())
    }

    /// The controlling owner (`metav1.GetControllerOf`).
    pub(crate) fn controller(&mut self) -> Option<Owner> {
        let references = std::mem::take(&mut self.owner_references);
        let owner = references.into_iter().find(|r| r.controller == Some(true))?;
        Some(Owner {
            api_version: text(owner.api_version),
            kind: text(owner.kind),
            name: text(owner.name),
            uid: text(owner.uid),
        })
    }
}
