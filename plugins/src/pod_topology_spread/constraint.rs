//! One constraint, ready for one pod's cycle.

use berth_engine::base::{NodeIdx, PodIdx, Sym};
use berth_engine::framework::{Awaits, Context, PodMoved};
use berth_engine::model::{LabelMatcher, LabelSelectorError, NodeTable, Pod};
use berth_engine::record::TopologySpreadConstraint;

use crate::{node_affinity, taint_toleration};

/// A constraint with its selector parsed (`topologySpreadConstraint`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Constraint {
    pub(super) key: Sym,
    /// Domains are single nodes, by the label that says so.
    pub(super) is_hostname: bool,
    pub(super) max_skew: i64,
    pub(super) min_domains: i64,
    selector: LabelMatcher,
    honor_node_affinity: bool,
    honor_node_taints: bool,
    /// Whether the incoming pod is one of those that count: 1 or 0.
    pub(super) itself: i64,
}

impl Constraint {
    /// A constraint of the pod itself: `matchLabelKeys` that the pod has ask for its own values.
    pub(super) fn own(
        of: &TopologySpreadConstraint,
        cx: &Context<'_>,
    ) -> Result<Self, LabelSelectorError> {
        let (labels, symbols) = (cx.cache.labels(), cx.symbols());
        let selector = LabelMatcher::compile_known(of.selector.as_ref(), symbols)?;
        let same = of.match_label_keys.iter().filter_map(|key| {
            let key = symbols.get(key)?;
            Some((key, labels.get(cx.pod.labels, key)?))
        });
        Ok(Self::new(of, selector.with_labels(same), cx))
    }

    /// A constraint with a selector from elsewhere.
    pub(super) fn new(
        of: &TopologySpreadConstraint,
        selector: LabelMatcher,
        cx: &Context<'_>,
    ) -> Self {
        Self {
            key: cx.symbols().get(&of.topology_key).unwrap_or(Sym::NONE),
            is_hostname: of.topology_key.as_ref() == "kubernetes.io/hostname",
            max_skew: of.max_skew.into(),
            min_domains: of.min_domains.unwrap_or(1).into(),
            honor_node_affinity: of.honor_node_affinity,
            honor_node_taints: of.honor_node_taints,
            itself: selector.matches(cx.cache.labels(), cx.pod.labels).into(),
            selector,
        }
    }

    /// Whether pods on the node count (`matchNodeInclusionPolicies`).
    pub(super) fn includes(&self, cx: &Context<'_>, node: NodeIdx) -> bool {
        (!self.honor_node_affinity || node_affinity::fits(cx, node))
            && (!self.honor_node_taints
                || taint_toleration::fits(&cx.pod.class.tolerations, cx.nodes.taints(node)))
    }

    /// Pods on the node that count: an empty selector counts none, and pods that are being deleted
    /// do not either (`countPodsMatchSelector`).
    pub(super) fn count(&self, cx: &Context<'_>, node: NodeIdx) -> i64 {
        if self.selector.is_empty() {
            return 0;
        }
        let rows = cx.nodes.pods(node).iter().filter_map(|pod| cx.cache.pods().get(*pod));
        let counted = rows.filter(|row| !row.terminating && self.means(cx, row)).count();
        i64::try_from(counted).unwrap_or(i64::MAX)
    }

    /// Whether a pod is of the same namespace and matches the selector.
    pub(super) fn matches(&self, cx: &Context<'_>, pod: PodIdx) -> bool {
        cx.cache.pods().get(pod).is_some_and(|row| self.means(cx, row))
    }

    /// Whether a pod counts: as [`Constraint::count`] has it.
    pub(super) fn counts(&self, cx: &Context<'_>, pod: &PodMoved<'_>) -> bool {
        !pod.terminating
            && !self.selector.is_empty()
            && pod.class.namespace == cx.pod.class.namespace
            && self.selector.matches(cx.cache.labels(), pod.labels)
    }

    /// The pods that count. An empty selector counts none.
    pub(super) fn awaits(&self, cx: &Context<'_>, awaits: &mut Awaits) {
        if !self.selector.is_empty() {
            awaits.pods(Some(cx.pod.class.namespace), &self.selector);
        }
    }

    fn means(&self, cx: &Context<'_>, row: &Pod) -> bool {
        let class = cx.cache.classes().get(row.class);
        class.is_some_and(|class| class.namespace == cx.pod.class.namespace)
            && self.selector.matches(cx.cache.labels(), row.labels)
    }
}

/// Whether a node has the keys of all constraints (`nodeLabelsMatchSpreadConstraints`).
pub(super) fn has_all_keys(constraints: &[Constraint], nodes: &NodeTable, node: NodeIdx) -> bool {
    constraints.iter().all(|c| nodes.label(node, c.key).is_some())
}
