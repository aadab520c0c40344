//! What always holds of the queue, as one sweep.

use hashbrown::HashSet;
use rustc_hash::FxBuildHasher;

use crate::base::{PodIdx, Sweep};

use super::{Entry, Ordered, ParkedClass, Place, Queue};

impl Queue {
    /// Whatever is broken of what always holds, in words: each entry is in the part that it says
    /// and in no other, heads know their class and classes their head, and counts are what is
    /// there. Nothing is broken where the list is empty.
    ///
    /// For tests: a sweep looks at every entry.
    pub fn check(&self) -> Vec<String> {
        let mut sweep = Sweep::default();
        let mut arrivals: HashSet<u64, FxBuildHasher> = HashSet::default();
        let (mut there, mut gated, mut heads) = (Counts::default(), 0, 0);
        for (pod, entry) in self.entries.iter() {
            let at = pod.at();
            let is_new = entry.arrival <= self.arrivals && arrivals.insert(entry.arrival);
            sweep.expect(is_new, || format!("pod {at} came as another"));
            let known = self.knows(pod, entry, &mut there);
            sweep.expect(known, || format!("pod {at} is not where it says: {entry:?}"));
            gated += usize::from(entry.place == Place::Gated);
            if let Some(class) = entry.head_of {
                heads += 1;
                let head = self.parked.get(&class).and_then(|parked| parked.head);
                sweep.equal(head, Some(pod), || format!("head of class {}", class.at()));
            }
        }
        let is = Counts {
            active: self.active.len(),
            backoff: self.backoff.len(),
            error_backoff: self.error_backoff.len(),
            parked: self.parked.values().map(ParkedClass::len).sum(),
            alone: self.alone.len(),
        };
        sweep.equal(&is, &there, || "pods by part".to_owned());
        sweep.equal(self.gated, gated, || "gated pods".to_owned());
        let counted = self.parked.values().filter(|parked| parked.head.is_some()).count();
        sweep.equal(counted, heads, || "woken heads".to_owned());
        sweep.equal(self.parked_pods, is.parked, || "parked pods".to_owned());
        self.looks.check(&mut sweep);
        let waiting = self.parked.values().map(|p| (p.number(), p.blocked.triggers.as_slice()));
        self.awaited.check(waiting, &mut sweep);
        sweep.equal(self.numbers.len(), self.parked.len(), || "numbers of classes".to_owned());
        for (class, parked) in &self.parked {
            let found = self.numbers.get(&parked.number());
            sweep.equal(found, Some(class), || format!("class {} by number", class.at()));
            let is_made = parked.number() <= self.made;
            sweep.expect(is_made, || format!("class {} has a number to come", class.at()));
            let needed = !parked.is_empty() || parked.head.is_some();
            sweep.expect(needed, || format!("class {} is parked and empty", class.at()));
            parked.check(&mut sweep);
        }
        sweep.into_broken()
    }

    /// Whether the part that an entry names has it.
    fn knows(&self, pod: PodIdx, entry: &Entry, there: &mut Counts) -> bool {
        let ordered: Ordered = (entry.key, entry.arrival, pod);
        match entry.place {
            Place::Active => {
                there.active += 1;
                self.active.contains(&ordered)
            }
            // Those with errors are apart, as they are never taken early.
            Place::Backoff { expiry } if entry.errors > 0 => {
                there.error_backoff += 1;
                self.error_backoff.contains(&(expiry, ordered))
            }
            Place::Backoff { expiry } => {
                there.backoff += 1;
                self.backoff.contains(&(expiry, ordered))
            }
            Place::Parked(class, group) => {
                there.parked += 1;
                self.parked.get(&class).is_some_and(|parked| parked.contains(&ordered, group))
            }
            Place::Alone => {
                there.alone += 1;
                self.alone.contains(&pod)
            }
            Place::Gated | Place::InFlight => true,
        }
    }
}

/// Numbers of pods by part.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    active: usize,
    backoff: usize,
    error_backoff: usize,
    parked: usize,
    alone: usize,
}
