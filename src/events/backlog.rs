//! Events that wait for their turn: each by itself, or folded into one per controller and second.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use berth_engine::record::{ObjectKey, Owner};
use berth_engine::{PodEvent, PodName};
use jiff::Timestamp;

use super::record::{Event, Regarding, Statement, cut_note};

/// Events that wait by themselves. One is 144 bytes and five texts of 32 to 48 bytes each, about
/// 340 bytes: 68 MB at most, none while there is nothing to tell. While binds are open events have
/// one request in flight, a tenth of the binds' rate or so, so that it bridges a burst of about
/// 220,000 pods; what comes beyond is folded.
pub const EVENTS_WAITING_MAX: usize = 200_000;

/// Bytes of notes that wait, cut as they are written: 32,768 of the longest, of 1,024 bytes. The
/// notes of pods that were placed are made later, and not among them.
const NOTES_MAX: usize = 32 << 20;

/// Controllers whose events are being folded at once; about 400 bytes each, 7 MB.
const FOLDS_MAX: usize = 16_384;

/// How long a fold takes events in before it is written.
const FOLD: Duration = Duration::from_secs(1);

/// How many events tell of pods that were placed: `--events`, `events` of a BerthConfiguration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Granularity {
    /// One for each pod, as kube-scheduler does
    #[default]
    #[value(alias = "pod")]
    Each,
    /// One for each Job (or other controller) and second, such as "412 pods placed"
    Job,
}

/// An event that waits. Its text is made when its turn comes, not on the engine's thread.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) about: About,
    /// Who reports it: a profile's name.
    pub(super) reporter: Arc<str>,
    pub(super) time: Timestamp,
}

#[derive(Debug)]
pub(super) enum About {
    Pod(Arc<PodName>, PodEvent),
    /// So many pods of the controller in the namespace were placed.
    Placed(Box<str>, Arc<Owner>, u32),
    Object(Box<(Regarding, Statement)>),
}

impl Waiting {
    /// Cuts what is told of a pod to what will be written of it.
    fn cut(&mut self) {
        if let About::Pod(_, PodEvent::FailedScheduling { note }) = &mut self.about {
            *note = cut_note(std::mem::take(note));
        }
    }

    /// Whether it says why a pod waits.
    pub(super) fn is_failure(&self) -> bool {
        matches!(self.about, About::Pod(_, PodEvent::FailedScheduling { .. }))
    }

    /// How long that is.
    fn note_len(&self) -> usize {
        match &self.about {
            About::Pod(_, PodEvent::FailedScheduling { note }) => note.len(),
            _ => 0,
        }
    }

    pub(super) fn event(self, hostname: &str) -> Event {
        let (regarding, statement) = match self.about {
            About::Pod(pod, event) => {
                let statement = Statement::of(&pod.key, event);
                (Arc::unwrap_or_clone(pod).into(), statement)
            }
            About::Placed(namespace, owner, pods) => {
                let regarding = Regarding {
                    api_version: owner.api_version.clone(),
                    kind: owner.kind.clone(),
                    key: ObjectKey { namespace, name: owner.name.clone() },
                    uid: owner.uid.clone(),
                };
                (regarding, Statement::placed(pods))
            }
            About::Object(object) => *object,
        };
        Event::new(regarding, &self.reporter, statement, hostname, self.time)
    }
}

/// What became of an event handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It waits by itself.
    Alone,
    /// It is counted in the event of its controller.
    Folded,
    /// It was not taken: as many wait as may.
    Dropped,
}

/// Who is reported on by whom.
type FoldKey = (Box<str>, Arc<str>);

#[derive(Debug)]
struct Fold {
    namespace: Box<str>,
    owner: Arc<Owner>,
    pods: u32,
    due: Instant,
}

/// The events that wait.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    granularity: Granularity,
    /// Why pods wait: before everything else, as somebody looks for it now.
    failures: VecDeque<Waiting>,
    alone: VecDeque<Waiting>,
    /// Bytes of their notes.
    notes: usize,
    folds: HashMap<FoldKey, Fold>,
    /// Keys of `folds`, the one first due in front.
    due: VecDeque<FoldKey>,
}

/// What is next.
#[derive(Debug)]
pub(super) enum Next {
    /// Something is there to be written.
    Ready,
    /// A fold will be, then.
    At(Instant),
    /// Nothing waits.
    Nothing,
}

impl Backlog {
    pub(super) fn new(granularity: Granularity) -> Self {
        Self { granularity, ..Self::default() }
    }

    /// How events tell of pods that are placed from now on.
    pub(super) fn set_granularity(&mut self, granularity: Granularity) {
        self.granularity = granularity;
    }

    /// Events to be written, folds as one each.
    pub(super) fn len(&self) -> usize {
        self.failures.len() + self.alone.len() + self.folds.len()
    }

    pub(super) fn push(&mut self, mut waiting: Waiting, now: Instant) -> Taken {
        waiting.cut();
        let note = waiting.note_len();
        if self.notes + note > NOTES_MAX {
            return Taken::Dropped;
        }
        let full = self.failures.len() + self.alone.len() >= EVENTS_WAITING_MAX;
        let waiting = match (self.granularity, full) {
            (Granularity::Each, false) => waiting,
            _ => match self.fold(waiting, now) {
                None => return Taken::Folded,
                Some(waiting) if !full => waiting,
                Some(_) => return Taken::Dropped,
            },
        };
        self.notes += note;
        if waiting.is_failure() { &mut self.failures } else { &mut self.alone }.push_back(waiting);
        Taken::Alone
    }

    /// Counts a pod's placement on its controller; gives back what cannot be counted so.
    fn fold(&mut self, waiting: Waiting, now: Instant) -> Option<Waiting> {
        let About::Pod(pod, PodEvent::Scheduled { controller: Some(owner), .. }) = &waiting.about
        else {
            return Some(waiting);
        };
        let key = (owner.uid.clone(), waiting.reporter.clone());
        if let Some(fold) = self.folds.get_mut(&key) {
            fold.pods = fold.pods.saturating_add(1);
            return None;
        }
        if self.folds.len() >= FOLDS_MAX {
            return Some(waiting);
        }
        let (namespace, owner) = (pod.key.namespace.clone(), Arc::clone(owner));
        self.folds.insert(key.clone(), Fold { namespace, owner, pods: 1, due: now + FOLD });
        self.due.push_back(key);
        None
    }

    /// Whether something can be written now; with `closing` folds are not waited for.
    pub(super) fn next(&self, now: Instant, closing: bool) -> Next {
        let due = self.due.front().and_then(|key| self.folds.get(key)).map(|fold| fold.due);
        match due {
            Some(due) if closing || due <= now => Next::Ready,
            _ if !self.failures.is_empty() || !self.alone.is_empty() => Next::Ready,
            Some(due) => Next::At(due),
            None => Next::Nothing,
        }
    }

    /// Whether an event waits that says why a pod does.
    pub(super) fn has_failure(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Takes the next event: why pods wait, then folds, which are few.
    pub(super) fn pop(&mut self, now: Instant, closing: bool) -> Option<Waiting> {
        if let Some(failure) = self.failures.pop_front() {
            self.notes -= failure.note_len();
            return Some(failure);
        }
        let is_due = |fold: &Fold| closing || fold.due <= now;
        if self.due.front().and_then(|key| self.folds.get(key)).is_some_and(is_due)
            && let Some(key) = self.due.pop_front()
            && let Some(fold) = self.folds.remove(&key)
        {
            let about = About::Placed(fold.namespace, fold.owner, fold.pods);
            return Some(Waiting { about, reporter: key.1, time: Timestamp::now() });
        }
        let next = self.alone.pop_front();
        self.notes -= next.as_ref().map_or(0, Waiting::note_len);
        next
    }
}

#[cfg(test)]
mod tests;
