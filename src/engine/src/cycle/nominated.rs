//! Nodes with nominated pods are filtered twice: with those pods there, and without.
//!
//! Source: `RunFilterPluginsWithNominatedPods` in `pkg/scheduler/framework/runtime/framework.go`.

use crate::base::{NodeIdx, PodIdx};
use crate::framework::{Context, Plugin, Point, Verdict};
use crate::model::NodeTable;

use super::Scan;
use super::filter::{Prepared, Rejection};
use super::guard::guarded;

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
    ) -> Result<(), String> {
        let concerned = |node: NodeIdx| !self.rivals(cx, pod, node).is_empty();
        let failed: Vec<NodeIdx> =
            rejected.iter().map(|r| r.node).filter(|node| concerned(*node)).collect();
        let passed: Vec<NodeIdx> = alive.iter().copied().filter(|node| concerned(*node)).collect();
        for node in passed.into_iter().chain(failed) {
            let Some(mut with) = self.judge_one_with(cx, prepared, pod, node)? else { continue };
            with.node = node;
            alive.retain(|n| *n != node);
            rejected.retain(|r| r.node != node);
            rejected.push(with);
        }
        Ok(())
    }

    /// Nominated pods on the node that count for this pod.
    fn rivals(&self, cx: &Context<'_>, pod: PodIdx, node: NodeIdx) -> Vec<PodIdx> {
        let promised = cx.cache.nominations().on_node(node).iter().copied();
        let priority = |p: PodIdx| cx.cache.pods().get(p).map_or(i32::MIN, |p| p.priority);
        promised.filter(|p| *p != pod && priority(*p) >= cx.pod.priority).collect()
    }

    /// The rejection of the node with its rivals added, if there is one.
    fn judge_one_with(
        &self,
        cx: &Context<'_>,
        prepared: &Prepared,
        pod: PodIdx,
        node: NodeIdx,
    ) -> Result<Option<Rejection>, String> {
        let (mut table, row) = cx.nodes.extract(node);
        let rivals = self.rivals(cx, pod, node);
        for rival in &rivals {
            add(cx, &mut table, row, *rival);
        }
        let dry = cx.on(&table);
        let mut own = Prepared { skipped: prepared.skipped.clone(), ..Prepared::default() };
        own.states.resize_with(prepared.states.len(), Default::default);
        // States cannot be copied without knowing them: they are made anew on the copy, then told
        // of the added pods.
        for weighted in self.profile.at(Point::PreFilter) {
            let Some(plugin) = self.profile.plugin(weighted.plugin) else { continue };
            self.renew(cx, &dry, plugin, weighted.plugin, &mut own, (&rivals, row))?;
        }
        let (mut alive, mut rejected) = (vec![row], Vec::new());
        self.judge_chunk(&dry, &own, &mut alive, &mut [Verdict::Fit], &mut rejected)?;
        Ok(rejected.pop())
    }

    fn renew(
        &self,
        cx: &Context<'_>,
        dry: &Context<'_>,
        plugin: &dyn Plugin,
        place: usize,
        own: &mut Prepared,
        (rivals, row): (&[PodIdx], NodeIdx),
    ) -> Result<(), String> {
        let skipped = own.skipped.get(place).copied().unwrap_or(false);
        let (Some(pre_filter), Some(state)) = (plugin.as_pre_filter(), own.states.get_mut(place))
        else {
            return Ok(());
        };
        if skipped {
            return Ok(());
        }
        guarded(plugin.name(), || {
            // What the plugin said it said before; only its state is wanted.
            let _said = pre_filter.pre_filter(cx, state);
            for rival in rivals {
                pre_filter.add_pod(dry, state, *rival, row);
            }
        })
    }
}

fn add(cx: &Context<'_>, table: &mut NodeTable, row: NodeIdx, pod: PodIdx) {
    let Some((_, class)) = cx.cache.class_of(pod) else { return };
    if let Some(footprint) = cx.cache.footprint(pod) {
        table.add_pod(row, pod, footprint, class);
    }
}
