//! A probe that counts.

use std::collections::BTreeMap;

use berth_engine::framework::Point;
use berth_engine::{AttemptResult, Probe, QueueName};

/// Counts attempts by result and moves by event.
#[derive(Debug, Default)]
pub struct Counts {
    pub attempts: BTreeMap<&'static str, usize>,
    pub moves: BTreeMap<String, usize>,
    pub judged: usize,
}

impl Probe for Counts {
    fn evaluated(&mut self, _: &str, point: Point, nodes: usize, _: &str) {
        if point == Point::Filter {
            self.judged += nodes;
        }
    }
    fn attempt_ends(&mut self, _: &str, result: AttemptResult, _: u32) {
        *self.attempts.entry(result.as_str()).or_default() += 1;
    }
    fn incoming(&mut self, queue: QueueName, event: &str) {
        *self.moves.entry(format!("{} {event}", queue.as_str())).or_default() += 1;
    }
}
