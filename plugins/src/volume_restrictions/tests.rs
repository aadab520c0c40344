#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::{Scene, check_filter};

#[test]
fn disks_exclude_each_other_on_a_node() {
    let refused = format!("a unschedulable {REASON_DISK} | b fits");
    let refused = refused.as_str();
    let fits = "a fits | b fits";
    for (pod, on, expected) in [
        ("gce:d", "gce:d", refused),
        ("gce:d", "gce:e", fits),
        ("gce:d:ro", "gce:d", refused),
        ("gce:d", "gce:d:ro", refused),
        ("gce:d:ro", "gce:d:ro", fits),
        ("ebs:d", "ebs:d", refused),
        ("ebs:d:ro", "ebs:d:ro", refused),
        ("ebs:d", "ebs:e", fits),
        ("ebs:d", "gce:d", fits),
        ("iscsi:q", "iscsi:q", refused),
        ("iscsi:q:ro", "iscsi:q:ro", fits),
        ("iscsi:q", "iscsi:r", fits),
        ("rbd:m,n:p:i", "rbd:o,n:p:i", refused),
        ("rbd:m:p:i", "rbd:n:p:i", fits),
        ("rbd:m:p:i", "rbd:m:q:i", fits),
        ("rbd:m:p:i", "rbd:m:p:j", fits),
        ("rbd:m:p:i:ro", "rbd:m:p:i:ro", fits),
        ("cinder:d", "cinder:d", "skip"),
        ("csi:d", "csi:d", "skip"),
    ] {
        let scene = format!("pod volume={pod} / node a / on a volume={on} / node b");
        check_filter(&VolumeRestrictions, &scene, expected);
    }
    let scene = "pod volume=gce:c volume=gce:d / node a / on a volume=gce:d volume=gce:e / node b";
    check_filter(&VolumeRestrictions, scene, refused);
    check_filter(&VolumeRestrictions, "pod / node a / on a volume=gce:d / node b", "skip");
}

#[test]
fn a_claim_for_one_pod_has_one_in_the_whole_cluster() {
    let refused = format!("a unschedulable {REASON_ONE_POD} | b unschedulable {REASON_ONE_POD}");
    for (on, objects, expected) in [
        ("volume=claim:data", "claim data mode=ReadWriteOncePod", refused.as_str()),
        ("volume=claim:other", "claim data mode=ReadWriteOncePod", "skip"),
        ("volume=claim:data", "claim data mode=ReadWriteOnce", "skip"),
        ("", "claim data mode=ReadWriteOncePod", "skip"),
    ] {
        let text = format!("pod volume=claim:data / node a / on a {on} / node b");
        let mut scene = Scene::parse(&text);
        scene.store(objects);
        scene.check_filter(&VolumeRestrictions, expected);
    }
}

#[test]
fn both_rules_hold_and_the_disk_is_told_first() {
    let mut scene = Scene::parse(
        "pod volume=claim:data volume=gce:d / node a / on a volume=claim:data volume=gce:d / node b",
    );
    scene.store("claim data mode=ReadWriteOncePod");
    let expected = format!("a unschedulable {REASON_DISK} | b unschedulable {REASON_ONE_POD}");
    scene.check_filter(&VolumeRestrictions, &expected);
}

#[test]
fn a_claim_has_to_be_there() {
    let scene = Scene::parse("pod volume=gce:d volume=claim:data / node a");
    let expected = PreFiltered::unresolvable(r#"persistentvolumeclaim "data" not found"#);
    scene.check_pre_filter(&VolumeRestrictions, &expected);
}

#[test]
fn users_of_a_claim_are_followed_in_dry_runs() {
    let mut scene = Scene::parse("pod volume=claim:data / node a / on a volume=claim:data");
    scene.store("claim data mode=ReadWriteOncePod");
    let cx = scene.context();
    let node = cx.nodes.live().iter().next().unwrap();
    let user = cx.nodes.pods(node)[0];
    let mut state = State::default();
    let users = |state: &State| state.get::<OnePodClaims>().unwrap().users;
    assert_eq!(VolumeRestrictions.pre_filter(&cx, &mut state), PreFiltered::Proceed);
    assert_eq!(users(&state), 1);
    VolumeRestrictions.add_pod(&cx, &mut state, user, node);
    assert_eq!(users(&state), 2);
    for left in [1, 0] {
        VolumeRestrictions.remove_pod(&cx, &mut state, user, node);
        assert_eq!(users(&state), left);
    }
    let mut slots = [Verdict::Fit];
    VolumeRestrictions.filter(&cx, &state, &[node], &mut Verdicts::new(&mut slots));
    assert_eq!(slots, [Verdict::Fit]);
}
