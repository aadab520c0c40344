//! The cache in a saved state: what was heard and decided. What follows from it (columns, sums,
//! compiled classes, indexes) is made again on loading, by the same code.
//!
//! Classes and label sets are written under numbers of their own, see [`FirstUse`]: which rows they
//! have here depends on what rankings hold of them, and no effect depends on that. The log is for
//! rankings alone, which begin anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{HashKey, PodIdx, Symbols};
use crate::model::{Classes, Dims, LabelSets, NodeTable, Pods, Stage, Standing};
use crate::record::Owner;
use crate::stored::{FirstUse, LoadError, Reader, Stored, Writer};

use super::{Cache, Nominations, Pending, VolumeHolds};

/// Controllers by their numbers, in the order in which waiting pods name them: a Job's pods share
/// one.
#[derive(Debug, Default)]
struct Owners<'a> {
    numbers: BTreeMap<&'a Owner, usize>,
    order: Vec<&'a Owner>,
}

impl<'a> Owners<'a> {
    fn number(&mut self, owner: &'a Owner) -> usize {
        let next = self.order.len();
        let number = *self.numbers.entry(owner).or_insert(next);
        if number == next {
            self.order.push(owner);
        }
        number
    }
}

impl Cache {
    /// Writes the cache as it is between two steps.
    pub(crate) fn save(&self, out: &mut Writer) {
        let Self {
            symbols,
            dims,
            labels,
            classes,
            nodes,
            images: _,
            pods,
            resized,
            pending: _,
            nominations,
            objects,
            claim_users: _,
            holds,
            schedulers: _,
            assumed: _,
            log,
        } = self;
        debug_assert!(log.is_heeded(), "a step leaves no change unheeded");
        let (mut of_classes, mut of_labels) = (FirstUse::default(), FirstUse::default());
        for (_, pod) in pods.iter() {
            of_classes.number(pod.class.at());
            of_labels.number(pod.labels.at());
        }
        symbols.save(out);
        dims.save(out);
        nodes.save(out);
        classes.save(&of_classes, out);
        labels.save(&of_labels, out);
        pods.save(&of_classes, &of_labels, out);
        resized.write(out);
        self.save_pending(out);
        nominations.save(out);
        objects.save(out);
        holds.save(out);
    }

    /// The cache as it was, its names hashed by `key`, for these schedulers.
    pub(crate) fn load<'a>(
        from: &mut Reader<'_>,
        key: HashKey,
        schedulers: impl Iterator<Item = &'a str>,
    ) -> Result<Self, LoadError> {
        let mut symbols = Symbols::load(from, key)?;
        let mut dims = Dims::load(from, &symbols)?;
        let known = (symbols.len(), dims.count());
        let nodes = NodeTable::load(from, &mut dims, &mut symbols)?;
        let classes = Classes::load(from, key, &mut dims, &mut symbols)?;
        let labels = LabelSets::load(from, key, &mut symbols)?;
        let used = (classes.count(), labels.count());
        let (pods, standing) = Pods::load(from, key, used)?;
        let mut cache = Self { symbols, dims, nodes, classes, labels, pods, ..Self::new(key) };
        cache.resized = Stored::read(from)?;
        if cache.resized.iter().any(|(pod, _)| cache.pods.get(pod).is_none()) {
            return Err(from.malformed("a resize of no pod"));
        }
        cache.count_uses(from, used)?;
        cache.stand(from, standing)?;
        cache.load_pending(from)?;
        cache.nominations = Nominations::load(from)?;
        cache.load_objects(from)?;
        cache.holds = VolumeHolds::load(from, key)?;
        for name in schedulers {
            let name = cache.symbols.get(name);
            cache.schedulers.insert(name.ok_or_else(|| from.malformed("an unheard scheduler"))?);
        }
        if (cache.symbols.len(), cache.dims.count()) != known {
            return Err(from.malformed("names that are not among the symbols"));
        }
        Ok(cache)
    }

    /// Counts each class and label set once for each of its pods, and no more for having been read.
    fn count_uses(
        &mut self,
        from: &Reader<'_>,
        (classes, labels): (usize, usize),
    ) -> Result<(), LoadError> {
        use crate::base::{ClassIdx, LabelSetIdx};
        for (_, pod) in self.pods.iter() {
            self.classes.hold(pod.class);
            self.labels.hold(pod.labels);
        }
        for class in (0..classes).map(ClassIdx::new) {
            self.classes.release(class);
        }
        for set in (0..labels).map(LabelSetIdx::new) {
            self.labels.release(set);
        }
        match (self.classes.count(), self.labels.count()) == (classes, labels) {
            true => Ok(()),
            false => Err(from.malformed("a class or labels of no pod")),
        }
    }

    /// Places the pods that have nodes, in the order in which they are there.
    fn stand(&mut self, from: &Reader<'_>, standing: Vec<Standing>) -> Result<(), LoadError> {
        for (node, slot, pod) in standing {
            let is_row = self.nodes.name(node).is_some_and(|n| self.nodes.find(n) == Some(node));
            if !is_row || self.nodes.pods(node).len() != slot as usize {
                return Err(from.malformed("a pod that is not in its place"));
            }
            let stage = self.pods.get(pod).map_or(Stage::Bound, |row| row.stage);
            self.assumed += usize::from(stage == Stage::Assumed);
            self.place(pod, node, stage);
        }
        if !self.nodes.is_whole() {
            return Err(from.malformed("a node without object and pods"));
        }
        for node in self.nodes.live().to_vec() {
            if let Some(record) = self.nodes.record(node).map(Arc::clone) {
                self.replace_images(node, &record);
            }
        }
        Ok(())
    }

    fn save_pending(&self, out: &mut Writer) {
        let mut owners = Owners::default();
        for (_, pending) in self.pending.iter() {
            if let Some(controller) = &pending.controller {
                owners.number(controller);
            }
        }
        out.count(owners.order.len());
        for owner in &owners.order {
            owner.write(out);
        }
        out.count(self.pending.len());
        for (pod, pending) in self.pending.iter() {
            let Pending {
                gates,
                node_name,
                nominated,
                scheduled,
                desired,
                created_ms,
                generation,
                resource_version,
                owner,
                controller,
            } = pending;
            pod.write(out);
            gates.write(out);
            node_name.write(out);
            nominated.write(out);
            scheduled.write(out);
            desired.write(out);
            created_ms.write(out);
            generation.write(out);
            resource_version.write(out);
            owner.write(out);
            controller.as_ref().map(|owner| owners.number(owner)).write(out);
        }
    }

    fn load_pending(&mut self, from: &mut Reader<'_>) -> Result<(), LoadError> {
        let owners: Vec<Arc<Owner>> = Stored::read(from)?;
        for _ in 0..from.count()? {
            let pod = PodIdx::read(from)?;
            let pending = Pending {
                gates: Stored::read(from)?,
                node_name: Stored::read(from)?,
                nominated: Stored::read(from)?,
                scheduled: Stored::read(from)?,
                desired: Stored::read(from)?,
                created_ms: Stored::read(from)?,
                generation: Stored::read(from)?,
                resource_version: Stored::read(from)?,
                owner: Stored::read(from)?,
                controller: match bool::read(from)? {
                    true => owners.get(from.row(owners.len())?).map(Arc::clone),
                    false => None,
                },
            };
            let waits = self.pods.get(pod).is_some_and(|row| row.stage != Stage::Bound);
            if !waits || self.pending.insert(pod, pending).is_some() {
                return Err(from.malformed("what waits and is no waiting pod"));
            }
        }
        Ok(())
    }
}
