//! Ways to storage objects that a cycle needs besides their names.

mod check;

use std::hash::{Hash, Hasher};

use hashbrown::Equivalent;
use smallvec::SmallVec;

use crate::base::{HashKey, NodeIdx, PagedMap, PodIdx, SortedMap, Sym, internal_error};
use crate::model::Class;
use crate::object::{Change, Object};
use crate::record::{
    ClaimRecord, CsiDriverRecord, CsiNodeRecord, ObjectKey, StorageCapacityRecord,
    StorageClassRecord, Volume, VolumeAttachmentRecord, VolumeRecord,
};

use super::Objects;
use crate::cache::Cache;

/// Names by what they have in common, in the order of the names: what is looked for is then found
/// in one order, where kube-scheduler's informers list in a random one. Costs a copy of the name,
/// about 80 bytes an object.
#[derive(Debug, Clone, Default)]
pub(in crate::cache) struct StorageIndex {
    volumes_of_class: Groups<Box<str>>,
    capacities_of_class: Groups<ObjectKey>,
    attachments_on: Groups<Box<str>>,
}

/// By the group's name, then by the member's.
type Groups<T> = SortedMap<(Box<str>, T), ()>;

impl StorageIndex {
    /// Pages that a snapshot has as well.
    pub(in crate::cache) fn shared_pages(&self) -> usize {
        let by_class =
            self.volumes_of_class.shared_pages() + self.capacities_of_class.shared_pages();
        by_class + self.attachments_on.shared_pages()
    }
}

/// A key to look up by, without strings of its own. Hashes as [`ObjectKey`] does.
struct KeyRef<'a>(&'a str, &'a str);

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl Equivalent<ObjectKey> for KeyRef<'_> {
    fn equivalent(&self, key: &ObjectKey) -> bool {
        key.namespace.as_ref() == self.0 && key.name.as_ref() == self.1
    }
}

impl Objects {
    /// The claim `namespace`/`name`.
    pub fn claim(&self, namespace: &str, name: &str) -> Option<&ClaimRecord> {
        self.claims.get(&KeyRef(namespace, name))
    }

    /// The PersistentVolume.
    pub fn volume(&self, name: &str) -> Option<&VolumeRecord> {
        self.volumes.get(&KeyRef("", name))
    }

    /// The storage class.
    pub fn storage_class(&self, name: &str) -> Option<&StorageClassRecord> {
        self.storage_classes.get(&KeyRef("", name))
    }

    /// What CSI says of the node.
    pub fn csi_node(&self, node: &str) -> Option<&CsiNodeRecord> {
        self.csi_nodes.get(&KeyRef("", node))
    }

    /// The CSI driver.
    pub fn csi_driver(&self, name: &str) -> Option<&CsiDriverRecord> {
        self.csi_drivers.get(&KeyRef("", name))
    }

    /// The PersistentVolumes of a storage class, by name.
    pub fn volumes_of_class(&self, class: &str) -> impl Iterator<Item = &VolumeRecord> {
        let names = members(&self.index.volumes_of_class, class);
        names.filter_map(|name| self.volume(name))
    }

    /// The CSIStorageCapacities of a storage class, by namespace and name.
    pub fn capacities_of_class(&self, class: &str) -> impl Iterator<Item = &StorageCapacityRecord> {
        let keys = members(&self.index.capacities_of_class, class);
        keys.filter_map(|key| self.storage_capacities.get(key))
    }

    /// The VolumeAttachments of a node, by name.
    pub fn attachments_on(&self, node: &str) -> impl Iterator<Item = &VolumeAttachmentRecord> {
        let names = members(&self.index.attachments_on, node);
        names.filter_map(|name| self.volume_attachments.get(&KeyRef("", name)))
    }

    /// Takes the object as it was out of the index.
    pub(in crate::cache) fn unfile(&mut self, object: &Object, key: &ObjectKey) {
        let index = &mut self.index;
        match object {
            Object::Volume(_) => {
                if let Some(old) = self.volumes.get(key) {
                    leave(&mut index.volumes_of_class, &old.storage_class, &old.name);
                }
            }
            Object::StorageCapacity(_) => {
                if let Some(old) = self.storage_capacities.get(key) {
                    leave(&mut index.capacities_of_class, &old.storage_class, &old.key);
                }
            }
            Object::VolumeAttachment(_) => {
                if let Some(old) = self.volume_attachments.get(key) {
                    leave(&mut index.attachments_on, &old.node, &old.name);
                }
            }
            _ => {}
        }
    }

    /// Enters the object as it is now into the index.
    pub(in crate::cache) fn file(&mut self, object: &Object, change: Change) {
        if change == Change::Deleted {
            return;
        }
        let index = &mut self.index;
        match object {
            Object::Volume(new) => {
                join(&mut index.volumes_of_class, &new.storage_class, new.name.clone());
            }
            Object::StorageCapacity(new) => {
                join(&mut index.capacities_of_class, &new.storage_class, new.key.clone());
            }
            Object::VolumeAttachment(new) => {
                join(&mut index.attachments_on, &new.node, new.name.clone());
            }
            _ => {}
        }
    }
}

/// The members of a group, in order; no name is before that of the default.
fn members<'a, T: Ord + Default>(
    groups: &'a Groups<T>,
    group: &str,
) -> impl Iterator<Item = &'a T> {
    let first = (Box::from(group), T::default());
    let from = groups.range_from(&first);
    let (group, _) = first;
    from.take_while(move |((of, _), ())| *of == group).map(|((_, member), ())| member)
}

fn join<T: Ord + Clone>(groups: &mut Groups<T>, group: &str, member: T) {
    groups.insert((group.into(), member), ());
}

fn leave<T: Ord + Clone>(groups: &mut Groups<T>, group: &str, member: &T) {
    groups.remove(&(Box::from(group), member.clone()));
}

/// The pods on nodes that mount each claim. Only pods with claims are entered: about 80 bytes each.
#[derive(Debug, Clone)]
pub(in crate::cache) struct ClaimUsers {
    users: PagedMap<ClaimName, SmallVec<[PodIdx; 2]>>,
}

/// A claim by its namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ClaimName(Sym, Box<str>);

/// As [`ClaimName`], to look up by.
struct ClaimRef<'a>(Sym, &'a str);

impl Hash for ClaimRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl Equivalent<ClaimName> for ClaimRef<'_> {
    fn equivalent(&self, name: &ClaimName) -> bool {
        name.0 == self.0 && name.1.as_ref() == self.1
    }
}

fn claims(class: &Class) -> impl Iterator<Item = &str> {
    class.spec.volumes.iter().filter_map(|volume| match volume {
        Volume::Claim { name, .. } => Some(name.as_ref()),
        _ => None,
    })
}

impl ClaimUsers {
    pub(in crate::cache) fn new(key: HashKey) -> Self {
        Self { users: PagedMap::with_hasher(key) }
    }

    pub(in crate::cache) fn add(&mut self, pod: PodIdx, class: &Class) {
        for claim in claims(class) {
            match self.users.get_mut(&ClaimRef(class.namespace, claim)) {
                Some(users) => users.push(pod),
                None => {
                    let name = ClaimName(class.namespace, claim.into());
                    self.users.insert(name, [pod].into_iter().collect());
                }
            }
        }
    }

    pub(in crate::cache) fn remove(&mut self, pod: PodIdx, class: &Class) {
        for claim in claims(class) {
            let name = ClaimRef(class.namespace, claim);
            let Some(users) = self.users.get_mut(&name) else {
                internal_error(format_args!("pod {pod:?} leaves claim {claim}, which has no user"));
                continue;
            };
            if let Some(at) = users.iter().position(|user| *user == pod) {
                users.swap_remove(at);
            }
            if users.is_empty() {
                self.users.remove(&name);
            }
        }
    }

    fn of(&self, namespace: Sym, claim: &str) -> &[PodIdx] {
        self.users.get(&ClaimRef(namespace, claim)).map_or(&[], SmallVec::as_slice)
    }

    /// Pages that a snapshot has as well.
    pub(in crate::cache) fn shared_pages(&self) -> usize {
        self.users.shared_pages()
    }
}

impl Cache {
    /// The nodes that a VolumeAttachment is about, as it is and as it was.
    pub(in crate::cache) fn attached_nodes(
        &self,
        object: &Object,
        key: &ObjectKey,
    ) -> SmallVec<[NodeIdx; 2]> {
        let Object::VolumeAttachment(new) = object else { return SmallVec::new() };
        let old = self.objects.volume_attachments.get(key);
        let names = old.into_iter().chain([new]).map(|attachment| attachment.node.as_ref());
        let mut nodes: SmallVec<[NodeIdx; 2]> =
            names.filter_map(|name| self.nodes.find(self.symbols.get(name)?)).collect();
        nodes.dedup();
        nodes
    }

    /// Whether a pod on a live node, an assumed one included, mounts the claim
    /// (`StorageInfoLister.IsPVCUsedByPods`).
    pub fn is_claim_used(&self, namespace: Sym, claim: &str) -> bool {
        let on_live = |pod: &PodIdx| {
            self.pods.get(*pod).is_some_and(|row| self.nodes.live().contains(row.node))
        };
        self.claim_users.of(namespace, claim).iter().any(on_live)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::record::{NodeRecord, PodRecord, PodSpec};

    fn volume(name: &str, class: &str) -> Object {
        let (name, storage_class) = (name.into(), class.into());
        Object::Volume(VolumeRecord { name, storage_class, ..VolumeRecord::default() })
    }

    #[test]
    fn volumes_are_found_by_their_class_of_now() {
        let mut cache = Cache::default();
        let names = |cache: &Cache, class| {
            let volumes = cache.objects().volumes_of_class(class);
            volumes.map(|v| v.name.as_ref().to_owned()).collect::<Vec<_>>().join(" ")
        };
        for (name, class) in [("b", "fast"), ("a", "fast"), ("c", "slow"), ("b", "fast")] {
            cache.apply_object(&volume(name, class), Change::Applied);
        }
        assert_eq!((names(&cache, "fast"), names(&cache, "slow")), ("a b".into(), "c".into()));
        cache.apply_object(&volume("b", "slow"), Change::Applied);
        assert_eq!((names(&cache, "fast"), names(&cache, "slow")), ("a".into(), "b c".into()));
        cache.apply_object(&volume("a", "fast"), Change::Deleted);
        cache.apply_object(&volume("x", "slow"), Change::Deleted);
        assert_eq!((names(&cache, "fast"), names(&cache, "slow")), (String::new(), "b c".into()));
        assert_eq!(cache.objects.index.volumes_of_class.len(), 2);
    }

    #[test]
    fn a_claim_is_used_while_a_pod_with_it_is_on_a_live_node() {
        let mut cache = Cache::default();
        let node = Arc::new(NodeRecord { name: "n".into(), ..NodeRecord::default() });
        cache.apply_node(&node);
        let claim = |name: &str| Volume::Claim { name: name.into(), read_only: false };
        let volumes = vec![claim("data"), claim("data"), claim("logs")];
        let spec = Arc::new(PodSpec { volumes, ..PodSpec::default() });
        let mut pod = PodRecord::new("default", "p", "p", spec);
        cache.apply_pod(&pod);
        let namespace = cache.symbols().get("default").unwrap();
        let used = |cache: &Cache| ["data", "logs"].map(|c| cache.is_claim_used(namespace, c));
        assert_eq!(used(&cache), [false; 2]);
        pod.node_name = Some("n".into());
        cache.apply_pod(&pod);
        assert_eq!(used(&cache), [true; 2]);
        cache.delete_node("n");
        assert_eq!(used(&cache), [false; 2]);
        cache.apply_node(&node);
        assert_eq!(used(&cache), [true; 2]);
        assert!(!cache.is_claim_used(Sym::NONE, "data"));
        cache.delete_pod("p");
        assert!(cache.claim_users.users.is_empty());
    }
}
