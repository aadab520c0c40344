//! The rows: what kube-apiserver 1.37 serves and a scheduler, kubectl or Berth asks for.

use super::Resource;

type Fields = &'static [(&'static str, &'static str)];

const STATUS: &[&str] = &["status"];

const POD_FIELDS: Fields = &[
    ("spec.nodeName", "/spec/nodeName"),
    ("spec.schedulerName", "/spec/schedulerName"),
    ("status.phase", "/status/phase"),
    ("spec.restartPolicy", "/spec/restartPolicy"),
    ("spec.serviceAccountName", "/spec/serviceAccountName"),
    ("spec.hostNetwork", "/spec/hostNetwork"),
    ("status.podIP", "/status/podIP"),
    ("status.nominatedNodeName", "/status/nominatedNodeName"),
];

const EVENT_FIELDS: Fields = &[
    ("involvedObject.kind", "/involvedObject/kind"),
    ("involvedObject.namespace", "/involvedObject/namespace"),
    ("involvedObject.name", "/involvedObject/name"),
    ("involvedObject.uid", "/involvedObject/uid"),
    ("involvedObject.apiVersion", "/involvedObject/apiVersion"),
    ("involvedObject.resourceVersion", "/involvedObject/resourceVersion"),
    ("involvedObject.fieldPath", "/involvedObject/fieldPath"),
    ("reason", "/reason"),
    ("reportingComponent", "/reportingComponent"),
    ("source", "/source/component"),
    ("type", "/type"),
];

/// The same values in the same order as [`EVENT_FIELDS`], by their `events.k8s.io` names.
const NEW_EVENT_FIELDS: Fields = &[
    ("regarding.kind", "/involvedObject/kind"),
    ("regarding.namespace", "/involvedObject/namespace"),
    ("regarding.name", "/involvedObject/name"),
    ("regarding.uid", "/involvedObject/uid"),
    ("regarding.apiVersion", "/involvedObject/apiVersion"),
    ("regarding.resourceVersion", "/involvedObject/resourceVersion"),
    ("regarding.fieldPath", "/involvedObject/fieldPath"),
    ("reason", "/reason"),
    ("reportingController", "/reportingComponent"),
    ("source", "/source/component"),
    ("type", "/type"),
];

fn row(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
) -> Resource {
    Resource {
        id: 0,
        stored_as: 0,
        group,
        version,
        plural,
        singular: "",
        kind,
        short: &[],
        namespaced: true,
        in_all: false,
        subresources: &[],
        fields: &[],
        generation: false,
        review: false,
    }
}

impl Resource {
    fn short(mut self, names: &'static [&'static str]) -> Self {
        self.short = names;
        self
    }

    fn cluster(mut self) -> Self {
        self.namespaced = false;
        self
    }

    fn with(mut self, subresources: &'static [&'static str]) -> Self {
        self.subresources = subresources;
        self
    }

    fn selects(mut self, fields: Fields) -> Self {
        self.fields = fields;
        self
    }

    fn generation(mut self) -> Self {
        self.generation = true;
        self
    }

    fn listed_in_all(mut self) -> Self {
        self.in_all = true;
        self
    }

    fn review(mut self) -> Self {
        self.review = true;
        self
    }
}

fn core() -> Vec<Resource> {
    let pod_subresources: &[&str] =
        &["binding", "ephemeralcontainers", "eviction", "log", "resize", "status"];
    vec![
        row("", "v1", "namespaces", "Namespace")
            .short(&["ns"])
            .cluster()
            .with(&["finalize", "status"])
            .selects(&[("status.phase", "/status/phase")]),
        row("", "v1", "nodes", "Node")
            .short(&["no"])
            .cluster()
            .with(STATUS)
            .selects(&[("spec.unschedulable", "/spec/unschedulable")]),
        row("", "v1", "pods", "Pod")
            .short(&["po"])
            .with(pod_subresources)
            .selects(POD_FIELDS)
            .generation()
            .listed_in_all(),
        row("", "v1", "events", "Event").short(&["ev"]).selects(EVENT_FIELDS),
        row("", "v1", "services", "Service").short(&["svc"]).with(STATUS).listed_in_all(),
        row("", "v1", "endpoints", "Endpoints").short(&["ep"]),
        row("", "v1", "replicationcontrollers", "ReplicationController")
            .short(&["rc"])
            .with(STATUS)
            .generation()
            .listed_in_all(),
        row("", "v1", "persistentvolumes", "PersistentVolume")
            .short(&["pv"])
            .cluster()
            .with(STATUS),
        row("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
            .short(&["pvc"])
            .with(STATUS),
        row("", "v1", "configmaps", "ConfigMap").short(&["cm"]),
        row("", "v1", "serviceaccounts", "ServiceAccount").short(&["sa"]),
        row("", "v1", "secrets", "Secret").selects(&[("type", "/type")]),
        row("", "v1", "resourcequotas", "ResourceQuota").short(&["quota"]).with(STATUS),
        row("", "v1", "limitranges", "LimitRange").short(&["limits"]),
    ]
}

fn workloads() -> Vec<Resource> {
    let apps = |plural, kind| row("apps", "v1", plural, kind).with(STATUS).generation();
    vec![
        apps("replicasets", "ReplicaSet").short(&["rs"]).listed_in_all(),
        apps("statefulsets", "StatefulSet").short(&["sts"]).listed_in_all(),
        apps("deployments", "Deployment").short(&["deploy"]).listed_in_all(),
        apps("daemonsets", "DaemonSet").short(&["ds"]).listed_in_all(),
        row("batch", "v1", "jobs", "Job")
            .with(STATUS)
            .generation()
            .listed_in_all()
            .selects(&[("status.successful", "/status/succeeded")]),
        row("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
            .short(&["pdb"])
            .with(STATUS)
            .generation(),
        row("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass").short(&["pc"]).cluster(),
        row("coordination.k8s.io", "v1", "leases", "Lease"),
        row("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    ]
}

fn storage() -> Vec<Resource> {
    let storage = |plural, kind| row("storage.k8s.io", "v1", plural, kind);
    vec![
        storage("storageclasses", "StorageClass").short(&["sc"]).cluster(),
        storage("csinodes", "CSINode").cluster(),
        storage("csidrivers", "CSIDriver").cluster(),
        storage("csistoragecapacities", "CSIStorageCapacity"),
        storage("volumeattachments", "VolumeAttachment").cluster().with(STATUS),
    ]
}

fn access_and_devices() -> Vec<Resource> {
    let rbac = |plural, kind| row("rbac.authorization.k8s.io", "v1", plural, kind);
    let devices = |plural, kind| row("resource.k8s.io", "v1", plural, kind);
    vec![
        rbac("roles", "Role"),
        rbac("rolebindings", "RoleBinding"),
        rbac("clusterroles", "ClusterRole").cluster(),
        rbac("clusterrolebindings", "ClusterRoleBinding").cluster(),
        devices("deviceclasses", "DeviceClass").cluster().generation(),
        devices("resourceclaims", "ResourceClaim").with(STATUS),
        devices("resourceclaimtemplates", "ResourceClaimTemplate"),
        devices("resourceslices", "ResourceSlice")
            .cluster()
            .generation()
            .selects(&[("spec.nodeName", "/spec/nodeName"), ("spec.driver", "/spec/driver")]),
        devices("devicetaintrules", "DeviceTaintRule").cluster().with(STATUS).generation(),
        row("authentication.k8s.io", "v1", "tokenreviews", "TokenReview").cluster().review(),
        row("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview")
            .cluster()
            .review(),
        row("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview")
            .cluster()
            .review(),
        row("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview")
            .cluster()
            .review(),
        row("events.k8s.io", "v1", "events", "Event").short(&["ev"]).selects(NEW_EVENT_FIELDS),
    ]
}

/// All rows with their ids set.
pub(super) fn rows() -> Vec<Resource> {
    let mut rows = core();
    rows.extend(workloads());
    rows.extend(storage());
    rows.extend(access_and_devices());
    let core_events = rows.iter().position(|r| r.group.is_empty() && r.plural == "events");
    for (id, row) in rows.iter_mut().enumerate() {
        row.id = id;
        row.stored_as = id;
        if row.group == "events.k8s.io" {
            row.stored_as = core_events.unwrap_or(id);
        }
        // The singular of every kind here is the kind in small letters.
        row.singular = row.kind.to_ascii_lowercase().leak();
    }
    rows
}
