//! When the next condition may be sent: its place beside binds, and its token. Enter at
//! [`Turns::next`].
//!
//! A pod that shows nothing yet goes before the others, and has a share of the binds' tokens: an
//! operator who has just made it waits for the word. A word that changes another is never urgent.

use std::sync::Arc;
use std::time::Instant;

use super::{Queue, StatusOptions};
use crate::client::{Bucket, Client, GivingWay, Place, RightOfWay, SharedBucket};

/// The places and tokens of conditions.
pub(super) struct Turns {
    lane: GivingWay,
    bucket: Bucket,
    binds: Option<SharedBucket>,
}

impl Turns {
    pub(super) fn new(client: &Client, options: &StatusOptions, way: Arc<RightOfWay>) -> Self {
        Self {
            lane: GivingWay::new(way, options.share),
            bucket: client.bucket(options.rate),
            binds: options.binds.clone(),
        }
    }

    /// Waits until one more condition may be sent.
    pub(super) async fn next(&mut self, queue: &Queue) -> Place {
        let place = self.lane.enter().await;
        self.token(queue).await;
        place
    }

    /// Waits for a token of this lane; while a pod that shows nothing yet waits, also for one of
    /// the binds', of which it has every second at most.
    async fn token(&mut self, queue: &Queue) {
        while let Err(wait) = self.bucket.try_take(now()) {
            let shared = self.binds.as_ref().filter(|_| queue.pending().first_waits());
            let Some(shared) = shared else {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    // It may be such a pod.
                    () = queue.wake.notified() => {}
                }
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = shared.take() => return,
            }
        }
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
