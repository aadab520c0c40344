//! One `Arc<PodSpec>` for all pods with equal templates, one `Arc<Owner>` for all of a controller.

use std::hash::BuildHasher;
use std::sync::Arc;

use berth_engine::record::{Owner, PodSpec};
use hashbrown::{DefaultHashBuilder, HashMap};

/// Templates per generation. A template of one container is about 0.5 kB, one with affinity and
/// ten volumes about 4 kB; two generations of 2,048 keep at most 16 MB that no pod uses any more.
/// A cluster has as many templates in use as it has workloads; where it has more than this, pods
/// of the rarer ones share among themselves only, which costs memory and nothing else.
const GENERATION_MAX: usize = 2048;

/// Controllers kept; about 250 bytes each, 0.5 MB. When full it starts anew, which costs one more
/// copy of those in use.
const OWNERS_MAX: usize = 2048;

/// A bounded cache of templates by content.
///
/// Two generations: what is asked for moves to the young one, and when that is full the old one
/// goes. So a template in use stays, one of a finished Job is gone after 2,048 others came.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    hasher: DefaultHashBuilder,
    young: HashMap<u64, Arc<PodSpec>>,
    old: HashMap<u64, Arc<PodSpec>>,
    /// Controllers by uid.
    owners: HashMap<Box<str>, Arc<Owner>>,
}

impl Templates {
    /// The shared template equal to `spec`.
    ///
    /// Keyed by hash; of two different templates with one hash the later is kept, and equality is
    /// always tested, so a collision costs sharing only.
    pub(crate) fn share(&mut self, spec: PodSpec) -> Arc<PodSpec> {
        let hash = self.hasher.hash_one(&spec);
        if let Some(shared) = self.young.get(&hash).filter(|shared| ***shared == spec) {
            return Arc::clone(shared);
        }
        let shared = match self.old.remove(&hash) {
            Some(shared) if *shared == spec => shared,
            _ => Arc::new(spec),
        };
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, Arc::clone(&shared));
        shared
    }

    /// The shared controller equal to `owner`.
    pub(crate) fn share_owner(&mut self, owner: Owner) -> Arc<Owner> {
        if let Some(shared) = self.owners.get(&owner.uid).filter(|shared| ***shared == owner) {
            return Arc::clone(shared);
        }
        if self.owners.len() >= OWNERS_MAX {
            self.owners.clear();
        }
        let shared = Arc::new(owner);
        self.owners.insert(shared.uid.clone(), Arc::clone(&shared));
        shared
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn spec(name: usize) -> PodSpec {
        PodSpec { scheduler_name: name.to_string().into(), ..PodSpec::default() }
    }

    #[test]
    fn equal_templates_are_one() {
        let mut templates = Templates::default();
        let first = templates.share(spec(1));
        assert!(Arc::ptr_eq(&first, &templates.share(spec(1))));
        assert!(!Arc::ptr_eq(&first, &templates.share(spec(2))));
    }

    #[test]
    fn a_template_in_use_outlives_the_limit_and_others_do_not() {
        let mut templates = Templates::default();
        let used = templates.share(spec(0));
        let left = Arc::downgrade(&templates.share(spec(1)));
        for other in 2..5 * GENERATION_MAX {
            templates.share(spec(other));
            assert!(Arc::ptr_eq(&used, &templates.share(spec(0))));
            assert!(templates.young.len() + templates.old.len() <= 2 * GENERATION_MAX);
        }
        assert!(left.upgrade().is_none());
    }
}
