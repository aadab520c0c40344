//! Single pods judged without a queue, for `berth evaluate` and what-if questions.

use crate::base::{NodeIdx, PodIdx};
use crate::cache::PodApplied;
use crate::cycle::{Filtered, Preemption};
use crate::framework::Profile;
use crate::record::PodRecord;

use super::Engine;

impl Engine {
    /// Takes a pod in as if it were pending, even where `spec.nodeName` is set, without queueing
    /// it. `None` where its uid is known already or no profile has its `schedulerName`.
    pub fn admit(&mut self, record: &PodRecord) -> Option<PodIdx> {
        if self.cache.pods().find(&record.uid).is_some() {
            return None;
        }
        match self.cache.add_pending(record) {
            PodApplied::Queued(pod) => Some(pod),
            _ => None,
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
    ) -> Result<Preemption, String> {
        self.scan(profile).preempt(pod, filtered)
    }

    /// Counts an admitted pod on `node` as assigned, started at `started_ms`.
    pub fn assign(&mut self, pod: PodIdx, node: NodeIdx, started_ms: u64) -> bool {
        self.cache.assume(pod, node) && self.cache.settle(pod, node, started_ms)
    }
}
