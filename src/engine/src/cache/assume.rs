//! Our own decisions, before and after the API server's word.
//!
//! ```text
//!            assume                 confirm (the watch shows the pod on a node)
//!   Queued ──────────▶ Assumed ────────────────────────────▶ Bound
//!      ▲                  │
//!      └──────────────────┘ forget (the bind failed)
//! ```
//!
//! What its volumes need is held along with it, see [`super::VolumeHolds`]: given back by forget,
//! by the pod's deletion, and by the watch once it shows the objects otherwise.
//!
//! There is no expiry: an assumed pod is held until it is confirmed, forgotten or deleted, as in
//! kube-scheduler (`cacheImpl` in `pkg/scheduler/backend/cache/cache.go`).

use std::sync::Arc;

use crate::base::{NodeIdx, PodIdx, missing};
use crate::model::{NODE_NONE, Stage};

use super::Cache;
use super::entry::Told;

impl Cache {
    /// Counts a queued pod on `node`. False, and nothing happens, where the pod is not queued or
    /// the node is not live.
    pub fn assume(&mut self, pod: PodIdx, node: NodeIdx) -> bool {
        let queued = self.pods.get(pod).is_some_and(|p| p.stage == Stage::Queued);
        if !queued || !self.nodes.live().contains(node) {
            return false;
        }
        let stays = self.nominations.of_pod(pod) == Some(node);
        self.delete_nominated_pod(pod, if stays { Told::Nobody } else { Told::PodLeft });
        self.place(pod, node, Stage::Assumed);
        self.announce_pod(pod, 1, Told::PodCame(pod));
        self.assumed += 1;
        true
    }

    /// Takes the last [`Cache::assume`] and what it held back, as if it had not been: the pod is
    /// where it was in every order, and nobody hears of it. `promised` is where it stood among
    /// those that were promised the same node. For plans that are taken back, the last pod first.
    ///
    /// The log is not cut, as what was read of it cannot be unread: an entry takes the one of
    /// `assume` back.
    pub(crate) fn unassume(&mut self, pod: PodIdx, promised: Option<(NodeIdx, usize)>) {
        let assumed = self.pods.get(pod).is_some_and(|p| p.stage == Stage::Assumed);
        debug_assert!(assumed, "a pod of a plan is assumed until the plan is taken back");
        if !assumed {
            return;
        }
        self.announce_pod(pod, -1, Told::Nobody);
        self.unplace(pod);
        self.release_holds(pod);
        if let Some(row) = self.pods.get_mut(pod) {
            row.stage = Stage::Queued;
        }
        self.assumed -= 1;
        if let Some((node, place)) = promised {
            self.restore_nominated_pod(pod, node, place);
        }
    }

    /// Where the pod stands among those that are promised a node.
    pub(crate) fn promise_of(&self, pod: PodIdx) -> Option<(NodeIdx, usize)> {
        self.nominations.place_of(pod)
    }

    /// Confirms an assumed pod by hand.
    pub(crate) fn settle(&mut self, pod: PodIdx, node: NodeIdx, started_ms: u64) -> bool {
        let assumed = self.pods.get(pod).is_some_and(|p| p.stage == Stage::Assumed);
        if let Some(row) = self.pods.get_mut(pod).filter(|_| assumed) {
            row.started_ms = started_ms;
        }
        if assumed {
            self.confirm(pod, node);
        }
        assumed
    }

    /// Takes an assumed pod back: it is queued again, its room is free. One whose scheduler is no
    /// longer among ours is another's from here on.
    pub fn forget(&mut self, pod: PodIdx) -> bool {
        if self.pods.get(pod).is_none_or(|p| p.stage != Stage::Assumed) {
            return false;
        }
        self.announce_pod(pod, -1, Told::PodForgotten(pod));
        self.unplace(pod);
        self.release_holds(pod);
        let ours = self.is_ours(pod);
        if let Some(row) = self.pods.get_mut(pod) {
            row.stage = if ours { Stage::Queued } else { Stage::Foreign };
        }
        self.assumed -= 1;
        if ours && let Some(nominated) = self.pending.get(pod).and_then(|p| p.nominated) {
            self.nominate(pod, nominated);
        }
        true
    }

    /// The API server shows the pod on `node`, whoever put it there. An assumed pod is confirmed;
    /// where the server names another node than we assumed, the server is right.
    pub(super) fn confirm(&mut self, pod: PodIdx, node: NodeIdx) {
        let Some(row) = self.pods.get(pod) else { return missing("pod", pod.at()) };
        let (stage, before) = (row.stage, row.node);
        self.pending.remove(pod);
        self.delete_nominated_pod(pod, Told::PodLeft);
        if stage == Stage::Assumed {
            self.assumed -= 1;
        }
        if before == node {
            if let Some(row) = self.pods.get_mut(pod) {
                row.stage = Stage::Bound;
            }
            return;
        }
        if before != NODE_NONE {
            self.announce_pod(pod, -1, Told::PodLeft);
            self.unplace(pod);
            // They were for that node.
            self.release_holds(pod);
        }
        self.place(pod, node, Stage::Bound);
        self.announce_pod(pod, 1, Told::PodCame(pod));
    }

    /// Counts the pod on the node.
    pub(super) fn place(&mut self, pod: PodIdx, node: NodeIdx, stage: Stage) {
        let Some(row) = self.pods.get(pod) else { return missing("pod", pod.at()) };
        let Some(class) = self.classes.get(row.class) else {
            return missing("class", row.class.at());
        };
        let shared = Arc::clone(&class.footprint);
        let footprint = self.resized.get(pod).unwrap_or(&shared);
        let slot = self.nodes.add_pod(node, pod, footprint, class);
        self.claim_users.add(pod, class);
        if let Some(row) = self.pods.get_mut(pod) {
            row.node = node;
            row.slot = u32::try_from(slot).unwrap_or(u32::MAX);
            row.stage = stage;
        }
    }

    /// Takes the pod off its node.
    pub(super) fn unplace(&mut self, pod: PodIdx) {
        let Some(row) = self.pods.get(pod) else { return missing("pod", pod.at()) };
        let (node, slot) = (row.node, row.slot);
        let Some(class) = self.classes.get(row.class) else {
            return missing("class", row.class.at());
        };
        // It counts nowhere.
        if node == NODE_NONE {
            return;
        }
        let footprint = self.resized.get(pod).unwrap_or(&class.footprint);
        let moved = self.nodes.remove_pod(node, slot as usize, footprint, class);
        self.claim_users.remove(pod, class);
        if let Some(moved) = moved.and_then(|m| self.pods.get_mut(m)) {
            moved.slot = slot;
        }
        if let Some(row) = self.pods.get_mut(pod) {
            row.node = NODE_NONE;
            row.slot = 0;
        }
    }
}
