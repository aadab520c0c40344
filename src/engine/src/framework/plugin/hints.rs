//! Queueing hints in kube-scheduler's form, for plugins that do not declare what they read.
//!
//! Source: `EnqueueExtensions`, `ClusterEvent` and `QueueingHint` in
//! `staging/src/k8s.io/kube-scheduler/framework/types.go`.

use crate::base::{NodeIdx, PodIdx};
use crate::object::Object;

use crate::framework::{Action, Context, Plugin, Resource};

/// Events a plugin wants to be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration {
    /// About what.
    pub resource: Resource,
    /// Which.
    pub actions: Action,
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct ClusterEvent<'a> {
    /// About what.
    pub resource: Resource,
    /// What happened.
    pub actions: Action,
    /// The object as it now is; a deleted one as it was.
    pub subject: Subject<'a>,
}

/// The object of an event.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A pod; a deleted one is already out of the cache.
    Pod(Option<PodIdx>),
    /// A node; a deleted one is already out of the cache.
    Node(Option<NodeIdx>),
    /// Any other object.
    Object(&'a Object),
}

/// What a plugin makes of an event for a pod that it rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// The pod may fit now.
    Queue,
    /// The event changes nothing for it.
    Skip,
}

/// Hints of a plugin whose [`Plugin::reads`] is undeclared.
pub trait Hints: Plugin {
    /// The events it wants to be asked about.
    fn events(&self) -> Vec<Registration>;

    /// Whether `event` may help the pod of `cx`.
    fn hint(&self, cx: &Context<'_>, event: &ClusterEvent<'_>) -> Hint;
}
