//! The kinds that are watched: [`berth_engine::kinds!`] as the API server knows them.

/// What the API calls a kind, where it is and whether it must be there.
#[derive(Debug)]
struct Row {
    name: &'static str,
    resource: &'static str,
    group: &'static str,
    versions: &'static [&'static str],
    need: Need,
}

/// Whether the scheduler can work in a cluster without the kind.
#[derive(Debug, PartialEq, Eq)]
enum Need {
    /// It cannot.
    Required,
    /// It can.
    Optional,
}

macro_rules! kind {
    (
        []
        own {$(
            $(#[$own_doc:meta])*
            $Own:ident {
                kind: $own_kind:literal, resource: $own_resource:literal,
                group: $own_group:literal, versions: $own_versions:tt,
                scope: $own_scope:ident, need: $own_need:ident,
            }
        )*}
        objects {$(
            $(#[$doc:meta])*
            $Kind:ident {
                kind: $kind:literal, resource: $resource:literal,
                group: $group:literal, versions: $versions:tt,
                scope: $scope:ident, need: $need:ident,
                $($engine:tt)*
            }
        )*}
    ) => {
        /// A kind of object that kube-scheduler 1.37 watches.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$own_doc])* $Own,)*
            $($(#[$doc])* $Kind,)*
        }

        const ROWS: [Row; Kind::ALL.len()] = [
            $(Row {
                name: $own_kind,
                resource: $own_resource,
                group: $own_group,
                versions: &$own_versions,
                need: Need::$own_need,
            },)*
            $(Row {
                name: $kind,
                resource: $resource,
                group: $group,
                versions: &$versions,
                need: Need::$need,
            },)*
        ];

        impl Kind {
            /// All kinds; nodes and pods first, as they take longest to list.
            pub const ALL: [Self; [$(stringify!($Own),)* $(stringify!($Kind),)*].len()] =
                [$(Self::$Own,)* $(Self::$Kind,)*];
        }
    };
}

berth_engine::kinds!(kind);

impl Kind {
    fn row(self) -> &'static Row {
        // One row per kind, at its place in the enum.
        &ROWS[self.index()]
    }

    /// `kind` as objects carry it.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Name of the resource in paths and RBAC rules; also the metrics label.
    pub fn resource(self) -> &'static str {
        self.row().resource
    }

    /// API group, empty for the core group.
    pub fn group(self) -> &'static str {
        self.row().group
    }

    /// Versions of the group that have the kind in the form that is read; the first one that the
    /// server offers is watched.
    pub fn versions(self) -> &'static [&'static str] {
        self.row().versions
    }

    /// `pods` or `replicasets.apps`, as people write it.
    pub fn qualified(self) -> String {
        match self.group() {
            "" => self.resource().to_owned(),
            group => format!("{}.{group}", self.resource()),
        }
    }

    /// Path of the collection over all namespaces, in a version of the group.
    fn path(self, version: &str) -> String {
        match self.group() {
            "" => format!("/api/{version}/{}", self.resource()),
            group => format!("/apis/{group}/{version}/{}", self.resource()),
        }
    }

    /// Server-side filter. Finished pods take no room: kube-scheduler does not watch them either.
    pub fn field_selector(self) -> Option<&'static str> {
        (self == Self::Pod).then_some("status.phase!=Succeeded,status.phase!=Failed")
    }

    /// Whether the scheduler cannot work where the server does not serve this kind.
    pub fn is_required(self) -> bool {
        self.row().need == Need::Required
    }

    /// The kind that objects name so.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let is =
            |k: &Self| k.name() == kind && k.group() == group && k.versions().contains(&version);
        Self::ALL.into_iter().find(is)
    }

    /// Position in tables that have one entry per kind.
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

/// The objects of a kind, in one of its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Collection {
    pub(crate) kind: Kind,
    /// One of [`Kind::versions`].
    pub(crate) version: &'static str,
}

impl Collection {
    /// In the version that is preferred.
    pub(crate) fn preferred(kind: Kind) -> Self {
        // The table has a version for each kind, held by a test.
        Self { kind, version: kind.versions().first().copied().unwrap_or("v1") }
    }

    /// Path of the collection over all namespaces.
    pub(crate) fn path(self) -> String {
        self.kind.path(self.version)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_kind_is_at_its_place_and_found_by_what_objects_say() {
        let mut paths = HashSet::new();
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), at);
            assert!(!kind.versions().is_empty(), "{kind} has no version");
            for version in kind.versions() {
                let api_version = [kind.group(), version].join("/");
                let api_version = api_version.trim_start_matches('/');
                assert_eq!(Kind::of(api_version, kind.name()), Some(kind));
                assert!(paths.insert(kind.path(version)), "{kind} twice");
            }
        }
        assert_eq!(Kind::of("v2", "Pod"), None);
        assert_eq!(Kind::of("apps/v1", "Pod"), None);
        assert_eq!(Kind::ReplicaSet.path("v1"), "/apis/apps/v1/replicasets");
        assert_eq!(Kind::Volume.path("v1"), "/api/v1/persistentvolumes");
    }
}
