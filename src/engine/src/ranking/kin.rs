//! Which pods share a ranking.

use crate::base::{ClassIdx, LabelSetIdx, PodIdx};
use crate::cache::Cache;
use crate::model::Alike;

/// What pods of one ranking have in common: the class, and what any selector could tell them apart
/// by. An indexed Job is one kin, though each pod has an index of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Kin {
    pub(super) class: ClassIdx,
    // Rows of classes are used again; serials are not.
    serial: u64,
    // Holds as long as the ranking holds a set of the labels.
    alike: Alike,
}

impl Kin {
    /// The pod's kin, and its labels.
    pub(super) fn of(cache: &Cache, pod: PodIdx) -> Option<(Self, LabelSetIdx)> {
        let row = cache.pods().get(pod)?;
        let class = cache.classes().get(row.class)?;
        let kin = Self { class: row.class, serial: class.serial, alike: cache.alike(pod)? };
        Some((kin, row.labels))
    }

    /// Whether the class is still there.
    pub(super) fn is_alive(&self, cache: &Cache) -> bool {
        cache.classes().get(self.class).is_some_and(|class| class.serial == self.serial)
    }
}
