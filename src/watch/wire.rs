//! The API's objects as they travel, slimmed to the fields that scheduling reads.
//!
//! One set of structs serves both formats: the serde names are those of the OpenAPI schema, the
//! prost tags those of `k8s.io/api/*/v1/generated.proto` (v0.37.2; tags are frozen API). So the
//! two decoders cannot drift apart, and each object has one conversion to its record.
//!
//! All scalars are optional, as in the proto2 files: absent, JSON `null` and Go's zero value are
//! told apart only where Kubernetes does. Go drops empty maps and lists on the wire, so an empty
//! one equals an absent one here.
//!
//! A kind's type is re-exported here by its name in the table of kinds.

pub(crate) mod affinity;
pub(crate) mod claim;
pub(crate) mod container;
pub(crate) mod csi;
pub(crate) mod meta;
pub(crate) mod node;
pub(crate) mod nullable;
pub(crate) mod object;
pub(crate) mod owner;
pub(crate) mod pod;
pub(crate) mod pod_spec;
pub(crate) mod pod_status;
pub(crate) mod resize;
pub(crate) mod scalar;
pub(crate) mod selector;
pub(crate) mod volume;
pub(crate) mod volume_source;

pub(crate) use claim::{Claim, Volume};
pub(crate) use csi::{CsiDriver, CsiNode, StorageCapacity, StorageClass, VolumeAttachment};
pub(crate) use node::Node;
pub(crate) use owner::{
    DisruptionBudget, Namespace, ReplicaSet, ReplicationController, Service, StatefulSet,
};
pub(crate) use pod::Pod;
