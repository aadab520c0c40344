//! Which pods share a ranking.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::base::{ClassIdx, LabelSetIdx, PodIdx};
use crate::cache::Cache;
use crate::framework::Profile;
use crate::model::Alike;

/// What pods of one ranking have in common: who judges them, the class, and what any selector could
/// tell them apart by. An indexed Job is one kin, though each pod has an index of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Kin {
    profile: ByAddress,
    pub(super) class: ClassIdx,
    // Rows of classes are used again; serials are not.
    serial: u64,
    // Holds as long as the ranking holds a set of the labels.
    alike: Alike,
}

/// A profile, as long as the ranking holds it. Two may have one name: the one in force, and one
/// that somebody thinks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ByAddress(usize);

/// Addresses differ from run to run, and the order of a table goes by its hashes: it must not.
impl Hash for ByAddress {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Kin {
    /// The pod's kin by this profile, and its labels.
    pub(super) fn of(
        cache: &Cache,
        profile: &Arc<Profile>,
        pod: PodIdx,
    ) -> Option<(Self, LabelSetIdx)> {
        let row = cache.pods().get(pod)?;
        let class = cache.classes().get(row.class)?;
        let kin = Self {
            profile: ByAddress(Arc::as_ptr(profile).addr()),
            class: row.class,
            serial: class.serial,
            alike: cache.alike(pod)?,
        };
        Some((kin, row.labels))
    }

    /// Whether the class is still there.
    pub(super) fn is_alive(&self, cache: &Cache) -> bool {
        cache.classes().get(self.class).is_some_and(|class| class.serial == self.serial)
    }
}
