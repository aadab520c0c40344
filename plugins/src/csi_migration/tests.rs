#![allow(clippy::unwrap_used)]

use berth_engine::record::{NodeSelector, NodeSelectorTerm, Requirement, SelectorOp, VolumeRecord};

use super::*;

fn volume(kind: InTreeKind, id: &str) -> InTreeVolume {
    InTreeVolume { kind, id: id.into(), disk_kind: None }
}

fn labels(pairs: &[(&str, &str)]) -> StringMap {
    pairs.iter().copied().collect()
}

#[test]
fn handles_are_the_drivers() {
    let zone = "topology.kubernetes.io/zone";
    let beta = "failure-domain.beta.kubernetes.io/zone";
    let ebs = InTreeKind::AwsElasticBlockStore;
    let gce = InTreeKind::GcePersistentDisk;
    let disk = |place: &str| format!("projects/UNSPECIFIED/{place}/disks/d");
    let no_zone = "failed to get region from zones: zone in unexpected format, expected: \
                   {locale}-{region}-{zone}, got: a";
    for (kind, id, labels_of, expected) in [
        (ebs, "vol-1", &[][..], Ok("vol-1".to_owned())),
        (ebs, "anything", &[], Ok("anything".to_owned())),
        (ebs, "aws://us-east-1a/vol-1", &[], Ok("vol-1".to_owned())),
        (ebs, "aws:///vol-1", &[], Ok("vol-1".to_owned())),
        (
            ebs,
            "aws://us-east-1a/disk",
            &[],
            Err(
                "failed to translate Kubernetes ID to EBS Volume ID Invalid format for AWS volume \
                 (aws://us-east-1a/disk)",
            ),
        ),
        (gce, "d", &[], Ok(disk("zones/UNSPECIFIED"))),
        (gce, "d", &[(zone, "us-east1-a")], Ok(disk("zones/us-east1-a"))),
        (gce, "d", &[(zone, "x"), (beta, "us-east1-a")], Ok(disk("zones/us-east1-a"))),
        (gce, "d", &[(zone, "us-east1-a"), (beta, "")], Ok(disk("zones/us-east1-a"))),
        (gce, "d", &[(zone, "us-east1-a__us-east1-b")], Ok(disk("regions/us-east1"))),
        (gce, "d", &[(zone, "a__b")], Err(no_zone)),
        (
            gce,
            "d",
            &[(zone, "us-east1-a__us-west1-b")],
            Err("failed to get region from zones: multiple or no regions gotten from zones, got: \
                 us-east1 us-west1"),
        ),
        (InTreeKind::Cinder, "c", &[], Ok("c".to_owned())),
    ] {
        let handle = handle(&volume(kind, id), &labels(labels_of)).map(String::from);
        let handle = handle.map_err(|error| error.to_string());
        assert_eq!(handle, expected.map_err(str::to_owned), "{id} {labels_of:?}");
    }
}

#[test]
fn only_managed_azure_disks_have_a_driver() {
    for (disk_kind, ok) in [(None, true), (Some("managed"), true), (Some("Shared"), false)] {
        let mut disk = volume(InTreeKind::AzureDisk, "u");
        disk.disk_kind = disk_kind.map(Into::into);
        assert_eq!(handle(&disk, &StringMap::default()).is_ok(), ok, "{disk_kind:?}");
    }
}

/// Terms as `key=values;key=values | …`.
fn affinity(text: &str) -> Option<NodeSelector> {
    let requirement = |text: &str| {
        let (key, values) = text.split_once('=').unwrap();
        let values = values.split(',').filter(|v| !v.is_empty()).map(Into::into).collect();
        Requirement { key: key.into(), op: SelectorOp::In, values }
    };
    let term = |text: &str| NodeSelectorTerm {
        match_expressions: text.split(';').map(requirement).collect(),
        match_fields: Vec::new(),
    };
    if text.is_empty() {
        return None;
    }
    Some(NodeSelector { terms: text.split(" | ").map(term).collect() })
}

#[test]
fn zones_of_old_become_the_drivers_topology() {
    let beta = "failure-domain.beta.kubernetes.io/";
    let ga = "topology.kubernetes.io/";
    let key = "topology.gke.io/zone";
    for (before, labels_of, after) in [
        (String::new(), vec![], String::new()),
        (format!("{ga}zone=a"), vec![], format!("{key}=a")),
        (format!("x=y;{ga}zone=a | {ga}zone=b"), vec![], format!("x=y;{key}=a | {key}=b")),
        (format!("{beta}zone=a"), vec![], format!("{key}=a")),
        (
            format!("{beta}zone=a;{beta}region=r"),
            vec![],
            format!("{key}=a;topology.kubernetes.io/region=r"),
        ),
        // The newer label decides which ones are looked at.
        (
            format!("{beta}zone=a;{ga}zone=b;{beta}region=r"),
            vec![],
            format!("{beta}zone=a;{key}=b;{beta}region=r"),
        ),
        (String::new(), vec![(format!("{ga}zone"), "b__a")], format!("{key}=a,b")),
        (String::new(), vec![(format!("{beta}zone"), "a")], format!("{key}=a")),
        (String::new(), vec![(format!("{ga}zone"), "__")], String::new()),
        (
            "x=y | z=w".to_owned(),
            vec![(format!("{ga}zone"), "a")],
            format!("x=y;{key}=a | z=w;{key}=a"),
        ),
        // What the affinity says of zones comes before the labels.
        (format!("{ga}zone=a"), vec![(format!("{ga}zone"), "b")], format!("{key}=a")),
    ] {
        let record = VolumeRecord {
            labels: labels_of.iter().map(|(k, v)| (k.as_str(), *v)).collect(),
            node_affinity: affinity(&before),
            ..VolumeRecord::default()
        };
        let translated = csi_affinity(InTreeKind::GcePersistentDisk, &record);
        assert_eq!(translated, affinity(&after), "{before} {labels_of:?}");
        assert_eq!(csi_affinity(InTreeKind::AzureDisk, &record), affinity(&before));
    }
}

#[test]
fn provisioners_and_plugins_go_by_one_name() {
    for (kind, name) in PLUGINS {
        assert_eq!((by_provisioner(name), plugin_name(kind)), (Some(kind), name));
    }
    assert_eq!(by_provisioner("ebs.csi.aws.com"), None);
    let counted = PLUGINS.iter().filter(|(kind, _)| migrated_driver(*kind).is_some()).count();
    assert_eq!(counted, 5);
}
