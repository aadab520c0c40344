//! Reviews by the API server, within limits. Enter at [`Reviewer::ask`].
//!
//! Anybody who reaches the port can cause a review, by a made-up token or by a path. What strangers
//! cause has a rate of its own, apart from what was granted before: a flood neither costs the API
//! server more than that, nor keeps a scraper from being let in again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Refusal;
use crate::client::{Client, cause, exchange, request};
use crate::serve::allowance::Allowance;

/// Reviews a second for tokens and paths that were not granted of late, and at once after a rest.
/// A new scraper causes two; 10/s are 1 % of what a small API server carries.
const STRANGERS: (f64, u32) = (10.0, 20);

/// The same for what was granted of late: ten scrapers that each read ten paths cause 11/s, as
/// answers count for 10 s.
const KNOWN: (f64, u32) = (20.0, 40);

/// Reviews under way of either kind. At 20/s they leave the API server 400 ms for each.
const OPEN_MAX: usize = 8;

/// Deadline of a review.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// Which limits a review goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The same was granted of late.
    Known,
    /// Anybody.
    Stranger,
}

/// Asks the API server.
#[derive(Debug)]
pub(super) struct Reviewer {
    known: Limits,
    strangers: Limits,
    deadline: Duration,
}

#[derive(Debug)]
struct Limits {
    allowance: Mutex<Allowance>,
    open: Semaphore,
}

impl Limits {
    fn new((per_second, burst): (f64, u32), now: Instant) -> Self {
        let allowance = Mutex::new(Allowance::new(per_second, burst, now));
        Self { allowance, open: Semaphore::new(OPEN_MAX) }
    }
}

impl Reviewer {
    pub(super) fn new(deadline: Duration, now: Instant) -> Self {
        Self { known: Limits::new(KNOWN, now), strangers: Limits::new(STRANGERS, now), deadline }
    }

    /// Creates a review and reads its status.
    ///
    /// # Errors
    /// [`Refusal::Busy`] beyond the limits. [`Refusal::Unknown`] where there is no answer, or one
    /// that is not what was asked for.
    pub(super) async fn ask<S: for<'de> Deserialize<'de>>(
        &self,
        standing: Standing,
        client: &Client,
        path: &str,
        review: &Value,
    ) -> Result<S, Refusal> {
        let limits = match standing {
            Standing::Known => &self.known,
            Standing::Stranger => &self.strangers,
        };
        let Ok(_permit) = limits.open.try_acquire() else { return Err(Refusal::Busy) };
        let taken = {
            let mut allowance = limits.allowance.lock().unwrap_or_else(PoisonError::into_inner);
            allowance.take(Instant::now(), Duration::ZERO)
        };
        if taken.is_none() {
            return Err(Refusal::Busy);
        }
        self.send(client, path, review).await.map_err(|error| {
            complain(client, path, &error);
            Refusal::Unknown(error)
        })
    }

    async fn send<S: for<'de> Deserialize<'de>>(
        &self,
        client: &Client,
        path: &str,
        review: &Value,
    ) -> Result<S, String> {
        let body = Some(("application/json", review.to_string().into_bytes()));
        let request = request("POST", path, body).map_err(|error| error.to_string())?;
        let answer =
            exchange(client, request, self.deadline).await.map_err(|error| error.to_string())?;
        if !answer.is_success() {
            return Err(answer.text());
        }
        let reviewed: Value =
            serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
        // An array would be read as the fields in their order.
        let asked = &review["kind"];
        if reviewed["kind"] != *asked || !reviewed["status"].is_object() {
            return Err(format!("the answer is not a {asked} with a status"));
        }
        S::deserialize(&reviewed["status"]).map_err(|error| error.to_string())
    }
}

/// Once a minute for each cause.
fn complain(client: &Client, path: &str, error: &str) {
    let Some(complaint) = client.complaints().about(&format!("review {}", cause(error))) else {
        tracing::debug!(path, error, "Cannot ask the API server who may read");
        return;
    };
    tracing::warn!(
        path,
        error,
        server = &*complaint.server,
        heldBack = complaint.held_back,
        "Cannot ask the API server who may read"
    );
}
