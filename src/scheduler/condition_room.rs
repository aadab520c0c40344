//! How many conditions the engine may ask for: what the status writer has room for, and of what is
//! said again a share of the writes.

use std::time::{Duration, Instant};

use berth_engine::{Control, Engine, Input};

use crate::client::Rate;
use crate::status::StatusHandle;

/// What is said again takes one of so many writes: 5 %.
const SHARE: f64 = 20.0;

/// Writes a second where no number is configured: with what the rate begins that follows the API
/// server (`client/pace.rs`).
const UNKNOWN_RATE: f64 = 1_000.0;

/// How often the engine is told again while conditions wait.
pub(super) const EVERY: Duration = Duration::from_millis(100);

/// How often it is logged that conditions wait, at most.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Conditions that wait for a while and are logged: a burst of fewer is written within seconds.
const TOLD_MIN: usize = 10_000;

/// Keeps the engine from asking for more conditions than can be written.
#[derive(Debug)]
pub(super) struct ConditionRoom {
    status: StatusHandle,
    again_per_second: f64,
    /// How many may be said again now.
    again: f64,
    told_engine: Option<Instant>,
    told_log: Option<Instant>,
}

impl ConditionRoom {
    pub(super) fn new(status: StatusHandle, rate: Rate) -> Self {
        let qps = match rate {
            Rate::Limited { qps, .. } => qps,
            Rate::Unlimited | Rate::Adaptive { .. } => UNKNOWN_RATE,
        };
        // One at least, so that each is said at last.
        let again_per_second = (qps / SHARE).max(1.0);
        Self { status, again_per_second, again: 0.0, told_engine: None, told_log: None }
    }

    /// What the engine is told now: at first, and while it has conditions that wait.
    pub(super) fn tell(&mut self, engine: &Engine, now: Instant) -> Option<Input> {
        let since = self.told_engine.map(|at| now.duration_since(at));
        let is_due = since.is_none_or(|since| since >= EVERY && engine.owed_conditions() > 0);
        if !is_due {
            return None;
        }
        self.told_engine = Some(now);
        // What was not used since is there still; a second's worth is kept, and one for the start.
        let left = match since {
            Some(_) => engine.condition_room().min(self.again as usize) as f64,
            None => 0.0,
        };
        let earned = since.map_or(1.0, |since| since.as_secs_f64()) * self.again_per_second;
        self.again = (left + earned).min(self.again_per_second.max(1.0));
        let (all, again) = (self.status.free(), self.again as usize);
        Some(Input::Control(Control::ConditionRoom { all, again }))
    }

    /// Logs that conditions wait, once a minute.
    pub(super) fn log(&mut self, engine: &Engine, now: Instant) {
        let waiting = engine.owed_conditions();
        let is_due = self.told_log.is_none_or(|at| now.duration_since(at) >= TOLD_EVERY);
        if waiting >= TOLD_MIN && is_due {
            self.told_log = Some(now);
            tracing::info!(
                waiting,
                "Pods wait to be told in their condition why they are not scheduled: the API \
                 server's rate is what holds that back"
            );
        }
    }
}
