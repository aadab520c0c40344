//! How lists merge: the `patchStrategy`/`patchMergeKey` tags and `listType` markers of the Go
//! types, for the fields that kubectl and schedulers patch.

/// How two lists of one field come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListMerge {
    /// The new list replaces the old one.
    Atomic,
    /// Items are objects told apart by this field.
    ByKey(&'static str),
    /// Items are plain values; the union of both.
    Set,
}

/// Strategic merge: the first of the merge keys of a field. `parent` is the field that holds
/// the list's owner, which tells `ports` of containers from those of services.
pub(crate) fn of_list(parent: &str, field: &str) -> ListMerge {
    match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "resourceClaims"
        | "schedulingGates" => ListMerge::ByKey("name"),
        "ports" if parent == "spec" => ListMerge::ByKey("port"),
        "ports" => ListMerge::ByKey("containerPort"),
        "volumeMounts" => ListMerge::ByKey("mountPath"),
        "volumeDevices" => ListMerge::ByKey("devicePath"),
        "conditions" | "addresses" => ListMerge::ByKey("type"),
        "taints" => ListMerge::ByKey("key"),
        "ownerReferences" => ListMerge::ByKey("uid"),
        "topologySpreadConstraints" => ListMerge::ByKey("topologyKey"),
        "hostAliases" | "podIPs" | "hostIPs" => ListMerge::ByKey("ip"),
        "secrets" => ListMerge::ByKey("name"),
        "finalizers" => ListMerge::Set,
        _ => ListMerge::Atomic,
    }
}

/// Server-side apply: the keys of `listType=map` fields, empty for atomic lists. They are more
/// exact than the patch keys: ports are told apart by protocol too.
pub(crate) fn apply_keys(parent: &str, field: &str) -> &'static [&'static str] {
    match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "resourceClaims"
        | "schedulingGates" => &["name"],
        "ports" if parent == "spec" => &["port", "protocol"],
        "ports" => &["containerPort", "protocol"],
        "volumeMounts" => &["mountPath"],
        "volumeDevices" => &["devicePath"],
        "conditions" => &["type"],
        "addresses" => &["type"],
        "ownerReferences" => &["uid"],
        "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
        "hostAliases" => &["ip"],
        _ => &[],
    }
}

/// The default of a key that may be left out (`+default` markers).
pub(crate) fn key_default(key: &str) -> Option<&'static str> {
    (key == "protocol").then_some("TCP")
}
