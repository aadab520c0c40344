//! What is known held against a list that only names objects, while the watch goes on.
//!
//! The audit begins at the version `at` that the watch has come to, with a list that is not older.
//! Then, for each object, one of the two must hold: both have the same uid and version, or one of
//! them is newer than `at`, so that its event came since or is on its way and the next audit will
//! tell. Anything else is an event that was never heard.

use hashbrown::HashSet;

use super::{Known, Uid};

/// Most names of objects removed while an audit's list is read: 1,000 a second for a minute, 6 MB.
/// Beyond it nobody is missed.
const REMOVED_MAX: usize = 65_536;

/// What a list says of an object that is only named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// `namespace/name`.
    key: Box<str>,
    uid: Uid,
    version: u64,
}

impl Row {
    /// Of an object's metadata; the namespace may be empty.
    pub(crate) fn new(namespace: &str, name: &str, uid: &str, version: &str) -> Self {
        let key = [namespace, name].join("/").into_boxed_str();
        Self { key, uid: Uid::new(uid), version: super::number(version) }
    }
}

/// An audit that is open.
#[derive(Debug)]
pub(super) struct Open {
    at: u64,
    removed: HashSet<Box<str>>,
    overflown: bool,
}

impl Open {
    /// The watch has said that an object is gone.
    pub(super) fn removed(&mut self, key: &str) {
        self.overflown |= self.removed.len() >= REMOVED_MAX;
        if !self.overflown {
            self.removed.insert(key.into());
        }
    }
}

impl Known {
    /// An audit begins, with the watch at version `at`.
    pub(crate) fn begin_audit(&mut self, at: u64) {
        self.begin_list();
        self.audit = Some(Open { at, removed: HashSet::new(), overflown: false });
    }

    /// How many of these objects are not as they are known.
    pub(crate) fn audit(&mut self, rows: &[Row]) -> usize {
        rows.iter().filter(|row| !self.agrees(row)).count()
    }

    fn agrees(&mut self, row: &Row) -> bool {
        let Some(open) = &self.audit else { return true };
        let list = self.list;
        let Some(entry) = self.entries.get_mut(&row.key) else {
            return row.version > open.at
                || open.overflown
                || open.removed.contains(&row.key)
                || self.unreadable.contains(&row.key);
        };
        entry.list = list;
        let (known, said) = (entry.version, row.version);
        let is_told_apart = known != 0 && said != 0;
        let moves = known > open.at || said > open.at;
        !is_told_apart
            || moves
            || (known == said && entry.uid == row.uid)
            || self.unreadable.contains(&row.key)
    }

    /// The audit's list is read, and the watch has passed its version: how many of the objects
    /// that are known are not in it.
    pub(crate) fn end_audit(&mut self) -> usize {
        let Some(open) = self.audit.take() else { return 0 };
        let list = self.list;
        let is_gone = |entry: &&super::Entry| entry.list != list && entry.version <= open.at;
        self.entries.values().filter(is_gone).count()
    }
}

#[cfg(test)]
mod tests {
    use berth_engine::record::ObjectKey;

    use super::super::{Source, tests::object};
    use super::*;

    fn known() -> Known {
        let mut known = Known::default();
        known.begin_list();
        for (name, version) in [("a", "10"), ("b", "20"), ("c", "30")] {
            known.apply(&object(name, "u", version), 0, Source::List);
        }
        known
    }

    fn row(name: &str, uid: &str, version: &str) -> Row {
        Row::new("n", name, uid, version)
    }

    #[test]
    fn what_agrees_is_no_difference() {
        let mut known = known();
        known.begin_audit(50);
        let rows = [row("a", "u", "10"), row("b", "u", "20"), row("c", "u", "30")];
        assert_eq!((known.audit(&rows), known.end_audit()), (0, 0));
    }

    #[test]
    fn an_event_that_was_never_heard_is_one() {
        let mut known = known();
        known.begin_audit(50);
        assert_eq!(known.audit(&[row("a", "u", "40")]), 1, "changed");
        assert_eq!(known.audit(&[row("b", "v", "41")]), 1, "another one");
        assert_eq!(known.audit(&[row("new", "u", "42")]), 1, "added");
        assert_eq!(known.end_audit(), 1, "c is gone");
        // In the history of before, a list that is not older cannot say this.
        known.begin_audit(50);
        assert_eq!(known.audit(&[row("c", "u", "29"), row("b", "v", "19")]), 2);
    }

    #[test]
    fn what_happens_meanwhile_is_none() {
        let mut known = known();
        known.begin_audit(50);
        known.apply(&object("a", "u", "51"), 0, Source::Watch);
        known.apply(&object("d", "u", "52"), 0, Source::Watch);
        known.remove(&object("b", "u", "53"));
        // The list was read before b went, and a and c changed; e has not been told yet.
        let rows =
            [row("a", "u", "10"), row("b", "u", "20"), row("c", "u", "54"), row("e", "u", "55")];
        assert_eq!((known.audit(&rows), known.end_audit()), (0, 0));
    }

    #[test]
    fn what_no_list_can_read_is_not_missed() {
        let mut known = known();
        known.begin_list();
        for name in ["a", "x"] {
            known.cannot_read(&ObjectKey::new("n", name));
        }
        known.begin_audit(50);
        assert_eq!(known.audit(&[row("x", "u", "40"), row("a", "u", "41")]), 0);
        known.apply(&object("x", "u", "51"), 0, Source::Watch);
        known.begin_audit(60);
        assert_eq!(known.audit(&[row("x", "u", "55")]), 1, "it could be read since");
    }

    #[test]
    fn a_list_closes_an_audit() {
        let mut known = known();
        known.begin_audit(50);
        known.begin_list();
        assert_eq!((known.audit(&[row("x", "u", "1")]), known.end_audit()), (0, 0));
    }
}
