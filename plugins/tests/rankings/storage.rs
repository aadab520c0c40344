//! Pods that mount a claim which is bound: storage that changes calls for a new look.

use std::sync::Arc;

use berth_engine::record::{
    Affinity, ClaimRecord, CsiNodeRecord, NodeSelector, NodeSelectorTerm, ObjectKey, PodSpec,
    Requirement, SelectorOp, VolumeAttachmentRecord, VolumeRecord, VolumeSource,
};
use berth_engine::{Change, Input, Object};

use super::cluster::{Cluster, applied, node, pod, template};
use super::twins::Twins;

const ZONE: &str = "topology.kubernetes.io/zone";
const DRIVER: &str = "files.example.com";
const COMPLETED: (&str, &str) = ("pv.kubernetes.io/bind-completed", "yes");

fn there(object: Object) -> Input {
    Input::Object(Box::new(object), Change::Applied)
}

fn gone(object: Object) -> Input {
    Input::Object(Box::new(object), Change::Deleted)
}

/// A volume of this name, where it is of a zone in that, and bound to a claim of the same name.
fn volume(name: &str, zone: Option<&str>) -> [Input; 2] {
    let key = ObjectKey::new("default", name);
    let in_zone = |zone: &str| NodeSelectorTerm {
        match_expressions: vec![Requirement {
            key: ZONE.into(),
            op: SelectorOp::In,
            values: [zone.into()].into(),
        }],
        match_fields: Vec::new(),
    };
    let claim = ClaimRecord {
        key: key.clone(),
        uid: name.into(),
        annotations: [COMPLETED].into_iter().collect(),
        volume_name: name.into(),
        access_modes: ["ReadWriteMany".into()].into(),
        phase: "Bound".into(),
        ..ClaimRecord::default()
    };
    let volume = VolumeRecord {
        name: name.into(),
        claim: Some((key, name.into())),
        node_affinity: zone.map(|zone| NodeSelector { terms: vec![in_zone(zone)] }),
        phase: "Bound".into(),
        source: VolumeSource::Csi { driver: DRIVER.into(), handle: name.into() },
        ..VolumeRecord::default()
    };
    [there(Object::Claim(claim)), there(Object::Volume(volume))]
}

fn mounting(claim: &str) -> Arc<PodSpec> {
    let mut spec = (*template(Affinity::default())).clone();
    let volume = berth_engine::record::Volume::Claim { name: claim.into(), read_only: false };
    spec.volumes = vec![volume];
    Arc::new(spec)
}

/// One volume may be attached to the large node, and another one is, until it is detached.
#[test]
fn an_attachment_goes() {
    let spec = mounting("data");
    let app = |name: &str| applied(pod(name, &spec, ""));
    let attachment = Object::VolumeAttachment(VolumeAttachmentRecord {
        name: "attached".into(),
        attacher: DRIVER.into(),
        node: "large".into(),
        volume: Some("other".into()),
    });
    let limits = Object::CsiNode(CsiNodeRecord {
        name: "large".into(),
        drivers: vec![(DRIVER.into(), Some(1))],
        migrated_plugins: Box::default(),
    });
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live([node("large", 64, ""), node("small", 4, ""), there(limits)]);
    cluster.live(volume("data", None).into_iter().chain(volume("other", None)));
    cluster.live([there(attachment.clone())]);
    assert_eq!(cluster.live([app("app-0")]), [["app-0", "small"]]);
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    assert_eq!(cluster.live([gone(attachment), app("app-1")]), [["app-1", "large"]]);
}

/// The volume's zone is one that no node had.
#[test]
fn the_zone_of_a_volume_comes_with_a_node() {
    let spec = mounting("data");
    let app = |name: &str| applied(pod(name, &spec, ""));
    let mut cluster = Cluster::new(Twins::new(1, None));
    cluster.live([node("large", 64, &format!("{ZONE}=a")), node("small", 4, "")]);
    cluster.live(volume("data", Some("b")));
    assert_eq!(cluster.live([app("app-0"), app("app-1")]), [[""; 2]; 0]);
    assert_eq!(cluster.waiting(), 2);
    assert_eq!(cluster.twins.rankings(), 1, "the class is ranked");
    let placed = cluster.live([node("small", 4, &format!("{ZONE}=b"))]);
    assert_eq!(placed, [["app-0", "small"], ["app-1", "small"]]);
    let moved = volume("data", Some("a"));
    assert_eq!(cluster.live(moved.into_iter().chain([app("app-2")])), [["app-2", "large"]]);
}
