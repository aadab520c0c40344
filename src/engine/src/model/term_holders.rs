//! Which nodes have pods with affinity terms, so that clusters without any cost nothing.
//!
//! Source: `PodsWithAffinity` and `PodsWithRequiredAntiAffinity` of `NodeInfo` in
//! `pkg/scheduler/framework/types.go`.

use crate::base::{NodeIdx, NodeSet, missing};

use super::PodTerms;

/// Pods with terms, counted by node: 8 bytes a node.
#[derive(Debug, Clone, Default)]
pub(crate) struct TermHolders {
    counts: Vec<[u32; 2]>,
    any: NodeSet,
    repelling: NodeSet,
}

impl TermHolders {
    /// Nodes with pods that have any terms.
    pub(crate) fn any(&self) -> &NodeSet {
        &self.any
    }

    /// Nodes with pods that have required anti-affinity.
    pub(crate) fn repelling(&self) -> &NodeSet {
        &self.repelling
    }

    /// Pods with any terms on the node, and with required anti-affinity.
    pub(crate) fn counts(&self, node: NodeIdx) -> [u32; 2] {
        self.counts.get(node.at()).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, node: NodeIdx, terms: &PodTerms) {
        if self.counts.len() <= node.at() {
            self.counts.resize(node.at() + 1, [0; 2]);
        }
        // In range: made so above.
        let Some([any, repelling]) = self.counts.get_mut(node.at()) else { return };
        *any += 1;
        self.any.insert(node);
        if terms.repels() {
            *repelling += 1;
            self.repelling.insert(node);
        }
    }

    pub(crate) fn remove(&mut self, node: NodeIdx, terms: &PodTerms) {
        let Some([any, repelling]) = self.counts.get_mut(node.at()) else {
            return missing("holder of terms", node.at());
        };
        *any = any.saturating_sub(1);
        if *any == 0 {
            self.any.remove(node);
        }
        if terms.repels() {
            *repelling = repelling.saturating_sub(1);
            if *repelling == 0 {
                self.repelling.remove(node);
            }
        }
    }

    /// The counts of one node, for a table in which it is the first row.
    pub(crate) fn extract(&self, node: NodeIdx) -> Self {
        let mut one = Self::default();
        let row = NodeIdx::new(0);
        if let Some(counts) = self.counts.get(node.at()) {
            one.counts.push(*counts);
        }
        if self.any.contains(node) {
            one.any.insert(row);
        }
        if self.repelling.contains(node) {
            one.repelling.insert(row);
        }
        one
    }
}
