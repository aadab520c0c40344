//! Affinity between pods: the terms of a template, compiled once for all pods that share it.
//!
//! Source: `NewPodInfo` in `pkg/scheduler/framework/types.go` and `AffinityTerm` in
//! `staging/src/k8s.io/kube-scheduler/framework/types.go`. `matchLabelKeys` and
//! `mismatchLabelKeys` are merged into the selectors by the API server and not read here.

use std::sync::Arc;

use crate::base::{Sym, Symbols};
use crate::record::{Affinity, PodAffinityTerm, Preferred};

use super::{LabelMatcher, LabelSelectorError};

/// One term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodTerm {
    /// Namespaces by name; the pod's own where the term names none in any way.
    pub namespaces: Box<[Sym]>,
    /// Namespaces by their labels.
    pub namespace_selector: LabelMatcher,
    /// Which pods.
    pub selector: LabelMatcher,
    /// Node label that makes a domain.
    pub topology_key: Sym,
}

/// A preferred term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferredPodTerm {
    /// Added, or with anti-affinity taken away, for each pod that matches.
    pub weight: i32,
    /// The term.
    pub term: PodTerm,
}

/// All terms of a template. A list of which one term cannot be parsed is empty as a whole, as in
/// the reference; `error` says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodTerms {
    /// `podAffinity.required…`.
    pub required: Box<[PodTerm]>,
    /// `podAntiAffinity.required…`.
    pub anti_required: Box<[PodTerm]>,
    /// `podAffinity.preferred…`.
    pub preferred: Box<[PreferredPodTerm]>,
    /// `podAntiAffinity.preferred…`.
    pub anti_preferred: Box<[PreferredPodTerm]>,
    /// What cannot be parsed, by list.
    pub error: Option<Box<str>>,
}

impl PodTerm {
    fn compile(
        of: &PodAffinityTerm,
        own_namespace: Sym,
        symbols: &mut Symbols,
    ) -> Result<Self, LabelSelectorError> {
        let selector = LabelMatcher::compile(of.selector.as_ref(), symbols)?;
        let namespace_selector = LabelMatcher::compile(of.namespace_selector.as_ref(), symbols)?;
        let namespaces = if of.namespaces.is_empty() && of.namespace_selector.is_none() {
            Box::new([own_namespace]) as Box<[Sym]>
        } else {
            of.namespaces.iter().map(|n| symbols.intern(n)).collect()
        };
        let topology_key = symbols.intern(&of.topology_key);
        Ok(Self { namespaces, namespace_selector, selector, topology_key })
    }
}

impl PodTerms {
    /// The terms of an affinity; `None` where it has none.
    pub(crate) fn compile(
        of: &Affinity,
        own_namespace: Sym,
        symbols: &mut Symbols,
    ) -> Option<Arc<Self>> {
        let lists = (&of.pod_required, &of.anti_required, &of.pod_preferred, &of.anti_preferred);
        if lists.0.is_empty() && lists.1.is_empty() && lists.2.is_empty() && lists.3.is_empty() {
            return None;
        }
        let mut errors = Vec::new();
        let mut required = |name: &str, terms: &[PodAffinityTerm], symbols: &mut Symbols| {
            let all = terms.iter().map(|t| PodTerm::compile(t, own_namespace, symbols)).collect();
            sound(name, all, &mut errors)
        };
        let (affinity, anti) = (
            required("requiredAffinityTerms", lists.0, symbols),
            required("requiredAntiAffinityTerms", lists.1, symbols),
        );
        let mut preferred =
            |name: &str, terms: &[Preferred<PodAffinityTerm>], symbols: &mut Symbols| {
                let compile = |p: &Preferred<PodAffinityTerm>| {
                    let term = PodTerm::compile(&p.term, own_namespace, symbols)?;
                    Ok(PreferredPodTerm { weight: p.weight, term })
                };
                sound(name, terms.iter().map(compile).collect(), &mut errors)
            };
        let (preferred, anti_preferred) = (
            preferred("preferredAffinityTerms", lists.2, symbols),
            preferred("preferredAntiAffinityTerms", lists.3, symbols),
        );
        let error = match errors.as_slice() {
            [] => None,
            [one] => Some(one.as_str().into()),
            many => Some(format!("[{}]", many.join(", ")).into()),
        };
        Some(Arc::new(Self {
            required: affinity,
            anti_required: anti,
            preferred,
            anti_preferred,
            error,
        }))
    }

    /// Whether a pod with these terms keeps others away.
    pub fn repels(&self) -> bool {
        !self.anti_required.is_empty()
    }
}

fn sound<T>(
    name: &str,
    all: Result<Box<[T]>, LabelSelectorError>,
    errors: &mut Vec<String>,
) -> Box<[T]> {
    all.unwrap_or_else(|error| {
        errors.push(format!("{name}: {error}"));
        Box::default()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record::LabelSelector;

    #[test]
    fn a_term_without_namespaces_means_the_pods_own() {
        let mut symbols = Symbols::default();
        let (own, other) = (symbols.intern("own"), symbols.intern("other"));
        let everywhere = Some(LabelSelector::default());
        for (namespaces, selector, expected) in [
            (&[][..], None, &[own][..]),
            (&["other"], None, &[other]),
            (&[], everywhere.clone(), &[]),
            (&["other"], everywhere, &[other]),
        ] {
            let of = PodAffinityTerm {
                namespaces: namespaces.iter().map(|n| (*n).into()).collect(),
                namespace_selector: selector,
                ..PodAffinityTerm::default()
            };
            let term = PodTerm::compile(&of, own, &mut symbols).unwrap();
            assert_eq!(term.namespaces.as_ref(), expected);
            assert_eq!(term.namespace_selector.is_empty(), of.namespace_selector.is_some());
            assert_eq!(term.selector, LabelMatcher::Nothing);
        }
    }

    #[test]
    fn one_unsound_term_empties_its_list() {
        let mut symbols = Symbols::default();
        let own = symbols.intern("own");
        let unsound = PodAffinityTerm {
            selector: Some(LabelSelector {
                match_labels: [("a", "b c")].into_iter().collect(),
                ..LabelSelector::default()
            }),
            ..PodAffinityTerm::default()
        };
        let of = Affinity {
            pod_required: vec![PodAffinityTerm::default(), unsound.clone()],
            anti_required: vec![PodAffinityTerm::default()],
            anti_preferred: vec![Preferred { weight: 1, term: unsound }],
            ..Affinity::default()
        };
        let terms = PodTerms::compile(&of, own, &mut symbols).unwrap();
        assert_eq!((terms.required.len(), terms.anti_required.len()), (0, 1));
        let error = terms.error.as_deref().unwrap();
        assert!(error.starts_with("[requiredAffinityTerms: values[0][a]: Invalid value"));
        assert!(error.contains(", preferredAntiAffinityTerms: values[0][a]: "), "{error}");
        assert!(
            terms.repels() && PodTerms::compile(&Affinity::default(), own, &mut symbols).is_none()
        );
    }
}
