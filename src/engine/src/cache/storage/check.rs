//! What holds of the ways to storage objects: each is what the objects make of it.

use std::collections::BTreeSet;
use std::fmt::Debug;

use crate::base::{HashKey, KeyedMap, PodIdx, Sweep};
use crate::cache::Cache;
use crate::cache::objects::Objects;

use super::{ClaimUsers, Groups, StorageIndex, join};

impl Objects {
    /// Looks for what is broken: tables and their index.
    pub(in crate::cache) fn check(&self, sweep: &mut Sweep) {
        let mut made = StorageIndex::new(HashKey::PUBLIC);
        for volume in self.volumes.values() {
            join(&mut made.volumes_of_class, &volume.storage_class, volume.name.clone());
        }
        for capacity in self.storage_capacities.values() {
            join(&mut made.capacities_of_class, &capacity.storage_class, capacity.key.clone());
        }
        for attachment in self.volume_attachments.values() {
            join(&mut made.attachments_on, &attachment.node, attachment.name.clone());
        }
        let index = &self.index;
        equal(&index.volumes_of_class, &made.volumes_of_class, "volumes of classes", sweep);
        equal(&index.capacities_of_class, &made.capacities_of_class, "capacities", sweep);
        equal(&index.attachments_on, &made.attachments_on, "attachments of nodes", sweep);
    }
}

fn equal<T: Ord + Debug>(is: &Groups<T>, should: &Groups<T>, what: &str, sweep: &mut Sweep) {
    let names: BTreeSet<&str> = is.keys().chain(should.keys()).map(AsRef::as_ref).collect();
    for name in names {
        sweep.equal(is.get(name), should.get(name), || format!("{what}, {name:?}"));
    }
}

impl Cache {
    /// The claims of each pod on a node know it.
    pub(in crate::cache) fn check_claim_users(&self, sweep: &mut Sweep) {
        let mut made = ClaimUsers::new(HashKey::PUBLIC);
        for (pod, _) in self.pods.iter().filter(|(_, row)| row.node != crate::model::NODE_NONE) {
            if let Some((_, class)) = self.class_of(pod) {
                made.add(pod, class);
            }
        }
        let is = &self.claim_users.by_namespace;
        sweep.equal(is.len(), made.by_namespace.len(), || "namespaces with claims".to_owned());
        for (namespace, claims) in &made.by_namespace {
            let name = self.symbols.text(*namespace);
            let none = KeyedMap::with_hasher(HashKey::PUBLIC);
            let known = is.get(namespace).unwrap_or(&none);
            sweep.equal(known.len(), claims.len(), || format!("claims in use in {name}"));
            for (claim, users) in claims {
                let sorted = |users: &[PodIdx]| {
                    let mut users = users.to_vec();
                    users.sort_unstable();
                    users
                };
                let is = known.get(claim).map_or(Vec::new(), |users| sorted(users));
                sweep.equal(is, sorted(users), || format!("users of claim {name}/{claim}"));
            }
        }
    }
}
