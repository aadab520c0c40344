//! Changes that wait: at most one per pod, in the order in which the pods first came.

use std::collections::{HashMap, HashSet, VecDeque};

use berth_engine::PodName;

use super::patch::StatusChange;

/// Pods that may wait: a message of a large cluster takes about 1 KiB, so 32 MB at most. At
/// 100 patches/s it is five minutes of work.
const PODS_MAX: usize = 32_768;

/// Pods remembered as written, to leave their `lastTransitionTime`; 40 bytes each. When full it
/// starts anew: a few pods then show a later time than the true one.
const WRITTEN_MAX: usize = 65_536;

/// What became of a change handed in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It waits.
    New,
    /// It waits together with, or in place of, an earlier one.
    Merged,
    /// It was not taken.
    Full(PodName),
}

#[derive(Debug)]
struct Slot {
    pod: PodName,
    /// What waits; `None` while the pod is in flight and nothing new has come.
    change: Option<StatusChange>,
    in_flight: bool,
}

/// Pods by uid with what is to be written of them.
#[derive(Debug, Default)]
pub(super) struct Pending {
    slots: HashMap<Box<str>, Slot>,
    /// Pods to write, none in flight.
    order: VecDeque<Box<str>>,
    written: HashSet<Box<str>>,
}

impl Pending {
    /// Pods that wait or are in flight.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn push(&mut self, pod: PodName, change: StatusChange) -> Taken {
        if let Some(slot) = self.slots.get_mut(&pod.uid) {
            return match &mut slot.change {
                Some(waiting) => {
                    waiting.merge(change);
                    Taken::Merged
                }
                none => {
                    // In flight: it takes its turn when the write has ended.
                    *none = Some(change);
                    Taken::New
                }
            };
        }
        if self.slots.len() >= PODS_MAX {
            return Taken::Full(pod);
        }
        self.order.push_back(pod.uid.clone());
        let uid = pod.uid.clone();
        self.slots.insert(uid, Slot { pod, change: Some(change), in_flight: false });
        Taken::New
    }

    /// The next pod to write, what to write, and whether its condition is written for the first
    /// time. It counts as in flight until [`Self::done`].
    pub(super) fn pop(&mut self) -> Option<(PodName, StatusChange, bool)> {
        while let Some(uid) = self.order.pop_front() {
            let Some(slot) = self.slots.get_mut(&uid) else { continue };
            let Some(change) = slot.change.take() else { continue };
            slot.in_flight = true;
            return Some((slot.pod.clone(), change, !self.written.contains(&uid)));
        }
        None
    }

    /// The write of the pod has ended; `written` where its condition now stands.
    pub(super) fn done(&mut self, uid: &str, written: bool) {
        let Some(slot) = self.slots.get_mut(uid) else { return };
        slot.in_flight = false;
        if slot.change.is_some() {
            self.order.push_back(uid.into());
        } else {
            self.slots.remove(uid);
        }
        if written {
            if self.written.len() >= WRITTEN_MAX {
                self.written.clear();
            }
            self.written.insert(uid.into());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use berth_engine::record::ObjectKey;

    use super::*;

    fn pod(uid: &str) -> PodName {
        PodName { key: ObjectKey::new("ns", uid), uid: uid.into() }
    }

    fn says(text: &str) -> StatusChange {
        StatusChange::condition("Unschedulable", text.to_owned(), 0)
    }

    #[test]
    fn the_latest_word_counts() {
        let mut pending = Pending::default();
        assert_eq!(pending.push(pod("a"), says("1")), Taken::New);
        assert_eq!(pending.push(pod("b"), says("1")), Taken::New);
        assert_eq!(pending.push(pod("a"), says("2")), Taken::Merged);
        assert_eq!(pending.pop(), Some((pod("a"), says("2"), true)));
        assert_eq!(pending.pop(), Some((pod("b"), says("1"), true)));
        assert_eq!(pending.pop(), None);
        assert_eq!(pending.len(), 2);
    }

    #[test]
    fn a_pod_is_never_in_flight_twice() {
        let mut pending = Pending::default();
        pending.push(pod("a"), says("1"));
        pending.pop().unwrap();
        assert_eq!(pending.push(pod("a"), says("2")), Taken::New);
        assert_eq!(pending.push(pod("a"), says("3")), Taken::Merged);
        assert_eq!(pending.pop(), None, "the first write has not ended");
        pending.done("a", true);
        assert_eq!(pending.pop(), Some((pod("a"), says("3"), false)));
        pending.done("a", true);
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn a_failed_first_write_is_still_the_first() {
        let mut pending = Pending::default();
        pending.push(pod("a"), says("1"));
        pending.pop().unwrap();
        pending.done("a", false);
        pending.push(pod("a"), says("2"));
        assert_eq!(pending.pop(), Some((pod("a"), says("2"), true)));
    }

    #[test]
    fn a_full_queue_gives_back() {
        let mut pending = Pending::default();
        for number in 0..PODS_MAX {
            pending.push(pod(&number.to_string()), says("x"));
        }
        assert_eq!(pending.push(pod("late"), says("x")), Taken::Full(pod("late")));
        assert_eq!(pending.push(pod("7"), says("y")), Taken::Merged);
    }
}
