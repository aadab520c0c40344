//! What a sweep over the state finds broken.

use std::fmt::Debug;

use hashbrown::HashSet;
use rustc_hash::FxBuildHasher;

/// Findings that are kept: a state that is broken once is often broken at each row.
const BROKEN_MAX: usize = 32;

/// Collects what does not hold, in words.
///
/// Sweeps are for tests, random histories and fuzzing: one costs a look at every row of the state,
/// which a scheduler never takes.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    broken: Vec<String>,
}

impl Sweep {
    /// Notes what `say` says where something does not hold.
    pub(crate) fn expect(&mut self, holds: bool, say: impl FnOnce() -> String) {
        if !holds && self.broken.len() < BROKEN_MAX {
            self.broken.push(say());
        }
    }

    /// Notes where `is` is not what it `should` be.
    #[allow(clippy::needless_pass_by_value, reason = "made for the comparison alone")]
    pub(crate) fn equal<T: PartialEq + Debug>(
        &mut self,
        is: T,
        should: T,
        what: impl FnOnce() -> String,
    ) {
        if is != should {
            self.expect(false, || format!("{}: {is:?}, but {should:?} by the objects", what()));
        }
    }

    /// Holds a list of free rows against a table of `rows`: each unused row is free, once.
    pub(crate) fn free_rows(
        &mut self,
        table: &str,
        free: impl Iterator<Item = usize>,
        rows: usize,
        is_used: impl Fn(usize) -> bool,
    ) {
        let mut seen: HashSet<usize, FxBuildHasher> = HashSet::default();
        for at in free {
            self.expect(seen.insert(at), || format!("{table} row {at} is free twice"));
            self.expect(at < rows && !is_used(at), || format!("{table} row {at} is free and used"));
        }
        for at in 0..rows {
            let known = seen.contains(&at) || is_used(at);
            self.expect(known, || format!("{table} row {at} is neither free nor used"));
        }
    }

    /// All findings.
    pub(crate) fn into_broken(self) -> Vec<String> {
        self.broken
    }
}
