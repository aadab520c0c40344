//! The node table in a saved state: names and objects by row, and which rows are free in which
//! order, as rows are the order in which nodes are drawn from. Columns are made of the objects
//! again, and what is taken of the nodes of the pods that are placed again.

use std::sync::Arc;

use crate::base::{Sym, Symbols};
use crate::record::NodeRecord;
use crate::stored::{LoadError, Reader, Stored, Writer};

use super::{Dims, NodeTable, Request};

/// Amounts over all nodes and resources that are made room for: 1.6 GB, for 65,536 nodes with as
/// many resources as there can be (1,024), or 3 million with 20. A state that says otherwise is
/// damaged.
const AMOUNTS_MAX: usize = 1 << 26;

impl NodeTable {
    /// Writes the rows.
    pub(crate) fn save(&self, out: &mut Writer) {
        let Self {
            by_name: _,
            free,
            live: _,
            names,
            records,
            labels: _,
            taints: _,
            unschedulable: _,
            rooms: _,
            places: _,
            ports: _,
            term_holders: _,
            images: _,
            relabelled: _,
            placed: _,
        } = self;
        names.write(out);
        free.write(out);
        records.write(out);
    }

    /// The rows as they were, without pods and without images, which are counted over all nodes.
    pub(crate) fn load(
        from: &mut Reader<'_>,
        dims: &mut Dims,
        symbols: &mut Symbols,
    ) -> Result<Self, LoadError> {
        let mut table = Self::default();
        let names: Vec<Sym> = Stored::read(from)?;
        from.rows.nodes = names.len();
        if names.len().saturating_mul(dims.count()) > AMOUNTS_MAX {
            return Err(from.malformed("more nodes with more resources than there can be"));
        }
        table.free = Stored::read(from)?;
        let mut is_free = vec![false; names.len()];
        for node in &table.free {
            match is_free.get_mut(node.at()).filter(|is_free| !**is_free) {
                Some(slot) => *slot = true,
                None => return Err(from.malformed("a free row that is none")),
            }
        }
        if from.count()? != names.len() {
            return Err(from.malformed("other nodes than there are names"));
        }
        for (name, is_free) in names.into_iter().zip(is_free) {
            let node = table.grow();
            super::put(&mut table.names, node.at(), name);
            let record: Option<Arc<NodeRecord>> = Stored::read(from)?;
            if is_free && record.is_none() {
                table.rooms.offer(node.at(), 0, &Request::default(), 0);
                continue;
            }
            let named = record.as_ref().is_none_or(|of| *of.name == *symbols.text(name));
            if is_free || !named || table.by_name.insert(name, node).is_some() {
                return Err(from.malformed("a node that is another"));
            }
            if let Some(places) = table.places.get_mut(node.at()) {
                places.name = symbols.shared_text(name);
            }
            if let Some(record) = record {
                table.set_record(node, &record, dims, symbols);
            }
        }
        Ok(table)
    }

    /// Whether each row has a reason to be there: an object, a pod, or that it is free.
    pub(crate) fn is_whole(&self) -> bool {
        let used = self
            .by_name
            .values()
            .all(|node| self.live.contains(*node) || !self.pods(*node).is_empty());
        used && self.by_name.len() + self.free.len() == self.rows()
    }
}
