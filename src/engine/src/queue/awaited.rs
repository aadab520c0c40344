//! What parked classes wait for, and who waits for what: an event finds the classes that it may
//! help without a look at the others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::{Sweep, Sym};
use crate::framework::{Fact, Likeness, Reads, Trigger};
use crate::model::Dim;
use crate::stored::stored;

/// Plugins of a profile, by place. Those from the 64th on, of which there are none, share a bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Places(u64);

impl Places {
    /// All of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are here.
    pub fn contain(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }
}

impl FromIterator<usize> for Places {
    fn from_iter<T: IntoIterator<Item = usize>>(places: T) -> Self {
        Self(places.into_iter().fold(0, |all, place| all | 1 << place.min(63)))
    }
}

/// Why a class fits nowhere: each node is rejected, for each of its pods, by one of these plugins
/// at least, and no plugin lets a node go unless one of the triggers comes about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocked {
    /// The plugins.
    pub plugins: Places,
    /// They are those that were seen to reject; otherwise all that could.
    pub is_exact: bool,
    /// What is waited for, sorted.
    pub triggers: Vec<Trigger>,
}

stored! { struct Places(bits) }
stored! { struct Blocked { plugins, is_exact, triggers } }

impl Blocked {
    /// By these plugins as well.
    pub(crate) fn add(&mut self, more: Self) {
        self.plugins = self.plugins.and(more.plugins);
        self.is_exact &= more.is_exact;
        self.triggers.extend(more.triggers);
        self.triggers.sort_unstable();
        self.triggers.dedup();
    }
}

/// A place in the order in which waiting classes are looked at; see [`Awaited::after`].
pub(super) type Cursor = (u64, i64, u64);

/// Numbers of waiting classes by what they wait for. A class takes about 100 bytes and as many for
/// each of its triggers: 20,000 classes with five 12 MB.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    // All triggers but rooms.
    by_trigger: BTreeMap<Trigger, BTreeSet<u64>>,
    // By resource, the one without a name first; least amounts first.
    rooms: BTreeMap<Option<Dim>, BTreeSet<(i64, u64)>>,
    // By label key: most pods have labels that nobody waits for.
    asked: HashMap<Option<Sym>, usize, FxBuildHasher>,
    // Those with triggers about pods.
    of_pods: BTreeSet<u64>,
}

fn likeness(trigger: &Trigger) -> Option<&Likeness> {
    match trigger {
        Trigger::PodCame(like) | Trigger::PodLeft(like) | Trigger::RepellerLeft(like) => Some(like),
        Trigger::Fact(_) | Trigger::Room(..) => None,
    }
}

fn is_of_pods(trigger: &Trigger) -> bool {
    let pods = || Fact::each(Reads::PODS).any(|fact| *trigger == Trigger::Fact(fact));
    likeness(trigger).is_some() || pods()
}

impl Awaited {
    /// The class of this number waits for these.
    pub(super) fn enter(&mut self, number: u64, triggers: &[Trigger]) {
        for trigger in triggers {
            if let Trigger::Room(dim, amount) = trigger {
                self.rooms.entry(*dim).or_default().insert((*amount, number));
                continue;
            }
            self.by_trigger.entry(*trigger).or_default().insert(number);
            if let Some(like) = likeness(trigger) {
                *self.asked.entry(like.key).or_insert(0) += 1;
            }
        }
        if triggers.iter().any(is_of_pods) {
            self.of_pods.insert(number);
        }
    }

    /// It does not any more.
    pub(super) fn leave(&mut self, number: u64, triggers: &[Trigger]) {
        for trigger in triggers {
            if let Trigger::Room(dim, amount) = trigger {
                if let Some(rooms) = self.rooms.get_mut(dim) {
                    rooms.remove(&(*amount, number));
                    if rooms.is_empty() {
                        self.rooms.remove(dim);
                    }
                }
                continue;
            }
            if let Some(numbers) = self.by_trigger.get_mut(trigger) {
                numbers.remove(&number);
                if numbers.is_empty() {
                    self.by_trigger.remove(trigger);
                }
            }
            if let Some(like) = likeness(trigger)
                && let Some(count) = self.asked.get_mut(&like.key)
            {
                *count -= 1;
                if *count == 0 {
                    self.asked.remove(&like.key);
                }
            }
        }
        self.of_pods.remove(&number);
    }

    /// Whether anybody waits for this. Not for rooms.
    pub(super) fn has(&self, trigger: &Trigger) -> bool {
        let is_asked = likeness(trigger).is_none_or(|like| self.asked.contains_key(&like.key));
        is_asked && self.by_trigger.contains_key(trigger)
    }

    /// Whether anybody waits for pods.
    pub(super) fn asks_for_pods(&self) -> bool {
        !self.of_pods.is_empty()
    }

    /// Whether there is a resource of which anybody waits for so much, or for less.
    pub(super) fn has_room(&self, free: impl Fn(Option<Dim>) -> i64) -> bool {
        let least = |of: &BTreeSet<(i64, u64)>| of.first().map_or(i64::MAX, |(amount, _)| *amount);
        self.rooms.iter().any(|(dim, of)| least(of) <= free(*dim))
    }

    /// The next class that waits for a trigger.
    pub(super) fn after(&self, trigger: &Trigger, from: Option<Cursor>) -> Option<Cursor> {
        let numbers = self.by_trigger.get(trigger)?;
        next(numbers, from).map(|number| (0, 0, number))
    }

    /// The next one that waits for anything about pods.
    pub(super) fn after_of_pods(&self, from: Option<Cursor>) -> Option<Cursor> {
        next(&self.of_pods, from).map(|number| (0, 0, number))
    }

    /// The next one that waits for any of these facts.
    pub(super) fn after_of_facts(&self, facts: Reads, from: Option<Cursor>) -> Option<Cursor> {
        for (at, fact) in (0u64..).zip(Fact::each(facts)) {
            let from = match from {
                Some((before, ..)) if before > at => continue,
                from => from.filter(|(before, ..)| *before == at),
            };
            if let Some((.., number)) = self.after(&Trigger::Fact(fact), from) {
                return Some((at, 0, number));
            }
        }
        None
    }

    /// The next one that waits for no more than is free of a resource.
    pub(super) fn after_of_rooms(
        &self,
        free: impl Fn(Option<Dim>) -> i64,
        from: Option<Cursor>,
    ) -> Option<Cursor> {
        for (at, (dim, rooms)) in self.rooms.iter().map(|(dim, of)| (place(*dim), (dim, of))) {
            let from = match from {
                Some((before, ..)) if before > at => continue,
                Some((before, amount, number)) if before == at => Excluded((amount, number)),
                _ => Unbounded,
            };
            let found = rooms.range((from, Unbounded)).next();
            if let Some((amount, number)) = found.filter(|(amount, _)| *amount <= free(*dim)) {
                return Some((at, *amount, *number));
            }
        }
        None
    }

    /// Looks for what is broken: what `classes` wait for is what is here, and no more.
    pub(super) fn check<'a>(
        &self,
        classes: impl Iterator<Item = (u64, &'a [Trigger])>,
        sweep: &mut Sweep,
    ) {
        let mut should = Self::default();
        classes.for_each(|(number, triggers)| should.enter(number, triggers));
        sweep.equal(&self.by_trigger, &should.by_trigger, || "who waits for what".to_owned());
        sweep.equal(&self.rooms, &should.rooms, || "who waits for room".to_owned());
        sweep.equal(&self.asked, &should.asked, || "label keys that are waited for".to_owned());
        sweep.equal(&self.of_pods, &should.of_pods, || "who waits for pods".to_owned());
    }
}

/// A resource's place in the order of rooms.
fn place(dim: Option<Dim>) -> u64 {
    dim.map_or(0, |dim| dim.at() as u64 + 1)
}

fn next(numbers: &BTreeSet<u64>, from: Option<Cursor>) -> Option<u64> {
    let from = from.map_or(Unbounded, |(.., number)| Excluded(number));
    numbers.range((from, Unbounded)).next().copied()
}
