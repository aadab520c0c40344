//! Which resources are served now: all of the table, but for those taken away at run time, as where
//! a CustomResourceDefinition is not there, or the gate of an API is off.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::resource::{self, Resource};

/// What is served.
#[derive(Debug, Default)]
pub(crate) struct Offer {
    /// Rows that are not, by their ids.
    hidden: watch::Sender<BTreeSet<usize>>,
}

impl Offer {
    /// Serves a resource, or serves it no more. Its objects stay in the store.
    pub(crate) fn set(&self, resource: &Resource, served: bool) {
        self.hidden.send_modify(|hidden| {
            if served {
                hidden.remove(&resource.id);
            } else {
                hidden.insert(resource.id);
            }
        });
    }

    /// Whether the resource is served.
    pub(crate) fn has(&self, resource: &Resource) -> bool {
        !self.hidden.borrow().contains(&resource.id)
    }

    /// The rows that are served, in the order of discovery.
    pub(crate) fn rows(&self) -> Vec<&'static Resource> {
        let hidden = self.hidden.borrow();
        resource::all().iter().filter(|row| !hidden.contains(&row.id)).collect()
    }

    /// The rows of a group and version.
    pub(crate) fn rows_of(&self, group: &str, version: &str) -> Vec<&'static Resource> {
        let mut rows = self.rows();
        rows.retain(|row| row.group == group && row.version == version);
        rows
    }

    /// Group names but the core's. Each has one version, v1.
    pub(crate) fn groups(&self) -> BTreeSet<&'static str> {
        self.rows().iter().map(|row| row.group).filter(|group| !group.is_empty()).collect()
    }

    /// Hears of changes.
    pub(crate) fn changes(&self) -> watch::Receiver<BTreeSet<usize>> {
        self.hidden.subscribe()
    }
}
