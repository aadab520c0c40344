//! Objects that have nothing to do with the pods of a scenario.

use std::sync::Arc;

use berth_engine::record::{
    ClaimRecord, CsiDriverRecord, CsiNodeRecord, DisruptionBudgetRecord, LabelSelector,
    NamespaceRecord, ObjectKey, PodSpec, Quantity, SelectorOwnerRecord, StorageCapacityRecord,
    StorageClassRecord, VolumeAttachmentRecord, VolumeRecord,
};
use berth_engine::{Change, Input, Object};

use super::scenario::Scenario;

/// One of each kind, with what it is.
pub(crate) fn inputs(scenario: &Scenario) -> Vec<(&'static str, Input)> {
    let mut foreign = scenario.pending[0].clone();
    let mut spec = PodSpec::clone(&foreign.spec);
    spec.scheduler_name = "another".into();
    foreign.spec = Arc::new(spec);
    foreign.uid = "foreign-uid".into();
    let mut twin = scenario.pending[0].clone();
    twin.uid = "twin-uid".into();
    let pods = [("a pod of another scheduler", foreign), ("a pod that waits as well", twin)];
    let applied = |(what, object)| (what, Input::Object(Box::new(object), Change::Applied));
    let objects = selecting().into_iter().chain(storage()).chain(csi(&scenario.nodes[0].name));
    objects
        .map(applied)
        .chain(pods.map(|(what, pod)| (what, Input::PodApplied(Box::new(pod)))))
        .collect()
}

fn elsewhere() -> ObjectKey {
    ObjectKey::new("elsewhere", "unused")
}

fn selecting() -> Vec<(&'static str, Object)> {
    let owner = || SelectorOwnerRecord {
        key: elsewhere(),
        uid: "unused".into(),
        selector: Some(LabelSelector::default()),
    };
    let namespace = NamespaceRecord { name: "elsewhere".into(), ..NamespaceRecord::default() };
    let budget = DisruptionBudgetRecord {
        key: elsewhere(),
        selector: Some(LabelSelector::default()),
        ..DisruptionBudgetRecord::default()
    };
    vec![
        ("a namespace without pods", Object::Namespace(namespace)),
        ("another namespace's Service", Object::Service(owner())),
        ("another namespace's ReplicationController", Object::ReplicationController(owner())),
        ("another namespace's ReplicaSet", Object::ReplicaSet(owner())),
        ("another namespace's StatefulSet", Object::StatefulSet(owner())),
        ("a disruption budget", Object::DisruptionBudget(budget)),
    ]
}

fn storage() -> Vec<(&'static str, Object)> {
    let volume = VolumeRecord {
        name: "unused".into(),
        storage_class: "unused".into(),
        capacity: Quantity::from_units(1 << 40),
        phase: "Available".into(),
        ..VolumeRecord::default()
    };
    let claim = ClaimRecord {
        key: elsewhere(),
        uid: "unused".into(),
        storage_class: Some("unused".into()),
        ..ClaimRecord::default()
    };
    let class = StorageClassRecord {
        name: "unused".into(),
        provisioner: "unused".into(),
        ..StorageClassRecord::default()
    };
    let capacity = StorageCapacityRecord {
        key: elsewhere(),
        storage_class: "unused".into(),
        topology: Some(LabelSelector::default()),
        ..StorageCapacityRecord::default()
    };
    vec![
        ("a volume of no class that is used", Object::Volume(volume)),
        ("another namespace's claim", Object::Claim(claim)),
        ("a class without claims", Object::StorageClass(class)),
        ("capacity of no class that is used", Object::StorageCapacity(capacity)),
    ]
}

fn csi(node: &str) -> Vec<(&'static str, Object)> {
    let driver =
        CsiDriverRecord { name: "unused".into(), storage_capacity: true, prevent_if_missing: true };
    let csi_node = CsiNodeRecord {
        name: "nowhere".into(),
        drivers: vec![("unused".into(), Some(0))],
        ..CsiNodeRecord::default()
    };
    let attachment = VolumeAttachmentRecord {
        name: "unused".into(),
        attacher: "unused".into(),
        node: node.into(),
        volume: None,
    };
    vec![
        ("a driver without volumes", Object::CsiDriver(driver)),
        ("a CSINode without node", Object::CsiNode(csi_node)),
        ("an attachment of no driver that is used", Object::VolumeAttachment(attachment)),
    ]
}

/// What tells an object from all others.
pub(crate) fn key(object: &Object) -> (std::mem::Discriminant<Object>, ObjectKey) {
    let key = match object {
        Object::Namespace(o) => ObjectKey::cluster(&o.name),
        Object::Service(o)
        | Object::ReplicationController(o)
        | Object::ReplicaSet(o)
        | Object::StatefulSet(o) => o.key.clone(),
        Object::DisruptionBudget(o) => o.key.clone(),
        Object::Volume(o) => ObjectKey::cluster(&o.name),
        Object::Claim(o) => o.key.clone(),
        Object::StorageClass(o) => ObjectKey::cluster(&o.name),
        Object::CsiNode(o) => ObjectKey::cluster(&o.name),
        Object::CsiDriver(o) => ObjectKey::cluster(&o.name),
        Object::StorageCapacity(o) => o.key.clone(),
        Object::VolumeAttachment(o) => ObjectKey::cluster(&o.name),
    };
    (std::mem::discriminant(object), key)
}

/// That it is gone.
pub(crate) fn deleted(object: &Object) -> Input {
    Input::Object(Box::new(object.clone()), Change::Deleted)
}
