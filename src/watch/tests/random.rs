//! Random wire objects, written in both formats by the structs themselves.

use berth_engine::base;
use serde::{Serialize, Serializer};

use crate::watch::wire::affinity::*;
use crate::watch::wire::claim::{
    Claim, ClaimReference, ClaimSpec, PhaseStatus, Volume as PersistentVolume, VolumeNodeAffinity,
    VolumeSource as PersistentVolumeSource, VolumeSpec,
};
use crate::watch::wire::container::*;
use crate::watch::wire::csi::*;
use crate::watch::wire::meta::{ObjectMeta, OwnerReference};
use crate::watch::wire::node::*;
use crate::watch::wire::owner::*;
use crate::watch::wire::pod::Pod;
use crate::watch::wire::pod_spec::*;
use crate::watch::wire::pod_status::*;
use crate::watch::wire::scalar::{Entry, Key, Present, Quantity, Resource, Time};
use crate::watch::wire::selector::*;
use crate::watch::wire::volume::{Volume, VolumeSource};
use crate::watch::wire::volume_source::*;

/// A source of random numbers.
pub(super) struct Draw(base::Random);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(base::Random::new(seed))
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.below(end)
    }

    fn one_of(&mut self, texts: &[&str]) -> String {
        let at = self.below(texts.len());
        texts[at].into()
    }
}

/// A value with any of its fields set or not.
pub(super) trait Random: Sized {
    fn random(draw: &mut Draw) -> Self;
}

impl<T: Random> Random for Option<T> {
    fn random(draw: &mut Draw) -> Self {
        (draw.below(2) == 0).then(|| T::random(draw))
    }
}

impl<T: Random> Random for Vec<T> {
    fn random(draw: &mut Draw) -> Self {
        (0..draw.below(3)).map(|_| T::random(draw)).collect()
    }
}

impl<T: Random> Random for Box<T> {
    fn random(draw: &mut Draw) -> Self {
        Self::new(T::random(draw))
    }
}

impl Random for bool {
    fn random(draw: &mut Draw) -> Self {
        draw.below(2) == 0
    }
}

impl Random for i32 {
    fn random(draw: &mut Draw) -> Self {
        [0, 1, -1, 8080, Self::MAX, Self::MIN][draw.below(6)]
    }
}

impl Random for i64 {
    fn random(draw: &mut Draw) -> Self {
        [0, 1, -1, 1 << 40, Self::MAX, Self::MIN][draw.below(6)]
    }
}

impl Random for String {
    /// The words that decide something, and some that do not.
    fn random(draw: &mut Draw) -> Self {
        draw.one_of(&[
            "",
            "a",
            "b",
            "zone",
            "In",
            "NotIn",
            "Exists",
            "DoesNotExist",
            "Gt",
            "Lt",
            "Equal",
            "Always",
            "Never",
            "NoSchedule",
            "PreferNoSchedule",
            "NoExecute",
            "DoNotSchedule",
            "ScheduleAnyway",
            "Honor",
            "Ignore",
            "Running",
            "Succeeded",
            "PodScheduled",
            "PodResizePending",
            "Infeasible",
            "Deferred",
            "True",
            "true",
            "Block",
            "RestartAllContainers",
            "WaitForFirstConsumer",
            "aws://z/vol-1",
            "a__b",
            "é \"\\\n\u{1F600}",
            "topology.kubernetes.io/zone",
            "volume.beta.kubernetes.io/storage-class",
            "pv.kubernetes.io/bind-completed",
            "storageclass.kubernetes.io/is-default-class",
            "storage.alpha.kubernetes.io/migrated-plugins",
            "cpu",
            "memory",
            "hugepages-2Mi",
        ])
    }
}

impl Random for Quantity {
    fn random(draw: &mut Draw) -> Self {
        let text = draw.one_of(&["0", "1", "100m", "1.5Gi", "2e3", "-1", "1u", "9E"]);
        let wrong = draw.below(200) == 0;
        Self { string: Some(if wrong { "lots".into() } else { text }) }
    }
}

impl Random for Time {
    fn random(draw: &mut Draw) -> Self {
        let seconds = i64::try_from(draw.below(4_000_000_000)).unwrap() - 1_000_000_000;
        Self { seconds: Some(seconds), nanos: Some(0) }
    }
}

macro_rules! random {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl Random for $name {
            fn random(draw: &mut Draw) -> Self {
                let _ = &draw;
                Self { $($field: Random::random(draw)),* }
            }
        }
    )*};
}

random! {
    Entry { key, value }
    Resource { key, value }
    Key { key }
    ObjectMeta {
        name, namespace, uid, resource_version, generation, creation_timestamp, deletion_timestamp, labels,
        annotations, owner_references
    }
    OwnerReference { kind, name, uid, api_version, controller }
    Pod { metadata, spec, status }
    PodSpec {
        volumes, containers, node_selector, node_name, host_network, affinity, scheduler_name,
        init_containers, tolerations, priority, preemption_policy, overhead,
        topology_spread_constraints, ephemeral_containers, host_users, scheduling_gates, resource_claims, resources,
        scheduling_group
    }
    Present {}
    SchedulingGate { name }
    Toleration { key, operator, value, effect }
    Container {
        name, image, ports, resources, volume_mounts, restart_policy, restart_policy_rules
    }
    VolumeMount { bind_mount_options }
    ContainerRestartRule { action }
    EphemeralContainer { common }
    EphemeralContainerCommon { volume_mounts }
    Resources { limits, requests }
    ContainerPort { host_port, protocol, host_ip }
    Affinity { node_affinity, pod_affinity, pod_anti_affinity }
    NodeAffinity { required, preferred }
    PreferredSchedulingTerm { weight, preference }
    PodAffinity { required, preferred }
    WeightedPodAffinityTerm { weight, pod_affinity_term }
    PodAffinityTerm {
        label_selector, namespaces, topology_key, namespace_selector, match_label_keys,
        mismatch_label_keys
    }
    TopologySpreadConstraint {
        max_skew, topology_key, when_unsatisfiable, label_selector, min_domains,
        node_affinity_policy, node_taints_policy, match_label_keys
    }
    LabelSelector { match_labels, match_expressions }
    Requirement { key, operator, values }
    NodeSelector { node_selector_terms }
    NodeSelectorTerm { match_expressions, match_fields }
    Volume { name, source }
    VolumeSource {
        gce_persistent_disk, aws_elastic_block_store, iscsi, persistent_volume_claim, rbd, cinder,
        azure_file, vsphere_volume, azure_disk, portworx_volume, csi, ephemeral, image
    }
    GcePersistentDisk { pd_name, read_only }
    AwsElasticBlockStore { volume_id, read_only }
    Iscsi { iqn, read_only }
    Rbd { monitors, image, pool, read_only }
    ClaimSource { claim_name, read_only }
    VolumeId { volume_id }
    AzureDisk { disk_uri, kind }
    CsiSource { driver }
    CsiVolume { driver, volume_handle }
    ImageSource { reference }
    PodStatus {
        phase, conditions, start_time, container_statuses, init_container_statuses,
        nominated_node_name, allocated_resources, resources
    }
    Condition { kind, status, reason, message, observed_generation }
    ContainerStatus { name, allocated_resources, resources }
    Node { metadata, spec, status }
    NodeSpec { unschedulable, taints }
    NodeStatus { allocatable, conditions, images, declared_features }
    Taint { key, value, effect }
    ContainerImage { names, size_bytes }
    Namespace { metadata }
    Service { metadata, spec }
    ReplicationController { metadata, spec }
    MapSelectingSpec { selector }
    ReplicaSet { metadata, spec }
    StatefulSet { metadata, spec }
    SelectingSpec { selector }
    DisruptionBudget { metadata, spec, status }
    DisruptionBudgetStatus { disrupted_pods, disruptions_allowed }
    PersistentVolume { metadata, spec, status }
    VolumeSpec {
        capacity, source, access_modes, claim_ref, storage_class_name, volume_mode, node_affinity,
        volume_attributes_class_name
    }
    PersistentVolumeSource {
        gce_persistent_disk, aws_elastic_block_store, cinder, azure_file, vsphere_volume,
        azure_disk, portworx_volume, csi
    }
    ClaimReference { namespace, name, uid }
    VolumeNodeAffinity { required }
    PhaseStatus { phase }
    Claim { metadata, spec, status }
    ClaimSpec {
        access_modes, resources, volume_name, selector, storage_class_name, volume_mode,
        volume_attributes_class_name
    }
    StorageClass { metadata, provisioner, volume_binding_mode, allowed_topologies }
    TopologyTerm { match_label_expressions }
    TopologyRequirement { key, values }
    CsiNode { metadata, spec }
    CsiNodeSpec { drivers }
    CsiNodeDriver { name, allocatable }
    VolumeNodeResources { count }
    CsiDriver { metadata, spec }
    CsiDriverSpec { storage_capacity, prevent_pod_scheduling_if_missing }
    StorageCapacity {
        metadata, node_topology, storage_class_name, capacity, maximum_volume_size
    }
    VolumeAttachment { metadata, spec }
    VolumeAttachmentSpec { attacher, source, node_name }
    VolumeAttachmentSource { persistent_volume_name }
}

/// An entry of a map as a member of a JSON object.
pub(crate) trait Member {
    type Value: Serialize;
    fn member(&self) -> (String, Self::Value);
}

impl Member for Entry {
    type Value = Option<String>;
    fn member(&self) -> (String, Option<String>) {
        (self.key.clone().unwrap_or_default(), self.value.clone())
    }
}

impl Member for Resource {
    type Value = Option<Quantity>;
    fn member(&self) -> (String, Option<Quantity>) {
        (self.key.clone().unwrap_or_default(), self.value.clone())
    }
}

impl Member for Key {
    type Value = &'static str;
    fn member(&self) -> (String, &'static str) {
        (self.key.clone().unwrap_or_default(), "2026-01-01T00:00:00Z")
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.string.serialize(serializer)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stamp = jiff::Timestamp::from_second(self.seconds.unwrap_or_default()).unwrap();
        serializer.serialize_str(&stamp.to_string())
    }
}
