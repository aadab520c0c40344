//! What holds of the log.

use crate::base::Sweep;

use super::{Entry, FORMER_MAX, LOG_MAX, Log, Told};

impl Log {
    /// Looks for what is broken: bounds, and the numbers that are kept of entries.
    pub(in crate::cache) fn check(&self, sweep: &mut Sweep) {
        let (first, end) = (self.first, self.next());
        let unheeded = usize::try_from(end.saturating_sub(self.heeded)).unwrap_or(usize::MAX);
        let long = self.entries.len() > LOG_MAX.max(unheeded);
        sweep.expect(!long, || "the log is too long".to_owned());
        let sound = (first..=end).contains(&self.heeded) && (first..=end).contains(&self.news);
        sweep.expect(sound, || format!("readers are not within entries {first} to {end}"));
        let told = |entry: &&Entry| matches!(entry.told, Told::Object(_));
        let objects = self.entries.iter().rev().take(unheeded).filter(told).count();
        sweep.equal(self.objects.len(), objects, || "objects of entries not heeded".to_owned());
        let unread = self.read || self.entries.len() == unheeded;
        sweep.expect(unread, || "the log is written and nobody reads".to_owned());
        sweep.expect(self.other.max(self.terms) <= end, || "the log ends too early".to_owned());
        sweep.expect(self.former.len() <= FORMER_MAX, || "too many former nodes".to_owned());
        let numbers = || self.former.iter().map(|(number, _)| *number);
        let sound = numbers().is_sorted() && numbers().all(|at| (first..end).contains(&at));
        sweep.expect(sound, || format!("former nodes are not of entries {first} to {end}"));
    }
}
