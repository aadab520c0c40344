//! What the API server serves: one [`Resource`] row per group, version and plural name.
//! The rows themselves are data, in `resource/table.rs`; enter at [`find`] and [`all`].

mod table;

use std::sync::LazyLock;

/// One served resource. Everything the generic code needs to know of a kind is here.
#[derive(Debug)]
pub(crate) struct Resource {
    /// Position in [`all`]; names the collection in the store.
    pub(crate) id: usize,
    /// The collection that holds the objects: itself, but for `events.k8s.io` events, which are
    /// the core events under another name.
    pub(crate) stored_as: usize,
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) short: &'static [&'static str],
    pub(crate) namespaced: bool,
    /// Is in `kubectl get all`.
    pub(crate) in_all: bool,
    /// Subresources, `status` among them.
    pub(crate) subresources: &'static [&'static str],
    /// Field selector names beside `metadata.name` and `metadata.namespace`, with the JSON
    /// pointer each one reads.
    pub(crate) fields: &'static [(&'static str, &'static str)],
    /// A change of anything but metadata and status bumps `metadata.generation`.
    pub(crate) generation: bool,
    /// Answers `create` alone and stores nothing (TokenReview and its like).
    pub(crate) review: bool,
}

impl Resource {
    /// `v1` or `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `pods` or `jobs.batch`: the name the API server writes into messages.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    pub(crate) fn has_status(&self) -> bool {
        self.subresources.contains(&"status")
    }

    /// Is the core `pods` resource.
    pub(crate) fn is_pods(&self) -> bool {
        self.group.is_empty() && self.plural == "pods"
    }

    /// Is `events.k8s.io/v1`, whose objects are stored in the core form.
    pub(crate) fn is_new_events(&self) -> bool {
        self.id != self.stored_as
    }
}

/// Every row, in the order of discovery.
pub(crate) fn all() -> &'static [Resource] {
    static TABLE: LazyLock<Vec<Resource>> = LazyLock::new(table::rows);
    &TABLE
}

/// The row of a group, version and plural name.
pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    all().iter().find(|r| r.plural == plural && r.group == group && r.version == version)
}

/// The row of `pods` or `jobs.batch`; the group may be left out where the plural is unique.
/// Core events come before those of `events.k8s.io`.
pub(crate) fn named(name: &str) -> Option<&'static Resource> {
    let (plural, group) = name.split_once('.').map_or((name, None), |(p, g)| (p, Some(g)));
    all().iter().find(|r| r.plural == plural && group.is_none_or(|g| g == r.group))
}

macro_rules! known {
    ($($function:ident => $name:literal),* $(,)?) => {$(
        #[doc = concat!("The row of `", $name, "`, which the table always holds.")]
        pub(crate) fn $function() -> &'static Resource {
            static ROW: LazyLock<&'static Resource> =
                LazyLock::new(|| named($name).unwrap_or(&all()[0]));
            &ROW
        }
    )*};
}

known! {
    namespaces => "namespaces",
    nodes => "nodes",
    pods => "pods",
    events => "events",
    jobs => "jobs.batch",
    leases => "leases.coordination.k8s.io",
    priority_classes => "priorityclasses.scheduling.k8s.io",
    disruption_budgets => "poddisruptionbudgets.policy",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_rows_are_what_their_name_says() {
        assert_eq!(pods().kind, "Pod");
        assert_eq!(jobs().kind, "Job");
        assert_eq!(namespaces().kind, "Namespace");
        assert_eq!(nodes().kind, "Node");
        assert_eq!(events().api_version(), "v1");
        assert_eq!(leases().kind, "Lease");
        assert_eq!(priority_classes().kind, "PriorityClass");
        assert_eq!(disruption_budgets().kind, "PodDisruptionBudget");
    }

    #[test]
    fn ids_are_positions_and_events_share_a_collection() {
        for (id, row) in all().iter().enumerate() {
            assert_eq!(row.id, id);
        }
        let new = find("events.k8s.io", "v1", "events").map(|r| r.stored_as);
        assert_eq!(new, Some(events().id));
    }
}
