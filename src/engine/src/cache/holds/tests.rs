#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::model::TakenVolume;
use crate::object::Change;
use crate::record::{NodeRecord, PodRecord, PodSpec};

/// Nodes `a` and `b`, volume `v`, claim `d/c`, and pods `p` and `q` without a node.
fn scene() -> (Cache, [PodIdx; 2]) {
    let mut cache = Cache::default();
    cache.set_schedulers(["berth"].into_iter());
    for name in ["a", "b"] {
        let node = NodeRecord { name: name.into(), ..NodeRecord::default() };
        cache.apply_node(&Arc::new(node));
    }
    cache.apply_object(&volume("1"), Change::Applied);
    cache.apply_object(&claim("1"), Change::Applied);
    let spec = PodSpec { scheduler_name: "berth".into(), ..PodSpec::default() };
    let spec = Arc::new(spec);
    let pods = ["p", "q"].map(|name| {
        cache.apply_pod(&PodRecord::new("d", name, name, Arc::clone(&spec)));
        cache.pods().find(name).unwrap()
    });
    cache.take_changes();
    cache.let_changes_go();
    (cache, pods)
}

fn volume(version: &str) -> Object {
    let volume = VolumeRecord {
        name: "v".into(),
        resource_version: version.into(),
        ..VolumeRecord::default()
    };
    Object::Volume(volume)
}

fn claim(version: &str) -> Object {
    let claim = ClaimRecord {
        key: ObjectKey::new("d", "c"),
        resource_version: version.into(),
        ..ClaimRecord::default()
    };
    Object::Claim(claim)
}

fn taken(claim: &str) -> Reserved {
    let taken = TakenVolume {
        volume: "v".into(),
        claim: ObjectKey::new("d", claim),
        claim_uid: "uid".into(),
    };
    Reserved { volumes: vec![taken], claims: Vec::new() }
}

fn made() -> Reserved {
    Reserved { volumes: Vec::new(), claims: vec![ObjectKey::new("d", "c")] }
}

/// The claim that has `v`, and the node of `d/c`.
fn shown(cache: &Cache) -> (Option<String>, Option<String>) {
    let holds = cache.volume_holds();
    let owner = holds.claim_of(cache.objects().volume("v").unwrap());
    let node = holds.node_of(cache.objects().claim("d", "c").unwrap());
    (owner.map(|(key, _)| key.to_string()), node.map(str::to_owned))
}

fn place(cache: &mut Cache, pod: PodIdx, node: &str, reserved: Reserved) {
    let name = cache.symbols().get(node).unwrap();
    let node = cache.nodes().find(name).unwrap();
    assert!(cache.assume(pod, node));
    cache.hold(pod, reserved);
}

/// Kinds of storage objects that parked pods are told of.
fn told(cache: &mut Cache) -> Reads {
    let storage = Reads::VOLUMES | Reads::CLAIMS;
    cache.take_changes().iter().map(|change| change.reads.common(storage)).sum()
}

#[test]
fn what_a_pod_took_is_given_back_with_the_pod() {
    type Ends = fn(&mut Cache, PodIdx);
    let ends: [Ends; 3] = [
        |cache, pod| assert!(cache.forget(pod)),
        |cache, _| {
            cache.delete_pod("p");
        },
        // The API server shows it elsewhere.
        |cache, _| {
            let mut pod = PodRecord::new("d", "p", "p", Arc::default());
            pod.node_name = Some("b".into());
            cache.apply_pod(&pod);
        },
    ];
    for end in ends {
        let (mut cache, [p, _]) = scene();
        let reserved = Reserved { claims: made().claims, ..taken("x") };
        place(&mut cache, p, "a", reserved);
        assert_eq!(shown(&cache), (Some("d/x".into()), Some("a".into())));
        assert_eq!(told(&mut cache), Reads::VOLUMES | Reads::CLAIMS);
        end(&mut cache, p);
        assert_eq!(shown(&cache), (None, None));
        assert_eq!(told(&mut cache), Reads::VOLUMES | Reads::CLAIMS);
        assert!(cache.holds.is_empty() && cache.holds.by_pod.is_empty());
    }
}

#[test]
fn a_confirmed_pod_holds_until_the_watch_shows_the_objects_otherwise() {
    let (mut cache, [p, _]) = scene();
    let reserved = Reserved { claims: made().claims, ..taken("x") };
    place(&mut cache, p, "a", reserved);
    let mut pod = PodRecord::new("d", "p", "p", Arc::default());
    pod.node_name = Some("a".into());
    cache.apply_pod(&pod);
    assert_eq!(shown(&cache), (Some("d/x".into()), Some("a".into())));
    // A list that tells nothing new leaves the hold.
    cache.apply_object(&volume("1"), Change::Applied);
    assert_eq!(shown(&cache), (Some("d/x".into()), Some("a".into())));
    cache.apply_object(&volume("2"), Change::Applied);
    assert_eq!(shown(&cache), (None, Some("a".into())));
    cache.apply_object(&claim("2"), Change::Applied);
    assert_eq!(shown(&cache), (None, None));
    assert!(cache.holds.is_empty() && cache.holds.by_pod.is_empty());
}

#[test]
fn pods_that_share_a_claim_share_its_hold() {
    let (mut cache, [p, q]) = scene();
    place(&mut cache, p, "a", taken("x"));
    place(&mut cache, q, "a", taken("x"));
    cache.forget(p);
    assert_eq!(shown(&cache).0, Some("d/x".into()));
    cache.forget(q);
    assert_eq!(shown(&cache).0, None);
}

#[test]
fn nothing_is_held_of_objects_that_are_gone_nor_for_pods_without_a_node() {
    let (mut cache, [p, q]) = scene();
    cache.hold(q, taken("x"));
    assert!(cache.holds.is_empty() && cache.holds.by_pod.is_empty());
    cache.apply_object(&volume("1"), Change::Deleted);
    place(&mut cache, p, "a", taken("x"));
    assert!(cache.holds.is_empty() && cache.holds.by_pod.is_empty());
}
