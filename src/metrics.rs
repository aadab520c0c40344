//! What is counted and measured. Enter at [`Metrics::new`]; the list is in `catalogue`.
//!
//! Handles are resolved once into fields. [`Tally`] is what the engine's thread fills.

mod catalogue;
mod histogram;
mod process;
mod registrar;
mod rejections;
mod tally;
mod text;
mod watches;

use std::sync::Arc;
use std::time::Instant;

use berth_engine::queue::QueueCounts;
use berth_engine::{BindOutcome, Engine};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub use catalogue::{Metric, MetricKind};
pub use histogram::{Buckets, Histogram};
pub(crate) use process::count_lost_lines;
pub use registrar::{Counters, Gauges, Histograms};
pub use tally::{GoneProfile, Tally};
pub use text::Exposition;

use crate::watch::WatchStats;
use catalogue as list;
use registrar::Registrar;
use rejections::Rejections;

/// Every metric there is, for the docs.
pub fn list() -> &'static [Metric] {
    catalogue::ALL
}

/// The registry and the handles into it.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// What the engine does.
    pub engine: EngineMetrics,
    /// What the binder does.
    pub bind: BindMetrics,
    /// What the status writer does.
    pub status: StatusMetrics,
    /// What the event sink does.
    pub events: EventMetrics,
    /// Which configuration is in force.
    pub config: ConfigMetrics,
    /// Whether this instance holds a Lease, by its name.
    pub lease: Gauges,
}

/// Handles of the engine's thread; clones share the counts.
#[derive(Debug, Clone)]
pub struct EngineMetrics {
    pub(super) attempts: AttemptMetrics,
    pub(super) algorithm: Histogram,
    pub(super) queue_wait: Histogram,
    pub(super) plugins: Histograms,
    pub(super) events: Histograms,
    pub(super) pod_attempts: Histogram,
    pub(super) pod_sli: Histograms,
    pub(super) extension_points: Histograms,
    pub(super) permit_wait: Histograms,
    pub(super) evaluations: Counters,
    pub(super) incoming_pods: Counters,
    pub(super) incoming_entities: Counters,
    pub(super) after_flush: Counter,
    parts: [[Gauge; 2]; 4],
    cache: [Gauge; 3],
    conditions_owed: Gauge,
    rejections: Rejections,
    /// Steps made.
    pub steps: Counter,
    /// Latency of a step, in seconds.
    pub step_duration: Histogram,
    /// Inputs taken in.
    pub inputs: Counter,
    /// Batches not yet taken in.
    pub input_queue: Gauge,
    /// Effects that the shell cannot carry out, by `effect`.
    pub refused: Counters,
}

/// Attempts by result and profile: the engine counts those that found no node, the binder those
/// that did.
#[derive(Debug, Clone)]
pub struct AttemptMetrics {
    total: Counters,
    duration: Histograms,
}

impl AttemptMetrics {
    /// Counts an attempt that took `seconds` from its start to its end.
    pub fn count(&self, result: &str, profile: &str, seconds: f64) {
        self.total.with(&[result, profile]).inc();
        self.duration.with(&[result, profile]).observe(seconds);
    }
}

impl EngineMetrics {
    /// Shows the engine's state: pods by part of the queue, sizes of the cache.
    pub fn show(&self, engine: &Engine) {
        let QueueCounts { active, backoff, unschedulable, gated } = engine.queue().counts();
        for (gauges, value) in self.parts.iter().zip([active, backoff, unschedulable, gated]) {
            for gauge in gauges {
                gauge.set(signed(value));
            }
        }
        let cache = engine.cache();
        let sizes = [cache.nodes().live().len(), cache.pods().count(), cache.assumed_count()];
        for (gauge, value) in self.cache.iter().zip(sizes) {
            gauge.set(signed(value));
        }
        self.conditions_owed.set(signed(engine.owed_conditions()));
        self.rejections.show(engine, Instant::now());
    }
}

/// Handles of the binder; clones share the counts.
#[derive(Debug, Clone)]
pub struct BindMetrics {
    /// Posted and not yet answered.
    pub(crate) in_flight: Gauge,
    /// From the POST to its answer, in seconds.
    pub(crate) duration: Histogram,
    /// Answers lost.
    pub(crate) lookups: Counter,
    /// Conditions written so that a lost bind fails.
    pub(crate) fences: Counter,
    /// POSTs after a 409 for a pod that had changed.
    pub(crate) retries: Counter,
    /// Decided and not yet posted.
    pub(crate) queue: Gauge,
    /// From the decision to the POST, in seconds.
    pub(crate) wait: Histogram,
    /// Binds per second that may be posted; -1 without a limit.
    pub(crate) rate: Gauge,
    /// Waits for that limit, in seconds.
    pub(crate) limited: Histogram,
    /// POSTs.
    pub(crate) writes: Counter,
    pub(crate) attempts: AttemptMetrics,
    outcomes: [Counter; BindOutcome::LABELS.len()],
}

impl BindMetrics {
    /// Counts an outcome by its label.
    pub(crate) fn count(&self, label: &str) {
        let at = BindOutcome::LABELS.iter().position(|known| *known == label);
        if let Some(counter) = at.and_then(|at| self.outcomes.get(at)) {
            counter.inc();
        }
    }
}

/// Handles of the status writer; clones share the counts.
#[derive(Debug, Clone)]
pub struct StatusMetrics {
    pub(crate) queue: Gauge,
    pub(crate) writes: Counter,
    pub(crate) written: Counter,
    pub(crate) gone: Counter,
    pub(crate) replaced: Counter,
    pub(crate) failed: Counter,
    pub(crate) dropped: Counter,
}

/// Handles of the event sink; clones share the counts.
#[derive(Debug, Clone)]
pub struct EventMetrics {
    pub(crate) queue: Gauge,
    pub(crate) writes: Counter,
    pub(crate) created: Counter,
    pub(crate) folded: Counter,
    pub(crate) series: Counter,
    pub(crate) failed: Counter,
    pub(crate) dropped: Counter,
}

/// Handles of the configuration's reloads; clones share the values.
#[derive(Debug, Clone)]
pub struct ConfigMetrics {
    pub(crate) hash: Gauge,
    pub(crate) time: Gauge,
    pub(crate) successful: Gauge,
    pub(crate) success: Counter,
    pub(crate) rejected: Counter,
    pub(crate) unchanged: Counter,
}

impl Metrics {
    /// A registry with every metric of [`list`]. `watches` are the counters of the watches.
    pub fn new(watches: Arc<WatchStats>) -> Self {
        Self::build(watches).0
    }

    fn build(watches: Arc<WatchStats>) -> (Self, Vec<&'static str>) {
        let mut registrar = Registrar::default();
        let attempts = AttemptMetrics {
            total: registrar.counters(list::SCHEDULE_ATTEMPTS),
            duration: registrar.histograms(list::ATTEMPT_DURATION),
        };
        let engine = engine(&mut registrar, attempts.clone());
        let outcomes = registrar.counters(list::BIND_OUTCOMES);
        let writes = registrar.counters(list::API_WRITES);
        let bind = BindMetrics {
            in_flight: registrar.gauges(list::GOROUTINES).with(&["binding"]),
            duration: registrar.histogram(list::BIND_DURATION),
            lookups: registrar.counter(list::BIND_LOOKUPS),
            fences: registrar.counter(list::BIND_FENCES),
            retries: registrar.counter(list::BIND_RETRIES),
            queue: registrar.gauge(list::BIND_QUEUE),
            wait: registrar.histogram(list::BIND_WAIT),
            rate: registrar.gauge(list::BIND_RATE),
            limited: registrar.histogram(list::BIND_LIMITED),
            writes: writes.with(&["binding"]),
            attempts,
            outcomes: BindOutcome::LABELS.map(|label| outcomes.with(&[label])),
        };
        let patches = registrar.counters(list::STATUS_PATCHES);
        let status = StatusMetrics {
            queue: registrar.gauge(list::STATUS_QUEUE),
            writes: writes.with(&["status"]),
            written: patches.with(&["written"]),
            gone: patches.with(&["gone"]),
            replaced: patches.with(&["replaced"]),
            failed: patches.with(&["failed"]),
            dropped: patches.with(&["dropped"]),
        };
        let published = registrar.counters(list::EVENTS);
        let events = EventMetrics {
            queue: registrar.gauge(list::EVENT_QUEUE),
            writes: writes.with(&["event"]),
            created: published.with(&["created"]),
            folded: published.with(&["folded"]),
            series: published.with(&["series"]),
            failed: published.with(&["failed"]),
            dropped: published.with(&["dropped"]),
        };
        let reloads = registrar.counters(list::CONFIG_RELOADS);
        let config = ConfigMetrics {
            hash: registrar.gauge(list::CONFIG_HASH),
            time: registrar.gauge(list::CONFIG_RELOAD_TIME),
            successful: registrar.gauge(list::CONFIG_RELOAD_OK),
            success: reloads.with(&["success"]),
            rejected: reloads.with(&["rejected"]),
            unchanged: reloads.with(&["unchanged"]),
        };
        let lease = registrar.gauges(list::LEASE);
        let build = [env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH];
        registrar.gauges(list::BUILD_INFO).with(&build).set(1);
        watches::register(&mut registrar, watches);
        process::register(&mut registrar);
        let registry = registrar.registry;
        let metrics = Self { registry, engine, bind, status, events, config, lease };
        (metrics, registrar.names)
    }

    /// All metrics as text, in the form that an `Accept` header asks for.
    pub fn encode(&self, accept: Option<&str>) -> Exposition {
        text::encode(&self.registry, accept)
    }
}

fn engine(registrar: &mut Registrar, attempts: AttemptMetrics) -> EngineMetrics {
    let pending = registrar.gauges(list::PENDING_PODS);
    let entities = registrar.gauges(list::QUEUED_ENTITIES);
    let cache = registrar.gauges(list::CACHE_SIZE);
    EngineMetrics {
        attempts,
        algorithm: registrar.histogram(list::ALGORITHM_DURATION),
        queue_wait: registrar.histogram(list::QUEUE_WAIT),
        plugins: registrar.histograms(list::PLUGIN_DURATION),
        events: registrar.histograms(list::EVENT_HANDLING),
        pod_attempts: registrar.histogram(list::POD_ATTEMPTS),
        pod_sli: registrar.histograms(list::POD_SLI_DURATION),
        extension_points: registrar.histograms(list::EXTENSION_POINT_DURATION),
        permit_wait: registrar.histograms(list::PERMIT_WAIT),
        evaluations: registrar.counters(list::PLUGIN_EVALUATION),
        incoming_pods: registrar.counters(list::QUEUE_INCOMING_PODS),
        incoming_entities: registrar.counters(list::QUEUE_INCOMING_ENTITIES),
        after_flush: registrar.counter(list::SCHEDULED_AFTER_FLUSH),
        parts: ["active", "backoff", "unschedulable", "gated"]
            .map(|queue| [pending.with(&[queue]), entities.with(&[queue, "pod"])]),
        conditions_owed: registrar.gauge(list::CONDITIONS_OWED),
        cache: ["nodes", "pods", "assumed_pods"].map(|kind| cache.with(&[kind])),
        rejections: Rejections::new(registrar.gauges(list::UNSCHEDULABLE_PODS)),
        steps: registrar.counter(list::STEPS),
        step_duration: registrar.histogram(list::STEP_DURATION),
        inputs: registrar.counter(list::INPUTS),
        input_queue: registrar.gauge(list::INPUT_QUEUE),
        refused: registrar.counters(list::EFFECTS_REFUSED),
    }
}

/// A length as a gauge's value.
pub(crate) fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
