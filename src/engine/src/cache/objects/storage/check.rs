//! What holds of the ways to storage objects: each is what the objects make of it.

use std::fmt::Debug;

use crate::base::{HashKey, PodIdx, Sweep};
use crate::cache::Cache;
use crate::cache::objects::Objects;

use super::{ClaimUsers, Groups, StorageIndex, join};

impl Objects {
    /// Looks for what is broken: tables and their index.
    pub(in crate::cache) fn check(&self, sweep: &mut Sweep) {
        let mut made = StorageIndex::default();
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
    let all = |groups: &Groups<T>| -> Vec<String> {
        groups.iter().map(|(key, ())| format!("{key:?}")).collect()
    };
    sweep.equal(all(is), all(should), || what.to_owned());
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
        let is = &self.claim_users.users;
        sweep.equal(is.len(), made.users.len(), || "claims in use".to_owned());
        let sorted = |users: &[PodIdx]| {
            let mut users = users.to_vec();
            users.sort_unstable();
            users
        };
        for (name, users) in made.users.iter() {
            let is = is.get(name).map_or(Vec::new(), |users| sorted(users));
            let what = || format!("users of claim {}/{}", self.symbols.text(name.0), name.1);
            sweep.equal(is, sorted(users), what);
        }
    }
}
