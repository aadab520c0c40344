//! Selectors, affinity terms and spread constraints, as the API writes them.

use crate::stored::{LoadError, Reader, Stored, Writer, stored};

use super::StringMap;

/// How a requirement compares (`metav1.LabelSelectorOperator` and `v1.NodeSelectorOperator`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SelectorOp {
    /// The value is one of the listed.
    In,
    /// The key is absent, or its value is not listed.
    NotIn,
    /// The key is present.
    Exists,
    /// The key is absent.
    DoesNotExist,
    /// The value is an integer above the listed one (nodes only).
    Gt,
    /// The value is an integer below the listed one (nodes only).
    Lt,
    /// An operator that Kubernetes does not define: the selector cannot be parsed.
    Unknown,
}

/// One `matchExpressions` (or `matchFields`) entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requirement {
    /// Label key, or field path in `matchFields`.
    pub key: Box<str>,
    /// Comparison.
    pub op: SelectorOp,
    /// Values in the order of the object.
    pub values: Box<[Box<str>]>,
}

/// `metav1.LabelSelector`: all parts must match; an empty one matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LabelSelector {
    /// `matchLabels`.
    pub match_labels: StringMap,
    /// `matchExpressions`.
    pub match_expressions: Vec<Requirement>,
}

impl LabelSelector {
    /// The label keys it asks for.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let expressions = self.match_expressions.iter().map(|r| r.key.as_ref());
        self.match_labels.iter().map(|(key, _)| key).chain(expressions)
    }
}

/// One term of a node selector: expressions and fields are ANDed; an empty term matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct NodeSelectorTerm {
    /// Requirements on the node's labels.
    pub match_expressions: Vec<Requirement>,
    /// Requirements on the node's fields; Kubernetes knows `metadata.name` only.
    pub match_fields: Vec<Requirement>,
}

/// `v1.NodeSelector`: terms are ORed; none matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct NodeSelector {
    /// The alternatives.
    pub terms: Vec<NodeSelectorTerm>,
}

/// A weighted preference.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Preferred<T> {
    /// 1..100 where the API server validated it.
    pub weight: i32,
    /// What is preferred.
    pub term: T,
}

/// `v1.PodAffinityTerm`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PodAffinityTerm {
    /// Which pods; absent matches none.
    pub selector: Option<LabelSelector>,
    /// Namespaces by name.
    pub namespaces: Box<[Box<str>]>,
    /// Namespaces by their labels; absent matches none, empty all.
    pub namespace_selector: Option<LabelSelector>,
    /// Node label that makes a domain.
    pub topology_key: Box<str>,
    /// Keys whose values of the incoming pod are ANDed to the selector (by the API server).
    pub match_label_keys: Box<[Box<str>]>,
    /// Keys whose values of the incoming pod are excluded (by the API server).
    pub mismatch_label_keys: Box<[Box<str>]>,
}

/// `v1.Affinity`, flattened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Affinity {
    /// `nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`.
    pub node_required: Option<NodeSelector>,
    /// `nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution`.
    pub node_preferred: Vec<Preferred<NodeSelectorTerm>>,
    /// `podAffinity.required…`.
    pub pod_required: Vec<PodAffinityTerm>,
    /// `podAffinity.preferred…`.
    pub pod_preferred: Vec<Preferred<PodAffinityTerm>>,
    /// `podAntiAffinity.required…`.
    pub anti_required: Vec<PodAffinityTerm>,
    /// `podAntiAffinity.preferred…`.
    pub anti_preferred: Vec<Preferred<PodAffinityTerm>>,
}

/// Whether a spread constraint filters or scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WhenUnsatisfiable {
    /// A hard constraint.
    DoNotSchedule,
    /// A soft constraint.
    ScheduleAnyway,
}

/// `v1.TopologySpreadConstraint`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopologySpreadConstraint {
    /// Largest allowed difference between domains.
    pub max_skew: i32,
    /// Node label that makes a domain.
    pub topology_key: Box<str>,
    /// Hard or soft.
    pub when_unsatisfiable: WhenUnsatisfiable,
    /// Which pods count; absent matches none.
    pub selector: Option<LabelSelector>,
    /// Domains below which the minimum is taken as 0.
    pub min_domains: Option<i32>,
    /// `nodeAffinityPolicy` is Honor (the default).
    pub honor_node_affinity: bool,
    /// `nodeTaintsPolicy` is Honor (default Ignore).
    pub honor_node_taints: bool,
    /// Keys whose values of the incoming pod are ANDed to the selector.
    pub match_label_keys: Box<[Box<str>]>,
}

stored! { enum SelectorOp {
    0 = In, 1 = NotIn, 2 = Exists, 3 = DoesNotExist, 4 = Gt, 5 = Lt, 6 = Unknown,
} }
stored! { struct Requirement { key, op, values } }
stored! { struct LabelSelector { match_labels, match_expressions } }
stored! { struct NodeSelectorTerm { match_expressions, match_fields } }
stored! { struct NodeSelector { terms } }
stored! { struct PodAffinityTerm {
    selector, namespaces, namespace_selector, topology_key, match_label_keys, mismatch_label_keys,
} }
stored! { struct Affinity {
    node_required, node_preferred, pod_required, pod_preferred, anti_required, anti_preferred,
} }
stored! { enum WhenUnsatisfiable { 0 = DoNotSchedule, 1 = ScheduleAnyway } }
stored! { struct TopologySpreadConstraint {
    max_skew, topology_key, when_unsatisfiable, selector, min_domains, honor_node_affinity,
    honor_node_taints, match_label_keys,
} }

impl<T: Stored> Stored for Preferred<T> {
    fn write(&self, out: &mut Writer) {
        let Self { weight, term } = self;
        weight.write(out);
        term.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        Ok(Self { weight: Stored::read(from)?, term: Stored::read(from)? })
    }
}
