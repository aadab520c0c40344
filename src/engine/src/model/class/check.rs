//! What holds of the classes.

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use crate::base::{ClassIdx, Sweep, Symbols};

use super::{Class, Classes, address_hash};

impl Classes {
    /// Looks for what is broken, where `users` says how often each class is in use.
    pub(crate) fn check(
        &self,
        users: &HashMap<ClassIdx, usize, FxBuildHasher>,
        symbols: &Symbols,
        sweep: &mut Sweep,
    ) {
        let is_used = |at: usize| self.get(ClassIdx::new(at)).is_some();
        let free = self.free.iter().map(|at| *at as usize);
        sweep.free_rows("class", free, self.rows.len(), is_used);
        let mut serials: HashSet<u64, FxBuildHasher> = HashSet::default();
        let (mut used, mut repelling) = (0, 0);
        for at in 0..self.rows.len() {
            let class = ClassIdx::new(at);
            let counted = users.get(&class).copied().unwrap_or(0);
            let Some(used_row) = self.rows.get(at).and_then(Option::as_ref) else {
                sweep.equal(0, counted, || format!("uses of class {at}, which is free"));
                continue;
            };
            used += 1;
            let row = used_row.class.as_ref();
            sweep.equal(used_row.users as usize, counted, || format!("uses of class {at}"));
            let is_new = row.serial <= self.made && serials.insert(row.serial);
            sweep.expect(is_new, || format!("class {at} has the serial of another"));
            let repels = row.pod_terms.as_ref().is_some_and(|terms| terms.repels());
            repelling += usize::from(repels);
            sweep.equal(self.repelling.contains(&class), repels, || format!("class {at} repels"));
            self.check_indexes(at, row, symbols, sweep);
        }
        sweep.equal(self.by_content.len(), used, || "classes by content".to_owned());
        sweep.equal(self.by_address.len(), used, || "classes by address".to_owned());
        sweep.equal(self.repelling.len(), repelling, || "classes that repel".to_owned());
    }

    fn check_indexes(&self, at: usize, class: &Class, symbols: &Symbols, sweep: &mut Sweep) {
        let here = u32::try_from(at).ok();
        let same = |x: u32| {
            let other = self.get(ClassIdx::new(x as usize));
            other.is_some_and(|c| {
                c.extent == class.extent && c.namespace == class.namespace && c.spec == class.spec
            })
        };
        let hash = self.key.hash(&(&class.spec, class.namespace));
        let found = self.by_content.find(hash, same);
        sweep.equal(found, here, || format!("class {at} by content"));
        let address = address_hash(&class.spec, class.namespace);
        let found = self.by_address.find(address, |x| Some(x) == here);
        sweep.equal(found, here, || format!("class {at} by address"));
        for key in class.selected_keys() {
            let known = symbols.get(key).is_some_and(|key| self.selected.contains(&key));
            sweep.expect(known, || format!("class {at} selects by label {key:?} in secret"));
        }
    }
}
