//! Storage that Jobs share.

use berth_engine::Object;
use berth_engine::record::{
    ClaimRecord, NodeSelector, NodeSelectorTerm, ObjectKey, Quantity, Requirement, SelectorOp,
    VolumeRecord, VolumeSource,
};

use super::cluster::{ZONE, ZONES};

/// Set once claim and volume name each other.
const COMPLETED: (&str, &str) = ("pv.kubernetes.io/bind-completed", "yes");

/// A claim of this name and its volume, which all zones but one reach.
pub fn shared_volume(namespace: &str, name: &str) -> [Object; 2] {
    let zones = (1..ZONES).map(|zone| format!("zone-{zone}").into()).collect();
    let requirement = Requirement { key: ZONE.into(), op: SelectorOp::In, values: zones };
    let term = NodeSelectorTerm { match_expressions: vec![requirement], match_fields: Vec::new() };
    let claim = ClaimRecord {
        key: ObjectKey::new(namespace, name),
        uid: format!("claim-{name}").into(),
        annotations: [COMPLETED].into_iter().collect(),
        storage_class: Some("shared".into()),
        volume_name: name.into(),
        request: Some(Quantity::from_units(1 << 30)),
        access_modes: ["ReadWriteMany".into()].into(),
        phase: "Bound".into(),
        ..ClaimRecord::default()
    };
    let volume = VolumeRecord {
        name: name.into(),
        storage_class: "shared".into(),
        capacity: Quantity::from_units(1 << 30),
        access_modes: ["ReadWriteMany".into()].into(),
        claim: Some((claim.key.clone(), claim.uid.clone())),
        node_affinity: Some(NodeSelector { terms: vec![term] }),
        phase: "Bound".into(),
        source: VolumeSource::Csi { driver: "files.example.com".into(), handle: name.into() },
        ..VolumeRecord::default()
    };
    [Object::Claim(claim), Object::Volume(volume)]
}
