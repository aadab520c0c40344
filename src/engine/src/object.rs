//! The kinds of objects that scheduling reads: one table, from which everything about a kind is
//! made that can be made, here and in the crates around the engine.
//!
//! A new kind is a row of [`kinds!`](crate::kinds), a record in [`crate::record`], and where it
//! comes from an API server its wire form, in a file of its own.

use crate::model::{Reads, Resource};
use crate::record::ObjectKey;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Added or changed.
    Applied,
    /// Gone.
    Deleted,
}

/// The table of kinds: hands its rows to the macro named, after what else it was given.
///
/// ```text
/// kinds!(callback, rest)  ▶  callback! { [rest] own { rows } objects { rows } }
/// ```
///
/// Rows of `own` are pods and nodes, which have inputs and tables of their own. Each row has
///
/// | Column | What |
/// |---|---|
/// | name | of the variant in enums; the wire form has the same name |
/// | `kind`, `resource`, `group` | as the API names them; the core group is empty |
/// | `versions` | in order of preference; one that the API server offers is watched |
/// | `scope` | `Cluster`: a record has a `name`; `Namespaced`: it has a `key` |
/// | `need` | `Required`: no scheduling without; `Optional`: a cluster may lack it |
///
/// and rows of `objects` besides
///
/// | Column | What |
/// |---|---|
/// | `record` | its type, in [`crate::record`] |
/// | `table` | its field of [`Objects`](crate::cache::Objects); `Table`, or `Ordered` by namespace and name |
/// | `reads` | the fact that is different when one changes |
/// | `event` | the resource of the event, for hints |
#[macro_export]
macro_rules! kinds {
    ($($then:tt)::+ $(, $($rest:tt)*)?) => {
        $($then)::+! {
            [$($($rest)*)?]
            own {
                /// `v1.Node`.
                Node {
                    kind: "Node", resource: "nodes", group: "", versions: ["v1"],
                    scope: Cluster, need: Required,
                }
                /// `v1.Pod`.
                Pod {
                    kind: "Pod", resource: "pods", group: "", versions: ["v1"],
                    scope: Namespaced, need: Required,
                }
            }
            objects {
                /// `v1.Namespace`.
                Namespace {
                    kind: "Namespace", resource: "namespaces", group: "", versions: ["v1"],
                    scope: Cluster, need: Optional,
                    record: NamespaceRecord, table: Table namespaces,
                    reads: NAMESPACES, event: Other,
                }
                /// `v1.Service`.
                Service {
                    kind: "Service", resource: "services", group: "", versions: ["v1"],
                    scope: Namespaced, need: Optional,
                    record: SelectorOwnerRecord, table: Ordered services,
                    reads: SELECTOR_OWNERS, event: Other,
                }
                /// `v1.ReplicationController`.
                ReplicationController {
                    kind: "ReplicationController", resource: "replicationcontrollers",
                    group: "", versions: ["v1"],
                    scope: Namespaced, need: Optional,
                    record: SelectorOwnerRecord, table: Table replication_controllers,
                    reads: SELECTOR_OWNERS, event: Other,
                }
                /// `apps/v1.ReplicaSet`.
                ReplicaSet {
                    kind: "ReplicaSet", resource: "replicasets", group: "apps", versions: ["v1"],
                    scope: Namespaced, need: Optional,
                    record: SelectorOwnerRecord, table: Table replica_sets,
                    reads: SELECTOR_OWNERS, event: Other,
                }
                /// `apps/v1.StatefulSet`.
                StatefulSet {
                    kind: "StatefulSet", resource: "statefulsets", group: "apps", versions: ["v1"],
                    scope: Namespaced, need: Optional,
                    record: SelectorOwnerRecord, table: Table stateful_sets,
                    reads: SELECTOR_OWNERS, event: Other,
                }
                /// `policy/v1.PodDisruptionBudget`.
                DisruptionBudget {
                    kind: "PodDisruptionBudget", resource: "poddisruptionbudgets",
                    group: "policy", versions: ["v1"],
                    scope: Namespaced, need: Optional,
                    record: DisruptionBudgetRecord, table: Table disruption_budgets,
                    reads: DISRUPTION_BUDGETS, event: Other,
                }
                /// `v1.PersistentVolume`.
                Volume {
                    kind: "PersistentVolume", resource: "persistentvolumes",
                    group: "", versions: ["v1"],
                    scope: Cluster, need: Optional,
                    record: VolumeRecord, table: Table volumes,
                    reads: VOLUMES, event: PersistentVolume,
                }
                /// `v1.PersistentVolumeClaim`.
                Claim {
                    kind: "PersistentVolumeClaim", resource: "persistentvolumeclaims",
                    group: "", versions: ["v1"],
                    scope: Namespaced, need: Optional,
                    record: ClaimRecord, table: Table claims,
                    reads: CLAIMS, event: PersistentVolumeClaim,
                }
                /// `storage.k8s.io/v1.StorageClass`.
                StorageClass {
                    kind: "StorageClass", resource: "storageclasses",
                    group: "storage.k8s.io", versions: ["v1"],
                    scope: Cluster, need: Optional,
                    record: StorageClassRecord, table: Table storage_classes,
                    reads: STORAGE_CLASSES, event: StorageClass,
                }
                /// `storage.k8s.io/v1.CSINode`.
                CsiNode {
                    kind: "CSINode", resource: "csinodes",
                    group: "storage.k8s.io", versions: ["v1"],
                    scope: Cluster, need: Optional,
                    record: CsiNodeRecord, table: Table csi_nodes,
                    reads: CSI_NODES, event: CsiNode,
                }
                /// `storage.k8s.io/v1.CSIDriver`.
                CsiDriver {
                    kind: "CSIDriver", resource: "csidrivers",
                    group: "storage.k8s.io", versions: ["v1"],
                    scope: Cluster, need: Optional,
                    record: CsiDriverRecord, table: Table csi_drivers,
                    reads: CSI_DRIVERS, event: CsiDriver,
                }
                /// `storage.k8s.io/v1.CSIStorageCapacity`.
                StorageCapacity {
                    kind: "CSIStorageCapacity", resource: "csistoragecapacities",
                    group: "storage.k8s.io", versions: ["v1"],
                    scope: Namespaced, need: Optional,
                    record: StorageCapacityRecord, table: Table storage_capacities,
                    reads: STORAGE_CAPACITIES, event: CsiStorageCapacity,
                }
                /// `storage.k8s.io/v1.VolumeAttachment`.
                VolumeAttachment {
                    kind: "VolumeAttachment", resource: "volumeattachments",
                    group: "storage.k8s.io", versions: ["v1"],
                    scope: Cluster, need: Optional,
                    record: VolumeAttachmentRecord, table: Table volume_attachments,
                    reads: VOLUME_ATTACHMENTS, event: VolumeAttachment,
                }
            }
        }
    };
}

pub(crate) use kinds;

/// Namespace and name of a record, by the scope of its kind.
macro_rules! key_of {
    (Cluster $record:ident) => {
        ObjectKey::cluster(&$record.name)
    };
    (Namespaced $record:ident) => {
        $record.key.clone()
    };
}

macro_rules! object {
    (
        [] own { $($own:tt)* }
        objects {$(
            $(#[$doc:meta])*
            $Kind:ident {
                kind: $kind:literal, resource: $resource:literal,
                group: $group:literal, versions: $versions:tt,
                scope: $scope:ident, need: $need:ident,
                record: $Record:ident, table: $Table:ident $table:ident,
                reads: $reads:ident, event: $event:ident,
            }
        )*}
    ) => {
        /// The objects besides pods and nodes. A deleted one carries at least its key.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Object {
            $($(#[$doc])* $Kind(crate::record::$Record),)*
        }

        impl Object {
            /// Namespace and name.
            pub fn key(&self) -> ObjectKey {
                match self {
                    $(Self::$Kind(record) => key_of!($scope record),)*
                }
            }

            /// What a change of one tells: the fact that is different, and whose event it is.
            pub(crate) fn tells(&self) -> (Reads, Resource) {
                match self {
                    $(Self::$Kind(_) => (Reads::$reads, Resource::$event),)*
                }
            }
        }
    };
}

kinds!(object);
