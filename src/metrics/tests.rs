#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering::Relaxed;

use berth_engine::framework::{Code, Point};
use berth_engine::{AttemptResult, CycleId, Probe, QueueName};

use super::*;
use crate::watch::Kind;

fn plain(metrics: &Metrics) -> String {
    metrics.encode(None).body
}

fn metrics() -> Metrics {
    Metrics::new(Arc::default())
}

#[test]
fn all_are_registered() {
    let (_, mut names) = Metrics::build(Arc::default());
    names.sort_unstable();
    let mut listed: Vec<_> = list().iter().map(|metric| metric.name).collect();
    listed.sort_unstable();
    assert_eq!(names, listed);
}

/// Uses every series once, then holds the exposition's `TYPE` lines against the catalogue.
#[test]
fn the_exposition_has_the_catalogues_types() {
    let metrics = metrics();
    let mut tally = Tally::new(metrics.engine.clone());
    one_attempt(&mut tally, AttemptResult::Error);
    tally.incoming(QueueName::Active, "UnscheduledPodAdd");
    for _ in 1..10 {
        one_attempt(&mut tally, AttemptResult::Error);
    }
    tally.input_begins();
    tally.input_ends("NodeAdd");
    tally.permit_waited(Code::Success, 5);
    metrics.engine.refused.with(&["Evict"]).inc();
    metrics.engine.rejections.family.with(&["NodeName", "berth"]);
    metrics.lease.with(&["berth-berth"]);
    let text = plain(&metrics);
    for metric in list() {
        let line = format!("# TYPE {} {}", metric.name, metric.kind.as_str());
        assert!(text.lines().any(|l| l == line), "missing: {line}\n{text}");
    }
    let typed = text.lines().filter(|l| l.starts_with("# TYPE ")).count();
    assert_eq!(typed, list().len());
}

#[test]
fn every_tenth_attempt_times_its_plugins() {
    let metrics = metrics();
    let mut tally = Tally::new(metrics.engine.clone());
    for _ in 0..30 {
        one_attempt(&mut tally, AttemptResult::Unschedulable);
    }
    let text = plain(&metrics);
    let series = "{plugin=\"NodeName\",extension_point=\"PreFilter\",status=\"Success\"} 3\n";
    let name = "scheduler_plugin_execution_duration_seconds_count";
    assert!(text.contains(&format!("{name}{series}")), "{text}");
    assert!(text.contains("berth_queue_wait_seconds_count 30\n"), "{text}");
}

fn one_attempt(tally: &mut Tally, result: AttemptResult) {
    tally.attempt_begins(3);
    tally.plugin_begins();
    tally.plugin_ends("NodeName", Point::PreFilter, Code::Success);
    tally.begin(Point::Filter);
    tally.evaluated("NodeName", Point::Filter, 7, "berth");
    tally.end(Point::Filter, Code::Success, "berth");
    if result == AttemptResult::Scheduled {
        tally.cycle_begins(CycleId(1));
    }
    tally.attempt_ends("berth", result, 1);
}

#[test]
fn attempts_count_where_they_end() {
    let metrics = metrics();
    let mut tally = Tally::new(metrics.engine.clone());
    one_attempt(&mut tally, AttemptResult::Unschedulable);
    one_attempt(&mut tally, AttemptResult::Scheduled);
    let text = plain(&metrics);
    let has = |line: &str| assert!(text.contains(line), "missing {line}\n{text}");
    has("scheduler_schedule_attempts_total{result=\"unschedulable\",profile=\"berth\"} 1\n");
    has("scheduler_plugin_evaluation_total{plugin=\"NodeName\",extension_point=\"Filter\",\
         profile=\"berth\"} 14\n");
    has("scheduler_framework_extension_point_duration_seconds_count{extension_point=\"Filter\",\
         status=\"Success\",profile=\"berth\"} 2\n");
    has("scheduler_scheduling_algorithm_duration_seconds_count 1\n");
    // The one with a node counts when its bind ends, with the start kept for it.
    assert!(!text.contains("result=\"scheduled\""));
    let before = tally.take_start(CycleId(1));
    assert!(before < tally.take_start(CycleId(1)), "it is given once, and another bind starts now");
    metrics.bind.attempts.count("scheduled", "berth", 0.5);
    assert!(plain(&metrics).contains("{result=\"scheduled\",profile=\"berth\"} 1\n"));
}

#[test]
fn bound_pods_by_attempts() {
    let metrics = metrics();
    let mut tally = Tally::new(metrics.engine.clone());
    for (attempts, waited_ms) in [(1, 5), (14, 20), (15, 20), (400, 20)] {
        tally.bound("berth", attempts, waited_ms);
    }
    let text = plain(&metrics);
    for (label, bound) in [("1", 1), ("14", 1), ("15+", 2)] {
        let name = "scheduler_pod_scheduling_sli_duration_seconds_count";
        assert!(text.contains(&format!("{name}{{attempts=\"{label}\"}} {bound}\n")), "{text}");
    }
    assert!(text.contains("scheduler_pod_scheduling_attempts_bucket{le=\"16.0\"} 3\n"), "{text}");
}

#[test]
fn watches_are_read_when_scraped() {
    let stats = Arc::new(WatchStats::default());
    let metrics = Metrics::new(Arc::clone(&stats));
    stats.of(Kind::Node).suppressed.fetch_add(9, Relaxed);
    stats.of(Kind::Pod).modified.fetch_add(2, Relaxed);
    stats.of(Kind::Pod).decode_nanos.fetch_add(1_500_000_000, Relaxed);
    let text = plain(&metrics);
    for line in [
        "berth_watch_suppressed_total{kind=\"Node\"} 9\n",
        "berth_watch_events_total{kind=\"Pod\",type=\"modified\"} 2\n",
        "berth_watch_decode_seconds_total{kind=\"Pod\"} 1.5\n",
        "berth_bind_outcomes_total{outcome=\"not_bound\"} 0\n",
    ] {
        assert!(text.contains(line), "missing {line}\n{text}");
    }
}

/// A real engine with the default plugins: one node with room for one of two pods.
#[test]
fn an_engine_fills_the_tally() {
    use berth_engine::record::{Container, NodeRecord, PodRecord, PodSpec, Quantity};
    use berth_engine::{Effect, Engine, Input};

    let metrics = metrics();
    let mut tally = Tally::new(metrics.engine.clone());
    let registry = berth_plugins::in_tree().unwrap();
    let config = crate::config::default_engine_config(&registry).unwrap();
    let cpu = |milli| [("cpu", Quantity::from_milli(milli))];
    let spec = Arc::new(PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![Container::requesting(cpu(700))],
        ..PodSpec::default()
    });
    let mut allocatable: Vec<_> = cpu(1000).to_vec();
    allocatable.push(("pods", Quantity::from_milli(110_000)));
    let node = NodeRecord {
        name: "n1".into(),
        allocatable: allocatable.into_iter().collect(),
        ..NodeRecord::default()
    };
    let pod = |name: &str| {
        Input::PodApplied(Box::new(PodRecord::new("ns", name, name, Arc::clone(&spec))))
    };
    let mut engine = Engine::new(None);
    let mut effects = Vec::new();
    let inputs =
        [Input::Config(Arc::new(config)), Input::NodeApplied(Arc::new(node)), pod("a"), pod("b")];
    engine.step(inputs, 1_000, &mut effects, &mut tally);
    let binds = effects.iter().filter(|e| matches!(e, Effect::Bind { .. })).count();
    assert_eq!((binds, tally.starts()), (1, 1), "{effects:?}");
    metrics.engine.show(&engine);
    let text = plain(&metrics);
    for line in [
        "scheduler_pending_pods{queue=\"unschedulable\"} 1\n",
        "scheduler_queued_entities{queue=\"unschedulable\",type=\"pod\"} 1\n",
        "scheduler_cache_size{type=\"nodes\"} 1\n",
        "scheduler_event_handling_duration_seconds_count{event=\"NodeAdd\"} 1\n",
        "scheduler_event_handling_duration_seconds_count{event=\"UnscheduledPodAdd\"} 2\n",
        "scheduler_cache_size{type=\"assumed_pods\"} 1\n",
        "scheduler_queue_incoming_pods_total{queue=\"active\",event=\"UnscheduledPodAdd\"} 2\n",
        "scheduler_schedule_attempts_total{result=\"unschedulable\",profile=\"berth\"} 1\n",
        "scheduler_unschedulable_pods{plugin=\"NodeResourcesFit\",profile=\"berth\"} 1\n",
    ] {
        assert!(text.contains(line), "missing {line}\n{text}");
    }
}
