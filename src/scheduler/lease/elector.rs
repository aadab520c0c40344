//! Who holds one Lease: the rules of client-go's `LeaderElector.tryAcquireOrRenew`.
//!
//! Clocks are not compared. A Lease is somebody's for its duration from the moment when this
//! process saw it change last, whatever the times in it say; so a starter waits for a whole
//! duration after a holder that died, also where it died long ago.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::lock::{Lock, LockError, Stored};
use super::record::Record;
use super::timing::Timing;

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is ours. `taken`: since now.
    Held { taken: bool },
    /// Nobody has it, or whoever had it has not renewed it in time. It was not taken.
    Free,
    /// Somebody else has it.
    Foreign(Foreign),
    /// It was ours and is somebody else's.
    Lost { holder: String },
    /// It is not known whose it is, or it could not be written.
    Failed(LockError),
}

/// Somebody else who holds a Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    pub(super) holder: String,
    /// Renewals seen so far.
    pub(super) renewals: u32,
    /// It has renewed, and a Lease of ours would have run out meanwhile: it is here to stay.
    pub(super) outlived: bool,
    /// When the Lease can be taken, unless it is renewed.
    pub(super) expires: Instant,
}

/// One Lease and what is known of it.
#[derive(Debug)]
pub(super) struct Elector {
    pub(super) lock: Lock,
    identity: Arc<str>,
    timing: Timing,
    observed: Option<Observed>,
    /// When the request was sent by which it was ours last; `None` where it is not.
    renewed: Option<Instant>,
}

#[derive(Debug)]
struct Observed {
    stored: Stored,
    /// When its record was first seen as it is.
    at: Instant,
    /// When its holder was first seen.
    since: Instant,
    /// Changes of the record under one holder.
    renewals: u32,
}

impl Observed {
    fn expires(&self) -> Instant {
        self.at + Duration::from_secs(self.stored.record.duration_seconds())
    }
}

impl Elector {
    pub(super) fn new(lock: Lock, identity: Arc<str>, timing: Timing) -> Self {
        Self { lock, identity, timing, observed: None, renewed: None }
    }

    /// Whether it was ours when it was written last.
    pub(super) fn holds(&self) -> bool {
        self.renewed.is_some()
    }

    /// Whether it is ours and surely nobody else's: renewed within `renewDeadline`.
    pub(super) fn is_sure(&self, now: Instant) -> bool {
        self.renewed.is_some_and(|at| now.duration_since(at) < self.timing.renew)
    }

    /// `metadata.uid` of the Lease, where it has been read.
    pub(super) fn uid(&self) -> &str {
        self.observed.as_ref().map_or("", |observed| observed.stored.uid())
    }

    /// Takes the Lease or renews it.
    pub(super) async fn turn(&mut self) -> Turn {
        let now = Instant::now();
        if let Some(observed) = self.observed.as_ref().filter(|_| self.renewed.is_some())
            && observed.expires() > now
        {
            // As it was written last: one request instead of two.
            let record = self.next(&observed.stored.record);
            match self.lock.update(&observed.stored, &record).await {
                Ok(stored) => return self.won(stored, now),
                Err(LockError::Conflict(_) | LockError::NoNamespace(_)) => {}
                Err(error) => return Turn::Failed(error),
            }
        }
        let turn = self.take().await;
        if !matches!(turn, Turn::Failed(LockError::Conflict(_))) || self.holds() {
            return turn;
        }
        // Somebody was faster: the Lease says who.
        match self.look().await {
            Turn::Free => turn,
            other => other,
        }
    }

    /// Looks whose the Lease is, and takes nothing; for one that is not ours.
    pub(super) async fn look(&mut self) -> Turn {
        let stored = match self.lock.get().await {
            Err(error) => return Turn::Failed(error),
            Ok(None) => return Turn::Free,
            Ok(Some(stored)) => stored,
        };
        let now = Instant::now();
        let observed = self.observe(stored, now);
        let foreign = self.foreign(&observed, now);
        self.observed = Some(observed);
        foreign.map_or(Turn::Free, Turn::Foreign)
    }

    async fn take(&mut self) -> Turn {
        let asked = Instant::now();
        match self.lock.get().await {
            Err(error) => Turn::Failed(error),
            Ok(None) => {
                let created = self.lock.create(&self.next(&Record::default())).await;
                created.map_or_else(Turn::Failed, |stored| self.won(stored, asked))
            }
            Ok(Some(stored)) => self.contend(stored).await,
        }
    }

    async fn contend(&mut self, stored: Stored) -> Turn {
        let now = Instant::now();
        let observed = self.observe(stored, now);
        let record = &observed.stored.record;
        if let Some(holder) = self.other(record)
            && self.renewed.is_some()
        {
            let holder = holder.to_owned();
            self.renewed = None;
            return Turn::Lost { holder };
        }
        if let Some(foreign) = self.foreign(&observed, now) {
            self.observed = Some(observed);
            return Turn::Foreign(foreign);
        }
        let written = self.lock.update(&observed.stored, &self.next(record)).await;
        self.observed = Some(observed);
        written.map_or_else(Turn::Failed, |stored| self.won(stored, now))
    }

    /// Whoever is named in the record and is not us.
    fn other<'a>(&self, record: &'a Record) -> Option<&'a str> {
        record.holder().filter(|holder| **holder != *self.identity)
    }

    /// Who else has the Lease at `now`.
    fn foreign(&self, observed: &Observed, now: Instant) -> Option<Foreign> {
        let holder = self.other(&observed.stored.record)?.to_owned();
        let Observed { since, renewals, .. } = *observed;
        let expires = observed.expires();
        let outlived = renewals > 0 && now.duration_since(since) >= self.timing.lease;
        (expires > now).then_some(Foreign { holder, renewals, outlived, expires })
    }

    /// What is known with this look: the time counts from when the record was first seen.
    fn observe(&mut self, stored: Stored, now: Instant) -> Observed {
        match self.observed.take() {
            Some(before) if before.stored.record == stored.record => Observed { stored, ..before },
            Some(before) => {
                let same = before.stored.record.holder() == stored.record.holder();
                if same {
                    let renewals = before.renewals.saturating_add(1);
                    return Observed { stored, at: now, since: before.since, renewals };
                }
                Observed { stored, at: now, since: now, renewals: 0 }
            }
            None => Observed { stored, at: now, since: now, renewals: 0 },
        }
    }

    fn won(&mut self, stored: Stored, asked: Instant) -> Turn {
        let taken = self.renewed.replace(asked).is_none();
        self.observed = Some(Observed { stored, at: asked, since: asked, renewals: 0 });
        Turn::Held { taken }
    }

    /// The record with which it is ours, after `old`.
    fn next(&self, old: &Record) -> Record {
        let now = Timestamp::now();
        let ours = old.holder() == Some(&*self.identity);
        let transitions = old.lease_transitions.unwrap_or(0);
        // A Lease that is made has none yet.
        let first = old.holder_identity.is_none();
        Record {
            holder_identity: Some(self.identity.to_string()),
            lease_duration_seconds: Some(self.timing.lease_seconds()),
            acquire_time: old.acquire_time.filter(|_| ours).or(Some(now)),
            renew_time: Some(now),
            lease_transitions: Some(if ours || first {
                transitions
            } else {
                transitions.saturating_add(1)
            }),
        }
    }

    /// Lets go of the Lease where it is ours, so that the next holder need not wait
    /// (`ReleaseOnCancel`).
    ///
    /// # Errors
    /// It could not be written: it runs out by itself.
    pub(super) async fn release(&mut self) -> Result<(), LockError> {
        if self.renewed.take().is_none() {
            return Ok(());
        }
        let Some(stored) = self.lock.get().await? else { return Ok(()) };
        if stored.record.holder() != Some(&*self.identity) {
            return Ok(());
        }
        let now = Some(Timestamp::now());
        let record = Record {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            acquire_time: now,
            renew_time: now,
            lease_transitions: stored.record.lease_transitions,
        };
        self.lock.update(&stored, &record).await.map(drop)
    }
}
