//! Whether a volume can be made for a claim.
//!
//! Source: `checkVolumeProvisions` and `hasEnoughCapacity` in
//! `pkg/scheduler/framework/plugins/volumebinding/binder.go`.

use berth_engine::base::{NodeIdx, Symbols};
use berth_engine::framework::Context;
use berth_engine::model::NodeTerm;
use berth_engine::record::{ClaimRecord, LabelSelector, NodeSelectorTerm, StorageCapacityRecord};

use super::selector;

/// A class with this provisioner only has volumes made by hand.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// What the claim's class can make, apart from the node.
#[derive(Debug)]
pub(super) enum Provisioning {
    /// Nothing.
    Never,
    /// A volume, on the nodes that both allow.
    Possible {
        /// `allowedTopologies`; empty allows all nodes.
        topologies: Vec<NodeTerm>,
        /// Storage with room for the claim, by namespace and name; `None` where it is not asked.
        capacities: Option<Vec<Capacity>>,
    },
}

/// A CSIStorageCapacity with room for the claim.
#[derive(Debug)]
pub(super) struct Capacity {
    /// `None` is reached by every node.
    topology: Option<NodeTerm>,
    bytes: Option<i64>,
}

/// What provisioning comes to on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provisioned {
    /// The class makes nothing for this node.
    Refused,
    /// The node's storage has no room.
    NoRoom,
    /// A volume can be made; the `capacity` of the storage in bytes, where one was asked and gives
    /// it.
    Possible(Option<i64>),
}

impl Provisioning {
    pub(super) fn of(claim: &ClaimRecord, cx: &Context<'_>) -> Self {
        let objects = cx.cache.objects();
        let name = claim.storage_class.as_deref().unwrap_or_default();
        let Some(class) = objects.storage_class(name) else { return Self::Never };
        if class.provisioner.is_empty() || class.provisioner.as_ref() == NO_PROVISIONER {
            return Self::Never;
        }
        let compile = |term: &NodeSelectorTerm| NodeTerm::compile_known(term, cx.symbols());
        let driver = objects.csi_driver(&class.provisioner);
        let asked = claim.request.filter(|_| driver.is_some_and(|d| d.storage_capacity));
        let capacities = asked.map(|request| {
            let all = objects.capacities_of_class(name);
            let large = all.filter(|c| limit(c).is_some_and(|l| l >= request.value()));
            large.filter_map(|capacity| Capacity::of(capacity, cx.symbols())).collect()
        });
        let topologies = class.allowed_topologies.terms.iter().map(compile).collect();
        Self::Possible { topologies, capacities }
    }

    pub(super) fn on(&self, cx: &Context<'_>, node: NodeIdx) -> Provisioned {
        let Self::Possible { topologies, capacities } = self else { return Provisioned::Refused };
        if !topologies.is_empty() && !topologies.iter().any(|term| matches(term, cx, node)) {
            return Provisioned::Refused;
        }
        let Some(capacities) = capacities else { return Provisioned::Possible(None) };
        let reached =
            |c: &&Capacity| c.topology.as_ref().is_none_or(|term| matches(term, cx, node));
        match capacities.iter().find(reached) {
            Some(capacity) => Provisioned::Possible(capacity.bytes),
            None => Provisioned::NoRoom,
        }
    }
}

pub(super) fn matches(term: &NodeTerm, cx: &Context<'_>, node: NodeIdx) -> bool {
    let Some(name) = cx.nodes.name(node) else { return false };
    term.matches(name, cx.nodes.labels(node), cx.symbols())
}

/// The largest volume that the storage takes, in bytes (`volumeLimit`).
fn limit(capacity: &StorageCapacityRecord) -> Option<i64> {
    capacity.maximum_volume_size.or(capacity.capacity).map(|size| size.value())
}

impl Capacity {
    /// `None` where no node reaches it: without a topology, or with one that cannot be read.
    fn of(record: &StorageCapacityRecord, symbols: &Symbols) -> Option<Self> {
        let topology = record.topology.as_ref()?;
        selector::check(topology).ok()?;
        let term = as_node_term(topology);
        let empty = term.match_expressions.is_empty();
        Some(Self {
            topology: (!empty).then(|| NodeTerm::compile_known(&term, symbols)),
            bytes: record.capacity.map(|size| size.value()),
        })
    }
}

/// A label selector in the form of a node selector's term. An empty one matches everything, where
/// an empty term matches nothing.
fn as_node_term(selector: &LabelSelector) -> NodeSelectorTerm {
    NodeSelectorTerm {
        match_expressions: selector::requirements(selector).collect(),
        match_fields: Vec::new(),
    }
}
