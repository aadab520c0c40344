//! A bind that was not simply carried out is looked into: GET of the pod, until the API server
//! tells.
//!
//! A bind whose answer was lost may still be on its way, so that "it has no node" is no answer yet.
//! It was asked for on condition that the pod has the version that the scheduler knew, and so the
//! pod is written ([`Fence`]): from then on that bind can only fail, and the pod's room is free.

use std::time::Duration;

use berth_engine::{BindOutcome, PodName};
use jiff::Timestamp;
use tokio::time::Instant;

use super::fence::{Fence, not_bound};
use super::look::{Look, of_look};
use crate::client::{Client, exchange, request};
use crate::metrics::BindMetrics;

/// When to look, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct LookupOptions {
    /// Deadline of one look.
    pub deadline: Duration,
    /// First wait between looks; doubles each time.
    pub backoff_initial: Duration,
    /// Longest wait between looks.
    pub backoff_max: Duration,
    /// For how long a pod whose bind is in doubt keeps its room where the server refuses (such as
    /// by 403) to show it or to have it written. Then the bind counts as denied, and the watch
    /// tells what is true.
    pub refused_max: Duration,
}

impl Default for LookupOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            backoff_initial: Duration::from_millis(50),
            // 128 binds in doubt ask a server that comes back 13 times a second at most.
            backoff_max: Duration::from_secs(10),
            // The API server ends a request after 60 s (`--request-timeout`), proxies mostly too.
            refused_max: Duration::from_secs(60),
        }
    }
}

/// Looks that must fail before a refused bind is left to the watch: with waits of 50 ms doubling,
/// 1.5 s.
const FAILED_LOOKS_MAX: u32 = 6;

/// What to do after a bind that was refused by 409.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// The pod has only changed: bind it with this version.
    Again(u64),
    /// The end of the bind.
    End(BindOutcome),
}

/// Looks into one bind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) client: &'a Client,
    pub(super) pod: &'a PodName,
    pub(super) node: &'a str,
    pub(super) options: &'a LookupOptions,
    pub(super) metrics: &'a BindMetrics,
}

impl Lookup<'_> {
    /// The truth about a bind to a pod of version `posted` (0: of any) whose answer was lost.
    ///
    /// There is no limit of tries while the server is away: a bind in doubt is never assumed
    /// failed. The bind keeps its place among those in flight, so that at most that many look.
    pub(super) async fn settle(self, posted: u64) -> BindOutcome {
        let mut waits = Waits::new(self.options);
        let mut refused_since: Option<Instant> = None;
        let mut fence = None;
        loop {
            let mut look = self.look().await;
            if let Look::Unbound(seen) = look
                && posted != 0
                && seen.version == posted
            {
                // The bind may still be carried out.
                let new = Fence::of(self.pod, seen, self.node, Timestamp::now());
                self.metrics.fences.inc();
                look = new.write(self.client, self.pod, self.node, self.options.deadline).await;
                fence = Some(new);
            }
            let refusal = match look {
                Look::Known(outcome) => return outcome,
                Look::Unbound(seen) if seen.version != posted || posted == 0 => {
                    return not_bound(seen, self.node, fence);
                }
                Look::Unbound(_) => "the write has changed nothing".to_owned(),
                Look::Refused(text) => text,
                Look::Again(text) => {
                    self.say_again(&text);
                    waits.wait().await;
                    continue;
                }
            };
            let since = *refused_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= self.options.refused_max {
                return BindOutcome::Denied(format!(
                    "the answer to the bind was lost, and pod {} cannot be looked up or its status \
                     cannot be written (grant get on pods and patch on pods/status): {refusal}",
                    self.pod.key
                ));
            }
            waits.wait().await;
        }
    }

    /// What to do after a bind of a pod of version `posted` was refused by 409 with `text`.
    pub(super) async fn after_conflict(self, posted: u64, text: String) -> Next {
        let mut waits = Waits::new(self.options);
        for _ in 0..FAILED_LOOKS_MAX {
            match self.look().await {
                Look::Known(outcome) => return Next::End(outcome),
                Look::Unbound(seen) if seen.can_be_bound && seen.version != posted => {
                    return Next::Again(seen.version);
                }
                Look::Unbound(_) | Look::Refused(_) => break,
                Look::Again(error) => self.say_again(&error),
            }
            waits.wait().await;
        }
        Next::End(BindOutcome::Conflict(text))
    }

    async fn look(self) -> Look {
        let key = &self.pod.key;
        let path = format!("/api/v1/namespaces/{}/pods/{}", key.namespace, key.name);
        match request("GET", &path, None) {
            Ok(request) => {
                let answer = exchange(self.client, request, self.options.deadline).await;
                of_look(&answer, &self.pod.uid, self.node)
            }
            Err(error) => Look::Known(BindOutcome::Denied(format!("pod {key}: {error}"))),
        }
    }

    fn say_again(self, error: &str) {
        tracing::debug!(pod = %self.pod.key, node = self.node, error, "Looking again after a bind");
    }
}

/// Waits that double.
struct Waits {
    next: Duration,
    max: Duration,
}

impl Waits {
    fn new(options: &LookupOptions) -> Self {
        Self { next: options.backoff_initial, max: options.backoff_max }
    }

    async fn wait(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(self.max);
    }
}
