//! What parked classes wait for, and who is due to be looked at.

use std::collections::btree_map::Entry as Slot;

use crate::base::{ClassIdx, Millis, NodeIdx, Sym};
use crate::framework::{Fact, Likeness, Reads, Trigger};
use crate::model::{Alike, Dim};

use super::awaited::{Blocked, Places};
use super::looks::Touch;
use super::{ParkedClass, Queue};

impl Queue {
    /// The class as one that is parked on, new with a number of its own where it was none.
    pub(super) fn parked_or_new(&mut self, class: ClassIdx) -> &mut ParkedClass {
        let (made, numbers, looked) = (&mut self.made, &mut self.numbers, self.looks.moment());
        self.parked.entry(class).or_insert_with(|| {
            *made += 1;
            numbers.insert(*made, class);
            ParkedClass::new(*made, looked)
        })
    }

    /// Nobody is parked on the class any more.
    pub(super) fn drop_parked(&mut self, class: ClassIdx) {
        if let Some(parked) = self.parked.remove(&class) {
            self.numbers.remove(&parked.number());
            self.awaited.leave(parked.number(), &parked.blocked.triggers);
        }
    }

    /// Puts a class that was saved back; false where its number is another's.
    pub(super) fn restore_parked(
        &mut self,
        class: ClassIdx,
        number: u64,
        blocked: Blocked,
    ) -> bool {
        let Some(parked) = self.parked.get_mut(&class) else { return false };
        parked.renumber(number);
        parked.blocked = blocked;
        self.awaited.enter(number, &parked.blocked.triggers);
        match self.numbers.entry(number) {
            Slot::Vacant(slot) => {
                slot.insert(class);
                true
            }
            Slot::Occupied(_) => false,
        }
    }

    /// Whether what the class waits for goes for one pod more of this kind, which these plugins
    /// reject: pods that are alike get equal verdicts.
    pub(crate) fn is_blocked(&self, class: ClassIdx, alike: &Alike, plugins: Places) -> bool {
        let parked = self.parked.get(&class);
        parked.is_some_and(|p| p.has(alike) && p.blocked.plugins.contain(plugins))
    }

    /// The class waits for this as well.
    pub(crate) fn block(&mut self, class: ClassIdx, more: Blocked) {
        let Some(parked) = self.parked.get_mut(&class) else { return };
        let known = &parked.blocked.triggers;
        let is_new = |trigger: &Trigger| known.binary_search(trigger).is_err();
        let new: Vec<Trigger> = more.triggers.iter().copied().filter(is_new).collect();
        self.awaited.enter(parked.number(), &new);
        if parked.blocked.triggers.is_empty() {
            parked.blocked = more;
        } else {
            parked.blocked.add(more);
        }
    }

    /// The class waits for this and nothing else.
    pub(crate) fn block_anew(&mut self, class: ClassIdx, blocked: Blocked) {
        let Some(parked) = self.parked.get_mut(&class) else { return };
        if parked.blocked.triggers != blocked.triggers {
            self.awaited.leave(parked.number(), &parked.blocked.triggers);
            self.awaited.enter(parked.number(), &blocked.triggers);
        }
        parked.blocked = blocked;
    }

    /// All nodes have just been looked at for all pods of the class.
    pub(crate) fn note_looked(&mut self, class: ClassIdx) {
        let moment = self.looks.moment();
        if let Some(parked) = self.parked.get_mut(&class) {
            parked.looked = moment;
        }
    }

    /// What is touched from here on has happened since the looks before.
    pub(crate) fn begin_touches(&mut self) {
        self.looks.next_moment();
    }

    /// Something has happened: whoever waits for it is due.
    pub(crate) fn touch(&mut self, trigger: Trigger) {
        if self.awaited.has(&trigger) {
            self.looks.touch(Touch::All(trigger));
        }
    }

    /// Something has happened to pods that says nothing more.
    pub(crate) fn touch_pods(&mut self) {
        if self.awaited.asks_for_pods() {
            self.looks.touch(Touch::Pods);
        }
    }

    /// These facts about a node are different.
    pub(crate) fn touch_node(&mut self, node: NodeIdx, facts: Reads) {
        let is_awaited = |fact| self.awaited.has(&Trigger::Fact(fact));
        if Fact::each(facts).any(is_awaited) {
            self.looks.touch(Touch::facts(node, facts));
        }
    }

    /// A node may have room that it had not; `free` of each resource.
    pub(crate) fn touch_room(&mut self, node: NodeIdx, free: impl Fn(Option<Dim>) -> i64) {
        if self.awaited.has_room(free) {
            self.looks.touch(Touch::Room(node));
        }
    }

    /// Who has waited for very long is due, once nobody else is.
    pub(crate) fn touch_long(&mut self) {
        if !self.parked.is_empty() {
            self.looks.touch(Touch::Long);
        }
    }

    /// Whether anybody waits for anything about pods.
    pub(crate) fn asks_for_pods(&self) -> bool {
        self.awaited.asks_for_pods()
    }

    /// Whether anybody is due.
    pub fn is_due(&self) -> bool {
        self.looks.len() > 0
    }

    /// The next class that is due, and why. `free` is what a node has of a resource. One that has
    /// a woken head is looked at when that has ended.
    pub(crate) fn next_due(
        &mut self,
        free: impl Fn(NodeIdx, Option<Dim>) -> i64,
    ) -> Option<(Touch, ClassIdx)> {
        loop {
            let (touch, moment, from) = self.looks.first()?;
            let awaited = &self.awaited;
            let next = match touch {
                Touch::Long if self.looks.len() > 1 => {
                    self.looks.give_way();
                    continue;
                }
                Touch::All(trigger) => awaited.after(&trigger, from),
                Touch::Pods => awaited.after_of_pods(from),
                Touch::Facts(_, facts) => {
                    let facts = Reads::try_from(facts).unwrap_or(Reads::EVERYTHING);
                    awaited.after_of_facts(facts, from)
                }
                Touch::Room(node) => awaited.after_of_rooms(|dim| free(node, dim), from),
                Touch::Long => {
                    let after = from.map_or(0, |(.., number)| number + 1);
                    self.numbers.range(after..).next().map(|(number, _)| (0, 0, *number))
                }
            };
            self.looks.advance(next);
            let class = next.and_then(|(.., number)| self.numbers.get(&number).copied());
            // One that has been looked at everywhere since is as it was seen to be.
            let waits = |class: &ClassIdx| {
                let parked = self.parked.get(class);
                parked.is_some_and(|p| p.head.is_none() && p.looked < moment)
            };
            if let Some(class) = class.filter(waits) {
                return Some((touch, class));
            }
        }
    }

    /// Lets the others that are due come first.
    pub(crate) fn let_others_be_due(&mut self) {
        self.looks.give_way();
    }

    /// Notes that a class which has waited for long is looked at; false where that is not long
    /// ago.
    pub(crate) fn note_long(&mut self, class: ClassIdx, now: Millis, every: Millis) -> bool {
        let Some(parked) = self.parked.get_mut(&class) else { return false };
        let is_due = now >= parked.flushed_ms.saturating_add(every);
        if is_due {
            parked.flushed_ms = now;
        }
        is_due
    }
}

/// What a likeness is found by: itself, and wider ones.
pub(crate) fn wider(namespace: Sym, key: Sym, value: u64) -> [Likeness; 4] {
    let like = |namespace, value| Likeness { namespace, key: Some(key), value };
    let own = Some(namespace);
    [like(own, value), like(own, 0), like(None, value), like(None, 0)]
}
