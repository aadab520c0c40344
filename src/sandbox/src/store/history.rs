//! The bounded watch history of one resource. A watch is a [`Cursor`] into it and nothing
//! more: no queue per watch, and a watch that falls behind the oldest entry gets a real 410.

use std::collections::VecDeque;
use std::sync::Arc;

use super::version::Change;

/// Changes kept per resource. A Job of 2,000 pods makes about 6 writes per pod, so this covers
/// two such Jobs from start to end; at about 2.5 KB a pod it is 80 MB at the very most.
pub(super) const HISTORY_MAX: usize = 32_768;

/// The next change a watch has to read, counted from the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(u64);

/// The cursor or resourceVersion lies before the oldest change kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expired {
    /// Oldest resourceVersion a watch may still start from.
    pub(crate) oldest: u64,
}

#[derive(Debug, Default)]
pub(super) struct History {
    changes: VecDeque<Arc<Change>>,
    /// Changes dropped so far: the cursor of the first entry.
    dropped: u64,
    /// resourceVersion of the newest dropped change; watches may start from here or later.
    oldest: u64,
}

impl History {
    pub(super) fn push(&mut self, change: Change) {
        if self.changes.len() >= HISTORY_MAX
            && let Some(old) = self.changes.pop_front()
        {
            self.dropped += 1;
            self.oldest = old.version.rv;
        }
        self.changes.push_back(Arc::new(change));
    }

    /// Forgets every change; watches can start from `rv` on only.
    pub(super) fn compact(&mut self, rv: u64) {
        self.dropped += self.changes.len() as u64;
        self.changes.clear();
        self.oldest = rv;
    }

    /// Another history takes the place of this one: every cursor is behind it.
    pub(super) fn replace(&mut self, rv: u64) {
        self.compact(rv);
        self.dropped += 1;
    }

    pub(super) fn end(&self) -> Cursor {
        Cursor(self.dropped + self.changes.len() as u64)
    }

    /// The first change after `rv`.
    pub(super) fn after(&self, rv: u64) -> Result<Cursor, Expired> {
        if rv < self.oldest {
            return Err(Expired { oldest: self.oldest });
        }
        let at = self.changes.partition_point(|c| c.version.rv <= rv);
        Ok(Cursor(self.dropped + at as u64))
    }

    /// Up to `max` changes from `cursor` on, and the cursor after them.
    pub(super) fn read(
        &self,
        cursor: Cursor,
        max: usize,
    ) -> Result<(Vec<Arc<Change>>, Cursor), Expired> {
        let Some(skip) = cursor.0.checked_sub(self.dropped) else {
            return Err(Expired { oldest: self.oldest });
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.changes.len());
        let end = (skip + max).min(self.changes.len());
        let read: Vec<_> = self.changes.range(skip..end).cloned().collect();
        let next = Cursor(cursor.0 + read.len() as u64);
        Ok((read, next))
    }
}
