//! What a class that fits nowhere waits for: the few events that can lift what rejects it.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::base::Sym;
use crate::model::{Asked, Dim, LabelMatcher, PodTerm};
use crate::stored::{LoadError, Reader, Stored, Writer, stored};

use super::Reads;

/// Values of one requirement that are awaited one by one: beyond, any value of the key is.
const VALUES_MAX: usize = 8;

/// One event, or a kind of events. Waiting classes are found by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// This fact is different.
    Fact(Fact),
    /// A node has at least so much of the resource left, or place for a pod where none is named.
    Room(Option<Dim>, i64),
    /// A pod with such labels has come to a node.
    PodCame(Likeness),
    /// A pod with such labels has left a node.
    PodLeft(Likeness),
    /// A pod has left that keeps pods with such labels away.
    RepellerLeft(Likeness),
}

/// One fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fact(u64);

/// What a selector asks of labels, shortened to what can be looked up: whatever it matches is like
/// this, and more may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Likeness {
    /// The namespace; any where it is none.
    pub namespace: Option<Sym>,
    /// A key that the labels have; any labels where it is none.
    pub key: Option<Sym>,
    /// Its value, as [`value`] has it; 0 for any.
    pub value: u64,
}

/// A value of a label as a number, the same wherever the state is loaded. Values that share one
/// cost a look for nothing.
pub(crate) fn value(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    hasher.finish().max(1)
}

impl Likeness {
    /// Labels of any pod in the namespace.
    pub fn any(namespace: Option<Sym>) -> Self {
        Self { namespace, key: None, value: 0 }
    }

    /// What any of the labels that the selector matches are like; none where it matches none.
    fn of(namespace: Option<Sym>, selector: &LabelMatcher) -> Vec<Self> {
        match selector.asked() {
            Asked::Nothing => Vec::new(),
            Asked::Values(key, values) if key != Sym::NONE && values.len() <= VALUES_MAX => {
                let key = Some(key);
                values.iter().map(|v| Self { namespace, key, value: value(v) }).collect()
            }
            Asked::Values(key, _) | Asked::Key(key) if key != Sym::NONE => {
                vec![Self { namespace, key: Some(key), value: 0 }]
            }
            // A key that has no symbol may have one by the time a pod carries it.
            Asked::Values(..) | Asked::Key(_) | Asked::Anything => vec![Self::any(namespace)],
        }
    }
}

impl Fact {
    /// Each fact of a set.
    pub(crate) fn each(reads: Reads) -> impl Iterator<Item = Self> {
        let bits = reads.bits();
        (0..u64::BITS).map(|bit| 1 << bit).filter(move |fact| bits & fact != 0).map(Self)
    }
}

/// Collects what a class waits for.
#[derive(Debug, Default)]
pub struct Awaits(Vec<Trigger>);

impl Awaits {
    /// A change of any of these facts: on one node, where the fact is about one.
    pub fn facts(&mut self, reads: Reads) {
        self.0.extend(Fact::each(reads).map(Trigger::Fact));
    }

    /// A node with at least so much left of a resource, or with place for a pod.
    pub fn room(&mut self, dim: Option<Dim>, amount: i64) {
        self.0.push(Trigger::Room(dim, amount));
    }

    /// Pods of the namespace that match the selector, when they come and when they leave.
    pub fn pods(&mut self, namespace: Option<Sym>, selector: &LabelMatcher) {
        for like in Likeness::of(namespace, selector) {
            self.0.extend([Trigger::PodCame(like), Trigger::PodLeft(like)]);
        }
    }

    /// Pods that a term means, when they come and when they leave.
    pub fn meant(&mut self, term: &PodTerm) {
        for namespace in namespaces(term) {
            self.pods(namespace, &term.selector);
        }
    }

    /// Pods that a term means, when they leave.
    pub fn meant_that_leave(&mut self, term: &PodTerm) {
        for namespace in namespaces(term) {
            let like = Likeness::of(namespace, &term.selector);
            self.0.extend(like.into_iter().map(Trigger::PodLeft));
        }
    }

    /// Pods whose own anti-affinity term this is, when they leave.
    pub fn repellers(&mut self, term: &PodTerm) {
        self.0.extend(repels(term).into_iter().map(Trigger::RepellerLeft));
    }

    /// All of it, each once.
    pub(crate) fn into_triggers(mut self) -> Vec<Trigger> {
        self.0.sort_unstable();
        self.0.dedup();
        self.0
    }
}

/// By what waiting pods are found that the term of a pod keeps away.
pub(crate) fn repels(term: &PodTerm) -> Vec<Likeness> {
    namespaces(term).into_iter().flat_map(|name| Likeness::of(name, &term.selector)).collect()
}

/// The namespaces of a term; any where it selects them by labels, which change.
fn namespaces(term: &PodTerm) -> Vec<Option<Sym>> {
    match term.namespace_selector {
        LabelMatcher::Nothing => term.namespaces.iter().copied().map(Some).collect(),
        LabelMatcher::All(_) => vec![None],
    }
}

impl Stored for Fact {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        let reads = Reads::read(from)?;
        match reads.bits().is_power_of_two() {
            true => Ok(Self(reads.bits())),
            false => Err(from.malformed("a fact that is none or several")),
        }
    }
}

stored! { struct Likeness { namespace, key, value } }
stored! { enum Trigger {
    0 = Fact(fact),
    1 = Room(dim, amount),
    2 = PodCame(like),
    3 = PodLeft(like),
    4 = RepellerLeft(like),
} }
