//! How controllers follow a resource: the keys touched since they last looked.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::registry::Registry;
use crate::resource::Resource;
use crate::store::{Cursor, key};

/// Changes taken in one turn of a controller, so that none starves the others.
const TURN_MAX: usize = 1024;

/// A controller's place in the history of a resource.
#[derive(Debug)]
pub(crate) struct Informer {
    resource: &'static Resource,
    cursor: Option<Cursor>,
    changed: watch::Receiver<u64>,
}

/// Keys to look at again.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) keys: BTreeSet<String>,
    /// The history was lost: `keys` holds all that exist, and what the controller knows beside
    /// them is gone.
    pub(crate) relisted: bool,
}

impl Informer {
    pub(crate) fn new(registry: &Registry, resource: &'static Resource) -> Self {
        Self { resource, cursor: None, changed: registry.store.subscribe(resource) }
    }

    /// The keys touched since the last call; a full list the first time.
    pub(crate) fn read(&mut self, registry: &Registry) -> Touched {
        self.changed.borrow_and_update();
        let read = self.cursor.map(|c| registry.store.changes(self.resource, c, TURN_MAX));
        if let Some(Ok((changes, next, _))) = read {
            self.cursor = Some(next);
            let keys = changes.iter().map(|c| key(&c.version.namespace, &c.version.name)).collect();
            return Touched { keys, relisted: false };
        }
        let (_, versions, cursor) = registry.store.versions(self.resource, None);
        self.cursor = Some(cursor);
        let keys = versions.iter().map(|v| key(&v.namespace, &v.name)).collect();
        Touched { keys, relisted: true }
    }

    /// Waits for the next write to the resource.
    pub(crate) async fn wait(&mut self) {
        if self.changed.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
