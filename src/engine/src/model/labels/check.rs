//! What holds of the label sets and their values.

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use crate::base::{LabelSetIdx, Sweep};

use super::LabelSets;

impl LabelSets {
    /// Looks for what is broken, where `users` says how often each set is in use.
    pub(crate) fn check(
        &self,
        users: &HashMap<LabelSetIdx, usize, FxBuildHasher>,
        sweep: &mut Sweep,
    ) {
        let is_used = |at: usize| self.sets.get(at).is_some_and(|set| set.users > 0);
        let free = self.free.iter().map(|at| *at as usize);
        sweep.free_rows("label set", free, self.sets.len(), is_used);
        let mut serials: HashSet<u64, FxBuildHasher> = HashSet::default();
        let mut of_values = vec![0u32; self.values.rows.len()];
        let mut used = 0;
        for (at, set) in self.sets.iter().enumerate() {
            let counted = users.get(&LabelSetIdx::new(at)).copied().unwrap_or(0);
            sweep.equal(set.users as usize, counted, || format!("uses of label set {at}"));
            if set.users == 0 {
                continue;
            }
            used += 1;
            let is_new = set.serial <= self.made && serials.insert(set.serial);
            sweep.expect(is_new, || format!("label set {at} has the serial of another"));
            let same = |x: u32| self.sets.get(x as usize).is_some_and(|s| s.pairs == set.pairs);
            let found = self.table.find(self.key.hash(&set.pairs), same);
            sweep.equal(found, u32::try_from(at).ok(), || format!("label set {at} by content"));
            for (_, value) in &set.pairs {
                of_values.get_mut(*value as usize).into_iter().for_each(|users| *users += 1);
            }
        }
        sweep.equal(self.table.len(), used, || "label sets by content".to_owned());
        self.check_values(&of_values, sweep);
    }

    fn check_values(&self, counted: &[u32], sweep: &mut Sweep) {
        let values = &self.values;
        let users: Vec<u32> = values.rows.iter().map(|value| value.users).collect();
        sweep.equal(users.as_slice(), counted, || "uses of label values".to_owned());
        let is_used = |at: usize| values.rows.get(at).is_some_and(|value| value.users > 0);
        let free = values.free.iter().map(|at| *at as usize);
        sweep.free_rows("label value", free, values.rows.len(), is_used);
        let used = (0..values.rows.len()).filter(|at| is_used(*at));
        sweep.equal(values.by_text.len(), used.clone().count(), || "label values".to_owned());
        for at in used {
            let row = values.rows.get(at).map(|value| value.text.as_ref()).unwrap_or_default();
            let same = |at| values.text(at) == row;
            let found = values.by_text.find(values.key.hash(row), same);
            sweep.equal(found, u32::try_from(at).ok(), || format!("label value {at} by text"));
        }
    }
}
