#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::Scene;

/// `full` stands for a rejection by the limit.
fn check(pod: &str, on: &str, objects: &str, expected: &str) {
    let on: String = on.split(" + ").map(|pod| format!(" / on n {pod}")).collect();
    let mut scene = Scene::parse(&format!("pod {pod} / node n{on}"));
    scene.store(objects);
    let full = format!("n unschedulable {REASON}");
    scene.check_filter(&NodeVolumeLimits, if expected == "full" { &full } else { expected });
}

const DISKS: &str = "claim a volume=va / volume va source=csi:d:1 \
                     / claim b volume=vb / volume vb source=csi:d:2 \
                     / claim c volume=vc / volume vc source=csi:d:3 \
                     / claim other volume=vo / volume vo source=csi:e:1";

#[test]
fn a_driver_attaches_as_many_volumes_as_its_limit() {
    for (pod, on, limit, expected) in [
        ("volume=claim:a", "", "driver=d:1", "n fits"),
        ("volume=claim:a", "volume=claim:b", "driver=d:2", "n fits"),
        ("volume=claim:a", "volume=claim:b", "driver=d:1", "full"),
        ("volume=claim:a volume=claim:b", "", "driver=d:1", "full"),
        ("volume=claim:a", "volume=claim:b + volume=claim:c", "driver=d:2", "full"),
        // One volume counts once, however many pods have it.
        ("volume=claim:a", "volume=claim:b + volume=claim:b", "driver=d:2", "n fits"),
        ("volume=claim:a", "volume=claim:a", "driver=d:1", "n fits"),
        ("volume=claim:a", "volume=claim:a + volume=claim:b", "driver=d:1", "n fits"),
        ("volume=claim:a", "volume=claim:other", "driver=d:1 driver=e:1", "n fits"),
        ("volume=claim:other", "volume=claim:a", "driver=d:1 driver=e:0", "full"),
        ("volume=claim:a", "volume=claim:b", "driver=d", "n fits"),
        ("volume=claim:a", "volume=claim:b", "", "n fits"),
        ("volume=claim:a", "volume=gce:x + volume=image:y", "driver=d:1", "n fits"),
        // A pod that is there with a claim that is not has nothing attached for it.
        ("volume=claim:a", "volume=claim:gone", "driver=d:1", "n fits"),
        ("volume=image:x volume=csi:d", "", "driver=d:0", "skip"),
        ("", "", "driver=d:0", "skip"),
    ] {
        check(pod, on, &format!("{DISKS} / csinode n {limit}"), expected);
    }
    check("volume=claim:a", "volume=claim:b", DISKS, "n fits");
    check(
        "volume=claim:gone",
        "",
        "",
        r#"n unresolvable looking up PVC default/gone: persistentvolumeclaim "gone" not found"#,
    );
}

#[test]
fn attachments_that_no_pod_stands_for_count() {
    let csi = "csinode n driver=d:2 / attachment x driver=d node=n volume=vb";
    for (pod, on, more, expected) in [
        ("volume=claim:a", "", "", "n fits"),
        ("volume=claim:a", "volume=claim:b", "", "n fits"),
        ("volume=claim:a", "volume=claim:c", "", "full"),
        ("volume=claim:a", "", "/ attachment y driver=d node=n volume=vc", "full"),
        ("volume=claim:a", "", "/ attachment y driver=d node=m volume=vc", "n fits"),
        ("volume=claim:a", "", "/ attachment y driver=e node=n volume=vo", "n fits"),
        ("volume=claim:a", "", "/ attachment y driver=d node=n volume=gone", "n fits"),
        ("volume=claim:a", "", "/ attachment y driver=d node=n", "n fits"),
        // The pod's own volume is still attached from before: it is new all the same.
        ("volume=claim:b", "volume=claim:c", "", "full"),
        (
            "volume=claim:a",
            "",
            "/ volume tree source=ebs:vol-1 / attachment y driver=d node=n volume=tree",
            "n fits",
        ),
    ] {
        check(pod, on, &format!("{DISKS} / {csi} {more}"), expected);
    }
}

#[test]
fn claims_without_a_volume_count_for_their_class() {
    let classes = "class s provisioner=d wait / class t provisioner=kubernetes.io/gce-pd wait \
                   / class u provisioner=kubernetes.io/azure-file wait \
                   / csinode n driver=d:1 driver=pd.csi.storage.gke.io:1 driver=file.csi.azure.com:0";
    for (claims, on, expected) in [
        ("claim a class=s", "", "n fits"),
        ("claim a class=s / claim b class=s", "volume=claim:b", "full"),
        ("claim a class=s", "volume=claim:a", "n fits"),
        ("claim a class=s volume=gone / claim b class=s", "volume=claim:b", "full"),
        ("claim a class=t / claim b class=t", "volume=claim:b", "full"),
        ("claim a class=u", "", "n fits"),
        ("claim a / claim b class=s", "volume=claim:b", "n fits"),
        ("claim a class=gone / claim b class=s", "volume=claim:b", "n fits"),
    ] {
        check("volume=claim:a", on, &format!("{claims} / {classes}"), expected);
    }
}

#[test]
fn kinds_of_old_count_for_the_driver_that_took_them_over() {
    let csi = "csinode n driver=ebs.csi.aws.com:1 driver=pd.csi.storage.gke.io:1 \
               driver=disk.csi.azure.com:1 driver=cinder.csi.openstack.org:1 \
               driver=file.csi.azure.com:0";
    for (pod, on, expected) in [
        ("volume=ebs:vol-1", "", "n fits"),
        ("volume=ebs:vol-1", "volume=ebs:vol-2", "full"),
        ("volume=ebs:vol-1", "volume=ebs:aws://z/vol-1", "n fits"),
        ("volume=gce:a volume=gce:b", "", "full"),
        ("volume=azure:a volume=azure:b:Managed", "", "full"),
        ("volume=cinder:a", "volume=cinder:b", "full"),
        ("volume=azurefile:", "", "n fits"),
        (
            "volume=azure:a:Dedicated",
            "",
            "n broken converting volume from inline to csi: kind(Dedicated) is not supported in \
             csi migration",
        ),
    ] {
        check(pod, on, csi, expected);
    }
    check("volume=ebs:vol-1", "volume=ebs:vol-2", "", "n fits");
    let volumes = "claim a volume=va / volume va source=ebs:vol-1 \
                   / claim b volume=vb / volume vb source=csi:ebs.csi.aws.com:vol-1 \
                   / claim c volume=vc / volume vc source=ebs:vol-3 \
                   / claim bad volume=vbad / volume vbad source=ebs:aws://z/disk";
    for (pod, on, expected) in [
        ("volume=claim:a", "volume=claim:c", "full"),
        ("volume=claim:a", "volume=claim:b", "n fits"),
        ("volume=claim:a", "volume=ebs:vol-1", "n fits"),
        ("volume=claim:bad", "volume=claim:c", "n fits"),
    ] {
        check(pod, on, &format!("{volumes} / {csi}"), expected);
    }
}

#[test]
fn drivers_that_ask_for_it_have_to_be_on_the_node() {
    let missing = "n unschedulable d CSI driver is not installed on the node";
    for (objects, expected) in [
        ("driver d required", missing),
        ("driver d required / csinode n driver=e", missing),
        ("driver d required / csinode n driver=d", "n fits"),
        ("driver d", "n fits"),
        ("", "n fits"),
    ] {
        let objects = format!("claim a volume=va / volume va source=csi:d:1 / {objects}");
        check("volume=claim:a", "", objects.trim_end_matches(" / "), expected);
    }
}

#[test]
fn claims_made_for_a_pod_have_to_be_owned_by_it() {
    let csi = "csinode n driver=d:0";
    for (claim, expected) in [
        ("claim pod-e volume=va owner=the-pod", "full"),
        (
            "claim pod-e volume=va owner=other",
            "n broken PVC default/pod-e was not created for pod default/pod (pod is not owner)",
        ),
        (
            "claim pod-e volume=va",
            "n broken PVC default/pod-e was not created for pod default/pod (pod is not owner)",
        ),
    ] {
        let objects = format!("{claim} / volume va source=csi:d:1 / {csi}");
        check("volume=ephemeral:pod-e", "", &objects, expected);
    }
}

#[test]
fn a_rejection_says_how_many_volumes_are_attached() {
    let mut scene = Scene::parse(
        "pod volume=claim:a volume=claim:b / node n / on n volume=claim:c / node other",
    );
    scene.store(&format!("{DISKS} / csinode n driver=d:2"));
    let expected = [Some(Cause::Attachments { new: 2, attached: 1, limit: 2 }), None];
    assert_eq!(scene.causes(&NodeVolumeLimits), expected);
}
