//! One watch, from its request to its end, and the duties beside it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::{Instant, sleep_until};

use super::Follower;
use crate::causes::chain;
use crate::watch::audit::{Audit, Piece};
use crate::watch::decode::Event;
use crate::watch::duties::Duty;
use crate::watch::error::DecodeError;
use crate::watch::feed::{Stopped, decoded};
use crate::watch::known::Source;
use crate::watch::proto::frames::{Frames, Framing};
use crate::watch::request::{Format, RequestError};
use crate::watch::resume::{Failure, Progress};
use crate::watch::stats::{add, count};
use crate::watch::{json, proto};

/// A watch that has been answered.
struct Stream {
    body: Body,
    frames: Frames,
    format: Format,
    /// It has brought a newer version.
    fruitful: bool,
    silent_at: Instant,
}

/// What happens next to a watch.
enum Next {
    Chunk(Bytes),
    End,
    Lost(String),
    Silent,
    Due(Duty),
}

/// Whether the watch goes on.
enum Goes {
    On,
    /// A list is due.
    ToList,
    /// It is of no use any more.
    Broken(RequestError),
}

impl Follower {
    /// Watches until the watch ends or a list is due.
    pub(super) async fn watch(&mut self, version: &str, timeout: Duration) -> Result<(), Stopped> {
        count(&self.feed.stats().watches);
        let begun = self.now();
        let response = match self.source.watch(self.collection, version, timeout).await {
            Ok(response) => response,
            Err(error) => {
                if error.failure() == Failure::Other && !error.is_denied() {
                    // A server that was away may come back with another store, whose versions
                    // reach those that were seen before anybody asks.
                    self.duties.hurry();
                }
                return self.refused("watch", &error).await;
            }
        };
        let format = Format::of(&response);
        let frames = Frames::new(match format {
            Format::Protobuf => Framing::LengthDelimited,
            Format::Json => Framing::Lines,
        });
        let silent_at = Instant::now() + self.silence_max;
        let body = response.into_body();
        let mut stream = Stream { body, frames, format, fruitful: false, silent_at };
        loop {
            let goes = match self.next(&mut stream).await {
                Next::Chunk(chunk) => self.chunk(&mut stream, &chunk).await?,
                Next::Due(duty) => self.carry_out(duty),
                Next::End => break,
                Next::Lost(text) => {
                    self.tell_failure("watch", &RequestError::Lost(text));
                    // As client-go's StreamWatcher: a connection that is cut has ended like any
                    // other. A server that is gone refuses the next watch, and that waits.
                    break;
                }
                Next::Silent => {
                    tracing::debug!(kind = %self.kind, "silent for {:?}", self.silence_max);
                    self.duties.hurry();
                    break;
                }
            };
            match goes {
                Goes::On => {}
                Goes::ToList => {
                    self.resume.list();
                    return Ok(());
                }
                Goes::Broken(error) => {
                    self.failed("watch", &error);
                    return Ok(());
                }
            }
        }
        let now = self.now();
        let lived = now.saturating_sub(begun);
        self.resume.failed(Failure::Closed { lived, fruitful: stream.fruitful }, now);
        Ok(())
    }

    async fn next(&mut self, stream: &mut Stream) -> Next {
        loop {
            tokio::select! {
                frame = stream.body.frame() => match frame {
                    Some(Ok(frame)) => {
                        let Ok(chunk) = frame.into_data() else { continue };
                        stream.silent_at = Instant::now() + self.silence_max;
                        return Next::Chunk(chunk);
                    }
                    Some(Err(error)) => return Next::Lost(chain(&error)),
                    None => return Next::End,
                },
                duty = self.duties.next() => return Next::Due(duty),
                () = sleep_until(stream.silent_at) => return Next::Silent,
            }
        }
    }

    /// Reads the events that have arrived whole.
    async fn chunk(&mut self, stream: &mut Stream, chunk: &[u8]) -> Result<Goes, Stopped> {
        stream.frames.push(chunk);
        let mut goes = Goes::On;
        loop {
            let event = match stream.frames.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => {
                    goes = Goes::Broken(RequestError::Unreadable(error.to_string()));
                    break;
                }
            };
            match self.event(stream.format, &event).await? {
                Ok(Progress::Further) => stream.fruitful = true,
                Ok(Progress::Same) => {}
                Ok(Progress::Back) => self.missed("an event is older than the one before it"),
                Err(error) => {
                    goes = Goes::Broken(error);
                    break;
                }
            }
            if self.feed.take_missed() {
                self.missed("an event cannot be read");
            }
        }
        self.feed.flush().await?;
        if matches!(goes, Goes::On) {
            self.end_audit();
        }
        Ok(goes)
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
                self.feed.applied(item, Source::Watch).await?
            }
            Ok(Event::Modified(item)) => {
                count(&self.feed.stats().modified);
                self.feed.applied(item, Source::Watch).await?
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
                self.feed.malformed(&error, Source::Watch);
                Box::default()
            }
        };
        let progress = self.resume.observed(&version);
        if progress == Progress::Further {
            self.feed.at_version(&version);
        }
        if progress != Progress::Back && !version.is_empty() {
            self.feed.heard();
        }
        Ok(Ok(progress))
    }

    fn carry_out(&mut self, duty: Duty) -> Goes {
        match duty {
            Duty::List => return Goes::ToList,
            Duty::BeginAudit => self.begin_audit(),
            Duty::Audit(piece) => self.audit(piece),
            Duty::Doubt((key, uid)) if self.feed.has(&key, &uid) => {
                tracing::info!(
                    kind = %self.kind, object = %key,
                    "the API server has no such object any more, and the watch did not say so"
                );
                self.duties.hurry();
            }
            Duty::Doubt(_) => {}
        }
        Goes::On
    }

    /// Something has happened that the watch did not tell: a list will.
    fn missed(&mut self, why: &str) {
        count(&self.feed.stats().gaps);
        tracing::debug!(kind = %self.kind, "{why}: asking for a list");
        self.duties.missed();
    }

    fn begin_audit(&mut self) {
        let at = self.resume.newest();
        if at == 0 {
            // Versions that are no numbers cannot be compared.
            self.duties.audit_ends(true);
            return;
        }
        self.feed.begin_audit(at);
        self.duties.audit_begins(Audit::begin(
            self.source.clone(),
            self.collection,
            self.answers,
            at,
        ));
    }

    fn audit(&mut self, piece: Piece) {
        match piece {
            Piece::Rows(rows) => {
                let differ = self.feed.audit(&rows);
                if differ > 0 {
                    self.differs(differ);
                }
            }
            Piece::End(version) => {
                if let Some(audit) = &mut self.duties.audit {
                    audit.complete = Some(version);
                }
                self.end_audit();
            }
            Piece::Behind => {
                self.duties.audit_ends(false);
                self.missed("the server has nothing as new as what was seen");
            }
            Piece::Failed(error) => {
                self.duties.audit_ends(false);
                tracing::debug!(kind = %self.kind, %error, "no audit");
            }
        }
    }

    /// Ends an audit whose list is complete, once the watch has passed its version.
    fn end_audit(&mut self) {
        let complete = self.duties.audit.as_ref().and_then(|audit| audit.complete);
        if complete.is_none_or(|version| version > self.resume.newest()) {
            return;
        }
        let differ = self.feed.end_audit();
        if differ > 0 {
            self.differs(differ);
            return;
        }
        count(&self.feed.stats().audits);
        self.feed.heard();
        self.duties.audit_ends(true);
    }

    fn differs(&mut self, objects: usize) {
        let stats = self.feed.stats();
        count(&stats.audits);
        add(&stats.differences, objects);
        tracing::warn!(
            kind = %self.kind, objects,
            "the watch has not told of all that happened: asking for a list"
        );
        self.duties.audit_ends(true);
        self.missed("an audit differs");
    }
}
