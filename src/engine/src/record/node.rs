//! A node as scheduling sees it.

use crate::stored::stored;

use super::{ResourceList, StringMap};

/// `v1.TaintEffect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaintEffect {
    /// New pods stay away unless they tolerate the taint.
    NoSchedule,
    /// A preference against the node.
    PreferNoSchedule,
    /// Running pods are evicted too.
    NoExecute,
    /// An effect that Kubernetes does not define; nothing acts on it.
    Unknown,
}

/// `v1.Taint`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Taint {
    /// Label-like key.
    pub key: Box<str>,
    /// Value, often empty.
    pub value: Box<str>,
    /// What it does.
    pub effect: TaintEffect,
}

/// One entry of `status.images`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Image {
    /// All names of the image: tags and digests.
    pub names: Box<[Box<str>]>,
    /// Bytes.
    pub size: i64,
}

/// A `v1.Node`, slimmed. Two equal records mean that nothing a scheduler reads has changed, so
/// heartbeats (conditions' times, node info) end here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeRecord {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.uid`; empty where the source has none.
    pub uid: Box<str>,
    /// `metadata.labels`.
    pub labels: StringMap,
    /// `metadata.annotations`; read by hints only, so decoders may leave them out.
    pub annotations: StringMap,
    /// `spec.unschedulable`.
    pub unschedulable: bool,
    /// `spec.taints`, in order: the first untolerated one is reported.
    pub taints: Vec<Taint>,
    /// `status.allocatable`.
    pub allocatable: ResourceList,
    /// `status.images`.
    pub images: Vec<Image>,
    /// `status.declaredFeatures`.
    pub declared_features: Box<[Box<str>]>,
    /// `status.conditions` as (type, status); the times are left out on purpose.
    pub conditions: StringMap,
}

stored! { enum TaintEffect { 0 = NoSchedule, 1 = PreferNoSchedule, 2 = NoExecute, 3 = Unknown } }
stored! { struct Taint { key, value, effect } }
stored! { struct Image { names, size } }
stored! { struct NodeRecord {
    name, uid, labels, annotations, unschedulable, taints, allocatable, images, declared_features,
    conditions,
} }
