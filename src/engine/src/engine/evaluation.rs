//! Single pods judged without a queue, for `berth evaluate` and what-if questions.

use crate::base::PodIdx;
use crate::cycle::{CycleError, Filtered, Preemption};
use crate::framework::Profile;
use crate::record::PodRecord;

use super::Engine;

impl Engine {
    /// Takes a pod in as if it were pending, without queueing it.
    pub(super) fn admit(&mut self, record: &PodRecord) {
        if self.cache.pods().find(&record.uid).is_none() {
            self.cache.add_pending(record);
        }
    }

    /// What preemption could do for a pod that no node fits.
    ///
    /// # Errors
    /// A plugin failed in the dry run.
    pub fn preempt(
        &self,
        pod: PodIdx,
        profile: &Profile,
        filtered: &Filtered,
    ) -> Result<Preemption, CycleError> {
        self.scan(profile).preempt(pod, filtered)
    }

    /// Counts a pod that was taken in so on a node as assigned.
    pub(super) fn assign(&mut self, uid: &str, node: &str, started_ms: u64) {
        let found = self.cache.pods().find(uid).zip(self.cache.find_node(node));
        let assigned = found.is_some_and(|(pod, node)| {
            self.cache.assume(pod, node) && self.cache.settle(pod, node, started_ms)
        });
        debug_assert!(assigned, "{uid} was taken in and waits, and {node} is there");
    }
}
