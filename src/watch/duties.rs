//! What a kind's watch has to do beside reading its stream, and when: lists that repair, audits,
//! looks after objects that somebody doubts.

use std::collections::VecDeque;
use std::time::Duration;

use berth_engine::record::ObjectKey;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::audit::{Audit, Piece};
use super::backoff::Backoff;

/// From one audit to the next at the least, and half as long again at most, drawn anew each time.
/// An audit of 150,000 pods is about 150 MB of metadata and a second of the API server's time; of
/// the other kinds it is next to nothing. What a watch has lost is wrong for so long.
pub(crate) const AUDIT_EVERY: Duration = Duration::from_secs(240);
/// From one audit to the next where something asks for one, or the last one failed.
const AUDIT_AGAIN: Duration = Duration::from_secs(60);
/// How long the watch has to tell what somebody else has noticed; it is usually there within
/// milliseconds.
const DOUBT_RESTS: Duration = Duration::from_secs(5);
/// Doubts that wait. All of a time lead to one audit, so that few are enough.
const DOUBTS_MAX: usize = 64;

/// An object that is not as it was known, by its namespace and name and its uid.
pub(crate) type Doubt = (ObjectKey, Box<str>);

/// Where others tell that an object of a kind is not as the watch has told.
#[derive(Debug, Clone)]
pub struct Doubts(mpsc::Sender<Doubt>);

impl Doubts {
    /// Where to tell, and where to hear.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Doubt>) {
        let (sender, receiver) = mpsc::channel(DOUBTS_MAX);
        (Self(sender), receiver)
    }

    /// The object with this uid is gone, or another one. Where the watch still does not know in a
    /// few seconds, what it knows of the kind is compared with the server.
    pub fn tell(&self, key: &ObjectKey, uid: &str) {
        // As many as wait are enough to lead to an audit.
        let _full = self.0.try_send((key.clone(), uid.into()));
    }
}

/// What is due.
#[derive(Debug)]
pub(crate) enum Duty {
    /// A list, as the watch has missed something.
    List,
    /// An audit.
    BeginAudit,
    /// The audit's list has come further.
    Audit(Piece),
    /// Does the watch still know this object?
    Doubt(Doubt),
}

/// The duties of one kind.
#[derive(Debug)]
pub(crate) struct Duties {
    every: Duration,
    next_audit: Instant,
    last_audit: Option<Instant>,
    /// The audit that is open.
    pub(crate) audit: Option<Audit>,
    list_at: Option<Instant>,
    /// Of lists that repair.
    backoff: Backoff,
    begun: Instant,
    doubts: Option<mpsc::Receiver<Doubt>>,
    /// With the moment when they are looked at.
    doubted: VecDeque<(Instant, Doubt)>,
    /// Another kind's watch has found that the server's history is a new one.
    news: watch::Sender<u64>,
    heard: watch::Receiver<u64>,
    /// The list that is due was asked for by another kind.
    prompted: bool,
}

impl Duties {
    /// None yet. `news` is shared by the kinds.
    pub(crate) fn new(every: Duration, seed: u64, news: watch::Sender<u64>) -> Self {
        let begun = Instant::now();
        let heard = news.subscribe();
        let mut duties = Self {
            every,
            next_audit: begun,
            last_audit: None,
            audit: None,
            list_at: None,
            backoff: Backoff::new(!seed),
            begun,
            doubts: None,
            doubted: VecDeque::new(),
            news,
            heard,
            prompted: false,
        };
        duties.rest();
        duties
    }

    /// Hears of doubts.
    pub(crate) fn hear(&mut self, doubts: mpsc::Receiver<Doubt>) {
        self.doubts = Some(doubts);
    }

    /// Waits for what is due. Safe to be dropped and called again.
    pub(crate) async fn next(&mut self) -> Duty {
        loop {
            // A select needs a moment also for what is not due at all.
            let now = Instant::now();
            let doubt_at = self.doubted.front().map_or(now, |(at, _)| *at);
            tokio::select! {
                () = sleep_until(self.list_at.unwrap_or(now)), if self.list_at.is_some() => {
                    return Duty::List;
                }
                Ok(()) = self.heard.changed() => {
                    self.prompted = true;
                    return Duty::List;
                }
                piece = piece(&mut self.audit) => return Duty::Audit(piece),
                () = sleep_until(self.next_audit), if self.audit.is_none() => {
                    return Duty::BeginAudit;
                }
                () = sleep_until(doubt_at), if !self.doubted.is_empty() => {
                    if let Some((_, doubt)) = self.doubted.pop_front() {
                        return Duty::Doubt(doubt);
                    }
                }
                doubt = doubt(&mut self.doubts), if self.doubted.len() < DOUBTS_MAX => {
                    self.doubted.push_back((Instant::now() + DOUBT_RESTS, doubt));
                }
            }
        }
    }

    /// The watch has missed something: a list is due, at once or after a wait that grows while
    /// this goes on. The watch is read until then.
    pub(crate) fn missed(&mut self) {
        if self.list_at.is_some() {
            return;
        }
        let now = self.begun.elapsed();
        let rested = self.backoff.is_at_rest(now);
        let wait = self.backoff.fail(now);
        self.list_at = Some(Instant::now() + if rested { Duration::ZERO } else { wait });
    }

    /// A list begins: it tells all that was missed.
    pub(crate) fn list_begins(&mut self) {
        self.list_at = None;
        self.audit = None;
        self.heard.mark_unchanged();
    }

    /// The server's history is a new one: the other kinds list as well, unless it was one of them
    /// that told this one.
    pub(crate) fn tell_news(&mut self) {
        if std::mem::take(&mut self.prompted) {
            return;
        }
        self.news.send_modify(|news| *news += 1);
        self.heard.mark_unchanged();
    }

    /// An audit begins.
    pub(crate) fn audit_begins(&mut self, audit: Audit) {
        self.last_audit = Some(Instant::now());
        self.audit = Some(audit);
    }

    /// An audit has ended, well or not.
    pub(crate) fn audit_ends(&mut self, well: bool) {
        self.audit = None;
        self.rest();
        if !well {
            self.hurry();
        }
    }

    /// Something asks for an audit before its time.
    pub(crate) fn hurry(&mut self) {
        let soonest = self.last_audit.map_or(self.begun, |last| last + AUDIT_AGAIN.min(self.every));
        self.next_audit = self.next_audit.min(soonest);
    }

    fn rest(&mut self) {
        let stretch = self.every.mul_f64(self.backoff.fraction() / 2.0);
        self.next_audit = Instant::now() + self.every + stretch;
    }
}

async fn piece(audit: &mut Option<Audit>) -> Piece {
    match audit {
        Some(audit) => audit.next().await,
        None => std::future::pending().await,
    }
}

async fn doubt(doubts: &mut Option<mpsc::Receiver<Doubt>>) -> Doubt {
    if let Some(doubts) = doubts
        && let Some(doubt) = doubts.recv().await
    {
        return doubt;
    }
    // Nobody doubts, or whoever did has ended.
    std::future::pending().await
}
