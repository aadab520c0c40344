//! Which kinds of pods a ranking's counts have to hear of.

use crate::base::missing;
use crate::cache::{KINDS_MAX, Logged};
use crate::framework::PodMoved;

use super::{Counted, Ranking, Work};

/// What is known about kinds of pods, by the numbers that the log gives them: two bits each.
#[derive(Debug, Default)]
pub(super) struct Concerns {
    // The kind of bit 0.
    first: u64,
    known: Vec<u64>,
    idle: Vec<u64>,
}

impl Concerns {
    /// Forgets all kinds; those from `first` on are remembered from here.
    pub(super) fn reset(&mut self, first: u64) {
        self.first = first;
        self.known.clear();
        self.idle.clear();
    }

    /// Forgets kinds whose numbers are out of use.
    pub(super) fn follow(&mut self, first: u64) {
        if self.first != first {
            self.reset(first);
        }
    }

    /// Whether the counts are known to say nothing of pods of this kind.
    pub(super) fn is_idle(&self, kind: u64) -> bool {
        self.has(&self.idle, kind)
    }

    /// Whether anything is known of the kind.
    pub(super) fn is_known(&self, kind: u64) -> bool {
        self.has(&self.known, kind)
    }

    /// Remembers whether the counts say nothing of a kind; not of one whose number is out of use.
    pub(super) fn learn(&mut self, kind: u64, idle: bool) {
        let Some(at) = self.place(kind) else { return };
        if self.known.len() <= at / 64 {
            self.known.resize(at / 64 + 1, 0);
            self.idle.resize(at / 64 + 1, 0);
        }
        let bit = 1 << (at % 64);
        if let (Some(known), Some(words)) =
            (self.known.get_mut(at / 64), self.idle.get_mut(at / 64))
        {
            *known |= bit;
            *words = if idle { *words | bit } else { *words & !bit };
        }
    }

    fn has(&self, words: &[u64], kind: u64) -> bool {
        let Some(at) = self.place(kind) else { return false };
        words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn place(&self, kind: u64) -> Option<usize> {
        let at = usize::try_from(kind.checked_sub(self.first)?).ok()?;
        (at < KINDS_MAX).then_some(at)
    }
}

impl Ranking {
    /// Whether pods have moved that the plugins with counts have to be told of.
    ///
    /// 1,000 classes in turn find 1,000 pods each time, most of which mean nothing to any term of
    /// theirs: they are asked about each kind of pod once.
    pub(super) fn hear(&mut self, work: &Work<'_>) -> bool {
        let Self { counted, concerns, position, .. } = self;
        let all = counted.iter().any(|c| c.groups.follows_all());
        let log = work.cx.cache.log();
        let any = !counted.is_empty() && (all || log.has_terms(*position));
        let entries = log.since(*position).filter(|_| any);
        concerns.follow(log.first_kind());
        let mut heard = false;
        for entry in entries.into_iter().flatten() {
            let Logged::Pod { node, class, labels, amount, terminating, terms, kind } = entry
            else {
                continue;
            };
            if !(all | terms) || concerns.is_idle(*kind) {
                continue;
            }
            if concerns.is_known(*kind) {
                heard = true;
                continue;
            }
            let Some(class) = work.cx.cache.classes().get(*class) else {
                missing("class", class.at());
                continue;
            };
            let (labels, terminating, amount) = (*labels, *terminating, i64::from(*amount));
            let moved = PodMoved { class, labels, node: *node, amount, terminating };
            let tells = |c: &Counted| {
                c.follows_pods && (class.pod_terms.is_some() || c.groups.follows_all())
            };
            let mut told = counted.iter().filter(|c| tells(c));
            let idle = !told.any(|c| c.groups.concerns(&work.cx, &moved));
            heard |= !idle;
            concerns.learn(*kind, idle);
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_out_of_use_are_not_remembered() {
        let mut concerns = Concerns::default();
        concerns.follow(0);
        concerns.learn(3, true);
        concerns.learn(70, false);
        let said = |c: &Concerns, kind| (c.is_known(kind), c.is_idle(kind));
        let kinds = [3, 4, 70, 700];
        assert_eq!(
            kinds.map(|kind| said(&concerns, kind)),
            [(true, true), (false, false), (true, false), (false, false)]
        );
        concerns.follow(0);
        assert!(concerns.is_known(3));
        concerns.follow(50);
        concerns.learn(3, true);
        concerns.learn(50 + KINDS_MAX as u64, true);
        assert!(!concerns.is_known(3) && !concerns.is_known(70) && concerns.known.is_empty());
    }
}
