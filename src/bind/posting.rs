//! One bind from its first POST to what is known of it in the end.

use std::time::Instant;

use berth_engine::BindOutcome;

use super::lookup::{Lookup, Next};
use super::outcome::{self, Verdict};
use super::{Bind, Shared, body};
use crate::client::{Answer, Failure, cause, exchange, request};

/// POSTs of one bind: a pod whose version moves between each of four looks and the POST after it
/// is left to the queue.
const POSTS_MAX: usize = 5;

impl Shared {
    pub(super) async fn bind(&self, bind: &Bind) -> BindOutcome {
        let Bind { pod, node, .. } = bind;
        let options = &self.options.lookup;
        let lookup = Lookup { client: &self.client, pod, node, options, metrics: &self.metrics };
        let mut version = bind.resource_version;
        let mut refusal = String::new();
        for post in 0..POSTS_MAX {
            if post > 0 {
                let turn = async {
                    self.pause.wait().await;
                    self.take_token().await;
                };
                if self.until_closing(turn).await.is_none() {
                    break;
                }
                self.metrics.retries.inc();
            }
            let result = match self.post(bind, version).await {
                Ok(result) => result,
                Err(error) => return BindOutcome::Denied(format!("pod {}: {error}", pod.key)),
            };
            if let Some(wait) = outcome::pause(&result) {
                self.pause.extend(Instant::now(), wait);
            }
            match outcome::of_post(&result) {
                Verdict::Known(outcome) => return outcome,
                Verdict::InDoubt(error) => {
                    let told = self.client.complaints().about(&format!("doubt {}", cause(&error)));
                    if let Some(complaint) = told {
                        tracing::warn!(
                            pod = %pod.key, %node, error, server = &*complaint.server,
                            heldBack = complaint.held_back, "Bind in doubt, looking it up"
                        );
                    }
                    self.metrics.lookups.inc();
                    return lookup.settle(version).await;
                }
                Verdict::Conflict(text) => {
                    match lookup.after_conflict(version, text.clone()).await {
                        Next::Again(now) => (version, refusal) = (now, text),
                        Next::End(outcome) => return outcome,
                    }
                }
            }
        }
        BindOutcome::Conflict(refusal)
    }

    /// POSTs the Binding in the format that the server reads.
    async fn post(&self, bind: &Bind, version: u64) -> Result<Result<Answer, Failure>, String> {
        let protobuf = self.format.is_protobuf();
        let result = self.post_as(bind, version, protobuf).await?;
        if let Ok(answer) = &result
            && self.format.is_refused(answer.status, protobuf)
        {
            tracing::info!("The API server reads no protobuf in bindings: writing JSON");
            return self.post_as(bind, version, false).await;
        }
        Ok(result)
    }

    /// One POST. The outer error is a request that cannot be written.
    async fn post_as(
        &self,
        bind: &Bind,
        version: u64,
        protobuf: bool,
    ) -> Result<Result<Answer, Failure>, String> {
        let key = &bind.pod.key;
        // With `timeout` the server gives up when we do.
        let seconds = self.options.deadline.as_secs().max(1);
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/binding?timeout={seconds}s",
            key.namespace, key.name
        );
        let content = body::body(bind, version, protobuf).map_err(|e| e.to_string())?;
        let post = request("POST", &path, Some(content)).map_err(|e| e.to_string())?;
        let start = Instant::now();
        self.metrics.writes.inc();
        self.metrics.in_flight.inc();
        let result = exchange(&self.client, post, self.options.deadline).await;
        self.metrics.in_flight.dec();
        self.metrics.duration.observe(start.elapsed().as_secs_f64());
        Ok(result)
    }
}
