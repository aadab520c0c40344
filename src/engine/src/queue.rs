//! Pods of ours that have no node yet: active, in backoff, parked, gated.
//!
//! ```text
//!                   ┌──────────── backoff expires ───────────┐
//!                   ▼                                        │
//!  add ──▶ gates ▶ ACTIVE ──pop──▶ (attempt) ──error──▶ BACKOFF
//!            │      ▲                  │
//!            ▼      │ its class fits   └──no node fits──▶ PARKED on its class
//!          GATED    └──────────────────────────────────────┘
//! ```
//!
//! Enter at [`Queue::add`] and [`Queue::pop`]. The queue knows pods by index, order and reasons;
//! whether a parked class fits is asked of the cycle by [`crate::Engine`].
//!
//! Source of order and backoff: `pkg/scheduler/backend/queue`. Its size is the number of pending
//! pods in the cluster, which the API server bounds; one entry costs about 150 bytes.

mod awaited;
mod backoff;
mod check;
mod entry;
mod looks;
mod parked;
mod saved;
mod waits;

pub use awaited::{Blocked, Places};
pub use backoff::Backoff;
pub use entry::{Entry, Place};
pub use looks::Touch;
pub use parked::ParkedClass;
pub(crate) use waits::wider;

use awaited::Awaited;
use looks::Looks;

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::{ClassIdx, Millis, PodIdx, PodMap, internal_error, missing};
use crate::framework::SortKey;
use crate::model::Alike;

/// Order in the active part and on a class: key, then arrival.
type Ordered = (SortKey, u64, PodIdx);

/// The queue.
#[derive(Debug, Default)]
pub struct Queue {
    entries: PodMap<Entry>,
    active: BTreeSet<Ordered>,
    // Expiry, then order; errors apart, as they are never taken early.
    backoff: BTreeSet<(Millis, Ordered)>,
    error_backoff: BTreeSet<(Millis, Ordered)>,
    parked: HashMap<ClassIdx, ParkedClass, FxBuildHasher>,
    parked_pods: usize,
    // Parked classes in the order in which they came. Rows of classes are used again, and which one
    // a class has depends on what rankings hold; numbers do not.
    numbers: BTreeMap<u64, ClassIdx>,
    made: u64,
    awaited: Awaited,
    looks: Looks,
    // Parked by themselves: a plugin that rejected them wants to be asked by hints.
    alone: BTreeSet<PodIdx>,
    gated: usize,
    arrivals: u64,
    /// Backoff arithmetic in force.
    pub timing: Backoff,
}

/// Numbers of pods in each part, as in `scheduler_pending_pods`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Waiting for an attempt.
    pub active: usize,
    /// Waiting for time to pass.
    pub backoff: usize,
    /// Parked.
    pub unschedulable: usize,
    /// Held by a gate.
    pub gated: usize,
}

impl Queue {
    /// The pod's entry.
    pub fn entry(&self, pod: PodIdx) -> Option<&Entry> {
        self.entries.get(pod)
    }

    pub(crate) fn entry_mut(&mut self, pod: PodIdx) -> Option<&mut Entry> {
        self.entries.get_mut(pod)
    }

    /// Numbers of pods in each part.
    pub fn counts(&self) -> QueueCounts {
        QueueCounts {
            active: self.active.len(),
            backoff: self.backoff.len() + self.error_backoff.len(),
            unschedulable: self.alone.len() + self.parked_pods,
            gated: self.gated,
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries by pod.
    pub fn iter(&self) -> impl Iterator<Item = (PodIdx, &Entry)> {
        self.entries.iter()
    }

    /// The classes that pods are parked on.
    pub fn parked(&self) -> impl Iterator<Item = (ClassIdx, &ParkedClass)> {
        self.parked.iter().map(|(class, parked)| (*class, parked))
    }

    /// The pods parked on a class.
    pub(crate) fn parked_on(&self, class: ClassIdx) -> Option<&ParkedClass> {
        self.parked.get(&class)
    }

    pub(crate) fn parked_mut(&mut self, class: ClassIdx) -> Option<&mut ParkedClass> {
        self.parked.get_mut(&class)
    }

    /// Pods that wait for a hint.
    pub fn alone(&self) -> &BTreeSet<PodIdx> {
        &self.alone
    }

    /// Takes a pod in, nowhere yet: [`Queue::activate`] or [`Queue::hold`] follows.
    pub(crate) fn add(&mut self, pod: PodIdx, now: Millis) {
        self.arrivals += 1;
        let entry = Entry::new(self.arrivals, now);
        if self.entries.insert(pod, entry).is_some() {
            internal_error(format_args!("pod {pod:?} is queued twice"));
        }
    }

    /// Takes a pod back in with the history it left with, nowhere yet.
    pub(crate) fn restore(&mut self, pod: PodIdx, entry: Entry) {
        if self.entries.insert(pod, entry).is_some() {
            internal_error(format_args!("pod {pod:?} is queued twice"));
        }
    }

    /// Moves a pod to the active part.
    pub(crate) fn activate(&mut self, pod: PodIdx, key: SortKey, now: Millis) {
        self.lift(pod);
        let Some(entry) = self.entries.get_mut(pod) else {
            return missing("queued pod", pod.at());
        };
        entry.key = key;
        // One that is there already only changes its place in the order.
        if entry.place != Place::Active {
            entry.active_ms = now;
        }
        entry.place = Place::Active;
        entry.first_active_ms.get_or_insert(now);
        self.active.insert((key, entry.arrival, pod));
    }

    /// Moves a pod behind a gate.
    pub(crate) fn hold(&mut self, pod: PodIdx, gate: usize) {
        self.lift(pod);
        let Some(entry) = self.entries.get_mut(pod) else {
            return missing("queued pod", pod.at());
        };
        entry.place = Place::Gated;
        entry.rejectors = vec![gate];
        self.gated += 1;
    }

    /// Moves a pod to backoff, or says that it needs none.
    pub(crate) fn back_off(&mut self, pod: PodIdx, key: SortKey, now: Millis) -> bool {
        self.lift(pod);
        let timing = self.timing;
        let Some(entry) = self.entries.get_mut(pod) else {
            missing("queued pod", pod.at());
            return false;
        };
        entry.key = key;
        let Some(expiry) = timing.expiry(entry, now) else { return false };
        entry.place = Place::Backoff { expiry };
        let ordered = (expiry, (key, entry.arrival, pod));
        if entry.errors > 0 {
            self.error_backoff.insert(ordered)
        } else {
            self.backoff.insert(ordered)
        }
    }

    /// Parks a pod on its class, with those that are alike. What it waits for is said by
    /// [`Queue::block`].
    pub(crate) fn park(&mut self, pod: PodIdx, (class, alike): (ClassIdx, Alike), key: SortKey) {
        self.lift(pod);
        let Some(arrival) = self.entries.get(pod).map(|entry| entry.arrival) else {
            return missing("queued pod", pod.at());
        };
        let group = self.parked_or_new(class).insert((key, arrival, pod), alike);
        self.parked_pods += 1;
        if let Some(entry) = self.entries.get_mut(pod) {
            entry.key = key;
            entry.place = Place::Parked(class, group);
        }
    }

    /// Groups all parked pods anew, where what tells pods apart has changed.
    pub(crate) fn regroup(&mut self, alike: impl Fn(PodIdx) -> Option<Alike>) {
        for (class, parked) in &mut self.parked {
            for pod in parked.drain() {
                let (entry, alike) = (self.entries.get_mut(pod.2), alike(pod.2));
                if let (Some(entry), Some(alike)) = (entry, alike) {
                    entry.place = Place::Parked(*class, parked.insert(pod, alike));
                } else {
                    missing("parked pod", pod.2.at());
                }
            }
        }
    }

    /// Parks a pod by itself, for hints.
    pub(crate) fn park_alone(&mut self, pod: PodIdx) {
        self.lift(pod);
        let Some(entry) = self.entries.get_mut(pod) else {
            return missing("queued pod", pod.at());
        };
        entry.place = Place::Alone;
        self.alone.insert(pod);
    }

    /// The first active pod, now in flight. Where there is none, the first in backoff that is not
    /// there for an error: time that nobody needs is not waited for (SchedulerPopFromBackoffQ).
    pub(crate) fn pop(&mut self) -> Option<PodIdx> {
        let pod = match self.active.pop_first() {
            Some((_, _, pod)) => pod,
            None => {
                let (_, (_, _, pod)) = self.backoff.pop_first()?;
                pod
            }
        };
        if let Some(entry) = self.entries.get_mut(pod) {
            entry.place = Place::InFlight;
            entry.attempts += 1;
        }
        Some(pod)
    }

    /// Pods whose backoff is over.
    pub(crate) fn expired(&mut self, now: Millis) -> Vec<PodIdx> {
        let due = |set: &BTreeSet<(Millis, Ordered)>| {
            let over = set.iter().take_while(|(expiry, _)| Backoff::is_over(*expiry, now));
            over.map(|(_, (_, _, pod))| *pod).collect::<Vec<_>>()
        };
        let mut pods = due(&self.backoff);
        pods.extend(due(&self.error_backoff));
        pods
    }

    /// When the next backoff is over.
    pub(crate) fn next_expiry(&self) -> Option<Millis> {
        let first = |set: &BTreeSet<(Millis, Ordered)>| set.first().map(|(expiry, _)| *expiry);
        [first(&self.backoff), first(&self.error_backoff)].into_iter().flatten().min()
    }

    /// Takes a pod out for its binding cycle, with its history. One that was not popped begins an
    /// attempt with it.
    pub(crate) fn take(&mut self, pod: PodIdx) -> Option<Entry> {
        if let Some(entry) = self.entries.get_mut(pod).filter(|e| e.place != Place::InFlight) {
            entry.attempts += 1;
        }
        self.remove(pod)
    }

    /// Takes a pod out, with its history.
    pub(crate) fn remove(&mut self, pod: PodIdx) -> Option<Entry> {
        self.lift(pod);
        self.entries.remove(pod)
    }

    /// The classes of which `pod` is the woken head: none or one.
    pub(crate) fn release_head(&mut self, pod: PodIdx) -> Option<ClassIdx> {
        let class = self.entries.get_mut(pod)?.head_of.take()?;
        let parked = self.parked.get_mut(&class)?;
        parked.head = None;
        if parked.is_empty() {
            self.drop_parked(class);
            return None;
        }
        Some(class)
    }

    /// Makes a pod parked on `class` its woken head until the pod's attempt ends.
    pub(crate) fn set_head(&mut self, class: ClassIdx, pod: PodIdx) {
        if let (Some(parked), Some(entry)) =
            (self.parked.get_mut(&class), self.entries.get_mut(pod))
        {
            parked.head = Some(pod);
            entry.head_of = Some(class);
        }
    }

    /// Takes a pod out of the part it is in; it is nowhere then.
    fn lift(&mut self, pod: PodIdx) {
        let Some(entry) = self.entries.get_mut(pod) else { return };
        let ordered = (entry.key, entry.arrival, pod);
        match entry.place {
            Place::Active => {
                self.active.remove(&ordered);
            }
            Place::Backoff { expiry } => {
                self.backoff.remove(&(expiry, ordered));
                self.error_backoff.remove(&(expiry, ordered));
            }
            Place::Parked(class, group) => {
                self.parked_pods -= 1;
                if let Some(parked) = self.parked.get_mut(&class) {
                    parked.remove(&ordered, group);
                    if parked.is_empty() && parked.head.is_none() {
                        self.drop_parked(class);
                    }
                }
            }
            Place::Alone => {
                self.alone.remove(&pod);
            }
            Place::Gated => self.gated -= 1,
            Place::InFlight => {}
        }
        if let Some(entry) = self.entries.get_mut(pod) {
            entry.place = Place::InFlight;
        }
    }
}
