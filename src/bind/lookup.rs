//! A bind whose answer was lost is looked up: GET of the pod, until the API server tells.

use std::time::Duration;

use berth_engine::{BindOutcome, PodName};

use super::outcome::{Look, of_look};
use crate::client::{Client, exchange, request};

/// When to look, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct LookupOptions {
    /// Deadline of one look.
    pub deadline: Duration,
    /// First wait between looks; doubles each time.
    pub backoff_initial: Duration,
    /// Longest wait between looks.
    pub backoff_max: Duration,
}

impl Default for LookupOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            backoff_initial: Duration::from_millis(50),
            // 128 binds in doubt ask a server that comes back 13 times a second at most.
            backoff_max: Duration::from_secs(10),
        }
    }
}

/// Looks refused (such as 403) before the bind is given up: with waits of 50 ms doubling, 3 s.
/// Then the pod counts as denied, and the watch tells what is true.
const REFUSED_MAX: u32 = 7;

/// Looks at the pod until the API server tells whether it is bound to `node`.
///
/// There is no limit of tries while the server is away: a bind in doubt is never assumed failed.
/// The bind keeps its place among those in flight, so that at most that many look.
pub(super) async fn look_up(
    client: &Client,
    pod: &PodName,
    node: &str,
    options: &LookupOptions,
) -> BindOutcome {
    let path = format!("/api/v1/namespaces/{}/pods/{}", pod.key.namespace, pod.key.name);
    let mut wait = options.backoff_initial;
    let mut refused = 0;
    loop {
        let request = match request("GET", &path, None) {
            Ok(request) => request,
            Err(error) => return BindOutcome::Denied(format!("pod {}: {error}", pod.key)),
        };
        match of_look(&exchange(client, request, options.deadline).await, &pod.uid, node) {
            Look::Known(outcome) => return outcome,
            Look::Refused(text) => {
                refused += 1;
                if refused == REFUSED_MAX {
                    return BindOutcome::Denied(format!(
                        "the answer to the bind was lost and pod {} cannot be looked up: {text}",
                        pod.key
                    ));
                }
            }
            Look::Again(text) => {
                tracing::debug!(pod = %pod.key, node, error = text, "Looking again after a bind");
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(options.backoff_max);
    }
}
