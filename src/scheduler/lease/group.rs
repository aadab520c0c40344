//! The Leases that are wanted together: all of them or none.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::elector::{Elector, Foreign, Turn};
use super::lock::LockError;
use super::voice::{Purpose, Voice};

/// One name that is claimed.
pub(super) struct Claim {
    pub(super) elector: Elector,
    pub(super) purpose: Purpose,
    /// How the last try ended.
    pub(super) last: Option<Turn>,
}

impl Claim {
    /// Takes the Lease or renews it.
    pub(super) async fn turn(&mut self, name: &str, voice: &Voice) {
        let limit = self.elector.lock.deadline;
        let ended = tokio::time::timeout(limit, self.elector.turn()).await;
        self.conclude(name, voice, ended.map_err(|_| limit));
    }

    /// Looks whose the Lease is.
    async fn look(&mut self, name: &str, voice: &Voice) {
        let limit = self.elector.lock.deadline;
        let ended = tokio::time::timeout(limit, self.elector.look()).await;
        self.conclude(name, voice, ended.map_err(|_| limit));
    }

    fn conclude(&mut self, name: &str, voice: &Voice, ended: Result<Turn, Duration>) {
        let late = |limit| LockError::Failed(format!("deadline of {limit:?} passed"));
        let turn = ended.unwrap_or_else(|limit| Turn::Failed(late(limit)));
        voice.tell(name, &self.elector, self.purpose, self.last.as_ref(), &turn);
        self.last = Some(turn);
    }

    pub(super) fn is_foreign(&self) -> bool {
        matches!(self.last, Some(Turn::Foreign(_)))
    }

    /// Why it is not ours for sure; `None` where it is.
    pub(super) fn waits(&self, name: &str) -> Option<String> {
        if self.elector.is_sure(Instant::now()) {
            return None;
        }
        let lock = &self.elector.lock;
        Some(match &self.last {
            None => format!("Lease {lock} has not been looked at yet"),
            Some(Turn::Free) => format!("Lease {lock} waits for those of the other schedulerNames"),
            Some(Turn::Foreign(Foreign { holder, outlived: true, .. })) => format!(
                "refuses to serve schedulerName {name:?} while {holder} renews Lease {lock} \
                 (--allow-second-instance runs both)"
            ),
            Some(Turn::Foreign(Foreign { holder, .. })) => {
                format!("{holder} holds Lease {lock} of schedulerName {name:?}")
            }
            Some(Turn::Failed(error)) => format!("Lease {lock}: {error}"),
            Some(Turn::Held { .. } | Turn::Lost { .. }) => format!("Lease {lock} was not renewed"),
        })
    }
}

/// By `schedulerName`.
pub(super) type Group = BTreeMap<String, Claim>;

/// Takes the Leases of a group, all or none: an instance that holds some of its names serves none
/// of them, and would only keep others from those.
///
/// All are looked at first, so that the Leases of a dead holder run out side by side, and nothing
/// is taken while somebody else has one. They are taken one after another by name: of instances
/// that take some of the same names at one moment, the one with the last of these in hand goes on.
/// Whoever meets another on the way lets go of what it has taken.
pub(super) async fn acquire(group: &mut Group, voice: &Voice) {
    let unheld = |(_, claim): &(&String, &mut Claim)| {
        !claim.elector.holds() && !matches!(claim.last, Some(Turn::Lost { .. }))
    };
    join_all(group.iter_mut().filter(unheld).map(|(name, claim)| claim.look(name, voice))).await;
    let free = |claim: &Claim| claim.elector.holds() || matches!(claim.last, Some(Turn::Free));
    if group.values().all(free) {
        for (name, claim) in group.iter_mut().filter(unheld) {
            claim.turn(name, voice).await;
            if !claim.elector.holds() {
                break;
            }
        }
    }
    if group.values().any(Claim::is_foreign) {
        release(group, voice).await;
    }
}

pub(super) async fn release(group: &mut Group, voice: &Voice) {
    let held = group.iter_mut().filter(|(_, claim)| claim.elector.holds());
    join_all(held.map(async |(name, claim)| {
        let released = claim.elector.release().await;
        voice.released(name, &claim.elector, released.err());
    }))
    .await;
}
