//! The world in the engine's own terms: interned, slim, in columns.
//!
//! Sizes (asserted by `tests/sizes.rs`): a pod row is 64 bytes; with its name on the heap, its
//! place in the uid index and on its node a bound pod costs under 160 bytes.

mod alike;
mod class;
mod event;
mod image;
mod label_selector;
mod labels;
mod node;
mod pod;
mod pod_terms;
mod pod_view;
mod ports;
mod reads;
mod request;
mod reserved;
mod resources;
mod selector;
mod term_holders;
mod tolerations;

pub use alike::{Alike, SelectingOwner, SelectingOwnerKind};
pub use class::{Class, Classes, Extent};
pub use event::{Action, Resource};
pub use image::ImageStates;
pub use label_selector::{Asked, LabelMatcher, LabelRequirement, LabelSelectorError};
pub use labels::{LabelSet, LabelSets};
pub(crate) use node::Placed;
pub use node::{Amounts, Column, NodeTable, Room, evenness};
pub(crate) use pod::Standing;
pub use pod::{NODE_NONE, Pod, Pods, Stage, Uid};
pub use pod_terms::{PodTerm, PodTerms, PreferredPodTerm};
pub use pod_view::PodView;
pub use ports::UsedPort;
pub use reads::{Reads, UnknownFacts};
pub use request::{Footprint, NONZERO_MEMORY, NONZERO_MILLI_CPU, container_requests, pod_requests};
pub use reserved::{Reserved, TakenVolume};
pub use resources::{Dim, Dims, Request, is_extended_resource, is_scalar_resource};
pub use selector::{
    NodeRequirement, NodeTerm, NodeTerms, PreferredNodeTerm, compile_node_terms, is_label_key,
    is_label_value,
};
pub use tolerations::{Taints, Tolerations};
