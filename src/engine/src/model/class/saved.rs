//! Classes in a saved state: those of pods, by first use, each with its template once. What is
//! compiled from it is compiled again.

use std::sync::Arc;

use crate::base::{HashKey, Sym, Symbols};
use crate::stored::{FirstUse, LoadError, Reader, Stored, Writer};

use super::super::Dims;
use super::{Class, Classes, Extent, Row};

impl Classes {
    /// Writes the classes that pods have, and all label keys that selectors have asked for.
    pub(crate) fn save(&self, order: &FirstUse, out: &mut Writer) {
        let Self {
            rows,
            free: _,
            by_content: _,
            repelling: _,
            selected,
            made: _,
            by_address: _,
            key: _,
        } = self;
        let mut keys: Vec<Sym> = selected.iter().copied().collect();
        keys.sort_unstable();
        keys.write(out);
        out.count(order.rows().len());
        for row in order.rows() {
            let class = rows.get(row).and_then(Option::as_ref);
            debug_assert!(class.is_some(), "a pod has a class that is not there");
            if let Some(Row { class, users: _, hash: _ }) = class {
                class.save(out);
            }
        }
    }

    /// The classes by their numbers, each used once by whoever loads.
    pub(crate) fn load(
        from: &mut Reader<'_>,
        key: HashKey,
        dims: &mut Dims,
        symbols: &mut Symbols,
    ) -> Result<Self, LoadError> {
        let mut classes = Self::new(key);
        from.each(|_, key| {
            classes.select(key);
            Ok(())
        })?;
        for number in 0..from.count()? {
            let extent = match bool::read(from)? {
                true => Extent::Whole,
                false => Extent::Scheduler,
            };
            let namespace = Sym::read(from)?;
            let spec = Arc::read(from)?;
            if classes.acquire(&spec, extent, namespace, dims, symbols).at() != number {
                return Err(from.malformed("a class twice"));
            }
        }
        Ok(classes)
    }
}

impl Class {
    fn save(&self, out: &mut Writer) {
        let Self {
            spec,
            namespace,
            scheduler: _,
            request: _,
            footprint: _,
            container_request: _,
            container_request_nonzero: _,
            node_selector: _,
            node_required: _,
            node_preferred: _,
            pod_terms: _,
            tolerations: _,
            ports: _,
            images: _,
            image_slots: _,
            extent,
            serial: _,
        } = self;
        (*extent == Extent::Whole).write(out);
        namespace.write(out);
        spec.write(out);
    }
}
