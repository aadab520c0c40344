//! Nodes that are promised to other pods: a pod has to fit them with those pods there as well.
//!
//! Promises are few, and which of them count depends on the pod's priority. So their nodes are
//! judged as all nodes are, and those that do not do beside the promised pods are taken out: again
//! where something has happened to the node, or to what is counted over nodes.
//!
//! Source: `RunFilterPluginsWithNominatedPods` in `pkg/scheduler/framework/runtime/framework.go`.

use crate::base::NodeIdx;

use super::follow::{Heed, Notes};
use super::tops::NO_GROUP;
use super::{Ranking, Refused, Work, prepare};

impl Ranking {
    /// Takes out the promised nodes that the pod does not fit beside the pods that are promised.
    pub(super) fn judge_nominated_nodes(
        &mut self,
        work: &Work<'_>,
        notes: &Notes,
        heed: Heed,
    ) -> Result<(), Refused> {
        let nominations = work.cx.cache.nominations();
        if nominations.is_empty() {
            // Their nodes were noted when they went.
            self.heeded_for = None;
            return Ok(());
        }
        let priority = work.cx.pod.priority;
        let heed = if self.heeded_for == Some(priority) { heed } else { Heed::All };
        self.heeded_for = Some(priority);
        let again = |node: &NodeIdx| match heed {
            Heed::None => false,
            Heed::Noted => notes.names(*node),
            Heed::All => true,
        };
        let live = work.cx.nodes.live();
        let promised = nominations.nodes().filter(|node| live.contains(*node));
        let mut nodes: Vec<NodeIdx> = promised.filter(again).collect();
        if nodes.is_empty() {
            return Ok(());
        }
        nodes.sort_unstable();
        // Those that were out for a promise come back first.
        self.evaluate(work, &nodes)?;
        nodes.retain(|node| self.columns.group(*node) != NO_GROUP);
        let scan = work.scan();
        // What PreFilter has counted is not kept current.
        let counts = !self.counted.is_empty() && !nodes.is_empty();
        let fresh = counts.then(|| prepare(work, &[])).transpose()?;
        for node in nodes {
            let prepared = fresh.as_ref().unwrap_or(&self.prepared);
            let judged = scan.judge_beside_nominated(&work.cx, prepared, work.cx.pod.idx, node);
            if judged.map_err(|_| Refused)?.is_some() {
                self.take_out(node);
            }
        }
        Ok(())
    }
}
