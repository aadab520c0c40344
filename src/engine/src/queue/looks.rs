//! Looks at parked classes that are due: what has happened, and how far those who wait for it have
//! been looked at. An event that thousands of classes wait for is taken piece by piece.

use std::collections::{BTreeMap, VecDeque};

use crate::base::{NodeIdx, Sweep};
use crate::framework::{Reads, Trigger};
use crate::stored::{LoadError, Reader, Stored, Writer, stored};

use super::awaited::Cursor;

/// What has happened, as far as it says who has to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touch {
    /// Something about no single node: all who wait for it, on all nodes.
    All(Trigger),
    /// Something about pods that no trigger tells: all who wait for pods.
    Pods,
    /// Facts about a node, as a number: who waits for them, there.
    Facts(NodeIdx, u64),
    /// A node has more room: who waits for no more than that, there.
    Room(NodeIdx),
    /// Time: who has waited for very long.
    Long,
}

stored! { enum Touch {
    0 = All(trigger),
    1 = Pods,
    2 = Facts(node, facts),
    3 = Room(node),
    4 = Long,
} }

impl Touch {
    /// Facts about a node.
    pub fn facts(node: NodeIdx, facts: Reads) -> Self {
        Self::Facts(node, facts.bits())
    }
}

/// How far those who are touched have been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Progress {
    // When it happened last.
    moment: u64,
    // Who was looked at last; nobody yet where it is none.
    from: Option<Cursor>,
    // It has happened again since the first was looked at: all anew after this.
    again: bool,
}

/// What is due, in turn. No more than there are things that can happen: a node has two entries, a
/// trigger that somebody waits for one.
#[derive(Debug, Default)]
pub(super) struct Looks {
    turns: VecDeque<Touch>,
    progress: BTreeMap<Touch, Progress>,
    // Counts the times at which something may have happened.
    moment: u64,
}

impl Looks {
    /// What happens from here on is later than all looks so far.
    pub(super) fn next_moment(&mut self) {
        self.moment += 1;
    }

    /// The moment of what happened last. A look now sees all until then.
    pub(super) fn moment(&self) -> u64 {
        self.moment
    }

    /// Something has happened.
    pub(super) fn touch(&mut self, touch: Touch) {
        let moment = self.moment;
        match self.progress.get_mut(&touch) {
            Some(known) => {
                known.again |= known.from.is_some();
                known.moment = moment;
            }
            None => {
                self.progress.insert(touch, Progress { moment, from: None, again: false });
                self.turns.push_back(touch);
            }
        }
    }

    /// How many things are due.
    pub(super) fn len(&self) -> usize {
        self.turns.len()
    }

    /// Whose turn it is, when it happened last, and who was looked at last for it.
    pub(super) fn first(&self) -> Option<(Touch, u64, Option<Cursor>)> {
        let touch = self.turns.front()?;
        let Progress { moment, from, .. } = self.progress.get(touch)?;
        Some((*touch, *moment, *from))
    }

    /// So far the first has got; nobody is left where that is none.
    pub(super) fn advance(&mut self, to: Option<Cursor>) {
        let Some(touch) = self.turns.front().copied() else { return };
        let Some(progress) = self.progress.get_mut(&touch) else { return };
        match to {
            Some(_) => progress.from = to,
            None if progress.again => {
                *progress = Progress { moment: progress.moment, from: None, again: false };
                self.give_way();
            }
            None => {
                self.progress.remove(&touch);
                self.turns.pop_front();
            }
        }
    }

    /// The others come first.
    pub(super) fn give_way(&mut self) {
        if let Some(touch) = self.turns.pop_front() {
            self.turns.push_back(touch);
        }
    }

    /// Looks for what is broken.
    pub(super) fn check(&self, sweep: &mut Sweep) {
        let mut turns: Vec<Touch> = self.turns.iter().copied().collect();
        turns.sort_unstable();
        let known: Vec<Touch> = self.progress.keys().copied().collect();
        sweep.equal(turns, known, || "looks that are due".to_owned());
        let is_past = self.progress.values().all(|progress| progress.moment <= self.moment);
        sweep.expect(is_past, || "what is to come has been touched".to_owned());
    }
}

impl Stored for Looks {
    fn write(&self, out: &mut Writer) {
        self.moment.write(out);
        out.count(self.turns.len());
        for touch in &self.turns {
            let progress = self.progress.get(touch).copied().unwrap_or_default();
            let Progress { moment, from, again } = progress;
            touch.write(out);
            moment.write(out);
            from.map(|(at, amount, number)| (at, (amount, number))).write(out);
            again.write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        let mut looks = Self { moment: Stored::read(from)?, ..Self::default() };
        for _ in 0..from.count()? {
            let (touch, moment) = Stored::read(from)?;
            let last: Option<(u64, (i64, u64))> = Stored::read(from)?;
            let again = bool::read(from)?;
            let last = last.map(|(at, (amount, number))| (at, amount, number));
            let progress = Progress { moment, from: last, again };
            if looks.progress.insert(touch, progress).is_some() {
                return Err(from.malformed("a look that is due twice"));
            }
            looks.turns.push_back(touch);
        }
        Ok(looks)
    }
}
