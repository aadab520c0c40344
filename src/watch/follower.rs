//! One kind's list and watch over HTTP, driven by [`Resume`]. Lists are in `list`.

mod list;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::decode::Event;
use super::error::DecodeError;
use super::feed::{Feed, Stopped, decoded};
use super::kind::Kind;
use super::known;
use super::proto::frames::{Frames, Framing};
use super::request::{Format, RequestError, Source, full_text};
use super::resume::{Failure, Progress, Resume, Step};
use super::state::{KindState, StateCell};
use super::stats::count;
use super::templates::Templates;
use super::{json, proto};

/// How long a watch may be silent. A server sends a bookmark each minute (`bookmarkFrequency` of
/// its watch cache) and ends the watch in the end; a connection that is dead (no FIN after a host
/// died, or a load balancer that forgot it) does neither. Where no bookmarks come a quiet kind is
/// watched anew as often, from where it was: one request.
const SILENCE_MAX: Duration = Duration::from_secs(150);

/// Follows one kind.
#[derive(Debug)]
pub(crate) struct Follower {
    kind: Kind,
    source: Source,
    state: StateCell,
    feed: Feed,
    resume: Resume,
    templates: Templates,
    begun: Instant,
    silence_max: Duration,
    /// Last failure that was logged, so that a lasting one is logged once.
    last_failure: String,
}

impl Follower {
    pub(crate) fn new(source: Source, state: StateCell, feed: Feed, kind: Kind, seed: u64) -> Self {
        Self {
            kind,
            source,
            state,
            feed,
            resume: Resume::new(seed),
            templates: Templates::default(),
            begun: Instant::now(),
            silence_max: SILENCE_MAX,
            last_failure: String::new(),
        }
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

    /// Watches until the watch ends.
    async fn watch(&mut self, version: &str, timeout: Duration) -> Result<(), Stopped> {
        count(&self.feed.stats().watches);
        let begun = self.now();
        let response = match self.source.watch(self.kind, version, timeout).await {
            Ok(response) => response,
            Err(error) => {
                self.failed("watch", &error);
                return Ok(());
            }
        };
        let format = Format::of(&response);
        let mut frames = Frames::new(match format {
            Format::Protobuf => Framing::LengthDelimited,
            Format::Json => Framing::Lines,
        });
        let mut body = response.into_body();
        let mut fruitful = false;
        loop {
            let frame = match tokio::time::timeout(self.silence_max, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => break,
                Ok(Some(Err(error))) => {
                    self.tell_failure("watch", &RequestError::Lost(full_text(&error)));
                    // As client-go's StreamWatcher: a connection that is cut has ended like any
                    // other. A server that is gone refuses the next watch, and that waits.
                    break;
                }
                Err(_) => {
                    tracing::debug!(kind = %self.kind, "silent for {:?}", self.silence_max);
                    break;
                }
            };
            let Some(chunk) = frame.data_ref() else { continue };
            frames.push(chunk);
            loop {
                match frames.next_event() {
                    Ok(Some(event)) => match self.event(format, &event).await? {
                        Ok(progress) => fruitful |= progress == Progress::Further,
                        Err(error) => {
                            self.feed.flush().await?;
                            self.failed("watch", &error);
                            return Ok(());
                        }
                    },
                    Ok(None) => break,
                    Err(error) => {
                        self.feed.flush().await?;
                        self.failed("watch", &RequestError::Unreadable(error.to_string()));
                        return Ok(());
                    }
                }
            }
            self.feed.flush().await?;
        }
        let now = self.now();
        self.resume.failed(Failure::Closed { lived: now.saturating_sub(begun), fruitful }, now);
        Ok(())
    }

    /// Applies one event; tells how far the watch got by it. The inner error ends the watch.
    async fn event(
        &mut self,
        format: Format,
        bytes: &Bytes,
    ) -> Result<Result<Progress, RequestError>, Stopped> {
        let begun = std::time::Instant::now();
        let event: Result<Event, DecodeError> = match format {
            Format::Protobuf => proto::event(self.kind, bytes, &mut self.templates),
            Format::Json => json::event(self.kind, bytes, &mut self.templates),
        };
        decoded(self.feed.stats(), bytes.len(), begun);
        let version = match event {
            Ok(Event::Added(item)) => {
                count(&self.feed.stats().added);
                self.feed.applied(item, known::Source::Watch).await?
            }
            Ok(Event::Modified(item)) => {
                count(&self.feed.stats().modified);
                self.feed.applied(item, known::Source::Watch).await?
            }
            Ok(Event::Deleted(item)) => {
                count(&self.feed.stats().deleted);
                self.feed.deleted(item).await?
            }
            Ok(Event::Bookmark(version)) => {
                count(&self.feed.stats().bookmarks);
                version.into_boxed_str()
            }
            Ok(Event::Error(status)) => return Ok(Err(RequestError::of_status(None, status))),
            Err(error) => {
                self.feed.malformed(&error);
                Box::default()
            }
        };
        let progress = self.resume.observed(&version);
        if progress == Progress::Further {
            self.feed.at_version(&version);
        }
        Ok(Ok(progress))
    }

    /// A list or watch has failed: tells it, and lets [`Resume`] decide.
    fn failed(&mut self, verb: &str, error: &RequestError) {
        self.tell_failure(verb, error);
        let now = self.now();
        self.resume.failed(error.failure(), now);
    }

    /// Counts a failure and says so once.
    fn tell_failure(&mut self, verb: &str, error: &RequestError) {
        let stats = self.feed.stats();
        count(&stats.failures);
        let text = error.explain(verb, self.kind);
        let expired = error.failure() == Failure::Expired;
        if error.is_not_served() && self.resume.is_listing() {
            self.state.set(KindState::NotServed);
        } else if !expired {
            self.state.set(KindState::Failing(text.as_str().into()));
        }
        if error.is_denied() {
            count(&stats.denied);
        }
        if expired || text == self.last_failure {
            tracing::debug!(kind = %self.kind, "{text}");
        } else if error.is_denied() {
            tracing::error!(kind = %self.kind, "{text}");
        } else {
            tracing::warn!(kind = %self.kind, "{text}; trying again");
        }
        self.last_failure = text;
    }
}
