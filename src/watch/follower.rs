//! One kind's list and watch over HTTP, driven by [`Resume`]. Lists are in `list`, watches and what
//! is done beside them in `stream`, what to do where there is no such resource in `absence`.

mod absence;
mod list;
mod stream;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::discovery::Discovery;
use super::duties::{AUDIT_EVERY, Duties};
use super::feed::Feed;
use super::kind::{Collection, Kind};
use super::request::{Format, RequestError, Source};
use super::resume::{Failure, Resume, Step};
use super::state::{KindState, StateCell};
use super::stats::count;
use super::templates::Templates;

/// How long a watch may be silent. A server sends a bookmark each minute (`bookmarkFrequency` of
/// its watch cache) and ends the watch in the end; a connection that is dead (no FIN after a host
/// died, or a load balancer that forgot it) does neither, and one that watches from a version that
/// a restored server has not come to yet hears nothing at all. So the kind is watched anew from
/// where it was, and audited. Where no bookmarks come a quiet kind costs two requests as often.
const SILENCE_MAX: Duration = Duration::from_secs(150);

/// Follows one kind.
#[derive(Debug)]
pub(crate) struct Follower {
    kind: Kind,
    collection: Collection,
    source: Source,
    discovery: Option<Discovery>,
    state: StateCell,
    feed: Feed,
    resume: Resume,
    duties: Duties,
    templates: Templates,
    seed: u64,
    /// What the last list came in.
    answers: Format,
    begun: Instant,
    silence_max: Duration,
}

impl Follower {
    pub(crate) fn new(source: Source, state: StateCell, feed: Feed, kind: Kind, seed: u64) -> Self {
        let alone = watch::Sender::new(0);
        Self {
            kind,
            collection: Collection::preferred(kind),
            discovery: None,
            seed,
            answers: source.format,
            source,
            state,
            feed,
            resume: Resume::new(seed),
            duties: Duties::new(AUDIT_EVERY, seed, alone),
            templates: Templates::default(),
            begun: Instant::now(),
            silence_max: SILENCE_MAX,
        }
    }

    /// With these duties, in place of those of a kind alone.
    pub(crate) fn with_duties(mut self, duties: Duties) -> Self {
        self.duties = duties;
        self
    }

    /// Asks there whether the server has a kind that it does not serve, and when it does.
    pub(crate) fn discovering(mut self, discovery: Discovery) -> Self {
        self.discovery = Some(discovery);
        self
    }

    /// Leaves a connection that is silent for so long, in place of [`SILENCE_MAX`].
    #[cfg(test)]
    pub(crate) fn with_silence_max(mut self, silence_max: Duration) -> Self {
        self.silence_max = silence_max;
        self
    }

    /// Runs until the receiver of the inputs is gone.
    pub(crate) async fn run(mut self) {
        loop {
            let done = match self.resume.next_step() {
                Step::Wait(wait) => {
                    tokio::time::sleep(wait).await;
                    Ok(())
                }
                Step::List(list) => self.list(&list).await,
                Step::Watch(version, timeout) => self.watch(&version, timeout).await,
            };
            if done.is_err() {
                tracing::debug!(kind = %self.kind, "the watch stops");
                return;
            }
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// A list or watch has failed: tells it, and lets [`Resume`] decide.
    fn failed(&mut self, verb: &str, error: &RequestError) {
        self.tell_failure(verb, error);
        let now = self.now();
        self.resume.failed(error.failure(), now);
    }

    /// Counts a failure and says so, once a minute for each cause.
    fn tell_failure(&mut self, verb: &str, error: &RequestError) {
        let stats = self.feed.stats();
        count(&stats.failures);
        let text = error.explain(verb, self.kind);
        let expired = error.failure() == Failure::Expired;
        if !expired {
            self.state.set(KindState::Failing(text.as_str().into()));
        }
        if error.is_denied() {
            count(&stats.denied);
        }
        let complaints = self.feed.complaints();
        let told = if expired { None } else { complaints.about(&error.cause(verb, self.kind)) };
        let Some(complaint) = told else {
            tracing::debug!(kind = %self.kind, "{text}");
            return;
        };
        let (server, held_back) = (&*complaint.server, complaint.held_back);
        if error.is_denied() {
            tracing::error!(kind = %self.kind, server, heldBack = held_back, "{text}");
        } else {
            tracing::warn!(
                kind = %self.kind, server, heldBack = held_back, "{text}; trying again"
            );
        }
    }
}
