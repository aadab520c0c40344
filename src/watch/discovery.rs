//! Kinds that the API server does not serve, looked for until it does: a CustomResourceDefinition
//! that is not made yet, an API whose gate is off, a version that comes with the next release.
//!
//! One task asks for all kinds that are missing, and only while one is. Who misses a kind asks once
//! whether it is so ([`Discovery::ask`]), and then waits until it appears.

mod offer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::backoff::Backoff;
use super::kind::Kind;
use super::request::{RequestError, Source};
use super::stats::{WatchStats, count};
use crate::client::Complaints;

pub(crate) use offer::Offer;

/// From one look to the next at the least, and half as long again at most, drawn anew each time, so
/// that the schedulers of many clusters behind one load balancer do not ask in step. The group list
/// is 5 to 20 kB; a kind is missed for so long at most.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Kinds that are found missing at the same time, as at the start, are asked for together.
const GATHER: Duration = Duration::from_millis(50);
/// From one request to the next, however many kinds turn out to be missing one after the other.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Time for all documents of one look.
const DEADLINE: Duration = Duration::from_secs(30);

/// What is looked for.
#[derive(Debug, Default)]
struct Sought {
    /// How many look for each kind: one or none.
    kinds: [bool; Kind::ALL.len()],
    /// Number of the last question.
    question: u64,
}

impl Sought {
    fn kinds(&self) -> Vec<Kind> {
        Kind::ALL.into_iter().filter(|kind| self.kinds[kind.index()]).collect()
    }
}

/// What the last look has found.
#[derive(Debug, Clone, Default)]
struct Found {
    /// The last question that was asked before it.
    question: u64,
    answer: Option<Result<Offer, Arc<RequestError>>>,
}

/// What discovery says of a kind.
#[derive(Debug, Clone)]
pub(crate) enum Sight {
    /// The server offers it in this version.
    Offered(&'static str),
    /// The server says what it offers, and the kind is not among it.
    Missing,
    /// The server does not say.
    Unknown(Arc<RequestError>),
}

/// Where to ask; clones share one task.
#[derive(Debug, Clone)]
pub(crate) struct Discovery {
    sought: Arc<watch::Sender<Sought>>,
    found: watch::Receiver<Found>,
}

impl Discovery {
    /// Where to ask, and the task that asks the server, which ends with the last clone.
    pub(crate) fn new(
        source: Source,
        every: Duration,
        (stats, complaints): (Arc<WatchStats>, Complaints),
        seed: u64,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (sought, asked) = watch::channel(Sought::default());
        let (sender, found) = watch::channel(Found::default());
        let jitter = Backoff::new(seed);
        let task = Task { source, every, stats, complaints, asked, found: sender, jitter };
        (Self { sought: Arc::new(sought), found }, task.run())
    }

    /// Whether the server offers the kind, by an answer that was asked for after this call. The
    /// kind is looked for until the returned search is dropped.
    pub(crate) async fn ask(&self, kind: Kind) -> (Search, Sight) {
        let mut question = 0;
        self.sought.send_modify(|sought| {
            sought.kinds[kind.index()] = true;
            sought.question += 1;
            question = sought.question;
        });
        let mut search = Search { kind, discovery: self.clone() };
        let sight = search.sight(|found| found.question >= question).await;
        (search, sight)
    }
}

/// One kind is looked for.
#[derive(Debug)]
pub(crate) struct Search {
    kind: Kind,
    discovery: Discovery,
}

impl Search {
    /// Waits until the kind appears; the version that the server offers it in.
    pub(crate) async fn appears(&mut self) -> &'static str {
        let kind = self.kind;
        let has = |found: &Found| matches!(sight(found, kind), Sight::Offered(_));
        loop {
            if let Sight::Offered(version) = self.sight(has).await {
                return version;
            }
        }
    }

    async fn sight(&mut self, enough: impl FnMut(&Found) -> bool) -> Sight {
        let kind = self.kind;
        let seen = self.discovery.found.wait_for(enough).await.map(|found| sight(&found, kind));
        match seen {
            Ok(sight) => sight,
            // The task has ended, and with it the scheduler.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        let at = self.kind.index();
        self.discovery.sought.send_modify(|sought| sought.kinds[at] = false);
    }
}

fn sight(found: &Found, kind: Kind) -> Sight {
    match &found.answer {
        Some(Ok(offer)) => offer.of(kind).map_or(Sight::Missing, Sight::Offered),
        Some(Err(error)) => Sight::Unknown(Arc::clone(error)),
        None => Sight::Missing,
    }
}

/// Waits for a question after this one; true where nobody can ask any more.
async fn ended(asked: &mut watch::Receiver<Sought>, question: u64) -> bool {
    asked.wait_for(|sought| sought.question > question).await.is_err()
}

/// Asks the server.
struct Task {
    source: Source,
    every: Duration,
    stats: Arc<WatchStats>,
    complaints: Complaints,
    asked: watch::Receiver<Sought>,
    found: watch::Sender<Found>,
    jitter: Backoff,
}

impl Task {
    async fn run(mut self) {
        loop {
            if self.asked.wait_for(|sought| sought.kinds.contains(&true)).await.is_err() {
                return;
            }
            sleep(GATHER).await;
            let begun = Instant::now();
            let (kinds, question) = {
                let sought = self.asked.borrow_and_update();
                (sought.kinds(), sought.question)
            };
            let answer = self.look(&kinds).await;
            self.found.send_replace(Found { question, answer: Some(answer.map_err(Arc::new)) });
            let next = begun + self.every + self.every.mul_f64(self.jitter.fraction() / 2.0);
            tokio::select! {
                () = sleep_until(next) => {}
                ended = ended(&mut self.asked, question) => {
                    if ended {
                        return;
                    }
                    sleep_until(begun + LOOK_AGAIN.min(self.every)).await;
                }
            }
        }
    }

    /// Tells why there is no answer, once a minute for each cause.
    fn complain(&self, error: &RequestError, kind: Kind) {
        let cause = if error.is_denied() { "discovery".into() } else { error.cause("find", kind) };
        let Some(complaint) = self.complaints.about(&cause) else { return };
        let advice = if error.is_denied() {
            ": grant get on /api, /api/* and /apis, /apis/* (ClusterRole system:discovery)"
        } else {
            ""
        };
        tracing::warn!(
            server = &*complaint.server,
            heldBack = complaint.held_back,
            "cannot find out which kinds the API server serves: {error}{advice}"
        );
    }

    async fn look(&self, kinds: &[Kind]) -> Result<Offer, RequestError> {
        count(&self.stats.looks);
        let late = |_| RequestError::Lost(format!("no answer of discovery within {DEADLINE:?}"));
        let offer = timeout(DEADLINE, offer::ask(&self.source, kinds)).await;
        let offer = offer.map_err(late).flatten();
        tracing::debug!(?kinds, ?offer, "looked for kinds that are not served");
        if let (Err(error), [kind, ..]) = (&offer, kinds) {
            count(&self.stats.failed_looks);
            self.complain(error, *kind);
        }
        offer
    }
}
