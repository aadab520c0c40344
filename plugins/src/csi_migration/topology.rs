//! Node affinity of in-tree volumes in the labels of the CSI driver that took them over.
//!
//! Source: `translateTopologyFromInTreeToCSI` in
//! `staging/src/k8s.io/csi-translation-lib/plugins/in_tree_volume.go`.

use std::collections::BTreeSet;

use berth_engine::record::{InTreeKind, NodeSelector, NodeSelectorTerm, Requirement, SelectorOp};
use berth_engine::record::{StringMap, VolumeRecord};

const ZONE: &str = "topology.kubernetes.io/zone";
const REGION: &str = "topology.kubernetes.io/region";
const BETA_ZONE: &str = "failure-domain.beta.kubernetes.io/zone";
const BETA_REGION: &str = "failure-domain.beta.kubernetes.io/region";

/// The volume's node affinity once it is translated to its CSI driver.
pub(crate) fn csi_affinity(kind: InTreeKind, volume: &VolumeRecord) -> Option<NodeSelector> {
    let key = match kind {
        InTreeKind::AwsElasticBlockStore => "topology.ebs.csi.aws.com/zone",
        InTreeKind::GcePersistentDisk => "topology.gke.io/zone",
        InTreeKind::Cinder => "topology.cinder.csi.openstack.org/zone",
        _ => return volume.node_affinity.clone(),
    };
    translated(volume.node_affinity.clone(), &volume.labels, key)
}

fn translated(
    mut affinity: Option<NodeSelector>,
    labels: &StringMap,
    csi_key: &str,
) -> Option<NodeSelector> {
    let beta = uses_beta(affinity.as_ref(), labels);
    let zone = if beta { BETA_ZONE } else { ZONE };
    if has_values(affinity.as_ref(), zone) {
        rename(affinity.as_mut(), zone, csi_key);
    } else if let Some(zones) = labels.get(zone) {
        let zones: BTreeSet<&str> =
            zones.split("__").map(str::trim).filter(|zone| !zone.is_empty()).collect();
        if !zones.is_empty() {
            require(affinity.get_or_insert_default(), csi_key, &zones);
        }
    }
    if beta && has_values(affinity.as_ref(), BETA_REGION) {
        rename(affinity.as_mut(), BETA_REGION, REGION);
    }
    affinity
}

/// Whether the volume speaks of its zone by the beta label: its affinity first, then its labels
/// (`getTopologyLabel`).
fn uses_beta(affinity: Option<&NodeSelector>, labels: &StringMap) -> bool {
    let asks = |key: &str| requirements(affinity).any(|r| r.key.as_ref() == key);
    if asks(ZONE) {
        false
    } else if asks(BETA_ZONE) {
        true
    } else {
        labels.get(ZONE).is_none() && labels.get(BETA_ZONE).is_some()
    }
}

fn requirements(affinity: Option<&NodeSelector>) -> impl Iterator<Item = &Requirement> {
    affinity.into_iter().flat_map(|a| &a.terms).flat_map(|term| &term.match_expressions)
}

fn has_values(affinity: Option<&NodeSelector>, key: &str) -> bool {
    requirements(affinity).any(|r| r.key.as_ref() == key && !r.values.is_empty())
}

fn rename(affinity: Option<&mut NodeSelector>, from: &str, to: &str) {
    let terms = affinity.into_iter().flat_map(|a| &mut a.terms);
    for requirement in terms.flat_map(|term| &mut term.match_expressions) {
        if requirement.key.as_ref() == from {
            requirement.key = to.into();
        }
    }
}

/// Adds the zones to every term, and a term where there is none (`addTopology`).
fn require(affinity: &mut NodeSelector, key: &str, zones: &BTreeSet<&str>) {
    if affinity.terms.is_empty() {
        affinity.terms.push(NodeSelectorTerm::default());
    }
    for term in &mut affinity.terms {
        term.match_expressions.push(Requirement {
            key: key.into(),
            op: SelectorOp::In,
            values: zones.iter().map(|zone| Box::from(*zone)).collect(),
        });
    }
}
