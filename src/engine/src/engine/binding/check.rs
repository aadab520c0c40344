//! What always holds of the binding cycles between two steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{CycleId, Sweep};

use super::super::ATTEMPTS_PER_STEP;
use super::{BINDS_MAX, BindingCycles, Stage};

impl BindingCycles {
    /// What is kept beside the cycles says what they say.
    pub(in crate::engine) fn check(&self, sweep: &mut Sweep) {
        let (mut waiting, mut deadlines) = (BTreeMap::new(), BTreeSet::new());
        let (mut writes, mut ready) = (BTreeMap::new(), BTreeSet::new());
        for (id, cycle) in &self.by_id {
            sweep.expect(id.0 <= self.last_id, || format!("{id:?} has not been given"));
            let Some(middle) = &cycle.middle else { continue };
            waiting.insert(middle.pod, *id);
            deadlines.extend(middle.deadline().map(|at| (at, *id)));
            match &middle.stage {
                Stage::Permit(held) => sweep.expect(self.is_stale || !held.is_empty(), || {
                    format!("{id:?} waits at Permit for nobody")
                }),
                Stage::PreBind(running) => {
                    sweep.expect(self.is_stale || !running.is_empty(), || {
                        format!("{id:?} waits at PreBind for nobody")
                    });
                    writes.extend(running.iter().flat_map(|r| &r.writes).map(|w| (*w, *id)));
                }
                Stage::Ready => {
                    ready.insert(*id);
                }
            }
        }
        let sorted: BTreeMap<_, _> = self.waiting.iter().map(|(pod, id)| (*pod, *id)).collect();
        sweep.equal(sorted, waiting, || "cycles that wait, by pod".to_owned());
        sweep.equal(&self.deadlines, &deadlines, || "deadlines of cycles".to_owned());
        let open: BTreeMap<_, _> = self.writes.iter().map(|(write, id)| (*write, *id)).collect();
        sweep.equal(open, writes, || "writes that are not answered".to_owned());
        let queued: BTreeSet<CycleId> = self.ready.iter().copied().collect();
        sweep.equal(queued.len(), self.ready.len(), || "cycles that are ready once".to_owned());
        sweep.equal(queued, ready, || "cycles that are ready".to_owned());
        let binds = self.binds();
        // A step asks for the binds of as many attempts beside.
        let most = BINDS_MAX + ATTEMPTS_PER_STEP;
        sweep.expect(binds <= most, || format!("{binds} binds are open"));
    }
}
