//! One node as it would be with pods added or taken away.
//!
//! A copy of the node's row and of every plugin's state; filters run on it as on the real table.

use crate::base::{NodeIdx, PodIdx};
use crate::framework::{Context, Point, State, Verdict};
use crate::model::NodeTable;

use super::extension::extension;
use super::filtered::Rejection;
use super::guard::guarded;
use super::prefilter::Prepared;
use super::{CycleError, Scan};

/// The copy.
#[derive(Debug)]
pub(super) struct DryRun {
    table: NodeTable,
    row: NodeIdx,
    prepared: Prepared,
}

impl DryRun {
    /// A copy of `node` as it is.
    pub(super) fn of(cx: &Context<'_>, prepared: &Prepared, node: NodeIdx) -> Self {
        let (table, row) = cx.nodes.extract(node);
        Self { table, row, prepared: prepared.copied() }
    }

    fn copied(&self) -> Self {
        let (table, row) = self.table.extract(self.row);
        Self { table, row, prepared: self.prepared.copied() }
    }

    /// Adds a pod (`NodeInfo.AddPodInfo`, `PreFilterExtensions.AddPod`).
    pub(super) fn add(
        &mut self,
        scan: &Scan<'_>,
        cx: &Context<'_>,
        pod: PodIdx,
    ) -> Result<(), CycleError> {
        let (_, class) = cx.cache.class_of(pod).ok_or(CycleError::Gone)?;
        let footprint = cx.cache.footprint(pod).ok_or(CycleError::Gone)?;
        self.table.add_pod(self.row, pod, footprint, class);
        self.tell(scan, cx, pod, true)
    }

    /// Takes a pod away (`NodeInfo.RemovePod`, `PreFilterExtensions.RemovePod`).
    pub(super) fn remove(
        &mut self,
        scan: &Scan<'_>,
        cx: &Context<'_>,
        pod: PodIdx,
    ) -> Result<(), CycleError> {
        let (_, class) = cx.cache.class_of(pod).ok_or(CycleError::Gone)?;
        let footprint = cx.cache.footprint(pod).ok_or(CycleError::Gone)?;
        let slot = self.table.pods(self.row).iter().position(|p| *p == pod);
        if let Some(slot) = slot {
            self.table.remove_pod(self.row, slot, footprint, class);
        }
        self.tell(scan, cx, pod, false)
    }

    fn tell(
        &mut self,
        scan: &Scan<'_>,
        cx: &Context<'_>,
        pod: PodIdx,
        added: bool,
    ) -> Result<(), CycleError> {
        let dry = cx.on(&self.table);
        for weighted in scan.profile.at(Point::PreFilter) {
            let place = weighted.plugin;
            if self.prepared.skipped.get(place).copied().unwrap_or(false) {
                continue;
            }
            let (plugin, pre_filter) =
                extension(scan.profile, place, Point::PreFilter, |p| p.as_pre_filter())?;
            let state = self.prepared.states.get_mut(place).ok_or(CycleError::NotPrepared)?;
            guarded(plugin.name(), || {
                if added {
                    pre_filter.add_pod(&dry, state, pod, self.row);
                } else {
                    pre_filter.remove_pod(&dry, state, pod, self.row);
                }
            })?;
        }
        Ok(())
    }

    /// The verdict of the filters on the copy, without nominated pods.
    pub(super) fn judge(
        &self,
        scan: &Scan<'_>,
        cx: &Context<'_>,
    ) -> Result<Option<Rejection>, CycleError> {
        let dry = cx.on(&self.table);
        let (mut alive, mut rejected) = (vec![self.row], Vec::new());
        scan.judge_chunk(&dry, &self.prepared, &mut alive, &mut [Verdict::Fit], &mut rejected)?;
        Ok(rejected.pop())
    }

    /// The verdict with the nominated pods `rivals` there, and without: both must pass
    /// (`RunFilterPluginsWithNominatedPods`).
    pub(super) fn judge_twice(
        &self,
        scan: &Scan<'_>,
        cx: &Context<'_>,
        rivals: &[PodIdx],
    ) -> Result<Option<Rejection>, CycleError> {
        if !rivals.is_empty() {
            let mut with = self.copied();
            for rival in rivals {
                with.add(scan, cx, *rival)?;
            }
            if let Some(rejection) = with.judge(scan, cx)? {
                return Ok(Some(rejection));
            }
        }
        self.judge(scan, cx)
    }
}

impl Prepared {
    /// The plugins' states and which are skipped; what was said is said.
    fn copied(&self) -> Self {
        Self {
            states: self.states.iter().map(State::clone).collect(),
            skipped: self.skipped.clone(),
            ..Self::default()
        }
    }
}
