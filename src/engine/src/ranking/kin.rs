//! Which pods share a ranking.

use smallvec::SmallVec;

use crate::base::{ClassIdx, LabelSetIdx, PodIdx, Sym};
use crate::cache::{Cache, SelectingOwner};

/// What pods of one ranking have in common: the class, the controller where that selects pods, and
/// the values of those labels that some selector in the cluster asks for. All other labels may
/// differ: an indexed Job is one kin, though each pod has an index of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Kin {
    pub(super) class: ClassIdx,
    // Rows of classes are used again; serials are not.
    serial: u64,
    // Keys and the numbers of their values, which hold as long as the ranking holds a set of them.
    labels: SmallVec<[(Sym, u32); 4]>,
    owner: Option<SelectingOwner>,
}

impl Kin {
    /// The pod's kin, and its labels.
    pub(super) fn of(cache: &Cache, pod: PodIdx) -> Option<(Self, LabelSetIdx)> {
        let row = cache.pods().get(pod)?;
        let class = cache.classes().get(row.class)?;
        let selected = cache.classes().selected();
        let pairs = cache.labels().pairs(row.labels).iter().copied();
        let kin = Self {
            class: row.class,
            serial: class.serial,
            labels: pairs.filter(|(key, _)| selected.contains(key)).collect(),
            owner: cache.pending(pod).and_then(|p| p.owner.clone()),
        };
        Some((kin, row.labels))
    }

    /// Whether the class is still there.
    pub(super) fn is_alive(&self, cache: &Cache) -> bool {
        cache.classes().get(self.class).is_some_and(|class| class.serial == self.serial)
    }
}
