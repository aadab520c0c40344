//! Reserve: what plugins book for the pod on the node that was chosen.
//!
//! Source: `RunReservePluginsReserve` in `pkg/scheduler/framework/runtime/framework.go`.

use crate::base::{NodeIdx, PodIdx};
use crate::framework::{Code, Point, Reserved, State};
use crate::probe::Probe;

use super::extension::extension;
use super::filtered::Filtered;
use super::guard::guarded;
use super::{CycleError, Scan};

impl Scan<'_> {
    /// Asks the Reserve plugins, in order, for what the pod takes on `node` beside its room.
    ///
    /// # Errors
    /// A plugin failed: the attempt is an error.
    pub fn reserve(
        &self,
        pod: PodIdx,
        node: NodeIdx,
        filtered: &Filtered,
        probe: &mut dyn Probe,
    ) -> Result<Reserved, CycleError> {
        probe.begin(Point::Reserve);
        let reserved = self.reserve_all(pod, node, filtered);
        let code = if reserved.is_ok() { Code::Success } else { Code::Error };
        probe.end(Point::Reserve, code, self.profile.scheduler_name());
        reserved
    }

    fn reserve_all(
        &self,
        pod: PodIdx,
        node: NodeIdx,
        filtered: &Filtered,
    ) -> Result<Reserved, CycleError> {
        let mut all = Reserved::default();
        let cx = self.context(pod).ok_or(CycleError::Gone)?;
        let empty = State::default();
        for weighted in self.profile.at(Point::Reserve) {
            let place = weighted.plugin;
            let (plugin, point) =
                extension(self.profile, place, Point::Reserve, |p| p.as_reserve())?;
            // A pod placed by a ranking has none: no plugin of a ranked pod keeps any for Reserve.
            let state = filtered.states.get(place).unwrap_or(&empty);
            let said = guarded(plugin.name(), || point.reserve(&cx, state, node))?;
            let own =
                said.map_err(|fault| CycleError::of_plugin(plugin.name(), Point::Reserve, fault))?;
            all.volumes.extend(own.volumes);
            all.claims.extend(own.claims);
        }
        Ok(all)
    }
}
