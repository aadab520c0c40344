//! What the engine's thread measures: the probe with a clock.

use std::collections::HashMap;
use std::time::Instant;

use berth_engine::framework::{Code, Point};
use berth_engine::{AttemptResult, CycleId, Probe, QueueName};
use prometheus_client::metrics::counter::Counter;

use super::EngineMetrics;
use super::histogram::Histogram;

/// Of so many attempts the plugins of one are timed.
const SAMPLE_EVERY: u64 = 10;

/// Hears the engine and reads the clock for it.
///
/// Owned by the engine's thread. Series are resolved at first use and kept here, so that an
/// observation is a few relaxed atomic additions and no lock.
#[derive(Debug)]
pub struct Tally {
    metrics: EngineMetrics,
    /// When the extension point at hand began.
    point: Option<Instant>,
    /// When the plugin at hand was asked, in attempts that are sampled.
    plugin: Option<Instant>,
    /// Attempts begun: every tenth is sampled (`pluginMetricsSamplePercent`).
    attempts: u64,
    plugins: Vec<PluginSeries>,
    /// When the input at hand began.
    input: Option<Instant>,
    /// By event.
    inputs: Vec<(&'static str, Histogram)>,
    /// When the attempt at hand began.
    attempt: Option<Instant>,
    /// When the attempts began of cycles whose binds were not yet handed on: at most
    /// [`berth_engine::CYCLES_MAX`], and those of one step.
    starts: HashMap<CycleId, Instant>,
    profiles: Vec<ProfileSeries>,
    incoming: Vec<IncomingSeries>,
    /// Profiles that went, with the pods that waited for them and those of them that are told.
    gone: Vec<GoneProfile>,
    /// `pod_scheduling_sli_duration_seconds` for 1 to 14 attempts and more.
    sli: Vec<Histogram>,
}

/// A profile that a new configuration does not have any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneProfile {
    /// Its `schedulerName`.
    pub name: Box<str>,
    /// Pods that waited for it.
    pub pods: usize,
    /// Those of them that get a condition which says so.
    pub told: usize,
}

#[derive(Debug)]
struct ProfileSeries {
    name: Box<str>,
    points: Vec<(Point, Code, Histogram)>,
    evaluations: Vec<(Point, Box<str>, Counter)>,
}

#[derive(Debug)]
struct PluginSeries {
    plugin: Box<str>,
    point: Point,
    code: Code,
    duration: Histogram,
}

#[derive(Debug)]
struct IncomingSeries {
    queue: QueueName,
    event: Box<str>,
    pods: Counter,
    entities: Counter,
}

impl Tally {
    /// A tally that fills `metrics`.
    pub fn new(metrics: EngineMetrics) -> Self {
        let label = |attempts: usize| match attempts {
            15 => "15+".to_owned(),
            few => few.to_string(),
        };
        let sli = (1..=15).map(|attempts| metrics.pod_sli.with(&[&label(attempts)])).collect();
        Self {
            metrics,
            point: None,
            plugin: None,
            attempts: 0,
            plugins: Vec::new(),
            input: None,
            inputs: Vec::new(),
            attempt: None,
            starts: HashMap::new(),
            profiles: Vec::new(),
            incoming: Vec::new(),
            gone: Vec::new(),
            sli,
        }
    }

    /// Profiles that went since the last call.
    pub fn take_gone(&mut self) -> Vec<GoneProfile> {
        std::mem::take(&mut self.gone)
    }

    /// When the attempt began that led to the bind of this cycle; now, where it is not known.
    pub fn take_start(&mut self, cycle: CycleId) -> Instant {
        self.starts.remove(&cycle).unwrap_or_else(Instant::now)
    }

    /// Starts that wait for their binds.
    #[cfg(test)]
    pub(super) fn starts(&self) -> usize {
        self.starts.len()
    }

    /// The handles that this tally fills.
    pub fn metrics(&self) -> &EngineMetrics {
        &self.metrics
    }

    fn profile(&mut self, name: &str) -> &mut ProfileSeries {
        // A handful of profiles: looking through them costs less than hashing the name.
        let at = self.profiles.iter().position(|profile| *profile.name == *name);
        let at = at.unwrap_or_else(|| {
            self.profiles.push(ProfileSeries {
                name: name.into(),
                points: Vec::new(),
                evaluations: Vec::new(),
            });
            self.profiles.len() - 1
        });
        // In range: found, or just pushed.
        &mut self.profiles[at]
    }
}

fn seconds_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

impl Probe for Tally {
    fn begin(&mut self, _point: Point) {
        self.point = Some(Instant::now());
    }

    fn end(&mut self, point: Point, code: Code, profile: &str) {
        let Some(start) = self.point.take() else { return };
        let seconds = seconds_since(start);
        let family = self.metrics.extension_points.clone();
        let series = &mut self.profile(profile).points;
        let known = series.iter().find(|(p, c, _)| *p == point && *c == code);
        if let Some((_, _, histogram)) = known {
            return histogram.observe(seconds);
        }
        let histogram = family.with(&[point.as_str(), code.as_str(), profile]);
        histogram.observe(seconds);
        series.push((point, code, histogram));
    }

    fn evaluated(&mut self, plugin: &str, point: Point, nodes: usize, profile: &str) {
        let family = self.metrics.evaluations.clone();
        let series = &mut self.profile(profile).evaluations;
        let known = series.iter().find(|(p, name, _)| *p == point && **name == *plugin);
        if let Some((_, _, counter)) = known {
            counter.inc_by(nodes as u64);
            return;
        }
        let counter = family.with(&[plugin, point.as_str(), profile]);
        counter.inc_by(nodes as u64);
        series.push((point, plugin.into(), counter));
    }

    fn plugin_begins(&mut self) {
        if self.attempts.is_multiple_of(SAMPLE_EVERY) {
            self.plugin = Some(Instant::now());
        }
    }

    fn plugin_ends(&mut self, plugin: &str, point: Point, code: Code) {
        let Some(start) = self.plugin.take() else { return };
        let seconds = seconds_since(start);
        let is_it = |s: &&PluginSeries| s.point == point && s.code == code && *s.plugin == *plugin;
        if let Some(series) = self.plugins.iter().find(is_it) {
            return series.duration.observe(seconds);
        }
        let labels = [plugin, point.as_str(), code.as_str()];
        let duration = self.metrics.plugins.with(&labels);
        duration.observe(seconds);
        self.plugins.push(PluginSeries { plugin: plugin.into(), point, code, duration });
    }

    fn input_begins(&mut self) {
        self.input = Some(Instant::now());
    }

    fn input_ends(&mut self, event: &'static str) {
        let Some(start) = self.input.take() else { return };
        let seconds = seconds_since(start);
        if let Some((_, duration)) = self.inputs.iter().find(|(known, _)| *known == event) {
            return duration.observe(seconds);
        }
        let duration = self.metrics.events.with(&[event]);
        duration.observe(seconds);
        self.inputs.push((event, duration));
    }

    fn attempt_begins(&mut self, waited_ms: u64) {
        self.attempts += 1;
        self.metrics.queue_wait.observe(waited_ms as f64 / 1000.0);
        self.attempt = Some(Instant::now());
    }

    fn attempt_ends(&mut self, profile: &str, result: AttemptResult, _attempt: u32) {
        let Some(start) = self.attempt.take() else { return };
        let seconds = seconds_since(start);
        match result {
            // The binder counts it when the outcome is known.
            AttemptResult::Scheduled => {
                self.metrics.algorithm.observe(seconds);
            }
            AttemptResult::Unschedulable | AttemptResult::Error => {
                self.metrics.attempts.count(result.as_str(), profile, seconds);
            }
        }
    }

    fn cycle_begins(&mut self, cycle: CycleId) {
        self.starts.insert(cycle, self.attempt.unwrap_or_else(Instant::now));
    }

    fn cycle_fails(&mut self, cycle: CycleId, profile: &str, result: Option<AttemptResult>) {
        let start = self.take_start(cycle);
        if let Some(result) = result {
            self.metrics.attempts.count(result.as_str(), profile, seconds_since(start));
        }
    }

    fn permit_waited(&mut self, code: Code, waited_ms: u64) {
        self.metrics.permit_wait.with(&[code.as_str()]).observe(waited_ms as f64 / 1000.0);
    }

    fn pre_bind_ends(&mut self, code: Code, profile: &str, took_ms: u64) {
        let labels = [Point::PreBind.as_str(), code.as_str(), profile];
        self.metrics.extension_points.with(&labels).observe(took_ms as f64 / 1000.0);
    }

    fn incoming(&mut self, queue: QueueName, event: &str) {
        let known = self.incoming.iter().find(|s| s.queue == queue && *s.event == *event);
        if let Some(series) = known {
            series.pods.inc();
            series.entities.inc();
            return;
        }
        let series = IncomingSeries {
            queue,
            event: event.into(),
            pods: self.metrics.incoming_pods.with(&[queue.as_str(), event]),
            entities: self.metrics.incoming_entities.with(&[queue.as_str(), event, "pod"]),
        };
        series.pods.inc();
        series.entities.inc();
        self.incoming.push(series);
    }

    fn bound(&mut self, _profile: &str, attempts: u32, waited_ms: u64) {
        self.metrics.pod_attempts.observe(f64::from(attempts));
        let at = (attempts.clamp(1, 15) - 1) as usize;
        if let Some(histogram) = self.sli.get(at) {
            // Milliseconds since a start: exact in an f64 for 285,000 years.
            histogram.observe(waited_ms as f64 / 1000.0);
        }
    }

    fn profile_gone(&mut self, profile: &str, pods: usize, told: usize) {
        self.gone.push(GoneProfile { name: profile.into(), pods, told });
    }

    fn scheduled_after_flush(&mut self) {
        self.metrics.after_flush.inc();
    }
}
