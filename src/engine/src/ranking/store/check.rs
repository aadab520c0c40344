//! What always holds of the rankings there are, as one sweep.

use crate::base::{LabelSetIdx, Sweep};
use crate::cache::Cache;

use super::Rankings;

impl Rankings {
    /// Whatever is broken of what always holds, in words: slots, their index by kin, the cells that
    /// they are counted with. Nothing is broken where the list is empty. What a ranking says of
    /// nodes is compared with the plain scan by other tests.
    ///
    /// For tests: a sweep looks at every ranking.
    pub fn check(&self, cache: &Cache) -> Vec<String> {
        let mut sweep = Sweep::default();
        let is_used = |at: usize| self.slots.get(at).is_some_and(Option::is_some);
        sweep.free_rows("ranking", self.free.iter().copied(), self.slots.len(), is_used);
        let (mut used, mut cells) = (0, 0);
        for (at, slot) in self.slots.iter().enumerate() {
            let Some(slot) = slot else { continue };
            used += 1;
            cells += slot.cells;
            let found = self.by_kin.get(&slot.kin).copied();
            sweep.equal(found, Some(at), || format!("ranking {at} by kin"));
            sweep.equal(slot.cells, slot.ranking.cells(), || format!("cells of ranking {at}"));
            let read = slot.ranking.position <= cache.log().end();
            sweep.expect(read, || format!("ranking {at} has read what is not written"));
        }
        let mut turns: Vec<usize> = self.turns.iter().collect();
        turns.sort_unstable();
        let slots: Vec<usize> = (0..self.slots.len()).filter(|at| is_used(*at)).collect();
        sweep.equal(turns, slots, || "turns of rankings".to_owned());
        sweep.equal(self.by_kin.len(), used, || "rankings by kin".to_owned());
        sweep.equal(self.cells, cells, || "cells of all rankings".to_owned());
        self.unschedulable.check(is_used, &mut sweep);
        sweep.into_broken()
    }

    /// The label sets that rankings hold, each as often as it is held.
    pub fn held_labels(&self) -> impl Iterator<Item = LabelSetIdx> + '_ {
        self.slots.iter().flatten().map(|slot| slot.labels)
    }
}
