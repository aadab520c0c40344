//! A pod as scheduling sees it: the template that its siblings share, and what is its own.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::stored::stored;

use super::{Affinity, InTreeVolume, Quantity, ResourceList, StringMap, TopologySpreadConstraint};

/// `v1.PodPhase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Phase {
    /// Accepted, containers not all started.
    #[default]
    Pending,
    /// At least one container runs.
    Running,
    /// All containers ended well; the pod is terminal and takes no room.
    Succeeded,
    /// A container failed for good; the pod is terminal and takes no room.
    Failed,
    /// The node is lost.
    Unknown,
}

impl Phase {
    /// Whether the pod has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// A port on the node that a container takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// Address; empty means all (`0.0.0.0`).
    pub ip: Box<str>,
    /// `TCP`, `UDP` or `SCTP`; empty means TCP.
    pub protocol: Box<str>,
    /// 1..65535; entries with 0 are not recorded.
    pub port: i32,
}

/// `v1.Container`, slimmed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Container {
    /// Name; ties a status to its container.
    pub name: Box<str>,
    /// Image reference as written.
    pub image: Box<str>,
    /// `resources.requests`.
    pub requests: ResourceList,
    /// `resources.limits`.
    pub limits: ResourceList,
    /// Ports with a host port.
    pub host_ports: Vec<HostPort>,
    /// An init container with `restartPolicy: Always`: a sidecar.
    pub restartable: bool,
}

/// `v1.TolerationOperator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum TolerationOp {
    /// Key and value are equal (the default).
    #[default]
    Equal,
    /// The key exists.
    Exists,
    /// `Lt`, `Gt` (alpha, off) or a name that Kubernetes does not define: tolerates nothing.
    Unsupported,
}

/// `v1.Toleration` without `tolerationSeconds`, which scheduling does not read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Toleration {
    /// Key; empty with `Exists` matches every taint.
    pub key: Box<str>,
    /// Comparison.
    pub op: TolerationOp,
    /// Value for `Equal`.
    pub value: Box<str>,
    /// Effect; `None` matches every effect.
    pub effect: Option<super::TaintEffect>,
}

/// A volume that scheduling reads; configMaps, secrets, projected and the like are not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Volume {
    /// `persistentVolumeClaim`.
    Claim {
        /// Claim in the pod's namespace.
        name: Box<str>,
        /// Mounted read-only.
        read_only: bool,
    },
    /// `ephemeral`: a claim of the pod's own. Its name has the pod's in it, so pods with one do not
    /// share a template.
    Ephemeral {
        /// `<pod>-<volume>` (`ephemeral.VolumeClaimName`).
        claim: Box<str>,
    },
    /// `image`: an OCI image as a volume.
    Image {
        /// Image reference as written.
        reference: Box<str>,
    },
    /// `csi`, inline.
    Csi {
        /// Driver name.
        driver: Box<str>,
    },
    /// `gcePersistentDisk`.
    GcePersistentDisk {
        /// Disk name.
        name: Box<str>,
        /// Mounted read-only.
        read_only: bool,
    },
    /// `awsElasticBlockStore`.
    AwsElasticBlockStore {
        /// Volume id.
        id: Box<str>,
        /// Mounted read-only.
        read_only: bool,
    },
    /// `iscsi`.
    Iscsi {
        /// Target name.
        iqn: Box<str>,
        /// Mounted read-only.
        read_only: bool,
    },
    /// `rbd`.
    Rbd {
        /// Monitor addresses.
        monitors: Box<[Box<str>]>,
        /// Pool, `rbd` by default.
        pool: Box<str>,
        /// Image name.
        image: Box<str>,
        /// Mounted read-only.
        read_only: bool,
    },
    /// Another kind that a CSI driver took over: `azureDisk`, `cinder`, ….
    InTree(InTreeVolume),
}

/// What all pods of one Job have in common, and all that filters and scores read of a pod besides
/// its namespace, labels and owner. Decoders share one `Arc` between pods with equal templates.
///
/// Node name, priority, scheduling gates and nominations are not here: they differ between pods
/// that are alike for every plugin.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct PodSpec {
    /// `schedulerName`.
    pub scheduler_name: Box<str>,
    /// `containers`.
    pub containers: Vec<Container>,
    /// `initContainers`.
    pub init_containers: Vec<Container>,
    /// `overhead`.
    pub overhead: ResourceList,
    /// `resources.requests` of the pod as a whole.
    pub pod_requests: Option<ResourceList>,
    /// `nodeSelector`.
    pub node_selector: StringMap,
    /// `affinity`.
    pub affinity: Option<Box<Affinity>>,
    /// `tolerations`.
    pub tolerations: Vec<Toleration>,
    /// `topologySpreadConstraints`.
    pub topology_spread: Vec<TopologySpreadConstraint>,
    /// Volumes that scheduling reads.
    pub volumes: Vec<Volume>,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `hostUsers`, where set.
    pub host_users: Option<bool>,
    /// Number of `resourceClaims`; pods with any are refused until devices are supported.
    pub resource_claims: u32,
    /// `schedulingGroup` is set; such pods are refused until groups are supported.
    pub scheduling_group: bool,
    /// Names of features the pod needs a node to declare, as far as the spec tells.
    pub required_features: Box<[Box<str>]>,
}

/// `v1.PreemptionPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PreemptionPolicy {
    /// May preempt pods of lower priority (the default).
    #[default]
    PreemptLowerPriority,
    /// Never preempts.
    Never,
}

/// The controlling owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// `apps/v1`, `batch/v1`, ….
    pub api_version: Box<str>,
    /// `Job`, `ReplicaSet`, ….
    pub kind: Box<str>,
    /// Name in the pod's namespace.
    pub name: Box<str>,
    /// UID.
    pub uid: Box<str>,
}

/// The `PodScheduled` condition as last seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ScheduledCondition {
    /// `True`, `False` or `Unknown`.
    pub status: Box<str>,
    /// `Unschedulable`, `SchedulerError`, `SchedulingGated`, ….
    pub reason: Box<str>,
    /// Text for people.
    pub message: Box<str>,
    /// `observedGeneration`: which version of the spec it speaks of; 0 where absent.
    pub observed_generation: i64,
}

impl ScheduledCondition {
    /// Whether it says what another says. `observedGeneration` aside: an API server without the
    /// feature (PodObservedGenerationTracking) drops it.
    pub fn says(&self, other: &Self) -> bool {
        let of = |c: &Self| (c.status.clone(), c.reason.clone(), c.message.clone());
        of(self) == of(other)
    }

    /// Whether a scheduler wrote it, of a pod that it could not place.
    pub fn is_ours(&self) -> bool {
        matches!(&*self.reason, "Unschedulable" | "SchedulerError") && &*self.status == "False"
    }
}

/// Why an in-place resize has not happened yet (condition `PodResizePending`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResizePending {
    /// It may fit later.
    Deferred,
    /// It can never fit on this node.
    Infeasible,
}

/// Resources of one container as the kubelet reports them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ContainerStatus {
    /// Container name.
    pub name: Box<str>,
    /// `allocatedResources`.
    pub allocated: Option<ResourceList>,
    /// `resources.requests`.
    pub requests: Option<ResourceList>,
}

/// State of in-place resizing (KEP-1287); only recorded where the status says something that the
/// spec does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Resize {
    /// Reason of the condition `PodResizePending`, where it is present and True.
    pub pending: Option<ResizePending>,
    /// Statuses of containers, then of init containers.
    pub statuses: Vec<ContainerStatus>,
    /// Pod-level `status.allocatedResources`.
    pub pod_allocated: Option<ResourceList>,
    /// Pod-level `status.resources.requests`: `None` where `status.resources` is absent, empty
    /// where it lists no requests. The rule's sums read it only where it lists some, its pod-level
    /// override wherever it is present.
    pub pod_requests: Option<ResourceList>,
}

/// A `v1.Pod`, slimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRecord {
    /// `metadata.namespace`.
    pub namespace: Box<str>,
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.uid`: the pod's identity.
    pub uid: Box<str>,
    /// `metadata.resourceVersion` as a number; 0 where unknown. What a bind of it presupposes.
    pub resource_version: u64,
    /// `metadata.labels`.
    pub labels: StringMap,
    /// The controller, from `metadata.ownerReferences`; its pods share it.
    pub owner: Option<Arc<Owner>>,
    /// `metadata.creationTimestamp`, milliseconds since the epoch; 0 where unknown.
    pub created_ms: u64,
    /// `metadata.generation`; 0 where unknown.
    pub generation: i64,
    /// `metadata.deletionTimestamp` is set.
    pub terminating: bool,
    /// What it shares with its siblings.
    pub spec: Arc<PodSpec>,
    /// `spec.nodeName`.
    pub node_name: Option<Box<str>>,
    /// `spec.priority`.
    pub priority: i32,
    /// `spec.preemptionPolicy`.
    pub preemption_policy: PreemptionPolicy,
    /// `spec.schedulingGates`, names in order.
    pub scheduling_gates: Box<[Box<str>]>,
    /// `status.phase`.
    pub phase: Phase,
    /// `status.nominatedNodeName`.
    pub nominated_node_name: Option<Box<str>>,
    /// `status.startTime`, milliseconds since the epoch.
    pub started_ms: Option<u64>,
    /// Condition `DisruptionTarget` is True with reason `PreemptionByScheduler`.
    pub preempted: bool,
    /// Condition `PodScheduled`.
    pub scheduled: Option<ScheduledCondition>,
    /// In-place resize state, where it differs from the spec.
    pub resize: Option<Box<Resize>>,
}

impl PodRecord {
    /// A pod with this identity and template; everything else as the API server leaves it.
    pub fn new(namespace: &str, name: &str, uid: &str, spec: Arc<PodSpec>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            uid: uid.into(),
            resource_version: 0,
            labels: StringMap::default(),
            owner: None,
            created_ms: 0,
            generation: 0,
            terminating: false,
            spec,
            node_name: None,
            priority: 0,
            preemption_policy: PreemptionPolicy::default(),
            scheduling_gates: Box::default(),
            phase: Phase::default(),
            nominated_node_name: None,
            started_ms: None,
            preempted: false,
            scheduled: None,
            resize: None,
        }
    }
}

impl PodRecord {
    /// Hashes what is read of a pod that has a node. Its conditions, its generation, and its phase
    /// until it ends are not: updates that change only them mean nothing.
    pub fn hash_assigned(&self, state: &mut impl Hasher) {
        (&self.node_name, &self.labels, &self.spec, self.priority).hash(state);
        (self.terminating, self.preempted, self.started_ms, &self.resize).hash(state);
        self.phase.is_terminal().hash(state);
    }
}

impl Container {
    /// A container that asks for `requests`, for tests and examples.
    pub fn requesting<'a>(requests: impl IntoIterator<Item = (&'a str, Quantity)>) -> Self {
        Self { name: "main".into(), requests: requests.into_iter().collect(), ..Self::default() }
    }
}

stored! { struct HostPort { ip, protocol, port } }
stored! { struct Container { name, image, requests, limits, host_ports, restartable } }
stored! { enum TolerationOp { 0 = Equal, 1 = Exists, 2 = Unsupported } }
stored! { struct Toleration { key, op, value, effect } }
stored! { enum Volume {
    0 = Claim { name, read_only },
    1 = Ephemeral { claim },
    2 = Image { reference },
    3 = Csi { driver },
    4 = GcePersistentDisk { name, read_only },
    5 = AwsElasticBlockStore { id, read_only },
    6 = Iscsi { iqn, read_only },
    7 = Rbd { monitors, pool, image, read_only },
    8 = InTree(volume),
} }
stored! { struct PodSpec {
    scheduler_name, containers, init_containers, overhead, pod_requests, node_selector, affinity,
    tolerations, topology_spread, volumes, host_network, host_users, resource_claims,
    scheduling_group, required_features,
} }
stored! { struct Owner { api_version, kind, name, uid } }
stored! { struct ScheduledCondition { status, reason, message, observed_generation } }
