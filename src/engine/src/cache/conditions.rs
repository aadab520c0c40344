//! The `PodScheduled` condition of pods without a node: what the watch shows, and what they are to
//! show instead.

use crate::base::PodIdx;
use crate::record::ScheduledCondition;

use super::Cache;

impl Cache {
    /// Notes the condition that a pending pod is to show; false where it shows it already, or is to
    /// be shown already.
    pub(crate) fn show_condition(&mut self, pod: PodIdx, shown: ScheduledCondition) -> bool {
        // It has a node or is gone: nobody reads why it waited.
        let Some(pending) = self.pending.get_mut(pod) else { return false };
        if pending.desired.as_deref().or(pending.scheduled.as_ref()) == Some(&shown) {
            return false;
        }
        pending.desired = Some(Box::new(shown));
        true
    }

    /// Forgets what a pending pod shows: it is being bound, and what is not written of it yet will
    /// not be. If it waits again it says so again.
    pub(crate) fn forget_condition(&mut self, pod: PodIdx) {
        if let Some(pending) = self.pending.get_mut(pod) {
            pending.scheduled = None;
            pending.desired = None;
        }
    }

    /// Notes the version of a pending pod that a request of ours has shown.
    pub(crate) fn note_version(&mut self, pod: PodIdx, version: u64) {
        if let Some(pending) = self.pending.get_mut(pod).filter(|_| version != 0) {
            pending.resource_version = version;
        }
    }

    /// The watch shows a pending pod anew, which showed and was to show these conditions before.
    /// True where it is to be written again what it is to show: somebody else has changed it.
    pub(super) fn follow_condition(
        &mut self,
        pod: PodIdx,
        (shown, desired): (Option<ScheduledCondition>, Option<Box<ScheduledCondition>>),
    ) -> bool {
        let Some(pending) = self.pending.get_mut(pod) else { return false };
        let now = pending.scheduled.as_ref();
        let is_other = now != shown.as_ref();
        let wanted = desired.or_else(|| shown.filter(|s| is_other && s.is_ours()).map(Box::new));
        let is_shown = wanted.as_ref().is_some_and(|wanted| now.is_some_and(|c| c.says(wanted)));
        pending.desired = wanted.filter(|_| !is_shown);
        is_other && pending.desired.is_some()
    }
}
