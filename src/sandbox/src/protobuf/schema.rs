//! Field numbers of the messages in `k8s.io/api/*/generated.proto`. They are API: they never
//! change.

/// How a field is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    String,
    Strings,
    Bool,
    Int,
    Time,
    MicroTime,
    IntOrString,
    StringMap,
    BytesMap,
    Message(&'static Message),
    Messages(&'static Message),
}

/// One field: its number, its JSON name.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u64,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// The fields of a message that a client may set; statuses and such are skipped on the wire.
pub(super) type Message = [Field];

const fn f(number: u64, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind }
}

use Kind::{Bool, BytesMap, Int, IntOrString, MicroTime, String, StringMap, Strings, Time};

/// `runtime.Unknown`; its `raw` is read apart.
pub(super) static UNKNOWN: [Field; 1] = [f(1, "typeMeta", Kind::Message(&TYPE_META))];
static TYPE_META: [Field; 2] = [f(1, "apiVersion", String), f(2, "kind", String)];
pub(super) static TIMESTAMP: [Field; 2] = [f(1, "seconds", Int), f(2, "nanos", Int)];
pub(super) static STRING_ENTRY: [Field; 2] = [f(1, "key", String), f(2, "value", String)];
pub(super) static INT_OR_STRING: [Field; 3] =
    [f(1, "type", Int), f(2, "intVal", Int), f(3, "strVal", String)];

static META: [Field; 13] = [
    f(1, "name", String),
    f(2, "generateName", String),
    f(3, "namespace", String),
    f(5, "uid", String),
    f(6, "resourceVersion", String),
    f(7, "generation", Int),
    f(8, "creationTimestamp", Time),
    f(9, "deletionTimestamp", Time),
    f(10, "deletionGracePeriodSeconds", Int),
    f(11, "labels", StringMap),
    f(12, "annotations", StringMap),
    f(13, "ownerReferences", Kind::Messages(&OWNER)),
    f(14, "finalizers", Strings),
];
static OWNER: [Field; 6] = [
    f(1, "kind", String),
    f(3, "name", String),
    f(4, "uid", String),
    f(5, "apiVersion", String),
    f(6, "controller", Bool),
    f(7, "blockOwnerDeletion", Bool),
];
const METADATA: Field = f(1, "metadata", Kind::Message(&META));

static REFERENCE: [Field; 7] = [
    f(1, "kind", String),
    f(2, "namespace", String),
    f(3, "name", String),
    f(4, "uid", String),
    f(5, "apiVersion", String),
    f(6, "resourceVersion", String),
    f(7, "fieldPath", String),
];
static BINDING: [Field; 2] = [METADATA, f(2, "target", Kind::Message(&REFERENCE))];

static NAMESPACE: [Field; 2] = [METADATA, f(2, "spec", Kind::Message(&NAMESPACE_SPEC))];
static NAMESPACE_SPEC: [Field; 1] = [f(1, "finalizers", Strings)];
static CONFIG_MAP: [Field; 4] =
    [METADATA, f(2, "data", StringMap), f(3, "binaryData", BytesMap), f(4, "immutable", Bool)];
static SECRET: [Field; 5] = [
    METADATA,
    f(2, "data", BytesMap),
    f(3, "type", String),
    f(4, "stringData", StringMap),
    f(5, "immutable", Bool),
];
static SERVICE_ACCOUNT: [Field; 4] = [
    METADATA,
    f(2, "secrets", Kind::Messages(&REFERENCE)),
    f(3, "imagePullSecrets", Kind::Messages(&NAME)),
    f(4, "automountServiceAccountToken", Bool),
];
static NAME: [Field; 1] = [f(1, "name", String)];
static ONLY_METADATA: [Field; 1] = [METADATA];

static PRIORITY_CLASS: [Field; 5] = [
    METADATA,
    f(2, "value", Int),
    f(3, "globalDefault", Bool),
    f(4, "description", String),
    f(5, "preemptionPolicy", String),
];
static BUDGET: [Field; 2] = [METADATA, f(2, "spec", Kind::Message(&BUDGET_SPEC))];
static BUDGET_SPEC: [Field; 4] = [
    f(1, "minAvailable", IntOrString),
    f(2, "selector", Kind::Message(&SELECTOR)),
    f(3, "maxUnavailable", IntOrString),
    f(4, "unhealthyPodEvictionPolicy", String),
];
static SELECTOR: [Field; 2] =
    [f(1, "matchLabels", StringMap), f(2, "matchExpressions", Kind::Messages(&REQUIREMENT))];
static REQUIREMENT: [Field; 3] =
    [f(1, "key", String), f(2, "operator", String), f(3, "values", Strings)];

static DELETE_OPTIONS: [Field; 5] = [
    f(1, "gracePeriodSeconds", Int),
    f(2, "preconditions", Kind::Message(&PRECONDITIONS)),
    f(3, "orphanDependents", Bool),
    f(4, "propagationPolicy", String),
    f(5, "dryRun", Strings),
];
static PRECONDITIONS: [Field; 2] = [f(1, "uid", String), f(2, "resourceVersion", String)];
static EVICTION: [Field; 2] = [METADATA, f(2, "deleteOptions", Kind::Message(&DELETE_OPTIONS))];

static LEASE: [Field; 2] = [METADATA, f(2, "spec", Kind::Message(&LEASE_SPEC))];
static LEASE_SPEC: [Field; 7] = [
    f(1, "holderIdentity", String),
    f(2, "leaseDurationSeconds", Int),
    f(3, "acquireTime", MicroTime),
    f(4, "renewTime", MicroTime),
    f(5, "leaseTransitions", Int),
    f(6, "strategy", String),
    f(7, "preferredHolder", String),
];

static SOURCE: [Field; 2] = [f(1, "component", String), f(2, "host", String)];
static SERIES: [Field; 2] = [f(1, "count", Int), f(2, "lastObservedTime", MicroTime)];
static EVENT: [Field; 15] = [
    METADATA,
    f(2, "involvedObject", Kind::Message(&REFERENCE)),
    f(3, "reason", String),
    f(4, "message", String),
    f(5, "source", Kind::Message(&SOURCE)),
    f(6, "firstTimestamp", Time),
    f(7, "lastTimestamp", Time),
    f(8, "count", Int),
    f(9, "type", String),
    f(10, "eventTime", MicroTime),
    f(11, "series", Kind::Message(&SERIES)),
    f(12, "action", String),
    f(13, "related", Kind::Message(&REFERENCE)),
    f(14, "reportingComponent", String),
    f(15, "reportingInstance", String),
];
static NEW_EVENT: [Field; 15] = [
    METADATA,
    f(2, "eventTime", MicroTime),
    f(3, "series", Kind::Message(&SERIES)),
    f(4, "reportingController", String),
    f(5, "reportingInstance", String),
    f(6, "action", String),
    f(7, "reason", String),
    f(8, "regarding", Kind::Message(&REFERENCE)),
    f(9, "related", Kind::Message(&REFERENCE)),
    f(10, "note", String),
    f(11, "type", String),
    f(12, "deprecatedSource", Kind::Message(&SOURCE)),
    f(13, "deprecatedFirstTimestamp", Time),
    f(14, "deprecatedLastTimestamp", Time),
    f(15, "deprecatedCount", Int),
];

static TOKEN_REVIEW: [Field; 2] = [METADATA, f(2, "spec", Kind::Message(&TOKEN_REVIEW_SPEC))];
static TOKEN_REVIEW_SPEC: [Field; 2] = [f(1, "token", String), f(2, "audiences", Strings)];
static ACCESS_REVIEW: [Field; 2] = [METADATA, f(2, "spec", Kind::Message(&ACCESS_REVIEW_SPEC))];
static ACCESS_REVIEW_SPEC: [Field; 4] = [
    f(1, "resourceAttributes", Kind::Message(&RESOURCE_ATTRIBUTES)),
    f(2, "nonResourceAttributes", Kind::Message(&NON_RESOURCE_ATTRIBUTES)),
    f(3, "user", String),
    f(4, "groups", Strings),
];
static RESOURCE_ATTRIBUTES: [Field; 7] = [
    f(1, "namespace", String),
    f(2, "verb", String),
    f(3, "group", String),
    f(4, "version", String),
    f(5, "resource", String),
    f(6, "subresource", String),
    f(7, "name", String),
];
static NON_RESOURCE_ATTRIBUTES: [Field; 2] = [f(1, "path", String), f(2, "verb", String)];

/// The message of a kind, if its fields are known here.
pub(super) fn message(api_version: &str, kind: &str) -> Option<&'static Message> {
    Some(match (api_version, kind) {
        ("v1", "Binding") => &BINDING,
        ("v1", "Namespace") => &NAMESPACE,
        ("v1", "ConfigMap") => &CONFIG_MAP,
        ("v1", "Secret") => &SECRET,
        ("v1", "ServiceAccount") => &SERVICE_ACCOUNT,
        ("v1", "Event") => &EVENT,
        ("events.k8s.io/v1", "Event") => &NEW_EVENT,
        ("coordination.k8s.io/v1", "Lease") => &LEASE,
        ("scheduling.k8s.io/v1", "PriorityClass") => &PRIORITY_CLASS,
        ("policy/v1", "PodDisruptionBudget") => &BUDGET,
        ("policy/v1", "Eviction") => &EVICTION,
        ("authentication.k8s.io/v1", "TokenReview") => &TOKEN_REVIEW,
        ("authentication.k8s.io/v1", "SelfSubjectReview") => &ONLY_METADATA,
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview" | "SubjectAccessReview") => {
            &ACCESS_REVIEW
        }
        // Written under the version of whatever is deleted.
        (_, "DeleteOptions") => &DELETE_OPTIONS,
        _ => return None,
    })
}
