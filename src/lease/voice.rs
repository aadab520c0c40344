//! What is said of Leases: log, events, `leader_election_master_status`.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use berth_engine::record::ObjectKey;
use tokio::time::Instant;

use super::elector::{Elector, Foreign, Turn};
use super::lock::LockError;
use crate::events::{EventHandle, Regarding, Statement};
use crate::metrics::Gauges;

/// A wait goes on in the log once in so long: tries are made every 2 s.
const REMIND_EVERY: Duration = Duration::from_secs(60);

/// `reportingController` of events about Leases: they are of no profile.
const CONTROLLER: &str = "berth";

pub(super) struct Voice {
    identity: Arc<str>,
    status: Gauges,
    events: Option<EventHandle>,
    reminded: Mutex<Option<Instant>>,
}

impl Voice {
    pub(super) fn new(identity: &Arc<str>, status: Gauges, events: Option<EventHandle>) -> Self {
        Self { identity: Arc::clone(identity), status, events, reminded: Mutex::new(None) }
    }

    /// Tells how a try ended where that is news.
    pub(super) fn tell(&self, name: &str, elector: &Elector, last: Option<&Turn>, turn: &Turn) {
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
            Turn::Foreign(foreign) => self.foreign(name, &lease, last, foreign),
            Turn::Failed(error) => {
                let news = !matches!(last, Some(Turn::Failed(before)) if before == error);
                if self.is_due(news) {
                    tracing::warn!(lease, scheduler_name = name, %error,
                        "Lease cannot be held: scheduling waits for it unless it was renewed a \
                         moment before; trying on");
                }
            }
        }
    }

    fn foreign(&self, name: &str, lease: &str, last: Option<&Turn>, foreign: &Foreign) {
        let Foreign { holder, renewals, .. } = foreign;
        let news = match last {
            Some(Turn::Foreign(before)) => {
                before.holder != *holder || (before.renewals == 0 && *renewals > 0)
            }
            _ => true,
        };
        if !self.is_due(news) {
            return;
        }
        if *renewals > 0 {
            tracing::warn!(
                lease,
                scheduler_name = name,
                holder,
                "Another instance is alive and schedules these pods: this one waits until it \
                 ends. Stop the other, or name the profile otherwise; --allow-second-instance \
                 runs both, which over-commits nodes"
            );
        } else {
            tracing::warn!(
                lease,
                scheduler_name = name,
                holder,
                "Another instance holds the Lease: waiting for it to be renewed, released or to \
                 run out"
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
        let lease = elector.lock.to_string();
        tracing::info!(
            lease,
            scheduler_name = name,
            "Profile gone: its Lease is renewed no more and runs out"
        );
    }

    pub(super) fn unresolved(&self, error: &str) {
        if self.is_due(false) {
            tracing::warn!(error, "The namespace of the Leases is not known yet; trying on");
        }
    }

    fn is_due(&self, news: bool) -> bool {
        // Nothing can panic while it is held.
        let mut reminded = self.reminded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = news || reminded.is_none_or(|at| at.elapsed() >= REMIND_EVERY);
        if due {
            *reminded = Some(Instant::now());
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
