//! The cluster as it is at one moment, for another owner.

use super::{Cache, Log};

impl Cache {
    /// The cluster as it is, to be read or planned on beside this one: neither sees what happens to
    /// the other from now on. Tables are shared until one of the two writes to them, page by page
    /// (`base/paged.rs`); what is small or numbers is copied. Nobody reads its log yet.
    ///
    /// Sizes and costs are in `src/ARCHITECTURE.md`, "Snapshots".
    pub(crate) fn frozen(&self) -> Self {
        let Self {
            symbols,
            dims,
            labels,
            classes,
            nodes,
            images,
            pods,
            resized,
            pending,
            nominations,
            objects,
            claim_users,
            holds,
            schedulers,
            assumed,
            log,
        } = self;
        debug_assert!(log.is_heeded(), "between two steps everybody has heard of all changes");
        Self {
            symbols: symbols.clone(),
            dims: dims.clone(),
            labels: labels.clone(),
            classes: classes.clone(),
            nodes: nodes.clone(),
            images: images.clone(),
            pods: pods.clone(),
            resized: resized.clone(),
            pending: pending.clone(),
            nominations: nominations.clone(),
            objects: objects.clone(),
            claim_users: claim_users.clone(),
            holds: holds.clone(),
            schedulers: schedulers.clone(),
            assumed: *assumed,
            log: Log::default(),
        }
    }

    /// Pages that a snapshot has as well: 0 where all have gone.
    pub fn shared_pages(&self) -> usize {
        self.symbols.shared_pages()
            + self.labels.shared_pages()
            + self.classes.shared_pages()
            + self.nodes.shared_pages()
            + self.pods.shared_pages()
            + self.resized.shared_pages()
            + self.pending.shared_pages()
            + self.objects.shared_pages()
            + self.claim_users.shared_pages()
    }
}
