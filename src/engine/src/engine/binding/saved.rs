//! Binding cycles in a saved state, by id. What leads to a cycle (deadlines, writes that are not
//! answered) follows from the cycles; in which order those that are ready came there does not.

use std::sync::Arc;

use crate::base::CycleId;
use crate::framework::Profile;
use crate::queue::{Entry, Place};
use crate::record::Owner;
use crate::stored::{LoadError, Reader, Stored, Writer, stored};

use super::{BindingCycle, BindingCycles, Held, Middle, Running, Stage};

stored! { enum Stage { 0 = Permit(held), 1 = PreBind(running), 2 = Ready } }
stored! { struct Held { plugin, since_ms, wait_ms } }
stored! { struct Running { plugin, writes, deadline_ms } }

impl BindingCycles {
    /// Writes the cycles.
    pub(in crate::engine) fn save(&self, out: &mut Writer) {
        let Self { by_id, last_id, waiting: _, deadlines: _, writes: _, ready, is_stale } = self;
        last_id.write(out);
        is_stale.write(out);
        let mut cycles: Vec<(&CycleId, &BindingCycle)> = by_id.iter().collect();
        cycles.sort_unstable_by_key(|(id, _)| **id);
        out.count(cycles.len());
        for (id, cycle) in cycles {
            id.write(out);
            cycle.save(out);
        }
        out.list(ready.iter());
    }

    /// The cycles as they were; `profile` finds the one in force by its name.
    pub(in crate::engine) fn load(
        from: &mut Reader<'_>,
        profile: impl Fn(&str) -> Option<Arc<Profile>>,
    ) -> Result<Self, LoadError> {
        let (last_id, is_stale) = Stored::read(from)?;
        let mut cycles = Self { last_id, is_stale, ..Self::default() };
        for _ in 0..from.count()? {
            let id = CycleId::read(from)?;
            let cycle = BindingCycle::load(from, &profile)?;
            if !cycles.enter(id, cycle) {
                return Err(from.malformed("a cycle or a write twice"));
            }
        }
        cycles.ready = Stored::read(from)?;
        Ok(cycles)
    }

    /// Enters a cycle; false where something of it is there already.
    fn enter(&mut self, id: CycleId, cycle: BindingCycle) -> bool {
        let mut is_new = id.0 <= self.last_id;
        if let Some(middle) = &cycle.middle {
            is_new &= self.waiting.insert(middle.pod, id).is_none();
            self.deadlines.extend(middle.deadline().map(|at| (at, id)));
            if let Stage::PreBind(running) = &middle.stage {
                for write in running.iter().flat_map(|one| &one.writes) {
                    is_new &= write.0 <= self.last_id && self.writes.insert(*write, id).is_none();
                }
            }
        }
        self.by_id.insert(id, cycle).is_none() && is_new
    }
}

impl BindingCycle {
    fn save(&self, out: &mut Writer) {
        let Self { pod, node, profile, controller, is_nominated, entry, middle } = self;
        pod.write(out);
        node.write(out);
        profile.write(out);
        controller.write(out);
        is_nominated.write(out);
        entry.save(out);
        middle.is_some().write(out);
        if let Some(middle) = middle {
            middle.save(out);
        }
    }

    fn load(
        from: &mut Reader<'_>,
        in_force: impl Fn(&str) -> Option<Arc<Profile>>,
    ) -> Result<Self, LoadError> {
        let (pod, node) = Stored::read(from)?;
        let (profile, controller): (Arc<str>, Option<Arc<Owner>>) = Stored::read(from)?;
        let is_nominated = bool::read(from)?;
        let (entry, is_head) = Entry::load(from)?;
        if entry.place != Place::InFlight || is_head {
            return Err(from.malformed("a cycle of a pod that waits"));
        }
        let middle = match bool::read(from)? {
            true => {
                let in_force = in_force(&profile);
                let of = in_force.ok_or_else(|| from.malformed("a cycle of no profile"))?;
                Some(Box::new(Middle::load(from, of)?))
            }
            false => None,
        };
        Ok(Self { pod, node, profile, controller, is_nominated, entry, middle })
    }
}

impl Middle {
    fn save(&self, out: &mut Writer) {
        let Self {
            pod,
            node,
            // That of the cycle, as it is in force.
            profile: _,
            decision,
            stage,
            pre_binds,
            seen,
            pre_bind_ms,
        } = self;
        pod.write(out);
        node.write(out);
        decision.write(out);
        stage.write(out);
        pre_binds.write(out);
        seen.write(out);
        pre_bind_ms.write(out);
    }

    fn load(from: &mut Reader<'_>, profile: Arc<Profile>) -> Result<Self, LoadError> {
        let (pod, node) = Stored::read(from)?;
        let (decision, stage) = Stored::read(from)?;
        let (pre_binds, seen) = Stored::read(from)?;
        let pre_bind_ms = Stored::read(from)?;
        Ok(Self { pod, node, profile, decision, stage, pre_binds, seen, pre_bind_ms })
    }
}
