//! The objects besides pods and nodes, as they are.

use std::collections::BTreeMap;

use crate::base::{HashKey, KeyedMap};
use crate::framework::{Action, Reads, Resource};
use crate::input::{Change, Object};
use crate::record::{
    ClaimRecord, CsiDriverRecord, CsiNodeRecord, DisruptionBudgetRecord, NamespaceRecord,
    ObjectKey, SelectorOwnerRecord, StorageCapacityRecord, StorageClassRecord,
    VolumeAttachmentRecord, VolumeRecord,
};

use super::storage::StorageIndex;
use super::{Cache, Changed, ChangedObject};

type Table<T> = KeyedMap<ObjectKey, T>;

/// Services by namespace and name: plugins ask for those of one namespace.
pub type Services = BTreeMap<ObjectKey, SelectorOwnerRecord>;

/// Tables by namespace and name. Plugins look objects up; nothing iterates a table to make an
/// order.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Objects {
    pub namespaces: Table<NamespaceRecord>,
    pub services: Services,
    pub replication_controllers: Table<SelectorOwnerRecord>,
    pub replica_sets: Table<SelectorOwnerRecord>,
    pub stateful_sets: Table<SelectorOwnerRecord>,
    pub disruption_budgets: Table<DisruptionBudgetRecord>,
    pub volumes: Table<VolumeRecord>,
    pub claims: Table<ClaimRecord>,
    pub storage_classes: Table<StorageClassRecord>,
    pub csi_nodes: Table<CsiNodeRecord>,
    pub csi_drivers: Table<CsiDriverRecord>,
    pub storage_capacities: Table<StorageCapacityRecord>,
    pub volume_attachments: Table<VolumeAttachmentRecord>,
    pub(super) index: StorageIndex,
}

impl Object {
    /// Namespace and name.
    pub fn key(&self) -> ObjectKey {
        match self {
            Self::Namespace(o) => ObjectKey::cluster(&o.name),
            Self::Service(o)
            | Self::ReplicationController(o)
            | Self::ReplicaSet(o)
            | Self::StatefulSet(o) => o.key.clone(),
            Self::DisruptionBudget(o) => o.key.clone(),
            Self::Volume(o) => ObjectKey::cluster(&o.name),
            Self::Claim(o) => o.key.clone(),
            Self::StorageClass(o) => ObjectKey::cluster(&o.name),
            Self::CsiNode(o) => ObjectKey::cluster(&o.name),
            Self::CsiDriver(o) => ObjectKey::cluster(&o.name),
            Self::StorageCapacity(o) => o.key.clone(),
            Self::VolumeAttachment(o) => ObjectKey::cluster(&o.name),
        }
    }

    fn kind(&self) -> (Reads, Resource) {
        match self {
            Self::Namespace(_) => (Reads::NAMESPACES, Resource::Other),
            Self::Service(_)
            | Self::ReplicationController(_)
            | Self::ReplicaSet(_)
            | Self::StatefulSet(_) => (Reads::SELECTOR_OWNERS, Resource::Other),
            Self::DisruptionBudget(_) => (Reads::DISRUPTION_BUDGETS, Resource::Other),
            Self::Volume(_) => (Reads::VOLUMES, Resource::PersistentVolume),
            Self::Claim(_) => (Reads::CLAIMS, Resource::PersistentVolumeClaim),
            Self::StorageClass(_) => (Reads::STORAGE_CLASSES, Resource::StorageClass),
            Self::CsiNode(_) => (Reads::CSI_NODES, Resource::CsiNode),
            Self::CsiDriver(_) => (Reads::CSI_DRIVERS, Resource::CsiDriver),
            Self::StorageCapacity(_) => (Reads::STORAGE_CAPACITIES, Resource::CsiStorageCapacity),
            Self::VolumeAttachment(_) => (Reads::VOLUME_ATTACHMENTS, Resource::VolumeAttachment),
        }
    }
}

impl Objects {
    /// No objects; their names are hashed by `key`.
    pub(super) fn new(key: HashKey) -> Self {
        Self {
            namespaces: Table::with_hasher(key),
            services: Services::new(),
            replication_controllers: Table::with_hasher(key),
            replica_sets: Table::with_hasher(key),
            stateful_sets: Table::with_hasher(key),
            disruption_budgets: Table::with_hasher(key),
            volumes: Table::with_hasher(key),
            claims: Table::with_hasher(key),
            storage_classes: Table::with_hasher(key),
            csi_nodes: Table::with_hasher(key),
            csi_drivers: Table::with_hasher(key),
            storage_capacities: Table::with_hasher(key),
            volume_attachments: Table::with_hasher(key),
            index: StorageIndex::new(key),
        }
    }

    /// Whether there is none of any kind.
    pub(super) fn is_empty(&self) -> bool {
        self.namespaces.is_empty()
            && self.services.is_empty()
            && self.replication_controllers.is_empty()
            && self.replica_sets.is_empty()
            && self.stateful_sets.is_empty()
            && self.disruption_budgets.is_empty()
            && self.volumes.is_empty()
            && self.claims.is_empty()
            && self.storage_classes.is_empty()
            && self.csi_nodes.is_empty()
            && self.csi_drivers.is_empty()
            && self.storage_capacities.is_empty()
            && self.volume_attachments.is_empty()
    }

    /// The services of a namespace.
    pub fn services_in<'a>(
        &'a self,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a SelectorOwnerRecord> {
        let from = self.services.range(ObjectKey::new(namespace, "")..);
        let own = from.take_while(move |(key, _)| key.namespace.as_ref() == namespace);
        own.map(|(_, service)| service)
    }
}

/// What happens to an object by this change; nothing where it is as it was.
fn action<T: PartialEq>(old: Option<&T>, object: &T, change: Change) -> Action {
    match (change, old) {
        (Change::Deleted, None) => Action::NONE,
        (Change::Deleted, Some(_)) => Action::DELETE,
        (Change::Applied, Some(old)) if old == object => Action::NONE,
        (Change::Applied, Some(_)) => Action::UPDATE,
        (Change::Applied, None) => Action::ADD,
    }
}

/// Writes one service.
fn write_service(
    services: &mut Services,
    key: ObjectKey,
    service: &SelectorOwnerRecord,
    change: Change,
) -> Action {
    let action = action(services.get(&key), service, change);
    match action {
        Action::NONE => {}
        Action::DELETE => drop(services.remove(&key)),
        _ => drop(services.insert(key, service.clone())),
    }
    action
}

/// Writes one object; what happened to it, or nothing where it is as it was.
fn write<T: PartialEq + Clone>(
    table: &mut Table<T>,
    key: ObjectKey,
    object: &T,
    change: Change,
) -> Action {
    let action = action(table.get(&key), object, change);
    match action {
        Action::NONE => {}
        Action::DELETE => drop(table.remove(&key)),
        _ => drop(table.insert(key, object.clone())),
    }
    action
}

impl Cache {
    /// An object other than a pod or node was added, changed or deleted. Returns false where it is
    /// as it was.
    pub fn apply_object(&mut self, object: &Object, change: Change) -> bool {
        let key = object.key();
        let attached = self.attached_nodes(object, &key);
        let t = &mut self.objects;
        t.unfile(object, &key);
        let actions = match object {
            Object::Namespace(o) => write(&mut t.namespaces, key, o, change),
            Object::Service(o) => write_service(&mut t.services, key, o, change),
            Object::ReplicationController(o) => {
                write(&mut t.replication_controllers, key, o, change)
            }
            Object::ReplicaSet(o) => write(&mut t.replica_sets, key, o, change),
            Object::StatefulSet(o) => write(&mut t.stateful_sets, key, o, change),
            Object::DisruptionBudget(o) => write(&mut t.disruption_budgets, key, o, change),
            Object::Volume(o) => write(&mut t.volumes, key, o, change),
            Object::Claim(o) => write(&mut t.claims, key, o, change),
            Object::StorageClass(o) => write(&mut t.storage_classes, key, o, change),
            Object::CsiNode(o) => write(&mut t.csi_nodes, key, o, change),
            Object::CsiDriver(o) => write(&mut t.csi_drivers, key, o, change),
            Object::StorageCapacity(o) => write(&mut t.storage_capacities, key, o, change),
            Object::VolumeAttachment(o) => write(&mut t.volume_attachments, key, o, change),
        };
        self.objects.file(object, change);
        if actions.is_empty() {
            return false;
        }
        self.holds.drop_of(object);
        let (reads, resource) = object.kind();
        self.log_world(object, reads);
        for node in attached {
            self.log_node(node, reads, None);
        }
        self.changes.push(Changed {
            reads,
            node: None,
            resource,
            actions,
            object: ChangedObject::Other(Box::new(object.clone())),
        });
        true
    }
}
