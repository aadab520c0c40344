#![allow(clippy::unwrap_used)]

mod reserve;

use super::*;
use crate::node_resources::UtilizationShapePoint;
use crate::testing::Scene;

fn plugin() -> VolumeBinding {
    VolumeBinding::new(VolumeBindingArgs::default())
}

/// Verdicts on nodes `a` of zone 1 and `b` of zone 2 as `a/b`: `fits`, or the reasons by their
/// initials (`node`, `bind`, `space`, `gone`) joined by `+`.
fn check(pod: &str, objects: &str, expected: &str) {
    let mut scene = Scene::parse(&format!("pod {pod} / node a label=zone=1 / node b label=zone=2"));
    scene.store(objects);
    let verdict = |short: &str| {
        let reasons: Vec<&str> = short
            .split('+')
            .filter_map(|word| match word {
                "node" => Some(REASON_NODE),
                "bind" => Some(REASON_BIND),
                "space" => Some(REASON_SPACE),
                "gone" => Some(REASON_GONE),
                _ => None,
            })
            .collect();
        if reasons.is_empty() {
            short.to_owned()
        } else {
            format!("unresolvable {}", reasons.join(", "))
        }
    };
    let expected = match expected.split_once('/') {
        Some((a, b)) => format!("a {} | b {}", verdict(a), verdict(b)),
        None => expected.to_owned(),
    };
    scene.check_filter(&plugin(), &expected);
}

fn check_rejected(pod: &str, objects: &str, reason: &str) {
    let mut scene = Scene::parse(&format!("pod {pod} / node a"));
    scene.store(objects);
    scene.check_pre_filter(&plugin(), &PreFiltered::unresolvable(reason.to_owned()));
}

#[test]
fn claims_that_stand_in_the_way() {
    check("volume=gce:d volume=image:i", "", "skip");
    for (pod, objects, reason) in [
        ("volume=claim:c", "", r#"persistentvolumeclaim "c" not found"#),
        (
            "volume=ephemeral:pod-e",
            "",
            r#"waiting for ephemeral volume controller to create the persistentvolumeclaim "pod-e""#,
        ),
        (
            "volume=claim:c",
            "claim c volume=v lost",
            r#"persistentvolumeclaim "c" bound to non-existent persistentvolume "v""#,
        ),
        (
            "volume=claim:c",
            "claim c volume=v bound terminating",
            r#"persistentvolumeclaim "c" is being deleted"#,
        ),
        (
            "volume=ephemeral:pod-e",
            "claim pod-e volume=v bound owner=other",
            "PVC default/pod-e was not created for pod default/pod (pod is not owner)",
        ),
        ("volume=claim:c", "claim c class=s / class s", REASON_IMMEDIATE),
        ("volume=claim:c", "claim c class=s", REASON_IMMEDIATE),
        ("volume=claim:c", "claim c", REASON_IMMEDIATE),
        // It names its volume, which does not name it back yet.
        ("volume=claim:c", "claim c class=s volume=v / class s wait", REASON_IMMEDIATE),
    ] {
        check_rejected(pod, objects, reason);
    }
    let mut scene = Scene::parse("pod volume=claim:c / node a");
    scene.store("claim c class=s / class s modeless");
    let text = "VolumeBindingMode not set for StorageClass \"s\"".to_owned();
    scene.check_pre_filter(&plugin(), &PreFiltered::broken(text));
}

#[test]
fn bound_volumes_have_to_be_in_reach() {
    for (volume, expected) in [
        ("volume v", "fits/fits"),
        ("volume v in=zone=1", "fits/node"),
        ("volume v in=zone=2,3", "node/fits"),
        ("volume v in=zone=1 in=zone=2", "fits/fits"),
        ("volume other", "gone/gone"),
    ] {
        check("volume=claim:c", &format!("claim c volume=v bound / {volume}"), expected);
    }
    let owned = "claim pod-e volume=v bound owner=the-pod / volume v in=zone=1";
    check("volume=ephemeral:pod-e", owned, "fits/node");
    // The first claim that is not served tells the reason.
    let two = "claim c volume=v bound / volume v in=zone=1 / claim d volume=gone bound";
    check("volume=claim:c volume=claim:d", two, "gone/node");
}

#[test]
fn volumes_of_old_are_looked_for_by_the_drivers_labels_where_it_serves_them() {
    let mut scene = Scene::parse(
        "pod volume=claim:c / node a label=topology.gke.io/zone=z \
         / node b label=topology.kubernetes.io/zone=z / node c label=topology.gke.io/zone=y",
    );
    scene.store(
        "claim c volume=v bound \
         / volume v source=gce:d in=topology.kubernetes.io/zone=z \
         / csinode a migrated=kubernetes.io/gce-pd / csinode b migrated=kubernetes.io/aws-ebs \
         / csinode c migrated=kubernetes.io/gce-pd",
    );
    let expected = format!("a fits | b fits | c unresolvable {REASON_NODE}");
    scene.check_filter(&plugin(), &expected);
    scene.store("volume v source=gce:d label=topology.kubernetes.io/zone=a__b");
    let text = "could not translate pv: failed to get region from zones: zone in unexpected \
                format, expected: {locale}-{region}-{zone}, got: a";
    scene.check_filter(&plugin(), &format!("a broken {text} | b fits | c broken {text}"));
}

#[test]
fn a_claim_takes_a_volume_that_suits_it() {
    let class = "class s wait provisioner=kubernetes.io/no-provisioner";
    for (claim, volumes, expected) in [
        ("request=5", "volume v capacity=5", "fits/fits"),
        ("request=5", "volume v capacity=4", "bind/bind"),
        ("request=5", "volume v capacity=5 in=zone=1", "fits/bind"),
        (
            "request=5",
            "volume v capacity=4 in=zone=1 / volume w class=s capacity=6 in=zone=2",
            "bind/fits",
        ),
        ("request=5", "volume v capacity=5 phase=Released", "bind/bind"),
        ("request=5", "volume v capacity=5 terminating", "bind/bind"),
        ("block", "volume v", "bind/bind"),
        ("block", "volume v block", "fits/fits"),
        ("attributes=gold", "volume v", "bind/bind"),
        ("attributes=gold", "volume v attributes=gold", "fits/fits"),
        ("", "volume v attributes=gold", "bind/bind"),
        ("mode=ReadWriteOnce", "volume v mode=ReadOnlyMany", "bind/bind"),
        ("mode=ReadWriteOnce", "volume v mode=ReadOnlyMany mode=ReadWriteOnce", "fits/fits"),
        ("match=tier=hot", "volume v", "bind/bind"),
        ("match=tier=hot", "volume v label=tier=hot", "fits/fits"),
        ("", "volume v claim=other", "bind/bind"),
        ("", "volume v claim=c", "fits/fits"),
        ("", "volume v claim=c:c-uid phase=Released", "fits/fits"),
        ("", "volume v claim=c:older-uid", "bind/bind"),
        // A volume made for the claim is the one, even where it cannot be reached.
        ("", "volume v claim=c in=zone=1 / volume w class=s", "fits/bind"),
        ("", "", "bind/bind"),
    ] {
        let volumes = volumes.replacen("volume v", "volume v class=s", 1);
        let objects = format!("claim c class=s {claim} / {class} / {volumes}");
        check("volume=claim:c", objects.trim_end_matches(" / "), expected);
    }
    let other_class = format!("claim c class=s / {class} / volume v class=t");
    check("volume=claim:c", &other_class, "bind/bind");
    let mut scene = Scene::parse("pod volume=claim:c / node a");
    scene.store(&format!("claim c class=s match=*=hot / {class} / volume v class=s"));
    let text = "a broken error creating internal label selector for claim: default/c: requirement \
                on \"*\": its key, operator or values are not valid";
    scene.check_filter(&plugin(), text);
}

#[test]
fn several_claims_take_a_volume_each_the_smallest_first() {
    let class = "class s wait provisioner=kubernetes.io/no-provisioner";
    let claims = "claim big class=s request=8 / claim small class=s request=2";
    for (volumes, expected) in [
        ("volume v class=s capacity=8", "bind/bind"),
        ("volume v class=s capacity=8 / volume w class=s capacity=4", "fits/fits"),
        // In the pod's order the big claim would take w and leave none that suits nobody else.
        ("volume v class=s capacity=9 / volume w class=s capacity=8", "fits/fits"),
        ("volume v class=s capacity=8 / volume w class=s capacity=1", "bind/bind"),
    ] {
        let objects = format!("{claims} / {class} / {volumes}");
        check("volume=claim:big volume=claim:small", &objects, expected);
    }
    let mixed = format!("claim c volume=v bound / volume v in=zone=1 / claim d class=s / {class}");
    check("volume=claim:c volume=claim:d", &mixed, "bind/node+bind");
}

#[test]
fn volumes_are_made_where_the_class_allows_it() {
    for (class, expected) in [
        ("class s wait", "fits/fits"),
        ("class s wait provisioner=kubernetes.io/no-provisioner", "bind/bind"),
        ("class s wait provisioner=", "bind/bind"),
        ("class s wait in=zone=2", "bind/fits"),
        ("class s wait in=zone=1 in=zone=2", "fits/fits"),
        ("class s wait in=zone=3", "bind/bind"),
    ] {
        check("volume=claim:c", &format!("claim c class=s request=1 / {class}"), expected);
    }
    for (claim, expected) in [
        ("claim c class=s selected=a", "fits/bind"),
        ("claim c class=s selected=gone", "bind/bind"),
        // A volume that is there does not count any more.
        ("claim c class=t selected=a", "bind/bind"),
    ] {
        let more = "class s wait / class t wait provisioner=kubernetes.io/no-provisioner \
                    / volume v class=t";
        check("volume=claim:c", &format!("{claim} / {more}"), expected);
    }
}

#[test]
fn storage_has_to_have_room_where_the_driver_tells() {
    let claim = "claim c class=s request=5 / class s wait provisioner=p";
    for (objects, expected) in [
        ("driver p capacity", "space/space"),
        ("driver p", "fits/fits"),
        ("driver other capacity", "fits/fits"),
        ("driver p capacity / capacity x class=s size=5 on=zone=1", "fits/space"),
        ("driver p capacity / capacity x class=s size=4 on=zone=1", "space/space"),
        ("driver p capacity / capacity x class=s size=9 max=4 everywhere", "space/space"),
        ("driver p capacity / capacity x class=s size=9 max=5 everywhere", "fits/fits"),
        ("driver p capacity / capacity x class=s max=5 everywhere", "fits/fits"),
        ("driver p capacity / capacity x class=s everywhere", "space/space"),
        ("driver p capacity / capacity x class=s size=9", "space/space"),
        ("driver p capacity / capacity x class=t size=9 everywhere", "space/space"),
        ("driver p capacity / capacity x class=s size=9 on=*=1", "space/space"),
    ] {
        check("volume=claim:c", &format!("{claim} / {objects}"), expected);
    }
    let no_request = "claim c class=s / class s wait provisioner=p / driver p capacity";
    check("volume=claim:c", no_request, "fits/fits");
}

fn check_scores(plugin: &VolumeBinding, pod: &str, objects: &str, expected: &str) {
    let mut scene = Scene::parse(&format!("pod {pod} / node a label=zone=1 / node b label=zone=2"));
    scene.store(objects);
    scene.check_scores(plugin, expected);
}

#[test]
fn emptier_storage_is_better_by_default() {
    let class = "class s wait";
    let on = |a: &str, b: &str| {
        format!(
            "{class} / volume v class=s capacity={a} in=zone=1 / volume w class=s capacity={b} in=zone=2"
        )
    };
    for (pod, objects, expected) in [
        ("", String::new(), "a 0 | b 0"),
        ("volume=gce:d", String::new(), "a 0 | b 0"),
        ("volume=claim:c", "claim c volume=v bound / volume v".to_owned(), "a 0 | b 0"),
        (
            "volume=claim:c",
            format!("claim c class=s request=5 / {}", on("10", "20")),
            "a 50 | b 75",
        ),
        ("volume=claim:c", format!("claim c class=s request=5 / {}", on("5", "15")), "a 0 | b 67"),
        // Made without a word on capacity: nothing to tell.
        ("volume=claim:c", format!("claim c class=s request=5 / {class}"), "a 0 | b 0"),
        (
            "volume=claim:c volume=claim:d",
            format!(
                "claim c class=s request=5 / claim d class=s request=5 / {class} \
                 / volume v class=s capacity=10 / volume w class=s capacity=30"
            ),
            "a 75 | b 75",
        ),
    ] {
        check_scores(&plugin(), pod, &objects, expected);
    }
}

#[test]
fn the_capacity_of_storage_scores_where_volumes_are_made() {
    let driver = "class s wait provisioner=p / class t wait provisioner=p / driver p capacity";
    for (claims, capacities, expected) in [
        ("claim c class=s request=5", "capacity x class=s size=20 everywhere", "a 75 | b 75"),
        // The request is held against the capacity, not against the largest volume.
        ("claim c class=s request=5", "capacity x class=s size=20 max=5 everywhere", "a 75 | b 75"),
        ("claim c class=s request=5", "capacity x class=s max=5 everywhere", "a 0 | b 0"),
        (
            "claim c class=s request=5 / claim d class=s request=10",
            "capacity x class=s size=20 everywhere",
            "a 25 | b 25",
        ),
        (
            "claim c class=s request=15 / claim d class=s request=10",
            "capacity x class=s size=20 everywhere",
            "a 0 | b 0",
        ),
        (
            "claim c class=s request=5 / claim d class=t request=5",
            "capacity x class=s size=20 everywhere / capacity y class=t size=50 everywhere",
            "a 83 | b 83",
        ),
    ] {
        let mut pod = "volume=claim:c".to_owned();
        if claims.contains("claim d") {
            pod.push_str(" volume=claim:d");
        }
        check_scores(&plugin(), &pod, &format!("{claims} / {driver} / {capacities}"), expected);
    }
    // Where a volume is there for one claim, those to be made do not count.
    let objects = format!(
        "claim c class=s request=5 / claim d class=t request=5 / {driver} \
         / volume v class=s capacity=10 / capacity y class=t size=50 everywhere"
    );
    check_scores(&plugin(), "volume=claim:c volume=claim:d", &objects, "a 50 | b 50");
}

#[test]
fn the_shape_is_the_configurations() {
    let point = |utilization, score| UtilizationShapePoint { utilization, score };
    let args = VolumeBindingArgs {
        shape: vec![point(0, 0), point(100, 10)],
        ..VolumeBindingArgs::default()
    };
    let objects = "claim c class=s request=5 / class s wait \
                   / volume v class=s capacity=10 in=zone=1 / volume w class=s capacity=20 in=zone=2";
    check_scores(&VolumeBinding::new(args), "volume=claim:c", objects, "a 50 | b 25");
}
