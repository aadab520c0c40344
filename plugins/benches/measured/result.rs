//! One measurement as it is printed and kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::crowd::CrowdCosts;
use super::identity::Identity;
use crate::scene::drive::Spent;

/// A line of `target/bench/engine.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measurement {
    pub name: String,
    pub nodes: usize,
    pub threads: usize,
    /// Distinct templates.
    pub classes: usize,
    /// Pods placed by the engine.
    pub pods: usize,
    /// Pods told that they fit nowhere.
    pub refused: usize,
    /// By the deciding steps alone.
    pub decisions_per_s: f64,
    pub ns_per_decision: f64,
    /// The first decision, with the first evaluation of its class.
    pub first_us: f64,
    /// Taking a pod in, and into the queue.
    pub ns_per_queued: f64,
    /// Taking a bind's outcome and the watch's confirmation in, with churn.
    pub ns_per_confirmed: f64,
    /// Growth of the resident set while loading, per node.
    pub bytes_per_node: f64,
    /// Per bound pod; measured by `memory` and `record` only.
    pub bytes_per_pod: Option<f64>,
    pub peak_bytes: u64,
    /// Share of the run that the bench itself took.
    pub own_share: f64,
    /// Seconds of loading, queueing, deciding, confirming, and of the bench itself.
    pub seconds: [f64; 5],
    /// What pods that wait cost the others; measured with crowds only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crowd: Option<CrowdCosts>,
    /// When the bench began, in seconds since 1970: all its rounds have the same.
    pub run: u64,
    /// Of what and where; lines of older benches have none.
    #[serde(flatten)]
    pub identity: Identity,
}

/// `duration` over `count`, in nanoseconds; 0 of none.
pub fn per(duration: Duration, count: usize) -> f64 {
    if count == 0 { 0.0 } else { duration.as_nanos() as f64 / count as f64 }
}

/// Of each case, size and number of threads the median, in the order in which they came first.
pub fn medians(all: &[Measurement]) -> Vec<Measurement> {
    let key = |m: &Measurement| (m.name.clone(), m.nodes, m.threads);
    let mut keys: Vec<_> = Vec::new();
    for measured in all {
        if !keys.contains(&key(measured)) {
            keys.push(key(measured));
        }
    }
    let median = |of: &_| {
        let mut same: Vec<&Measurement> = all.iter().filter(|m| key(m) == *of).collect();
        same.sort_by(|a, b| a.ns_per_decision.total_cmp(&b.ns_per_decision));
        same[same.len() / 2].clone()
    };
    keys.iter().map(median).collect()
}

impl Measurement {
    pub fn set_times(&mut self, spent: &Spent, queued: usize) {
        let Spent { load, queue, decide, confirm, own } = *spent;
        self.ns_per_decision = per(decide, self.pods);
        self.decisions_per_s = if self.pods == 0 { 0.0 } else { 1e9 / self.ns_per_decision };
        self.ns_per_queued = per(queue, queued);
        self.ns_per_confirmed = per(confirm, self.pods);
        self.seconds = [load, queue, decide, confirm, own].map(|time| time.as_secs_f64());
        self.own_share = own.as_secs_f64() / self.seconds.iter().sum::<f64>();
    }

    pub fn heading() -> String {
        format!(
            "{:<18} {:>9} {:>3} {:>8} {:>12} {:>12} {:>11} {:>9} {:>7} {:>7} {:>7}",
            "case",
            "nodes",
            "thr",
            "pods",
            "decisions/s",
            "ns/decision",
            "first µs",
            "ns/bound",
            "B/node",
            "B/pod",
            "peak MB",
        )
    }

    pub fn row(&self) -> String {
        let pod = self.bytes_per_pod.map_or(String::new(), |bytes| format!("{bytes:.0}"));
        let refused = match self.refused {
            0 => String::new(),
            refused => format!("  {refused} refused"),
        };
        format!(
            "{:<18} {:>9} {:>3} {:>8} {:>12.0} {:>12.0} {:>11.0} {:>9.0} {:>7.0} {pod:>7} {:>7}\
             {refused}",
            self.name,
            self.nodes,
            self.threads,
            self.pods,
            self.decisions_per_s,
            self.ns_per_decision,
            self.first_us,
            self.ns_per_confirmed,
            self.bytes_per_node,
            self.peak_bytes >> 20,
        )
    }
}
