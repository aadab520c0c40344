//! Every metric: name, type, labels, help. What is registered and what the docs list come from
//! here, so that they cannot drift apart. Names, labels and buckets under `scheduler_` are
//! kube-scheduler 1.37's (`pkg/scheduler/metrics/metrics.go`).

use super::histogram::Buckets;

/// One metric as scraped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Full name; counters end in `_total`.
    pub name: &'static str,
    /// Type.
    pub kind: MetricKind,
    /// Names of the labels, in order.
    pub labels: &'static [&'static str],
    /// One sentence without the full stop.
    pub help: &'static str,
}

/// Type of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets.
    Histogram(Buckets),
}

impl MetricKind {
    /// The word in the exposition.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// A metric that is registered as a counter.
#[derive(Debug, Clone, Copy)]
pub(super) struct CounterMetric(pub(super) Metric);

/// A metric that is registered as a gauge.
#[derive(Debug, Clone, Copy)]
pub(super) struct GaugeMetric(pub(super) Metric);

/// A metric that is registered as a histogram with these buckets.
#[derive(Debug, Clone, Copy)]
pub(super) struct HistogramMetric(pub(super) Metric, pub(super) Buckets);

type Labels = &'static [&'static str];

const fn counter(name: &'static str, labels: Labels, help: &'static str) -> CounterMetric {
    CounterMetric(Metric { name, kind: MetricKind::Counter, labels, help })
}

const fn gauge(name: &'static str, labels: Labels, help: &'static str) -> GaugeMetric {
    GaugeMetric(Metric { name, kind: MetricKind::Gauge, labels, help })
}

const fn histogram(
    name: &'static str,
    labels: Labels,
    (start, factor, count): (f64, f64, usize),
    help: &'static str,
) -> HistogramMetric {
    let buckets = Buckets { start, factor, count };
    HistogramMetric(Metric { name, kind: MetricKind::Histogram(buckets), labels, help }, buckets)
}

/// The type of a metric that is made by this function.
macro_rules! typed {
    (counter) => {
        CounterMetric
    };
    (gauge) => {
        GaugeMetric
    };
    (histogram) => {
        HistogramMetric
    };
}

macro_rules! metrics {
    ($($constant:ident = $kind:ident $arguments:tt;)*) => {
        $(pub(super) const $constant: typed!($kind) = $kind $arguments;)*
        /// Every metric, in the order of this page.
        pub(super) const ALL: &[Metric] = &[$($constant.0),*];
    };
}

metrics! {
    // The engine, by kube-scheduler's names.
    SCHEDULE_ATTEMPTS = counter("scheduler_schedule_attempts_total", &["result", "profile"],
        "Attempts to schedule pods, by result: scheduled is counted when the pod is bound, \
         unschedulable when it fits nowhere, error when the attempt or the bind failed");
    ATTEMPT_DURATION = histogram("scheduler_scheduling_attempt_duration_seconds",
        &["result", "profile"], (0.001, 2.0, 15),
        "Latency of an attempt: algorithm and, where a node was found, binding");
    ALGORITHM_DURATION = histogram("scheduler_scheduling_algorithm_duration_seconds", &[],
        (0.001, 2.0, 15), "Latency of choosing a node");
    PERMIT_WAIT = histogram("scheduler_permit_wait_duration_seconds", &["result"],
        (0.001, 2.0, 15), "Duration of waiting on permit");
    PENDING_PODS = gauge("scheduler_pending_pods", &["queue"],
        "Pods without a node: active wait for an attempt, backoff for time to pass, \
         unschedulable for something to change, gated for their gates to go");
    QUEUED_ENTITIES = gauge("scheduler_queued_entities", &["queue", "type"],
        "Entities in the queue, by part and type");
    POD_ATTEMPTS = histogram("scheduler_pod_scheduling_attempts", &[], (1.0, 2.0, 5),
        "Attempts it took to schedule a pod");
    POD_SLI_DURATION = histogram("scheduler_pod_scheduling_sli_duration_seconds", &["attempts"],
        (0.01, 2.0, 20),
        "From the moment a pod could be scheduled until it was bound, gates not counted");
    EXTENSION_POINT_DURATION = histogram("scheduler_framework_extension_point_duration_seconds",
        &["extension_point", "status", "profile"], (0.0001, 2.0, 12),
        "Latency of all plugins of an extension point");
    PLUGIN_DURATION = histogram("scheduler_plugin_execution_duration_seconds",
        &["plugin", "extension_point", "status"], (0.00001, 1.5, 20),
        "Latency of a plugin, in one of ten attempts: at PreFilter and PreScore for the pod, at \
         Score for all feasible nodes at once; Filter is not timed by plugin");
    EVENT_HANDLING = histogram("scheduler_event_handling_duration_seconds", &["event"],
        (0.0001, 2.0, 12), "Latency of taking a pod or node into cache and queue");
    PLUGIN_EVALUATION = counter("scheduler_plugin_evaluation_total",
        &["plugin", "extension_point", "profile"],
        "Evaluations by a plugin: nodes at Filter and Score, pods at PreFilter and PreScore");
    QUEUE_INCOMING_PODS = counter("scheduler_queue_incoming_pods_total", &["queue", "event"],
        "Pods that came to a part of the queue, by cause");
    QUEUE_INCOMING_ENTITIES = counter("scheduler_queue_incoming_entities_total",
        &["queue", "event", "type"], "Entities that came to a part of the queue, by cause");
    SCHEDULED_AFTER_FLUSH = counter("scheduler_pod_scheduled_after_flush_total", &[],
        "Pods bound after only the flush of long-parked pods had woken them: events unheeded");
    CACHE_SIZE = gauge("scheduler_cache_size", &["type"],
        "Objects in the cache: nodes, pods, assumed_pods");
    UNSCHEDULABLE_PODS = gauge("scheduler_unschedulable_pods", &["plugin", "profile"],
        "Pods that wait, by the plugins that rejected them last; counted every second, more seldom \
         where that takes more than a thousandth of the time");
    GOROUTINES = gauge("scheduler_goroutines", &["operation"],
        "Binds posted and not yet answered, under kube-scheduler's name for it");

    // The engine's own.
    BUILD_INFO = gauge("berth_build_info", &["version", "os", "arch"], "Always 1");
    STEPS = counter("berth_engine_steps_total", &[], "Steps of the engine");
    STEP_DURATION = histogram("berth_engine_step_duration_seconds", &[], (0.00001, 2.0, 18),
        "Latency of a step: inputs taken in, attempts made");
    QUEUE_WAIT = histogram("berth_queue_wait_seconds", &[], (0.001, 2.0, 18),
        "From a pod's coming to the active part of the queue to its attempt");
    INPUTS = counter("berth_engine_inputs_total", &[], "Inputs taken in by the engine");
    INPUT_QUEUE = gauge("berth_engine_input_batches", &[], "Batches of inputs not yet taken in");
    EFFECTS_REFUSED = counter("berth_engine_effects_refused_total", &["effect"],
        "Effects that the shell cannot carry out yet");

    // The configuration.
    CONFIG_HASH = gauge("berth_config_hash", &[],
        "Hash of the completed configuration in force: 48 bits, which a sample holds exactly");
    CONFIG_RELOAD_TIME = gauge("berth_config_last_reload_timestamp_seconds", &[],
        "When the configuration was last read as new, since the epoch; at first the start");
    CONFIG_RELOAD_OK = gauge("berth_config_last_reload_successful", &[],
        "Whether the last reload was carried out: 0 while the file is refused and the \
         configuration before it is in force");
    CONFIG_RELOADS = counter("berth_config_reloads_total", &["result"],
        "Reloads of a changed file: success, rejected, unchanged (it says the same)");

    // The Leases, by client-go's name.
    LEASE = gauge("leader_election_master_status", &["name"],
        "Whether this instance holds the Lease of this name: 1, or 0 while it waits for it");

    // Writes.
    BIND_OUTCOMES = counter("berth_bind_outcomes_total", &["outcome"],
        "Binds by how they ended: bound, conflict (409), gone (404), replaced (another \
         pod has the name), denied (other 4xx), throttled (429), unavailable (not sent or 503), \
         not_bound (looked up)");
    BIND_DURATION = histogram("berth_bind_duration_seconds", &[], (0.0005, 2.0, 16),
        "From the POST of a Binding to its answer, or to its deadline");
    BIND_LOOKUPS = counter("berth_bind_lookups_total", &[],
        "Binds whose answer was lost and that were looked up");
    BIND_FENCES = counter("berth_bind_fences_total", &[],
        "Conditions written after a lost answer, so that the bind fails if it is carried out late");
    BIND_RETRIES = counter("berth_bind_retries_total", &[],
        "Binds posted again at once: refused by 409 as the pod had changed since it was read");
    BIND_WAIT = histogram("berth_bind_wait_seconds", &[], (0.0001, 2.0, 18),
        "From the decision to the POST of its Binding: the wait in the lane");
    BIND_RATE = gauge("berth_bind_rate_limit", &[],
        "Binds a second that may be posted: clientConnection.qps, or without it what the API \
         server is found to bear; -1 for no limit. At the last bind");
    BIND_LIMITED = histogram("berth_bind_limited_seconds", &[], (0.0001, 2.0, 18),
        "Waits of binds for that limit; its sum over the time is how far the client's own limit \
         is what holds pods back");
    API_WRITES = counter("berth_api_writes_total", &["kind"],
        "Writes asked of the API server, tries included: binding, status, event. Over \
         berth_bind_outcomes_total{outcome=\"bound\"} they are the writes per pod");
    BIND_QUEUE = gauge("berth_bind_queue_length", &[], "Binds decided and not yet posted");
    STATUS_PATCHES = counter("berth_status_patches_total", &["result"],
        "Patches of pods/status: written, gone (404), replaced (a newer one came first), failed, \
         dropped (queue full)");
    STATUS_QUEUE = gauge("berth_status_queue_length", &[], "Pods whose status waits to be written");
    CONDITIONS_OWED = gauge("berth_conditions_waiting", &[],
        "Pods whose condition is decided and waits for room in the queue of status writes; none is \
         given up. First words go before words that are said again, which take 5 % of the writes");
    EVENTS = counter("berth_events_total", &["result"],
        "Events: created, series (counted on an earlier one), folded (counted in one event of \
         their controller), failed, dropped (as many wait as may)");
    EVENT_QUEUE = gauge("berth_event_queue_length", &[], "Events that wait to be written");

    // Watches.
    WATCH_EVENTS = counter("berth_watch_events_total", &["kind", "type"],
        "Watch events: added, modified, deleted, bookmark");
    WATCH_LISTED = counter("berth_watch_listed_objects_total", &["kind"], "Objects read by lists");
    WATCH_LISTS = counter("berth_watch_lists_total", &["kind"],
        "Lists begun: one at the start, one more for each watch that could not be resumed");
    WATCH_STARTS = counter("berth_watch_starts_total", &["kind"], "Watches begun");
    WATCH_FAILURES = counter("berth_watch_failures_total", &["kind"],
        "Lists and watches that failed");
    WATCH_MALFORMED = counter("berth_watch_malformed_objects_total", &["kind"],
        "Objects that could not be read and were skipped");
    WATCH_SUPPRESSED = counter("berth_watch_suppressed_total", &["kind"],
        "Changes that mean nothing to scheduling, such as heartbeats, stopped before the engine");
    WATCH_STALE = counter("berth_watch_stale_total", &["kind"],
        "Objects not newer than what is known of them, ignored: all that a list brings again too");
    WATCH_GAPS = counter("berth_watch_gaps_total", &["kind"],
        "Times that a watch missed something, and a list was asked for: an event that cannot be \
         read or is older than the one before it, an audit with differences");
    WATCH_AUDITS = counter("berth_watch_audits_total", &["kind"],
        "Audits: what is known held against a list that names the objects of the API server");
    WATCH_DIFFERENCES = counter("berth_watch_audit_differences_total", &["kind"],
        "Objects that audits found to be other than they were known; the list that follows repairs \
         them");
    WATCH_NEW_HISTORIES = counter("berth_watch_new_histories_total", &["kind"],
        "Times that the API server had another history than before (etcd restored from a backup, \
         cluster made again), and its list was taken as the truth");
    WATCH_SILENCE = gauge("berth_watch_silence_seconds", &["kind"],
        "Time since the API server last told something of the kind, by an event, a bookmark, a \
         list, or an audit without differences. A bookmark comes each minute; above 300 s readyz \
         fails. 0 before the first list");
    WATCH_MISSING = gauge("berth_watch_missing", &["kind"],
        "1 while the API server does not serve the kind, which is then watched once discovery shows \
         it; else 0");
    WATCH_LOOKS = counter("berth_watch_discoveries_total", &["result"],
        "Times that discovery was asked for kinds that the API server does not serve: success, \
         error");
    WATCH_OBJECTS = gauge("berth_watch_objects", &["kind"], "Objects known");
    WATCH_DECODED_BYTES = counter("berth_watch_decoded_bytes_total", &["kind"], "Bytes decoded");
    WATCH_DECODE_SECONDS = counter("berth_watch_decode_seconds_total", &["kind"],
        "Time spent decoding");

    INTERNAL_ERRORS = counter("berth_internal_errors_total", &[],
        "States of the engine that must not be: it logs the first of them, at most once a minute, \
         and goes on without the part that is wrong. Report every one as a bug");

    // The log.
    LOG_LOST = counter("berth_log_lines_lost_total", &[],
        "Lines of the log that were lost because stderr was not read, was closed, or failed");

    // The process, by the names of Prometheus' own clients.
    PROCESS_CPU = counter("process_cpu_seconds_total", &[], "User and system CPU time spent");
    PROCESS_RESIDENT = gauge("process_resident_memory_bytes", &[], "Resident memory size");
    PROCESS_VIRTUAL = gauge("process_virtual_memory_bytes", &[], "Virtual memory size");
    PROCESS_START = gauge("process_start_time_seconds", &[],
        "Start time of the process, since the epoch");
    PROCESS_FDS = gauge("process_open_fds", &[], "Open file descriptors");
    PROCESS_THREADS = gauge("process_threads", &[], "Threads of the operating system");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_follow_prometheus() {
        let mut seen = HashSet::new();
        for metric in ALL {
            assert!(seen.insert(metric.name), "{} twice", metric.name);
            let counts = metric.kind == MetricKind::Counter;
            assert_eq!(metric.name.ends_with("_total"), counts, "{}", metric.name);
            assert!(!metric.help.ends_with('.') && !metric.help.contains("  "), "{}", metric.name);
        }
    }
}
