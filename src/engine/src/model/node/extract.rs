//! Copies of single nodes, as tables of one row.

use crate::base::NodeIdx;

use super::{NodeTable, put};

impl NodeTable {
    /// A table of one row, a copy of `node`'s: what a dry run adds pods to and takes pods from.
    /// Filters read only the table they are given, so they cannot tell the difference.
    pub fn extract(&self, node: NodeIdx) -> (Self, NodeIdx) {
        let (mut one, row) = self.extract_object(node);
        let at = node.at();
        self.rooms.copy(at, &mut one.rooms);
        one.places.set(0, self.places.get(at).cloned().unwrap_or_default());
        one.placed = self.pods(node).len();
        one.ports.set(0, self.ports(node).to_vec());
        one.images.set(0, self.images(node).into());
        one.term_holders = self.term_holders.extract(node);
        one.live.insert(row);
        (one, row)
    }

    /// A table of one row with what the node is, without its room and without pods; it is live
    /// where the node is.
    pub(crate) fn extract_object(&self, node: NodeIdx) -> (Self, NodeIdx) {
        let mut one = Self::default();
        let row = one.grow();
        if let Some(name) = self.name(node) {
            put(&mut one.names, 0, name);
            one.by_name.insert(name, row);
        }
        one.records.set(0, self.record(node).cloned());
        one.labels.set(0, self.labels(node).into());
        one.taints.set(0, self.taints(node).into());
        put(&mut one.unschedulable, 0, self.unschedulable(node));
        if self.live.contains(node) {
            one.live.insert(row);
        }
        (one, row)
    }
}
