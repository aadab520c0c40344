//! Random storage: classes, volumes, claims, CSI objects, and volumes of pods.

use berth_engine::Object;
use berth_engine::record::Volume;
use berth_engine::record::{
    ClaimRecord, CsiDriverRecord, CsiNodeRecord, LabelSelector, NodeSelector, NodeSelectorTerm,
    ObjectKey, Quantity, Requirement, SelectorOp, StorageCapacityRecord, StorageClassRecord,
    VolumeAttachmentRecord, VolumeBindingMode, VolumeRecord, VolumeSource,
};

use super::scenario::Dice;

const CLAIMS: usize = 4;
const VOLUMES: usize = 6;
const ZONE: &str = "topology.kubernetes.io/zone";
const COMPLETED: (&str, &str) = ("pv.kubernetes.io/bind-completed", "yes");

/// Volumes of a template; a pod of three has one.
pub(crate) fn volumes(dice: &mut Dice) -> Vec<Volume> {
    dice.some(2, 20, |dice, _| match dice.below(5) {
        0 => Volume::GcePersistentDisk {
            name: dice.one("volume", 2).into(),
            read_only: dice.chance(50),
        },
        1 => Volume::Csi { driver: dice.one("driver", 2).into() },
        _ => claim_volume(dice),
    })
}

/// A volume that goes by a claim.
pub(crate) fn claim_volume(dice: &mut Dice) -> Volume {
    Volume::Claim { name: dice.one("claim", CLAIMS).into(), read_only: false }
}

/// Storage objects for a cluster of so many nodes.
pub(crate) fn objects(dice: &mut Dice, nodes: usize) -> Vec<Object> {
    let mut objects = Vec::new();
    objects.extend(dice.some(2, 90, |dice, at| Object::StorageClass(class(dice, at))));
    let mut free: Vec<usize> = (0..VOLUMES).collect();
    for space in 0..3 {
        for at in 0..CLAIMS {
            if dice.chance(80) {
                let bound = if dice.chance(50) { free.pop() } else { None };
                let claim = claim(dice, space, at, bound);
                if let Some(volume) = bound {
                    objects.push(Object::Volume(volume_of(dice, volume, Some(&claim))));
                }
                objects.push(Object::Claim(claim));
            }
        }
    }
    objects.extend(free.into_iter().map(|at| Object::Volume(volume_of(dice, at, None))));
    objects.extend(dice.some(2, 60, |dice, at| {
        Object::CsiDriver(CsiDriverRecord {
            name: dice.name("driver", at).into(),
            storage_capacity: dice.chance(30),
            prevent_if_missing: dice.chance(30),
        })
    }));
    objects.extend(dice.some(nodes, 70, |dice, at| {
        Object::CsiNode(CsiNodeRecord {
            name: dice.name("node", at).into(),
            drivers: dice.some(2, 80, |dice, at| {
                let limit = if dice.chance(50) { Some(dice.pick(&[1, 2, 5])) } else { None };
                (dice.name("driver", at).into(), limit)
            }),
            migrated_plugins: Box::default(),
        })
    }));
    objects.extend(dice.some(3, 50, |dice, at| {
        let zone = dice.one("zone", 3);
        Object::StorageCapacity(StorageCapacityRecord {
            key: ObjectKey::new("kube-system", &format!("capacity-{at}")),
            storage_class: dice.one("class", 2).into(),
            topology: dice.chance(80).then(|| LabelSelector {
                match_labels: [(ZONE, zone.as_str())].into_iter().collect(),
                match_expressions: Vec::new(),
            }),
            capacity: Some(Quantity::from_units(dice.pick(&[1, 100]) << 30)),
            maximum_volume_size: None,
        })
    }));
    objects.extend(dice.some(2, 40, |dice, at| {
        Object::VolumeAttachment(VolumeAttachmentRecord {
            name: format!("attachment-{at}").into(),
            attacher: dice.one("driver", 2).into(),
            node: dice.one("node", nodes).into(),
            volume: Some(dice.one("volume", VOLUMES).into()),
        })
    }));
    objects
}

fn class(dice: &mut Dice, at: usize) -> StorageClassRecord {
    StorageClassRecord {
        name: dice.name("class", at).into(),
        provisioner: if dice.chance(30) {
            "kubernetes.io/no-provisioner".into()
        } else {
            dice.one("driver", 2).into()
        },
        binding_mode: Some(if dice.chance(70) {
            VolumeBindingMode::WaitForFirstConsumer
        } else {
            VolumeBindingMode::Immediate
        }),
        allowed_topologies: NodeSelector { terms: dice.some(1, 20, |dice, _| in_zone(dice)) },
        is_default: false,
    }
}

fn in_zone(dice: &mut Dice) -> NodeSelectorTerm {
    let zones = [dice.one("zone", 3).into(), dice.one("zone", 3).into()];
    NodeSelectorTerm {
        match_expressions: vec![Requirement {
            key: ZONE.into(),
            op: SelectorOp::In,
            values: zones.into(),
        }],
        match_fields: Vec::new(),
    }
}

fn claim(dice: &mut Dice, space: usize, at: usize, bound: Option<usize>) -> ClaimRecord {
    let name = dice.name("claim", at);
    ClaimRecord {
        key: ObjectKey::new(&dice.name("space", space), &name),
        uid: format!("claim-uid-{space}-{at}").into(),
        annotations: bound.map(|_| COMPLETED).into_iter().collect(),
        storage_class: Some(dice.one("class", 2).into()),
        volume_name: bound.map(|at| dice.name("volume", at)).unwrap_or_default().into(),
        request: Some(Quantity::from_units(dice.pick(&[1, 10]) << 30)),
        access_modes: [dice.pick(&["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"]).into()]
            .into(),
        phase: if bound.is_some() { "Bound" } else { "Pending" }.into(),
        terminating: dice.chance(3),
        ..ClaimRecord::default()
    }
}

fn volume_of(dice: &mut Dice, at: usize, claim: Option<&ClaimRecord>) -> VolumeRecord {
    let name = dice.name("volume", at);
    let labels = dice.some(1, 30, |dice, _| (ZONE, dice.one("zone", 3)));
    VolumeRecord {
        labels: labels.into_iter().collect(),
        storage_class: claim
            .and_then(|c| c.storage_class.clone())
            .unwrap_or_else(|| dice.one("class", 2).into()),
        capacity: Quantity::from_units(dice.pick(&[1, 10, 20]) << 30),
        access_modes: ["ReadWriteOnce".into(), "ReadWriteMany".into(), "ReadWriteOncePod".into()]
            .into(),
        claim: claim.map(|c| (c.key.clone(), c.uid.clone())),
        node_affinity: dice.chance(40).then(|| NodeSelector { terms: vec![in_zone(dice)] }),
        phase: if claim.is_some() { "Bound" } else { "Available" }.into(),
        source: VolumeSource::Csi {
            driver: dice.one("driver", 2).into(),
            handle: format!("handle-{at}").into(),
        },
        name: name.into(),
        ..VolumeRecord::default()
    }
}
