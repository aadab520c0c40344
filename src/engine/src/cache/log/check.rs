//! What holds of the log.

use crate::base::Sweep;

use super::{FORMER_MAX, LOG_MAX, Log};

impl Log {
    /// Looks for what is broken: bounds, and the numbers that are kept of entries.
    pub(in crate::cache) fn check(&self, sweep: &mut Sweep) {
        let (first, end) = (self.first, self.end());
        sweep.expect(self.entries.len() <= LOG_MAX, || "the log is too long".to_owned());
        let unread = self.read || self.entries.is_empty();
        sweep.expect(unread, || "the log is written and nobody reads".to_owned());
        sweep.expect(self.other.max(self.terms) <= end, || "the log ends too early".to_owned());
        sweep.expect(self.former.len() <= FORMER_MAX, || "too many former nodes".to_owned());
        let numbers = || self.former.iter().map(|(number, _)| *number);
        let sound = numbers().is_sorted() && numbers().all(|at| (first..end).contains(&at));
        sweep.expect(sound, || format!("former nodes are not of entries {first} to {end}"));
    }
}
