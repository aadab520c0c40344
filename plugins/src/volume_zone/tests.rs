#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::Scene;

const ZONE: &str = "topology.kubernetes.io/zone";
const BETA_ZONE: &str = "failure-domain.beta.kubernetes.io/zone";
const REGION: &str = "topology.kubernetes.io/region";

/// A volume with one label, and a node with another.
fn check(volume: (&str, &str), node: &str, expected: &str) {
    let text = format!("pod volume=claim:c / node n {node}");
    let mut scene = Scene::parse(&text);
    let (key, value) = volume;
    scene.store(&format!("claim c volume=v / volume v label={key}={value}"));
    let refused = format!("n unresolvable {REASON}");
    let expected = if expected == "refused" { &refused } else { expected };
    scene.check_filter(&VolumeZone, expected);
}

#[test]
fn a_node_has_to_be_in_one_of_the_zones() {
    for (key, value, node, expected) in [
        (ZONE, "a", "", "n fits"),
        (ZONE, "a", "label=other=b", "n fits"),
        (ZONE, "a", "label=topology.kubernetes.io/zone=a", "n fits"),
        (ZONE, "a", "label=topology.kubernetes.io/zone=b", "refused"),
        (ZONE, "a__b", "label=topology.kubernetes.io/zone=b", "n fits"),
        (ZONE, "a__b", "label=topology.kubernetes.io/zone=a__b", "refused"),
        (ZONE, "a", "label=topology.kubernetes.io/region=r", "refused"),
        (ZONE, "a", "label=failure-domain.beta.kubernetes.io/zone=a", "refused"),
        (BETA_ZONE, "a", "label=failure-domain.beta.kubernetes.io/zone=a", "n fits"),
        (BETA_ZONE, "a", "label=topology.kubernetes.io/zone=a", "n fits"),
        (BETA_ZONE, "a", "label=topology.kubernetes.io/zone=b", "refused"),
        (
            BETA_ZONE,
            "a",
            "label=topology.kubernetes.io/zone=a label=failure-domain.beta.kubernetes.io/zone=b",
            "refused",
        ),
        (REGION, "r", "label=topology.kubernetes.io/region=r", "n fits"),
        (REGION, "r", "label=topology.kubernetes.io/region=s", "refused"),
        // An empty zone makes the label one that does not count.
        (ZONE, "a__", "label=topology.kubernetes.io/zone=b", "skip"),
        ("other", "a", "label=topology.kubernetes.io/zone=b", "skip"),
    ] {
        check((key, value), node, expected);
    }
}

#[test]
fn every_volume_counts() {
    let text = "pod volume=claim:c volume=claim:d / node n label=topology.kubernetes.io/zone=a";
    let mut scene = Scene::parse(text);
    scene.store(
        "claim c volume=v / volume v label=topology.kubernetes.io/zone=a \
         / claim d volume=w / volume w label=topology.kubernetes.io/zone=b",
    );
    scene.check_filter(&VolumeZone, &format!("n unresolvable {REASON}"));
}

#[test]
fn claims_without_a_volume() {
    for (volume, objects, expected) in [
        ("claim:c", "claim c class=s / class s wait", None),
        ("claim:c", "claim c class=s / class s", Some("PersistentVolume had no name")),
        (
            "claim:c",
            "claim c class=s / class s modeless",
            Some(r#"VolumeBindingMode not set for StorageClass "s""#),
        ),
        ("claim:c", "claim c class=s", Some(r#"storageclass.storage.k8s.io "s" not found"#)),
        ("claim:c", "claim c", Some("PersistentVolumeClaim had no pv name and storageClass name")),
        ("claim:c", "", Some(r#"persistentvolumeclaim "c" not found"#)),
        ("claim:c", "claim c volume=v", Some(r#"persistentvolume "v" not found"#)),
        ("claim:", "", Some("PersistentVolumeClaim had no name")),
        ("ephemeral:c", "", None),
        ("gce:d", "", None),
    ] {
        let mut scene = Scene::parse(&format!("pod volume={volume} / node n"));
        scene.store(objects);
        let expected = expected.map_or(PreFiltered::Skip, PreFiltered::unresolvable);
        scene.check_pre_filter(&VolumeZone, &expected);
    }
}
