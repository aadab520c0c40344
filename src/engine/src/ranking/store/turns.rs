//! In which order rankings give way: the least recently used first, and before all others those
//! whose pods fit nowhere.

/// The end of the list.
const NONE: usize = usize::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link {
    // Who gives way before, and after.
    before: usize,
    after: usize,
}

/// A list through the places of rankings: each move takes a few writes, however many there are.
#[derive(Debug)]
pub(super) struct Turns {
    links: Vec<Option<Link>>,
    first: usize,
    last: usize,
}

impl Default for Turns {
    fn default() -> Self {
        Self { links: Vec::new(), first: NONE, last: NONE }
    }
}

impl Turns {
    /// Who gives way first.
    pub(super) fn first(&self) -> Option<usize> {
        (self.first != NONE).then_some(self.first)
    }

    /// It has been used: it gives way after all others.
    pub(super) fn use_now(&mut self, at: usize) {
        if self.last == at {
            return;
        }
        self.remove(at);
        self.put(at, Link { before: self.last, after: NONE });
    }

    /// Nobody needs it as it is: it gives way before all others.
    pub(super) fn give_way(&mut self, at: usize) {
        if self.first == at {
            return;
        }
        self.remove(at);
        self.put(at, Link { before: NONE, after: self.first });
    }

    /// It is gone.
    pub(super) fn remove(&mut self, at: usize) {
        let Some(link) = self.links.get_mut(at).and_then(Option::take) else { return };
        self.join(link.before, link.after);
    }

    fn put(&mut self, at: usize, link: Link) {
        if self.links.len() <= at {
            self.links.resize(at + 1, None);
        }
        if let Some(place) = self.links.get_mut(at) {
            *place = Some(link);
            self.join(link.before, at);
            self.join(at, link.after);
        }
    }

    /// Lets one stand right before the other.
    fn join(&mut self, before: usize, after: usize) {
        match self.links.get_mut(before).and_then(Option::as_mut) {
            Some(link) => link.after = after,
            None => self.first = after,
        }
        match self.links.get_mut(after).and_then(Option::as_mut) {
            Some(link) => link.before = before,
            None => self.last = before,
        }
    }

    /// All, who gives way first comes first.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.first(), |at| {
            let link = self.links.get(*at).copied().flatten()?;
            (link.after != NONE).then_some(link.after)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_gives_way_first_and_who_is_not_needed_before() {
        let mut turns = Turns::default();
        assert_eq!(turns.first(), None);
        (0..4).for_each(|at| turns.use_now(at));
        let order = |turns: &Turns| turns.iter().collect::<Vec<_>>();
        assert_eq!(order(&turns), [0, 1, 2, 3]);
        turns.use_now(1);
        turns.give_way(3);
        assert_eq!(order(&turns), [3, 0, 2, 1]);
        turns.remove(0);
        turns.remove(0);
        turns.give_way(3);
        turns.use_now(1);
        assert_eq!(order(&turns), [3, 2, 1]);
        turns.use_now(0);
        for at in [3, 1, 2] {
            turns.remove(at);
        }
        assert_eq!(order(&turns), [0]);
        turns.remove(0);
        assert_eq!((turns.first(), turns.iter().count()), (None, 0));
    }
}
