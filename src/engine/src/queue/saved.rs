//! The queue in a saved state: each pod's history and where it is. The ordered parts, and the
//! groups of parked pods that are alike, follow from the entries.
//!
//! A class is named by one of its pods: which row it has is not kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{ClassIdx, Millis, PodIdx};
use crate::model::Alike;
use crate::stored::{LoadError, Reader, Stored, Writer};

use super::{Backoff, Blocked, Entry, ParkedClass, Place, Queue};

/// What the cache says of a pod that waits: its class, and what tells it apart there.
type Told = (ClassIdx, Alike);

impl Queue {
    /// Writes the entries, and what keeps parked classes where they are.
    pub(crate) fn save(&self, out: &mut Writer) {
        let Self {
            entries,
            active: _,
            backoff: _,
            error_backoff: _,
            parked,
            parked_pods: _,
            numbers: _,
            made,
            awaited: _,
            looks,
            alone: _,
            gated: _,
            arrivals,
            timing: _,
        } = self;
        arrivals.write(out);
        out.count(entries.len());
        for (pod, entry) in entries.iter() {
            pod.write(out);
            entry.save(out);
        }
        made.write(out);
        let named = parked.values().filter_map(|class| Some((class.spokesman()?, class)));
        let classes: BTreeMap<PodIdx, &ParkedClass> = named.collect();
        out.count(classes.len());
        for (pod, class) in classes {
            pod.write(out);
            class.number().write(out);
            class.looked.write(out);
            class.flushed_ms.write(out);
            class.blocked.write(out);
        }
        looks.write(out);
    }

    /// The queue as it was, with this timing; `told` says what the cache knows of each pod.
    pub(crate) fn load(
        from: &mut Reader<'_>,
        timing: Backoff,
        told: impl Fn(PodIdx) -> Option<Told>,
    ) -> Result<Self, LoadError> {
        let mut queue = Self { timing, arrivals: Stored::read(from)?, ..Self::default() };
        for _ in 0..from.count()? {
            let pod = PodIdx::read(from)?;
            let (entry, is_head) = Entry::load(from)?;
            let Some(of) = told(pod) else { return Err(from.malformed("an entry of no pod")) };
            if entry.arrival > queue.arrivals || !queue.enter(pod, entry, is_head, of) {
                return Err(from.malformed("an entry that cannot be where it is"));
            }
        }
        let made: u64 = Stored::read(from)?;
        // Numbers that classes got while entries were read make way for their own.
        let fresh = std::mem::take(&mut queue.numbers).into_values();
        let mut classes: BTreeSet<ClassIdx> = fresh.collect();
        queue.made = made;
        for _ in 0..from.count()? {
            let (pod, number): (PodIdx, u64) = Stored::read(from)?;
            let (looked, flushed_ms): (u64, Millis) = Stored::read(from)?;
            let blocked = Blocked::read(from)?;
            let class = told(pod).map(|(class, _)| class).filter(|class| classes.remove(class));
            let named = class.filter(|class| queue.spokesman(*class) == Some(pod));
            let Some(class) = named.filter(|_| number <= made) else {
                return Err(from.malformed("a class on which nobody is parked"));
            };
            if !queue.restore_parked(class, number, blocked) {
                return Err(from.malformed("two classes of one number"));
            }
            if let Some(parked) = queue.parked.get_mut(&class) {
                (parked.looked, parked.flushed_ms) = (looked, flushed_ms);
            }
        }
        queue.looks = Stored::read(from)?;
        match classes.is_empty() {
            true => Ok(queue),
            false => Err(from.malformed("parked pods that nothing keeps")),
        }
    }

    /// The pod by which a parked class is named, if the class is parked.
    pub(crate) fn spokesman(&self, class: ClassIdx) -> Option<PodIdx> {
        self.parked.get(&class)?.spokesman()
    }

    /// Puts an entry where it says it is; false where it cannot be there.
    fn enter(&mut self, pod: PodIdx, entry: Entry, is_head: bool, (class, alike): Told) -> bool {
        let mut entry = Entry { head_of: is_head.then_some(class), ..entry };
        let ordered = (entry.key, entry.arrival, pod);
        let fits = match entry.place {
            Place::Active => self.active.insert(ordered),
            Place::Backoff { expiry } if entry.errors > 0 => {
                self.error_backoff.insert((expiry, ordered))
            }
            Place::Backoff { expiry } => self.backoff.insert((expiry, ordered)),
            Place::Parked(..) => {
                let parked = self.parked_or_new(class);
                entry.place = Place::Parked(class, parked.insert(ordered, alike));
                self.parked_pods += 1;
                true
            }
            Place::Alone => self.alone.insert(pod),
            Place::Gated => {
                self.gated += 1;
                true
            }
            Place::InFlight => false,
        };
        let heads = is_head.then(|| self.parked_or_new(class));
        let is_first = heads.is_none_or(|parked| parked.head.replace(pod).is_none());
        let is_new = self.entries.insert(pod, entry).is_none();
        fits && is_first && is_new
    }
}

impl ParkedClass {
    /// One of the pods that are parked, or the head: the one in the first row.
    fn spokesman(&self) -> Option<PodIdx> {
        self.pods().chain(self.head).min()
    }
}

impl Entry {
    /// Writes the history of a pod, and where it is without its class.
    pub(crate) fn save(&self, out: &mut Writer) {
        let Self {
            place,
            key,
            arrival,
            attempts,
            failures,
            errors,
            queued_ms,
            first_active_ms,
            active_ms,
            rejectors,
            head_of,
            flushed,
        } = self;
        match place {
            Place::Active => out.byte(0),
            Place::Backoff { expiry } => {
                out.byte(1);
                expiry.write(out);
            }
            Place::Parked(_, _) => out.byte(2),
            Place::Alone => out.byte(3),
            Place::Gated => out.byte(4),
            Place::InFlight => out.byte(5),
        }
        key.write(out);
        arrival.write(out);
        attempts.write(out);
        failures.write(out);
        errors.write(out);
        queued_ms.write(out);
        first_active_ms.write(out);
        active_ms.write(out);
        rejectors.write(out);
        head_of.is_some().write(out);
        flushed.write(out);
    }

    /// The history of a pod, and whether it is the woken head of its class. Where it is parked is
    /// said by whoever knows the class.
    pub(crate) fn load(from: &mut Reader<'_>) -> Result<(Self, bool), LoadError> {
        let place = match from.byte()? {
            0 => Place::Active,
            1 => Place::Backoff { expiry: Stored::read(from)? },
            2 => Place::Parked(ClassIdx::NONE, 0),
            3 => Place::Alone,
            4 => Place::Gated,
            5 => Place::InFlight,
            _ => return Err(from.malformed("a place that the queue does not have")),
        };
        let (key, arrival) = Stored::read(from)?;
        let (attempts, failures) = Stored::read(from)?;
        let (errors, queued_ms) = Stored::read(from)?;
        let (first_active_ms, active_ms) = Stored::read(from)?;
        let rejectors = Stored::read(from)?;
        let (is_head, flushed) = Stored::read(from)?;
        let entry = Self {
            place,
            key,
            arrival,
            attempts,
            failures,
            errors,
            queued_ms,
            first_active_ms,
            active_ms,
            rejectors,
            head_of: None,
            flushed,
        };
        Ok((entry, is_head))
    }
}
