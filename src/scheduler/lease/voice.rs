//! What is said of Leases: log, events, `leader_election_master_status`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use berth_engine::record::ObjectKey;
use tokio::time::Instant;

use super::elector::{Elector, Foreign, Turn};
use super::lock::LockError;
use crate::client::{Complaints, cause};
use crate::events::{EventHandle, Regarding, Statement};
use crate::metrics::Gauges;

/// A wait goes on in the log once in so long: tries are made every 2 s.
const REMIND_EVERY: Duration = Duration::from_secs(60);

/// `reportingController` of events about Leases: they are of no profile.
const CONTROLLER: &str = "berth";

/// What a Lease is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To schedule by the configuration in force.
    Start,
    /// A configuration that is to be put in force.
    Reload,
    /// The same once more, after it was refused.
    ReloadAgain,
}

pub(super) struct Voice {
    identity: Arc<str>,
    status: Gauges,
    events: Option<EventHandle>,
    complaints: Complaints,
    /// When the wait for a name was told last: as many as there are profiles.
    reminded: Mutex<BTreeMap<String, Instant>>,
}

impl Voice {
    pub(super) fn new(
        identity: &Arc<str>,
        status: Gauges,
        events: Option<EventHandle>,
        complaints: Complaints,
    ) -> Self {
        let reminded = Mutex::default();
        Self { identity: Arc::clone(identity), status, events, complaints, reminded }
    }

    /// Tells how a try of a Lease ended where that is news; `last` is how the one before did.
    pub(super) fn tell(
        &self,
        name: &str,
        elector: &Elector,
        purpose: Purpose,
        last: Option<&Turn>,
        turn: &Turn,
    ) {
        let lease = elector.lock.to_string();
        let held = matches!(turn, Turn::Held { .. }) || elector.holds();
        self.show(elector, held);
        match turn {
            Turn::Held { taken: true } => {
                tracing::info!(lease, scheduler_name = name, identity = %self.identity,
                    "Lease acquired: no other instance schedules these pods");
                self.publish(elector, "Normal", "became leader");
            }
            Turn::Held { taken: false } if matches!(last, Some(Turn::Failed(_))) => {
                tracing::info!(lease, scheduler_name = name, "Lease renewed again");
            }
            Turn::Held { taken: false } => {}
            Turn::Lost { holder } => {
                tracing::error!(
                    lease,
                    scheduler_name = name,
                    holder,
                    "Lease lost: another instance has taken it and schedules these pods"
                );
                self.publish(elector, "Warning", "stopped leading");
            }
            Turn::Free => {}
            Turn::Foreign(foreign) => match purpose {
                Purpose::Start => self.foreign(name, &lease, last, foreign),
                // What the reload waits for; it tells itself how that ended.
                Purpose::Reload if !matches!(last, Some(Turn::Foreign(_))) => tracing::info!(
                    lease,
                    scheduler_name = name,
                    holder = foreign.holder,
                    "Another instance holds the Lease of a new schedulerName: the reload waits for \
                     the Lease to be renewed, released or to run out"
                ),
                Purpose::Reload | Purpose::ReloadAgain => {}
            },
            // Somebody has written the Lease at the same moment, and does not hold it.
            Turn::Failed(LockError::Conflict(error)) => {
                tracing::info!(lease, scheduler_name = name, error, "Lease has changed: once more");
            }
            Turn::Failed(error) => self.failed(name, &lease, &error.to_string()),
        }
    }

    fn failed(&self, name: &str, lease: &str, error: &str) {
        if let Some(complaint) = self.complaints.about(&format!("lease {}", cause(error))) {
            tracing::warn!(
                lease,
                scheduler_name = name,
                error,
                server = &*complaint.server,
                heldBack = complaint.held_back,
                "Lease cannot be held: scheduling waits for it unless it was renewed a moment \
                 before; trying on"
            );
        }
    }

    fn foreign(&self, name: &str, lease: &str, last: Option<&Turn>, foreign: &Foreign) {
        let Foreign { holder, outlived, .. } = foreign;
        let news = match last {
            Some(Turn::Foreign(before)) => before.holder != *holder || before.outlived != *outlived,
            _ => true,
        };
        if !self.is_due(name, news) {
            return;
        }
        if *outlived {
            tracing::warn!(
                lease,
                scheduler_name = name,
                holder,
                "Refusing to serve this schedulerName while the other instance renews its Lease: \
                 this one places no pod, is not ready, and takes over when the Lease is free. Stop \
                 the other, or name the profile otherwise; --allow-second-instance runs both, \
                 which over-commits nodes"
            );
        } else {
            tracing::info!(
                lease,
                scheduler_name = name,
                holder,
                "Another instance holds the Lease: waiting for it to be released or to run out"
            );
        }
    }

    pub(super) fn released(&self, name: &str, elector: &Elector, error: Option<LockError>) {
        self.show(elector, false);
        let lease = elector.lock.to_string();
        match error {
            None => tracing::info!(lease, scheduler_name = name, "Lease released"),
            Some(error) => tracing::warn!(lease, scheduler_name = name, %error,
                "Lease cannot be released: the next instance waits until it runs out"),
        }
    }

    /// The configuration does not have the name any more.
    pub(super) fn given_up(&self, name: &str, elector: &Elector) {
        self.show(elector, false);
        self.reminded.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let lease = elector.lock.to_string();
        tracing::info!(
            lease,
            scheduler_name = name,
            "Profile gone: its Lease is renewed no more and runs out"
        );
    }

    pub(super) fn unresolved(&self, error: &str) {
        if let Some(complaint) = self.complaints.about(&format!("lease {}", cause(error))) {
            tracing::warn!(
                error,
                server = &*complaint.server,
                heldBack = complaint.held_back,
                "The namespace of the Leases is not known yet; trying on"
            );
        }
    }

    fn is_due(&self, name: &str, news: bool) -> bool {
        let mut reminded = self.reminded.lock().unwrap_or_else(PoisonError::into_inner);
        let due = news || reminded.get(name).is_none_or(|at| at.elapsed() >= REMIND_EVERY);
        if due {
            reminded.insert(name.to_owned(), Instant::now());
        }
        due
    }

    fn show(&self, elector: &Elector, held: bool) {
        self.status.with(&[&elector.lock.name]).set(i64::from(held));
    }

    /// As client-go's `recordEvent`: about the Lease, with reason `LeaderElection`.
    fn publish(&self, elector: &Elector, kind: &'static str, what: &str) {
        let Some(events) = &self.events else { return };
        let lock = &elector.lock;
        let regarding = Regarding {
            api_version: "coordination.k8s.io/v1".into(),
            kind: "Lease".into(),
            key: ObjectKey::new(&lock.namespace, &lock.name),
            uid: elector.uid().into(),
        };
        let note = format!("{} {what}", self.identity);
        let statement =
            Statement { kind, reason: "LeaderElection", action: "LeaderElection", note };
        events.publish_about(regarding, CONTROLLER, statement);
    }
}
