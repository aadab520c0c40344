//! Which pods of one class are alike for every selector in the cluster.

use smallvec::SmallVec;

use crate::base::Sym;
use crate::record::Owner;
use crate::stored::stored;

/// What tells pods of one class apart: the values of those labels that some selector asks for, and
/// the controller where that selects pods. All other labels may differ: the pods of an indexed Job
/// are alike, though each has an index of its own.
///
/// Pods of one class that are alike get equal verdicts, nominations aside. Labels are kept as keys
/// and the numbers of their values, which hold as long as a pod with them is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alike {
    pub(crate) labels: SmallVec<[(Sym, u32); 4]>,
    pub(crate) owner: Option<SelectingOwner>,
}

/// A controller whose selector goes into default spread constraints (`helper.DefaultSelector`). Of
/// other kinds, a Job's above all, nothing is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SelectingOwner {
    /// What it is.
    pub kind: SelectingOwnerKind,
    /// Its name, in the pod's namespace.
    pub name: Box<str>,
}

/// The kinds of [`SelectingOwner`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SelectingOwnerKind {
    /// `v1.ReplicationController`.
    ReplicationController,
    /// `apps/v1.ReplicaSet`.
    ReplicaSet,
    /// `apps/v1.StatefulSet`.
    StatefulSet,
}

impl SelectingOwner {
    /// The owner, where it is of these kinds.
    pub(crate) fn of(owner: &Owner) -> Option<Self> {
        let kind = match (owner.api_version.as_ref(), owner.kind.as_ref()) {
            ("v1", "ReplicationController") => SelectingOwnerKind::ReplicationController,
            ("apps/v1", "ReplicaSet") => SelectingOwnerKind::ReplicaSet,
            ("apps/v1", "StatefulSet") => SelectingOwnerKind::StatefulSet,
            _ => return None,
        };
        Some(Self { kind, name: owner.name.clone() })
    }
}

stored! { struct SelectingOwner { kind, name } }
stored! { enum SelectingOwnerKind { 0 = ReplicationController, 1 = ReplicaSet, 2 = StatefulSet } }
