//! The task that takes Leases, renews them and lets go of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::elector::{Elector, Turn};
use super::group::{self, Claim, Group};
use super::lock::{Lock, LockError};
use super::place::{Namespace, lease_name};
use super::standing::Standing;
use super::timing::Timing;
use super::voice::{Purpose, Voice};
use crate::client::Client;
use crate::events::EventHandle;
use crate::metrics::Gauges;

/// What Leases to hold, and how.
#[derive(Debug)]
pub struct ClaimsOptions {
    /// The `schedulerName` of each profile.
    pub names: BTreeSet<String>,
    /// The namespace of the Leases.
    pub namespace: Namespace,
    /// How long they run.
    pub timing: Timing,
    /// `holderIdentity`: [`super::identity`].
    pub identity: Arc<str>,
    /// `leader_election_master_status`.
    pub status: Gauges,
    /// Where events about the Leases go.
    pub events: Option<EventHandle>,
}

/// What a reload asks.
#[derive(Debug)]
pub(super) enum Order {
    /// Take the Leases of these names beside those there are.
    Admit { names: BTreeSet<String>, purpose: Purpose, answer: oneshot::Sender<Result<(), String>> },
    /// Hold those of these names alone.
    Retain(BTreeSet<String>),
}

/// Names that a reload wants.
struct Candidates {
    group: Group,
    answer: oneshot::Sender<Result<(), String>>,
    until: Instant,
}

pub(super) struct Keeper {
    client: Client,
    options: ClaimsOptions,
    voice: Voice,
    /// Once it is known.
    namespace: Option<String>,
    standing: watch::Sender<Standing>,
    /// The names of the configuration in force.
    claims: Group,
    candidates: Option<Candidates>,
}

impl Keeper {
    pub(super) fn new(
        client: Client,
        mut options: ClaimsOptions,
        standing: watch::Sender<Standing>,
    ) -> Self {
        let (status, complaints) = (options.status.clone(), client.complaints().clone());
        let voice = Voice::new(&options.identity, status, options.events.take(), complaints);
        let (claims, candidates) = (Group::new(), None);
        Self { client, options, voice, namespace: None, standing, claims, candidates }
    }

    /// Runs until told to let go, or until a Lease is lost.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>, stop: CancellationToken) {
        loop {
            let ends = tokio::select! {
                () = stop.cancelled() => true,
                ends = self.round() => ends,
            };
            if ends {
                break;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(self.pause()) => {}
                // An order waits while another is carried out.
                Some(order) = orders.recv(), if self.candidates.is_none() => self.take(order),
            }
        }
        self.release().await;
    }

    /// Tries each Lease once; whether that was the last time.
    async fn round(&mut self) -> bool {
        let Some(namespace) = self.namespace().await else { return false };
        if self.claims.is_empty() && !self.options.names.is_empty() {
            let names = std::mem::take(&mut self.options.names);
            self.claims = self.group(&namespace, names, Purpose::Start);
        }
        let voice = &self.voice;
        let held = self.claims.iter_mut().filter(|(_, claim)| claim.elector.holds());
        join_all(held.map(|(name, claim)| claim.turn(name, voice))).await;
        group::acquire(&mut self.claims, voice).await;
        if let Some(candidates) = &mut self.candidates {
            let held = candidates.group.iter_mut().filter(|(_, claim)| claim.elector.holds());
            join_all(held.map(|(name, claim)| claim.turn(name, voice))).await;
            group::acquire(&mut candidates.group, voice).await;
        }
        self.answer().await;
        let standing = self.judge();
        let ends = matches!(standing, Standing::Lost(_) | Standing::Refused(_));
        self.standing.send_if_modified(|shown| std::mem::replace(shown, standing) != *shown);
        ends
    }

    async fn namespace(&mut self) -> Option<String> {
        if self.namespace.is_none() {
            match self.options.namespace.resolve(&self.client).await {
                Ok(name) => self.namespace = Some(name),
                Err(error) => {
                    self.voice.unresolved(&error);
                    self.standing.send_replace(Standing::Waits(error));
                }
            }
        }
        self.namespace.clone()
    }

    fn group(&self, namespace: &str, names: BTreeSet<String>, purpose: Purpose) -> Group {
        let claim = |name: String| {
            let lock = Lock {
                client: self.client.clone(),
                namespace: namespace.to_owned(),
                name: lease_name(&name),
                deadline: self.options.timing.one_try(),
            };
            let identity = Arc::clone(&self.options.identity);
            let elector = Elector::new(lock, identity, self.options.timing);
            (name, Claim { elector, purpose, last: None })
        };
        names.into_iter().map(claim).collect()
    }

    fn judge(&self) -> Standing {
        for (name, claim) in &self.claims {
            let lock = &claim.elector.lock;
            match &claim.last {
                Some(Turn::Lost { holder }) => {
                    return Standing::Lost(format!(
                        "{holder} has taken Lease {lock} of schedulerName {name:?}"
                    ));
                }
                Some(Turn::Failed(error)) if !claim.elector.holds() => {
                    if let Some(text) = refusal(lock, name, error) {
                        return Standing::Refused(text);
                    }
                }
                _ => {}
            }
        }
        // Whoever is waited for comes first: other names may be free and wait with it.
        let (foreign, others): (Vec<_>, Vec<_>) =
            self.claims.iter().partition(|(_, claim)| claim.is_foreign());
        let mut claims = foreign.into_iter().chain(others);
        let waits = claims.find_map(|(name, claim)| claim.waits(name));
        waits.map_or(Standing::Holds, Standing::Waits)
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Admit { mut names, purpose, answer } => {
                names.retain(|name| !self.claims.contains_key(name));
                // Not answered yet about the first names: those are the start's to settle.
                let Some(namespace) = self.namespace.clone().filter(|_| !names.is_empty()) else {
                    let _gone = answer.send(Ok(()));
                    return self.options.names.append(&mut names);
                };
                let group = self.group(&namespace, names, purpose);
                let timing = &self.options.timing;
                // A dead holder's Lease runs out, with a try before and after.
                let until = Instant::now() + timing.lease + 3 * timing.retry;
                self.candidates = Some(Candidates { group, answer, until });
            }
            Order::Retain(names) => {
                self.options.names.retain(|name| names.contains(name));
                for (name, claim) in &self.claims {
                    if !names.contains(name) {
                        self.voice.given_up(name, &claim.elector);
                    }
                }
                self.claims.retain(|name, _| names.contains(name));
            }
        }
    }

    /// Answers the reload that waits, where it can be answered.
    async fn answer(&mut self) {
        let Some(mut candidates) = self.candidates.take() else { return };
        let waiting =
            |(name, claim): (&String, &Claim)| Some((claim.last.clone(), claim.waits(name)?));
        let foreign = candidates.group.iter().filter(|(_, claim)| claim.is_foreign());
        let waiting = foreign.chain(&candidates.group).find_map(waiting);
        let Some((last, why)) = waiting else {
            for claim in candidates.group.values_mut() {
                claim.purpose = Purpose::Start;
            }
            self.claims.append(&mut candidates.group);
            let _gone = candidates.answer.send(Ok(()));
            return;
        };
        let hopeless = match &last {
            Some(Turn::Foreign(foreign)) => foreign.renewals > 0,
            Some(
                Turn::Lost { .. } | Turn::Failed(LockError::Denied(_) | LockError::NoNamespace(_)),
            ) => true,
            _ => false,
        };
        if !hopeless && Instant::now() < candidates.until {
            self.candidates = Some(candidates);
            return;
        }
        let _gone = candidates.answer.send(Err(why));
        group::release(&mut candidates.group, &self.voice).await;
    }

    /// Until the next round.
    fn pause(&self) -> Duration {
        let retry = self.options.timing.retry;
        let groups = self.candidates.iter().flat_map(|candidates| candidates.group.values());
        // A Lease that runs out is taken at once, with 10 ms for the holder's side of the clock.
        let expires = self.claims.values().chain(groups).filter_map(|claim| match &claim.last {
            Some(Turn::Foreign(foreign)) => Some(foreign.expires + Duration::from_millis(10)),
            _ => None,
        });
        let now = Instant::now();
        expires.map(|at| at.duration_since(now)).fold(retry, Duration::min)
    }

    async fn release(&mut self) {
        if let Some(candidates) = &mut self.candidates {
            group::release(&mut candidates.group, &self.voice).await;
        }
        group::release(&mut self.claims, &self.voice).await;
    }
}

/// What an operator has to do before the Lease can be had; `None` where waiting may help.
fn refusal(lock: &Lock, name: &str, error: &LockError) -> Option<String> {
    let Lock { namespace, name: lease, .. } = lock;
    match error {
        LockError::Denied(text) => Some(format!(
            "Lease {lock}, which keeps a second instance from the pods of schedulerName {name:?}, \
             cannot be held ({text}): grant get, create and update on leases of \
             coordination.k8s.io in namespace {namespace} (Role berth in manifests/base/rbac.yaml), or \
             run without it by --allow-second-instance"
        )),
        LockError::NoNamespace(text) => Some(format!(
            "Lease {lease} of schedulerName {name:?} cannot be made ({text}): create namespace \
             {namespace}, name another one by --leader-elect-resource-namespace, or run without \
             the Lease by --allow-second-instance"
        )),
        LockError::Conflict(_) | LockError::Failed(_) => None,
    }
}
