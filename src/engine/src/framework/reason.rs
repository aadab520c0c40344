//! Why a plugin rejects a pod, as a value. It becomes kube-scheduler's words at the edge: in
//! conditions, events and what `berth evaluate` prints.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::Sym;
use crate::model::{Dim, Dims, UsedPort};
use crate::record::TaintEffect;

/// What a rejection is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The node has less of a resource free than is asked for. Its words end in the resource's
    /// name: `Insufficient cpu`.
    Resource {
        /// The resource.
        resource: Dim,
        /// What the pod asks for: thousandths of CPU, units of all others.
        asked: i64,
        /// What the node has left of it; below 0 where it is over-committed.
        free: i64,
    },
    /// The node has as many pods as it takes.
    Pods {
        /// How many it takes.
        allowed: i64,
    },
    /// A taint is not tolerated: the first, in the order of the node's object.
    Taint {
        /// Its key.
        key: Sym,
        /// Its value.
        value: Sym,
        /// What it does.
        effect: TaintEffect,
    },
    /// A term of the pod's own (anti-)affinity does not hold. Terms of one topology key are counted
    /// together, as in kube-scheduler.
    Term {
        /// Its topology key.
        key: Sym,
        /// Pods that are counted in the node's domain; `None` where the node is in none.
        pods: Option<i64>,
    },
    /// A term of pods that are there keeps the pod out of the node's domain.
    Repelled {
        /// Topology key of the term.
        key: Sym,
        /// How many pods of the domain have such a term.
        pods: i64,
    },
    /// A spread constraint would be skewed.
    Skew {
        /// Its place among those that must hold.
        constraint: u32,
        /// Pods in the node's domain.
        pods: i64,
        /// Pods in the emptiest domain.
        least: i64,
    },
    /// A label that names a domain is missing.
    NoLabel(Sym),
    /// A host port is taken: the first that the pod asks for.
    Port(UsedPort),
    /// A PersistentVolume, a claim, or a disk that the pod names itself, by its name.
    Volume(Arc<str>),
    /// A CSI driver has no room for so many volumes.
    Attachments {
        /// How many the pod brings.
        new: u32,
        /// How many there are.
        attached: u32,
        /// How many the driver takes.
        limit: u32,
    },
}

/// Why a plugin rejects a pod, on a node or on all. Equal reasons have equal words and are made of
/// the same.
///
/// A plugin makes one of its words alone (`"node is dark".into()`), of constant words and a
/// [`Cause`] ([`Reason::new`]), or of an error type of its own ([`Reason::own`]). The first two
/// allocate nothing: a filter makes one for each node that it rejects.
#[derive(Debug, Clone)]
pub struct Reason(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Words(&'static str),
    // A thin pointer: a reason of 32 bytes keeps a verdict in 48.
    Made(&'static &'static str, Cause),
    Text(Box<str>),
    Own(Arc<dyn Error + Send + Sync>),
}

/// The reasons of one verdict: nearly always one.
pub type Reasons = SmallVec<[Reason; 1]>;

impl Reason {
    /// A reason of constant words, with what it is made of.
    pub fn new(words: &'static &'static str, cause: Cause) -> Self {
        Self(Kind::Made(words, cause))
    }

    /// A reason of a type of one's own, whose text is the words.
    pub fn own(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Kind::Own(Arc::new(error)))
    }

    /// What it is made of, where that is more than words.
    pub fn cause(&self) -> Option<&Cause> {
        match &self.0 {
            Kind::Made(_, cause) => Some(cause),
            Kind::Words(_) | Kind::Text(_) | Kind::Own(_) => None,
        }
    }

    /// The plugin's own type, where it is one.
    pub fn downcast_ref<T: Error + 'static>(&self) -> Option<&T> {
        match &self.0 {
            Kind::Own(error) => error.downcast_ref(),
            Kind::Words(_) | Kind::Made(..) | Kind::Text(_) => None,
        }
    }

    /// What reasons of equal words have in common, where that is known without making the words:
    /// the constant words, and the resource that they end in.
    pub(crate) fn key(&self) -> Option<(&str, Option<Dim>)> {
        match &self.0 {
            Kind::Words(words) => Some((words, None)),
            Kind::Made(words, Cause::Resource { resource, .. }) => Some((words, Some(*resource))),
            Kind::Made(words, _) => Some((words, None)),
            Kind::Text(text) => Some((text, None)),
            Kind::Own(_) => None,
        }
    }

    /// kube-scheduler's words; `dims` knows the names of resources.
    pub fn words(&self, dims: &Dims) -> Cow<'_, str> {
        match &self.0 {
            Kind::Words(words) => Cow::Borrowed(words),
            Kind::Made(words, Cause::Resource { resource, .. }) => {
                Cow::Owned(format!("{words} {}", dims.name(*resource)))
            }
            Kind::Made(words, _) => Cow::Borrowed(words),
            Kind::Text(text) => Cow::Borrowed(text),
            Kind::Own(error) => Cow::Owned(error.to_string()),
        }
    }

    /// The words of all, joined as kube-scheduler joins them.
    pub fn join(reasons: &[Self], dims: &Dims) -> String {
        let words: Vec<Cow<'_, str>> = reasons.iter().map(|reason| reason.words(dims)).collect();
        words.join(", ")
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Made(a, of_a), Kind::Made(b, of_b)) => a == b && of_a == of_b,
            (Kind::Made(..), _) | (_, Kind::Made(..)) => false,
            // Words are words, whoever keeps them.
            (a, b) => a.text() == b.text(),
        }
    }
}

impl Eq for Reason {}

impl Kind {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Words(words) => Cow::Borrowed(words),
            Self::Made(words, _) => Cow::Borrowed(words),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Own(error) => Cow::Owned(error.to_string()),
        }
    }
}

impl From<&'static str> for Reason {
    fn from(words: &'static str) -> Self {
        Self(Kind::Words(words))
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self(Kind::Text(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Symbols;

    const LACK: &str = "Insufficient";

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("claim {0:?} not found")]
    struct NoClaim(&'static str);

    #[test]
    fn reasons_become_words_and_keep_what_they_are_made_of() {
        let dims = Dims::new(&mut Symbols::default());
        let cause = Cause::Resource { resource: Dim::CPU, asked: 500, free: 200 };
        let lack = Reason::new(&LACK, cause.clone());
        assert_eq!((lack.words(&dims).as_ref(), lack.cause()), ("Insufficient cpu", Some(&cause)));
        let own = Reason::own(NoClaim("data"));
        assert_eq!(own.words(&dims), "claim \"data\" not found");
        assert_eq!(own.downcast_ref::<NoClaim>(), Some(&NoClaim("data")));
        assert_eq!(own, Reason::from("claim \"data\" not found".to_owned()));
        let plain = Reason::from("no");
        assert!(plain != lack && plain.cause().is_none());
        assert_eq!(Reason::join(&[lack, plain], &dims), "Insufficient cpu, no");
    }

    #[test]
    fn a_reason_is_small() {
        assert!(size_of::<Reason>() <= 32, "{}", size_of::<Reason>());
        assert!(size_of::<crate::framework::Verdict>() <= 48);
    }
}
