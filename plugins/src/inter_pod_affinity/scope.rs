//! Which pods a term means.

use berth_engine::base::{LabelSetIdx, PodIdx, Sym};
use berth_engine::framework::Context;
use berth_engine::model::{Class, Pod, PodTerm};
use berth_engine::record::ObjectKey;

/// The namespaces that a term of the incoming pod means, its selector resolved to names
/// (`mergeAffinityTermNamespacesIfNotEmpty`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// All, namespaces without an object included.
    Everywhere,
    /// These, in the order of their symbols.
    Listed(Vec<Sym>),
}

impl Scope {
    pub(super) fn of(term: &PodTerm, cx: &Context<'_>) -> Self {
        if term.namespace_selector.is_empty() {
            return Self::Everywhere;
        }
        let symbols = cx.symbols();
        let all = cx.cache.objects().namespaces.values();
        let selected =
            all.filter(|n| term.namespace_selector.matches_texts(Some(&n.labels), symbols));
        // A name that has no symbol is of a namespace without pods.
        let selected = selected.filter_map(|n| symbols.get(&n.name));
        let mut names: Vec<Sym> = term.namespaces.iter().copied().chain(selected).collect();
        names.sort_unstable();
        Self::Listed(names)
    }

    fn contains(&self, namespace: Sym) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Listed(names) => names.binary_search(&namespace).is_ok(),
        }
    }

    /// Whether the term, in this scope, means a pod.
    pub(super) fn matches(&self, term: &PodTerm, pod: &Target<'_>) -> bool {
        self.contains(pod.class.namespace)
            && term.selector.matches(pod.cx.cache.labels(), pod.labels)
    }
}

/// A pod that terms look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) class: &'a Class,
    pub(super) labels: LabelSetIdx,
}

impl<'a> Target<'a> {
    /// A pod that is there already.
    pub(super) fn existing(cx: &'a Context<'a>, pod: PodIdx) -> Option<Self> {
        Self::of(cx, cx.cache.pods().get(pod)?)
    }

    /// As [`Target::existing`], by its row.
    pub(super) fn of(cx: &'a Context<'a>, row: &Pod) -> Option<Self> {
        Some(Self { cx, class: cx.cache.classes().get(row.class)?, labels: row.labels })
    }

    /// The incoming pod.
    pub(super) fn incoming(cx: &'a Context<'a>) -> Self {
        Self { cx, class: cx.pod.class, labels: cx.pod.labels }
    }
}

/// Whether terms of pods that are there mean the incoming pod: their namespace selectors look at
/// the labels that its namespace has now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reverse<'a> {
    incoming: Target<'a>,
}

impl<'a> Reverse<'a> {
    pub(super) fn new(cx: &'a Context<'a>) -> Self {
        Self { incoming: Target::incoming(cx) }
    }

    /// Most terms are about other pods, so the labels are looked at first: that compares short
    /// texts, where the namespace's object is found by a key made for the question.
    pub(super) fn matches(&self, term: &PodTerm) -> bool {
        let Target { cx, class, labels } = self.incoming;
        term.selector.matches(cx.cache.labels(), labels)
            && (term.namespaces.contains(&class.namespace) || self.is_in_selected(term))
    }

    fn is_in_selected(&self, term: &PodTerm) -> bool {
        let Target { cx, class, .. } = self.incoming;
        let namespace = ObjectKey::cluster(cx.symbols().text(class.namespace));
        let labels = cx.cache.objects().namespaces.get(&namespace).map(|n| &n.labels);
        term.namespace_selector.matches_texts(labels, cx.symbols())
    }
}
