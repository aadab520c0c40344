//! Changes that wait: at most one per pod, those of which nothing was written yet in front, and
//! else in the order in which the pods came. What could not be written comes again later.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use berth_engine::PodName;

use super::patch::StatusChange;

/// Pods that may wait: a message of a large cluster takes about 1 KiB, so 32 MB at most. At
/// 100 patches/s it is five minutes of work.
const PODS_MAX: usize = 32_768;

/// Pods remembered as written, to leave their `lastTransitionTime`; 40 bytes each. When full it
/// starts anew: a few pods then show a later time than the true one.
const WRITTEN_MAX: usize = 65_536;

/// How long a pod waits after the first round of tries that failed; twice as long after each.
const AGAIN_FIRST: Duration = Duration::from_secs(1);

/// Longest such wait.
const AGAIN_MAX: Duration = Duration::from_secs(60);

/// Rounds of tries: after waits of 1 to 32 s (63 s in all) 58 of 60 s outlast an hour without a
/// server. A round is four requests, so that 32,768 pods ask for 2,200 a second at most then; the
/// lane sends what its rate allows.
const ROUNDS_MAX: u32 = 64;

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

/// How a write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It stands.
    Written,
    /// The pod is gone, or the server will never take it.
    Refused,
    /// The server may take it another time.
    Failed,
    /// It was given up for what came after it.
    Stale,
}

/// Where a pod is: in each at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In `first` or `order`.
    Waits,
    /// In `later`, until then.
    Later(Instant),
    /// Being written.
    InFlight,
}

#[derive(Debug)]
struct Slot {
    pod: PodName,
    /// What waits; `None` while the pod is in flight and nothing new has come, or where its only
    /// change was withdrawn.
    change: Option<StatusChange>,
    place: Place,
    /// A bind has begun since the write in flight did: its condition is not to be tried again.
    withdrawn: bool,
    /// Rounds of tries that failed one after the other.
    failures: u32,
}

/// Pods by uid with what is to be written of them.
#[derive(Debug, Default)]
pub(super) struct Pending {
    slots: HashMap<Box<str>, Slot>,
    /// Pods to write for the first time, none in flight: a pod that shows nothing waits for a word
    /// more than one whose word changes.
    first: VecDeque<Box<str>>,
    /// Other pods to write, none in flight.
    order: VecDeque<Box<str>>,
    /// Pods whose write failed.
    later: BTreeSet<(Instant, Box<str>)>,
    written: HashSet<Box<str>>,
}

impl Pending {
    /// Pods that wait or are in flight.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn push(&mut self, pod: PodName, change: StatusChange) -> Taken {
        if let Some(slot) = self.slots.get_mut(&pod.uid) {
            if let Place::Later(at) = slot.place {
                // A new word is worth a try at once. Its turn may have come already.
                if self.later.remove(&(at, pod.uid.clone())) {
                    let first = !self.written.contains(&pod.uid);
                    let queue = if first { &mut self.first } else { &mut self.order };
                    queue.push_back(pod.uid.clone());
                }
                slot.place = Place::Waits;
            }
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
        let uid = pod.uid.clone();
        self.line_up(uid.clone());
        let (change, place) = (Some(change), Place::Waits);
        self.slots.insert(uid, Slot { pod, change, place, withdrawn: false, failures: 0 });
        Taken::New
    }

    /// Puts a pod at the end of its queue.
    fn line_up(&mut self, uid: Box<str>) {
        let first = !self.written.contains(&uid);
        if first { &mut self.first } else { &mut self.order }.push_back(uid);
    }

    /// Takes the condition back that waits for a pod, or is being tried: the pod is being bound,
    /// and the API server writes True then.
    pub(super) fn withdraw_condition(&mut self, uid: &str) {
        let Some(slot) = self.slots.get_mut(uid) else { return };
        slot.withdrawn = slot.place == Place::InFlight;
        if let Some(change) = &mut slot.change {
            change.condition = None;
        }
        slot.change.take_if(|change| change.is_empty());
        if let (Place::Later(at), None) = (slot.place, &slot.change)
            && self.later.remove(&(at, uid.into()))
        {
            self.slots.remove(uid);
        }
    }

    /// Whether what is being written of the pod is not the last word any more.
    pub(super) fn is_stale(&self, uid: &str) -> bool {
        self.slots.get(uid).is_some_and(|slot| slot.withdrawn || slot.change.is_some())
    }

    /// When a pod whose write failed is to be tried again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.later.first().map(|(at, _)| *at)
    }

    /// Whether a pod may be written now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.first_waits() || !self.order.is_empty() || self.next_due().is_some_and(|at| at <= now)
    }

    /// Whether a pod that shows nothing yet waits to be written.
    pub(super) fn first_waits(&self) -> bool {
        !self.first.is_empty()
    }

    /// The next pod to write, what to write, and whether its condition is written for the first
    /// time. It counts as in flight until [`Self::done`].
    pub(super) fn pop(&mut self, now: Instant) -> Option<(PodName, StatusChange, bool)> {
        while self.later.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, uid)) = self.later.pop_first() {
                self.line_up(uid);
            }
        }
        while let Some(uid) = self.first.pop_front().or_else(|| self.order.pop_front()) {
            let Some(slot) = self.slots.get_mut(&uid) else { continue };
            let Some(change) = slot.change.take() else {
                self.slots.remove(&uid);
                continue;
            };
            slot.place = Place::InFlight;
            return Some((slot.pod.clone(), change, !self.written.contains(&uid)));
        }
        None
    }

    /// The write of `change` has ended; false where it is given up though the server might take it
    /// another time.
    pub(super) fn done(
        &mut self,
        uid: &str,
        mut change: StatusChange,
        ended: Ended,
        now: Instant,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(uid) else { return true };
        let failures = if ended == Ended::Failed { slot.failures + 1 } else { 0 };
        slot.failures = failures;
        if std::mem::take(&mut slot.withdrawn) && ended != Ended::Written {
            change.condition = None;
        }
        let left = matches!(ended, Ended::Failed | Ended::Stale) && !change.is_empty();
        let given_up = left && failures >= ROUNDS_MAX;
        let written = ended == Ended::Written && change.condition.is_some();
        if left && !given_up {
            if let Some(newer) = slot.change.take() {
                change.merge(newer);
            }
            slot.change = Some(change);
        }
        if written {
            if self.written.len() >= WRITTEN_MAX {
                self.written.clear();
            }
            self.written.insert(uid.into());
        }
        if slot.change.is_none() {
            self.slots.remove(uid);
        } else if left && failures > 0 {
            let wait = AGAIN_FIRST.saturating_mul(2_u32.saturating_pow(failures - 1));
            let at = now + wait.min(AGAIN_MAX);
            slot.place = Place::Later(at);
            self.later.insert((at, uid.into()));
        } else {
            slot.place = Place::Waits;
            self.line_up(uid.into());
        }
        !given_up
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

    fn now() -> Instant {
        Instant::now()
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
        assert_eq!(pending.pop(now()), Some((pod("a"), says("2"), true)));
        assert_eq!(pending.pop(now()), Some((pod("b"), says("1"), true)));
        assert_eq!(pending.pop(now()), None);
        assert_eq!(pending.len(), 2);
    }

    #[test]
    fn a_pod_is_never_in_flight_twice() {
        let mut pending = Pending::default();
        pending.push(pod("a"), says("1"));
        pending.pop(now()).unwrap();
        assert_eq!(pending.push(pod("a"), says("2")), Taken::New);
        assert_eq!(pending.push(pod("a"), says("3")), Taken::Merged);
        assert_eq!(pending.pop(now()), None, "the first write has not ended");
        assert!(pending.is_stale("a"));
        pending.done("a", says("1"), Ended::Written, now());
        assert_eq!(pending.pop(now()), Some((pod("a"), says("3"), false)));
        pending.done("a", says("3"), Ended::Written, now());
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn a_refused_first_write_is_still_the_first() {
        let mut pending = Pending::default();
        pending.push(pod("a"), says("1"));
        pending.pop(now()).unwrap();
        assert!(pending.done("a", says("1"), Ended::Refused, now()));
        assert_eq!(pending.len(), 0);
        pending.push(pod("a"), says("2"));
        assert_eq!(pending.pop(now()), Some((pod("a"), says("2"), true)));
    }

    #[test]
    fn a_pod_that_shows_nothing_yet_comes_before_one_whose_word_changes() {
        let mut pending = Pending::default();
        for uid in ["a", "b"] {
            pending.push(pod(uid), says("1"));
            pending.pop(now()).unwrap();
            pending.done(uid, says("1"), Ended::Written, now());
        }
        for (uid, text) in [("a", "2"), ("b", "2"), ("new", "1"), ("newer", "1")] {
            pending.push(pod(uid), says(text));
        }
        let order = |pending: &mut Pending, time| -> Vec<Box<str>> {
            std::iter::from_fn(|| pending.pop(time)).map(|(pod, ..)| pod.uid).collect()
        };
        let time = now();
        assert_eq!(order(&mut pending, time), ["new", "newer", "a", "b"].map(Box::from));
        // What failed takes its turn in the queue that it was in.
        for (uid, text) in [("a", "2"), ("new", "1")] {
            pending.done(uid, says(text), Ended::Failed, time);
        }
        assert_eq!(order(&mut pending, time + AGAIN_MAX), ["new", "a"].map(Box::from));
        for (uid, text) in [("a", "2"), ("new", "1")] {
            pending.done(uid, says(text), Ended::Failed, time);
        }
        for uid in ["a", "new"] {
            pending.push(pod(uid), says("3"));
        }
        assert_eq!(order(&mut pending, time), ["new", "a"].map(Box::from));
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

    #[test]
    fn what_failed_comes_again_later_and_later() {
        let (mut pending, mut time) = (Pending::default(), now());
        pending.push(pod("a"), says("1"));
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(pending.pop(time), Some((pod("a"), says("1"), true)));
            assert!(pending.done("a", says("1"), Ended::Failed, time));
            assert_eq!(pending.next_due(), Some(time + Duration::from_secs(wait)));
            assert_eq!(pending.pop(time + Duration::from_millis(wait * 1_000 - 1)), None);
            time += Duration::from_secs(wait);
        }
        // A new word goes at once, and takes the old nomination along.
        pending.pop(time).unwrap();
        let mut both = says("1");
        both.merge(StatusChange::nominate(Some("n".into())));
        pending.done("a", both.clone(), Ended::Failed, time);
        assert_eq!(pending.push(pod("a"), says("2")), Taken::Merged);
        both.merge(says("2"));
        assert_eq!(pending.pop(time), Some((pod("a"), both.clone(), true)));
        pending.done("a", both, Ended::Written, time);
        assert_eq!((pending.len(), pending.next_due()), (0, None));
    }

    #[test]
    fn nobody_is_tried_for_ever() {
        let (mut pending, mut time) = (Pending::default(), now());
        pending.push(pod("a"), says("1"));
        let mut rounds = 0;
        while let Some((_, change, _)) = pending.pop(time) {
            rounds += 1;
            assert_eq!(pending.done("a", change, Ended::Failed, time), rounds < ROUNDS_MAX);
            time += AGAIN_MAX;
        }
        assert_eq!((rounds, pending.len()), (ROUNDS_MAX, 0));
    }

    #[test]
    fn a_pod_that_is_being_bound_is_not_said_to_wait() {
        let mut pending = Pending::default();
        // What waits is taken back, but for a nomination.
        pending.push(pod("a"), says("1"));
        pending.push(pod("b"), says("1"));
        pending.push(pod("b"), StatusChange::nominate(None));
        ["a", "b", "never heard of"].iter().for_each(|uid| pending.withdraw_condition(uid));
        assert_eq!(pending.pop(now()), Some((pod("b"), StatusChange::nominate(None), true)));
        pending.done("b", StatusChange::nominate(None), Ended::Written, now());
        assert_eq!((pending.pop(now()), pending.len()), (None, 0));
        // What is being written is not tried again; what comes after it is.
        pending.push(pod("a"), says("1"));
        pending.pop(now()).unwrap();
        pending.withdraw_condition("a");
        assert!(pending.is_stale("a"));
        pending.push(pod("a"), says("the bind failed"));
        pending.done("a", says("1"), Ended::Stale, now());
        assert_eq!(pending.pop(now()), Some((pod("a"), says("the bind failed"), true)));
        pending.withdraw_condition("a");
        pending.done("a", says("the bind failed"), Ended::Failed, now());
        assert_eq!((pending.pop(now()), pending.len()), (None, 0));
        // Of what failed before.
        pending.push(pod("a"), says("2"));
        pending.pop(now()).unwrap();
        pending.done("a", says("2"), Ended::Failed, now());
        pending.withdraw_condition("a");
        assert_eq!((pending.next_due(), pending.len()), (None, 0));
    }
}
