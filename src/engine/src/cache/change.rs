//! What changed, as the wake-up of parked pods needs it.

use crate::base::{ClassIdx, LabelSetIdx, NodeIdx, PodIdx};
use crate::model::{Action, Reads, Resource};
use crate::object::Object;

use super::entry::{Entry, Logged, Told};

/// One change of the cache.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Facts that are different now, in a way that may make a pod fit.
    pub reads: Reads,
    /// The node they are about, where they are about one.
    pub node: Option<NodeIdx>,
    /// The event in kube-scheduler's terms, for hints.
    pub resource: Resource,
    /// What happened.
    pub actions: Action,
    /// The object.
    pub object: ChangedObject,
    /// The pod that came to the node or left it, where the change is about one.
    pub(crate) moved: Option<Moved>,
}

/// A pod that came to a node or left one, as far as selectors tell. Its class and labels are in use
/// until the log is trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Its class and labels.
    pub(crate) like: (ClassIdx, LabelSetIdx),
    /// It came, or changed.
    pub(crate) came: bool,
    /// It left, or changed.
    pub(crate) left: bool,
    /// What it was like before it changed.
    pub(crate) was: Option<(ClassIdx, LabelSetIdx)>,
}

/// The object of a change.
#[derive(Debug, Clone)]
pub enum ChangedObject {
    /// A pod; `None` where it is gone, or only gives up a promise.
    Pod(Option<PodIdx>),
    /// A node; `None` where it is gone.
    Node(Option<NodeIdx>),
    /// Any other object.
    Other(Box<Object>),
}

impl Changed {
    /// Whether it is this pod itself, which waits again, that came to a node or left one.
    pub(crate) fn is_by(&self, pod: PodIdx) -> bool {
        matches!(self.object, ChangedObject::Pod(Some(p)) if p == pod)
    }

    /// What waiting pods are told of an entry; `objects` are those that entries are about, from
    /// this one on.
    pub(super) fn of(entry: &Entry, objects: &mut impl Iterator<Item = Object>) -> Option<Self> {
        let (node, reads) = match entry.fact {
            Logged::Pod { node, .. } => (Some(node), Reads::PODS),
            Logged::Node(node, reads) => (Some(node), reads),
            Logged::World(reads) => (None, reads),
        };
        match entry.told {
            Told::Nobody | Told::PodWas => None,
            Told::PodCame(pod) => Some(Self::of_pod(Some(pod), node, Reads::NOTHING, Action::ADD)),
            Told::PodLeft => Some(Self::of_pod(None, node, Reads::NODE_ROOM, Action::DELETE)),
            Told::PodForgotten(pod) => {
                Some(Self::of_pod(Some(pod), node, Reads::NODE_ROOM, Action::DELETE))
            }
            Told::PodChanged { pod, labels, smaller } => {
                let mut actions = Action::NONE;
                if labels {
                    actions = actions.or(Action::UPDATE_POD_LABEL);
                }
                if smaller {
                    actions = actions.or(Action::UPDATE_POD_SCALE_DOWN);
                }
                if actions.is_empty() {
                    actions = Action::UPDATE;
                }
                let room = if smaller { Reads::NODE_ROOM } else { Reads::NOTHING };
                Some(Self::of_pod(Some(pod), node, room, actions))
            }
            Told::Node(actions) => {
                // Counters over all nodes may have changed for others; a node that is gone can take
                // nobody.
                let gone = actions == Action::DELETE;
                let reads = if gone { reads | Reads::PODS } else { reads };
                let object = ChangedObject::Node(node.filter(|_| !gone));
                let (resource, moved) = (Resource::Node, None);
                Some(Self { reads, node, resource, actions, object, moved })
            }
            Told::Object(actions) => {
                let object = objects.next()?;
                let (reads, resource) = object.tells();
                let object = ChangedObject::Other(Box::new(object));
                Some(Self { reads, node: None, resource, actions, object, moved: None })
            }
        }
    }

    fn of_pod(pod: Option<PodIdx>, node: Option<NodeIdx>, room: Reads, actions: Action) -> Self {
        Self {
            reads: Reads::PODS | room,
            node,
            resource: Resource::AssignedPod,
            actions,
            object: ChangedObject::Pod(pod),
            moved: None,
        }
    }

    /// How the pod of an entry has moved; `was` is what it was before.
    pub(super) fn moved_by(entry: &Entry, was: Option<(ClassIdx, LabelSetIdx)>) -> Option<Moved> {
        let like = entry.like()?;
        let (came, left) = match entry.told {
            Told::PodCame(_) => (true, false),
            Told::PodLeft | Told::PodForgotten(_) => (false, true),
            Told::PodChanged { .. } => (true, true),
            Told::Nobody | Told::PodWas | Told::Node(_) | Told::Object(_) => return None,
        };
        Some(Moved { like, came, left, was })
    }
}
