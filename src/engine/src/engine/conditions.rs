//! Conditions that are to be written: who waits for his turn, and how many may be written now.
//!
//! What a pod is to show is kept with the pod ([`crate::cache::Pending::desired`]) until the watch
//! shows it; here is only the order. First words go before words that are made anew, and classes
//! take turns, so that one pod of a class is not behind 100,000 of another.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::{ClassIdx, PodIdx, Sweep, missing};
use crate::effect::FailureReason;
use crate::stored::{LoadError, Reader, Stored, Writer, stored};

stored! { enum FailureReason { 0 = Unschedulable, 1 = SchedulerError, 2 = ProfileGone } }

/// Pods whose condition is to be written. At most those that wait, about 60 bytes each.
#[derive(Debug)]
pub(super) struct Conditions {
    owed: HashMap<PodIdx, Owed, FxBuildHasher>,
    /// What an attempt said.
    first: Turns,
    /// What is said again: made anew, or lost.
    again: Turns,
    tickets: u64,
    /// How many the writer takes now.
    room: usize,
    /// How many of those may be said again.
    again_room: usize,
}

/// What a pod waits with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owed {
    reason: FailureReason,
    class: ClassIdx,
    /// Its place among the pods of the class.
    ticket: u64,
    is_first: bool,
}

/// Pods by class; the classes take turns.
#[derive(Debug, Default)]
struct Turns {
    /// Classes by their turns.
    order: BTreeMap<u64, ClassIdx>,
    classes: HashMap<ClassIdx, Waiting, FxBuildHasher>,
    last_turn: u64,
}

/// The pods of a class, by ticket.
#[derive(Debug, Default)]
struct Waiting {
    turn: u64,
    pods: BTreeMap<u64, PodIdx>,
}

/// A pod whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) pod: PodIdx,
    pub(super) reason: FailureReason,
    /// Whether an attempt said it, and has published its event.
    pub(super) is_first: bool,
}

impl Default for Conditions {
    /// With a writer that takes all: the shell says how many its own takes.
    fn default() -> Self {
        Self {
            owed: HashMap::default(),
            first: Turns::default(),
            again: Turns::default(),
            tickets: 0,
            room: usize::MAX,
            again_room: usize::MAX,
        }
    }
}

impl Conditions {
    /// The pod's condition is to be written. One that waits already takes the new reason, and keeps
    /// its turn unless it is said for the first time now.
    pub(super) fn owe(
        &mut self,
        pod: PodIdx,
        class: ClassIdx,
        reason: FailureReason,
        is_first: bool,
    ) {
        if let Some(owed) = self.owed.get_mut(&pod)
            && owed.is_first >= is_first
        {
            owed.reason = reason;
            return;
        }
        self.drop_pod(pod);
        self.tickets += 1;
        let ticket = self.tickets;
        self.owed.insert(pod, Owed { reason, class, ticket, is_first });
        self.turns(is_first).push(class, pod, ticket);
    }

    fn turns(&mut self, is_first: bool) -> &mut Turns {
        if is_first { &mut self.first } else { &mut self.again }
    }

    /// The pod is of another class from now on, whose turn it takes.
    pub(super) fn change_class(&mut self, pod: PodIdx, class: ClassIdx) {
        let known = self.owed.get(&pod).copied().filter(|owed| owed.class != class);
        if let Some(Owed { reason, is_first, .. }) = known {
            self.drop_pod(pod);
            self.owe(pod, class, reason, is_first);
        }
    }

    /// Nothing is to be written of the pod any more.
    pub(super) fn drop_pod(&mut self, pod: PodIdx) {
        if let Some(Owed { class, ticket, is_first, .. }) = self.owed.remove(&pod) {
            self.turns(is_first).remove(class, ticket);
        }
    }

    /// How many the writer takes from now on, and how many of those may be said again.
    pub(super) fn set_room(&mut self, room: usize, again: usize) {
        (self.room, self.again_room) = (room, again);
    }

    /// How many may still be said again.
    pub(super) fn again_room(&self) -> usize {
        self.again_room
    }

    /// Pods that wait for their turn.
    pub(super) fn len(&self) -> usize {
        self.owed.len()
    }

    /// The pod whose turn it is, which waits no longer.
    pub(super) fn next(&mut self) -> Option<Turn> {
        if self.room == 0 {
            return None;
        }
        let pod = match self.first.pop() {
            Some(pod) => pod,
            None if self.again_room > 0 => {
                let pod = self.again.pop()?;
                self.again_room -= 1;
                pod
            }
            None => return None,
        };
        self.room -= 1;
        let Owed { reason, is_first, .. } = self.owed.remove(&pod)?;
        Some(Turn { pod, reason, is_first })
    }

    /// Looks for what is broken: everybody who waits has one turn, and nobody else has any.
    pub(super) fn check(&self, sweep: &mut Sweep) {
        let mut turns = 0;
        for (is_first, Turns { order, classes, .. }) in [(true, &self.first), (false, &self.again)]
        {
            sweep.equal(order.len(), classes.len(), || "classes that take turns".to_owned());
            for (class, Waiting { turn, pods }) in classes {
                let has_turn = order.get(turn) == Some(class) && !pods.is_empty();
                sweep.expect(has_turn, || format!("class {} has no turn", class.at()));
                turns += pods.len();
                for (ticket, pod) in pods {
                    let is_known = self.owed.get(pod).is_some_and(|owed| {
                        (owed.ticket, owed.class, owed.is_first) == (*ticket, *class, is_first)
                    });
                    sweep.expect(is_known, || format!("pod {} has a turn for nothing", pod.at()));
                }
            }
        }
        sweep.equal(turns, self.owed.len(), || "pods whose condition is owed".to_owned());
    }

    /// Writes the order.
    pub(super) fn save(&self, out: &mut Writer) {
        let Self { owed, first, again, tickets: _, room, again_room } = self;
        room.write(out);
        again_room.write(out);
        for Turns { order, classes, last_turn: _ } in [first, again] {
            out.count(order.len());
            for waiting in order.values().filter_map(|class| classes.get(class)) {
                out.count(waiting.pods.len());
                for pod in waiting.pods.values() {
                    pod.write(out);
                    owed.get(pod).map(|owed| owed.reason).write(out);
                }
            }
        }
    }

    /// The order as it was; `class_of` knows the classes of pods, which are numbered anew.
    pub(super) fn load(
        from: &mut Reader<'_>,
        class_of: impl Fn(PodIdx) -> Option<ClassIdx>,
    ) -> Result<Self, LoadError> {
        let mut all = Self::default();
        let (room, again_room) = Stored::read(from)?;
        all.set_room(room, again_room);
        for is_first in [true, false] {
            for _ in 0..from.count()? {
                for _ in 0..from.count()? {
                    let (pod, reason): (PodIdx, Option<FailureReason>) = Stored::read(from)?;
                    let reason =
                        reason.ok_or_else(|| from.malformed("a condition of no reason"))?;
                    let class =
                        class_of(pod).ok_or_else(|| from.malformed("a condition of no pod"))?;
                    all.owe(pod, class, reason, is_first);
                }
            }
        }
        Ok(all)
    }
}

impl Turns {
    fn push(&mut self, class: ClassIdx, pod: PodIdx, ticket: u64) {
        let waiting = self.classes.entry(class).or_default();
        if waiting.pods.is_empty() {
            self.last_turn += 1;
            waiting.turn = self.last_turn;
            self.order.insert(waiting.turn, class);
        }
        waiting.pods.insert(ticket, pod);
    }

    fn remove(&mut self, class: ClassIdx, ticket: u64) {
        let Some(waiting) = self.classes.get_mut(&class) else {
            return missing("class whose pods take turns", class.at());
        };
        waiting.pods.remove(&ticket);
        if waiting.pods.is_empty() {
            self.order.remove(&waiting.turn);
            self.classes.remove(&class);
        }
    }

    /// The next pod. Its class goes behind the others.
    fn pop(&mut self) -> Option<PodIdx> {
        let (_, class) = self.order.pop_first()?;
        let waiting = self.classes.get_mut(&class)?;
        let pod = waiting.pods.pop_first().map(|(_, pod)| pod);
        if waiting.pods.is_empty() {
            self.classes.remove(&class);
        } else {
            self.last_turn += 1;
            waiting.turn = self.last_turn;
            self.order.insert(waiting.turn, class);
        }
        pod
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASON: FailureReason = FailureReason::Unschedulable;

    fn order(conditions: &mut Conditions) -> Vec<(usize, bool)> {
        std::iter::from_fn(|| conditions.next())
            .map(|turn| (turn.pod.at(), turn.is_first))
            .collect()
    }

    fn owe(conditions: &mut Conditions, pod: usize, class: usize, is_first: bool) {
        conditions.owe(PodIdx::new(pod), ClassIdx::new(class), REASON, is_first);
    }

    #[test]
    fn classes_take_turns_and_first_words_go_first() {
        let mut conditions = Conditions::default();
        owe(&mut conditions, 9, 3, false);
        (0..4).for_each(|pod| owe(&mut conditions, pod, 1, true));
        owe(&mut conditions, 7, 2, true);
        // Said again, and then by an attempt.
        owe(&mut conditions, 8, 3, false);
        owe(&mut conditions, 8, 3, true);
        conditions.drop_pod(PodIdx::new(2));
        let first = [0, 7, 8, 1, 3].map(|pod| (pod, true));
        assert_eq!(order(&mut conditions), [&first[..], &[(9, false)]].concat());
        assert_eq!((conditions.len(), conditions.first.classes.len()), (0, 0));
    }

    #[test]
    fn no_more_are_written_than_the_writer_takes() {
        let mut conditions = Conditions::default();
        (0..6).for_each(|pod| owe(&mut conditions, pod, 1, pod < 2));
        conditions.set_room(5, 1);
        assert_eq!(order(&mut conditions), [(0, true), (1, true), (2, false)]);
        assert_eq!(conditions.len(), 3);
        conditions.set_room(2, 9);
        assert_eq!(order(&mut conditions), [(3, false), (4, false)]);
    }
}
