//! WATCH: an endless response that follows the history of a resource.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures::stream;
use http::{HeaderValue, Response, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until};

use super::answer::{Body, present};
use super::request::{Call, Media};
use super::{Apiserver, table};
use crate::selector::Selector;
use crate::status::{Result, Status};
use crate::store::{Change, ChangeKind, Cursor, Version};
use crate::timer::later;

/// Events per chunk of the response: 512 pods are about 1 MB, one write's worth.
const BATCH_MAX: usize = 512;

/// How long a watch lasts that names no timeout (kube-apiserver: 30 to 60 minutes).
const TIMEOUT: Duration = Duration::from_secs(1800);

impl Apiserver {
    pub(super) fn watch(self: &Arc<Self>, call: &Call) -> Result<Response<Body>> {
        let watch = Watch::start(self, call)?;
        let frames = stream::unfold(Some(watch), |state| async {
            let mut watch = state?;
            let (frame, more) = watch.next().await?;
            Some((frame.map(Frame::data), more.then_some(watch)))
        });
        let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Ok(response)
    }
}

/// One watch in progress.
struct Watch {
    server: Arc<Apiserver>,
    call: Call,
    selector: Selector,
    cursor: Cursor,
    /// resourceVersion it was asked to begin after: nothing up to there is sent, as the real
    /// server's watch cache does. One from a future that was taken back hears nothing at all.
    from: u64,
    /// Why the watch cannot start: told inside the stream, as the real server's watch cache does.
    failed: Option<Status>,
    /// Objects of the initial state not sent yet.
    initial: VecDeque<Arc<Version>>,
    /// resourceVersion of the bookmark that ends the initial events, while it is to be sent.
    initial_end: Option<u64>,
    bookmarks: bool,
    next_bookmark: Instant,
    deadline: Instant,
    changed: watch::Receiver<u64>,
    cut: watch::Receiver<u64>,
    hidden: watch::Receiver<BTreeSet<usize>>,
    raw: broadcast::Receiver<(usize, Bytes)>,
    /// A Table watch has sent its column definitions.
    columns_sent: bool,
    /// resourceVersion up to which the client has seen everything.
    seen: Option<u64>,
}

impl Watch {
    fn start(server: &Arc<Apiserver>, call: &Call) -> Result<Self> {
        let store = &server.registry.store;
        let query = &call.query;
        let changed = store.subscribe(call.resource);
        let asked = query.number("resourceVersion")?.unwrap_or(0);
        let send_initial = query.get("sendInitialEvents");
        if !send_initial.is_empty() && query.get("resourceVersionMatch") != "NotOlderThan" {
            let message = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: \
                Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            return Err(Status::new(422, "Invalid", message));
        }
        let bookmarks = query.flag("allowWatchBookmarks");
        let streams_list = send_initial == "true";
        let (rv, versions, cursor) = store.versions(call.resource, call.list_namespace());
        let mut failed = None;
        let (initial, cursor) = if streams_list || (asked == 0 && send_initial.is_empty()) {
            (versions.into(), cursor)
        } else if asked == 0 {
            (VecDeque::new(), cursor)
        } else {
            let after = store.cursor_after(call.resource, asked).map_err(|expired| {
                let message = format!("too old resource version: {asked} ({})", expired.oldest);
                failed = Some(Status::expired(message));
            });
            (VecDeque::new(), after.unwrap_or(cursor))
        };
        let timeout = query.number("timeoutSeconds")?.map_or(TIMEOUT, Duration::from_secs);
        let now = Instant::now();
        Ok(Self {
            server: Arc::clone(server),
            selector: call.selector()?,
            call: call.clone(),
            cursor,
            from: asked,
            failed,
            initial,
            initial_end: (streams_list && bookmarks).then_some(rv),
            bookmarks,
            next_bookmark: now + server.bookmark_every,
            deadline: later(now, timeout),
            changed,
            cut: server.faults.cuts(),
            hidden: server.offer.changes(),
            raw: server.faults.raw_frames(),
            columns_sent: false,
            seen: None,
        })
    }

    /// The next chunk, and whether more may follow; `None` at the end.
    async fn next(&mut self) -> Option<(io::Result<Bytes>, bool)> {
        loop {
            if self.cut.has_changed().unwrap_or(true) {
                return Some((Err(io::ErrorKind::ConnectionAborted.into()), false));
            }
            if self.hidden.borrow_and_update().contains(&self.call.resource.id) {
                return None;
            }
            if let Some(status) = self.failed.take() {
                return Some((Ok(line("ERROR", &bytes_of(&status.to_value()))), false));
            }
            if let Some(chunk) = self.initial_chunk() {
                return Some((Ok(chunk), true));
            }
            self.changed.borrow_and_update();
            match self.changes() {
                Err(status) => {
                    return Some((Ok(line("ERROR", &bytes_of(&status.to_value()))), false));
                }
                Ok(chunk) if !chunk.is_empty() => return Some((Ok(chunk), true)),
                Ok(_) => {}
            }
            tokio::select! {
                biased;
                _ = self.cut.changed() => {
                    return Some((Err(io::ErrorKind::ConnectionAborted.into()), false));
                }
                changed = self.changed.changed() => changed.ok()?,
                changed = self.hidden.changed() => changed.ok()?,
                frame = self.raw.recv() => {
                    // A lagging or closed channel only means no frame for this watch.
                    if let Ok((id, frame)) = frame && id == self.call.resource.stored_as {
                        return Some((Ok(frame), true));
                    }
                }
                () = sleep_until(self.deadline) => {
                    let bookmark = self.bookmark_version()?;
                    return Some((Ok(self.bookmark(bookmark, false)), false));
                }
                () = sleep_until(self.next_bookmark) => {
                    self.next_bookmark = Instant::now() + self.server.bookmark_every;
                    if let Some(seen) = self.bookmark_version() {
                        return Some((Ok(self.bookmark(seen, false)), true));
                    }
                }
            }
        }
    }

    /// The resourceVersion for a bookmark, where one may be sent.
    fn bookmark_version(&self) -> Option<u64> {
        self.seen.filter(|seen| self.bookmarks && *seen >= self.from)
    }

    fn initial_chunk(&mut self) -> Option<Bytes> {
        let mut chunk = BytesMut::new();
        let mut sent = 0;
        while sent < BATCH_MAX
            && let Some(version) = self.initial.pop_front()
        {
            if self.selector.matches(&version) {
                let object = self.object(&version.json);
                put_line(&mut chunk, "ADDED", &object);
                sent += 1;
            }
        }
        if self.initial.is_empty()
            && let Some(rv) = self.initial_end.take()
        {
            chunk.put_slice(&self.bookmark(rv, true));
        }
        (!chunk.is_empty()).then(|| chunk.freeze())
    }

    /// Events of the changes since the last call, in as many reads as needed to find one.
    fn changes(&mut self) -> Result<Bytes> {
        let mut chunk = BytesMut::new();
        loop {
            let read =
                self.server.registry.store.changes(self.call.resource, self.cursor, BATCH_MAX);
            let (changes, next, seen) = read.map_err(|expired| {
                Status::expired(format!(
                    "too old resource version: watch fell behind {}",
                    expired.oldest
                ))
            })?;
            for change in &changes {
                self.put_change(&mut chunk, change);
            }
            self.cursor = next;
            self.seen = seen;
            if seen.is_some() || !chunk.is_empty() {
                return Ok(chunk.freeze());
            }
        }
    }

    fn selects(&self, version: &Version) -> bool {
        self.call.list_namespace().is_none_or(|n| n == &*version.namespace)
            && self.selector.matches(version)
    }

    /// A change as this watch sees it: entering or leaving the selection is ADDED or DELETED.
    fn put_change(&mut self, chunk: &mut BytesMut, change: &Change) {
        let before = change.previous.as_ref().is_some_and(|v| self.selects(v));
        let after = change.kind != ChangeKind::Deleted && self.selects(&change.version);
        let (kind, json) = match (before, after) {
            (true, true) => ("MODIFIED", change.version.json.clone()),
            (false, true) => ("ADDED", change.version.json.clone()),
            (true, false) if change.kind == ChangeKind::Deleted => {
                ("DELETED", change.version.json.clone())
            }
            (true, false) => ("DELETED", change.left()),
            (false, false) => return,
        };
        if change.version.rv <= self.from
            || self.server.faults.swallows(self.call.resource.stored_as)
        {
            return;
        }
        let object = self.object(&json);
        put_line(chunk, kind, &object);
    }

    fn object(&mut self, json: &Bytes) -> Bytes {
        if self.call.media != Media::Table {
            return present(self.call.resource, self.call.media, json);
        }
        let columns = !std::mem::replace(&mut self.columns_sent, true);
        bytes_of(&table::of_json(&self.call, json, columns))
    }

    fn bookmark(&self, rv: u64, ends_initial: bool) -> Bytes {
        let mut metadata = json!({"resourceVersion": rv.to_string(), "creationTimestamp": null});
        if ends_initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object = match self.call.media {
            Media::Table => json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                "columnDefinitions": [], "rows": [],
            }),
            Media::Metadata => json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            }),
            Media::Json => json!({
                "kind": self.call.resource.kind,
                "apiVersion": self.call.resource.api_version(),
                "metadata": metadata,
            }),
        };
        line("BOOKMARK", &bytes_of(&object))
    }
}

fn bytes_of(value: &Value) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

fn put_line(chunk: &mut BytesMut, kind: &str, object: &[u8]) {
    chunk.reserve(object.len() + 40);
    chunk.put_slice(b"{\"type\":\"");
    chunk.put_slice(kind.as_bytes());
    chunk.put_slice(b"\",\"object\":");
    chunk.put_slice(object);
    chunk.put_slice(b"}\n");
}

fn line(kind: &str, object: &[u8]) -> Bytes {
    let mut chunk = BytesMut::new();
    put_line(&mut chunk, kind, object);
    chunk.freeze()
}
