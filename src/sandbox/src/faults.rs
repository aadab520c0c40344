//! What can go wrong between a client and an API server, on demand. For tests.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::{broadcast, watch};

use crate::resource;
use crate::status::Status;

/// Raw frames on their way to watches; a test sends a handful.
const RAW_FRAMES_MAX: usize = 64;

/// What happens to one request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Delay(Duration),
    Answer(Status),
    /// The request is carried out, and the connection dropped instead of the answer.
    LoseAnswer,
    /// The connection is dropped, and the request carried out afterwards: what a proxy does that
    /// has read it and whose client has gone.
    ApplyLate(Duration),
}

#[derive(Debug)]
struct Rule {
    verb: String,
    resource: String,
    left: u64,
    fault: Fault,
}

/// Faults waiting for the requests they are meant for. Rules apply in the order they were made;
/// a request meets at most one. `"*"` stands for any verb or resource; subresources are named
/// as in RBAC (`create`, `pods/binding`).
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<VecDeque<Rule>>,
    met: AtomicU64,
    cut: watch::Sender<u64>,
    raw: broadcast::Sender<(usize, Bytes)>,
    /// Events that no watch will be told, by collection.
    swallowed: Mutex<HashMap<usize, u64>>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self {
            rules: Mutex::default(),
            met: AtomicU64::new(0),
            cut: watch::Sender::new(0),
            raw: broadcast::Sender::new(RAW_FRAMES_MAX),
            swallowed: Mutex::default(),
        }
    }

    fn add(&self, verb: &str, resource: &str, left: u64, fault: Fault) {
        if left == 0 {
            return;
        }
        let rule = Rule { verb: verb.to_owned(), resource: resource.to_owned(), left, fault };
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push_back(rule);
    }

    /// Answers the next `n` such requests with an error of this code, without carrying them out.
    /// 429 and 503 carry `Retry-After: 1`.
    pub fn fail_next(&self, verb: &str, resource: &str, n: u64, code: u16) {
        let reason = match code {
            400 => "BadRequest",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "NotFound",
            409 => "Conflict",
            410 => "Expired",
            422 => "Invalid",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "InternalError",
        };
        let mut status = Status::new(code, reason, format!("fault injected by a test: {reason}"));
        if matches!(code, 429 | 503) {
            status.details = json!({"retryAfterSeconds": 1});
        }
        self.add(verb, resource, n, Fault::Answer(status));
    }

    /// Holds the next `n` such requests back for `delay` before carrying them out.
    pub fn delay_next(&self, verb: &str, resource: &str, n: u64, delay: Duration) {
        self.add(verb, resource, n, Fault::Delay(delay));
    }

    /// Carries the next `n` such requests out and drops their connections without an answer.
    pub fn lose_answers(&self, verb: &str, resource: &str, n: u64) {
        self.add(verb, resource, n, Fault::LoseAnswer);
    }

    /// Drops the connections of the next `n` such requests, and carries each out `delay` later.
    pub fn apply_late(&self, verb: &str, resource: &str, n: u64, delay: Duration) {
        self.add(verb, resource, n, Fault::ApplyLate(delay));
    }

    /// Takes back all rules that wait for requests.
    pub fn clear(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Requests that met a fault so far: they have arrived, whatever the client knows of them.
    pub fn met(&self) -> u64 {
        self.met.load(Ordering::Relaxed)
    }

    /// Breaks the connection of every watch in progress.
    pub fn cut_watches(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Sends bytes as they are into every watch in progress of a resource (`pods`,
    /// `jobs.batch`). A well-formed frame ends with a newline. True when a watch of any
    /// resource is there to listen.
    pub fn send_raw(&self, resource: &str, frame: impl Into<Bytes>) -> bool {
        let row = resource::named(resource);
        row.is_some_and(|row| self.raw.send((row.stored_as, frame.into())).is_ok())
    }

    /// Leaves the next `n` events of a resource out of the watches: the stream goes on, and later
    /// versions and bookmarks do not show that something is missing. Each watch's events count.
    /// False where there is no such resource.
    pub fn swallow_events(&self, resource: &str, n: u64) -> bool {
        let Some(row) = resource::named(resource) else { return false };
        self.swallowed().insert(row.stored_as, n);
        true
    }

    /// Events of a resource that are still to be left out.
    pub fn swallowing(&self, resource: &str) -> u64 {
        let row = resource::named(resource);
        row.and_then(|row| self.swallowed().get(&row.stored_as).copied()).unwrap_or(0)
    }

    fn swallowed(&self) -> MutexGuard<'_, HashMap<usize, u64>> {
        self.swallowed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an event of this collection is left out; counts it.
    pub(crate) fn swallows(&self, collection: usize) -> bool {
        let mut swallowed = self.swallowed();
        let Some(left) = swallowed.get_mut(&collection) else { return false };
        let swallows = *left > 0;
        *left = left.saturating_sub(1);
        swallows
    }

    /// The fault for a request, if one waits for it.
    pub(crate) fn take(&self, verb: &str, resource: &str) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let matches = |want: &str, have: &str| want == "*" || want == have;
        let at =
            rules.iter().position(|r| matches(&r.verb, verb) && matches(&r.resource, resource))?;
        let rule = &mut rules[at];
        let fault = rule.fault.clone();
        rule.left = rule.left.saturating_sub(1);
        if rule.left == 0 {
            rules.remove(at);
        }
        self.met.fetch_add(1, Ordering::Relaxed);
        Some(fault)
    }

    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        self.cut.subscribe()
    }

    pub(crate) fn raw_frames(&self) -> broadcast::Receiver<(usize, Bytes)> {
        self.raw.subscribe()
    }
}
