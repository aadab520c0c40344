//! What is read of a pod.

use crate::base::{LabelSetIdx, PodIdx, Sym};

use super::{Class, SelectingOwner};

/// The pod that a cycle is about.
#[derive(Debug, Clone, Copy)]
pub struct PodView<'a> {
    /// Its row.
    pub idx: PodIdx,
    /// `metadata.name`.
    pub name: &'a str,
    /// What it shares with its siblings: requests, selectors, tolerations, the template itself.
    pub class: &'a Class,
    /// Its labels, see `Cache::labels`.
    pub labels: LabelSetIdx,
    /// `spec.priority`.
    pub priority: i32,
    /// `spec.nodeName` as it was when the pod came to the queue; nearly always `None`.
    pub node_name: Option<Sym>,
    /// Names of scheduling gates that are still there.
    pub gates: &'a [Box<str>],
    /// Its controller, where that selects pods.
    pub owner: Option<&'a SelectingOwner>,
}
