//! Nodes with nominated pods are filtered twice: with those pods there, and without.
//!
//! Source: `RunFilterPluginsWithNominatedPods` in `pkg/scheduler/framework/runtime/framework.go`.

use crate::base::{NodeIdx, PodIdx};
use crate::framework::Context;

use super::dry_run::DryRun;
use super::filtered::Rejection;
use super::prefilter::Prepared;
use super::{CycleError, Scan};

impl Scan<'_> {
    /// Takes out of `alive`, which passed without them, the nodes that fail with the nominated
    /// pods of no lower priority added. Where both fail, the reference reports the first pass; as
    /// the first pass here is the one without, nodes that failed it are judged again.
    pub(super) fn judge_with_nominated(
        &self,
        cx: &Context<'_>,
        prepared: &Prepared,
        pod: PodIdx,
        alive: &mut Vec<NodeIdx>,
        rejected: &mut Vec<Rejection>,
    ) -> Result<(), CycleError> {
        let concerned = |node: NodeIdx| !self.rivals(cx, pod, node).is_empty();
        let failed: Vec<NodeIdx> =
            rejected.iter().map(|r| r.node).filter(|node| concerned(*node)).collect();
        let passed: Vec<NodeIdx> = alive.iter().copied().filter(|node| concerned(*node)).collect();
        for node in passed.into_iter().chain(failed) {
            let Some(rejection) = self.judge_beside_nominated(cx, prepared, pod, node)? else {
                continue;
            };
            alive.retain(|n| *n != node);
            rejected.retain(|r| r.node != node);
            rejected.push(rejection);
        }
        Ok(())
    }

    /// Why the pod does not fit the node with the nominated pods of no lower priority there.
    ///
    /// # Errors
    /// A plugin failed.
    pub(crate) fn judge_beside_nominated(
        &self,
        cx: &Context<'_>,
        prepared: &Prepared,
        pod: PodIdx,
        node: NodeIdx,
    ) -> Result<Option<Rejection>, CycleError> {
        let rivals = self.rivals(cx, pod, node);
        if rivals.is_empty() {
            return Ok(None);
        }
        let mut with = DryRun::of(cx, prepared, node);
        for rival in rivals {
            with.add(self, cx, rival)?;
        }
        Ok(with.judge(self, cx)?.map(|rejection| Rejection { node, ..rejection }))
    }

    /// Nominated pods on the node that count for this pod.
    pub(super) fn rivals(&self, cx: &Context<'_>, pod: PodIdx, node: NodeIdx) -> Vec<PodIdx> {
        let promised = cx.cache.nominations().on_node(node).iter().copied();
        let priority = |p: PodIdx| cx.cache.pods().get(p).map_or(i32::MIN, |p| p.priority);
        promised.filter(|p| *p != pod && priority(*p) >= cx.pod.priority).collect()
    }
}
