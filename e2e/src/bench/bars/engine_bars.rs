//! The bars of the engine alone.

use super::{Bar, Part, bar, percent, worst};
use crate::bench::engine::{CrowdCosts, EngineResults};

/// Cases of affinity and spread.
const TERMS: [&str; 4] = ["zone-affinity", "host-anti", "zone-spread", "host-spread"];

/// Cases whose cost is followed as the cluster grows.
const GROWTH: [&str; 5] = ["one-class", "zone-affinity", "host-anti", "zone-spread", "host-spread"];

/// Why crowds wait, and of how many classes.
const CROWDS: [&str; 5] = ["cpu", "node", "near", "apart", "spread"];
const CROWD_CLASSES: [usize; 3] = [1, 1_000, 20_000];

/// A step in which waiting classes are looked at is no longer than one of 32 plain scans, which
/// take up to a millisecond each.
const LONGEST_STEP_MS: f64 = 50.0;

const PODS_OF_RECORD: usize = 1_000_000;

pub(super) fn bars(engine: &EngineResults) -> Vec<Bar> {
    vec![
        rates(engine, "engine, one class, 5,000 nodes, one core", &["one-class"], 500_000.0),
        rates(engine, "engine, 1,000 classes, 5,000 nodes", &["classes-1000"], 50_000.0),
        rates(engine, "engine, affinity, anti-affinity, spread, 5,000 nodes", &TERMS, 100_000.0),
        growth(engine),
        record(engine),
        crowd(engine, "plain pods beside 100,000 that wait", "≥ 80 %", percent, |costs| {
            (costs.ratio, costs.ratio >= 0.8)
        }),
        crowd(engine, "an event that none of them waits for", "+ ≤ 5 µs", micros, |costs| {
            (costs.idle_us, costs.idle_us <= 5.0)
        }),
        crowd(engine, "one that helps one class: placed in step", "1", whole, |costs| {
            (costs.helped_in_steps as f64, costs.helped_in_steps == 1)
        }),
        crowd(engine, "one that all wait for: longest step", "≤ 50 ms", millis, |costs| {
            (costs.longest_step_ms, costs.longest_step_ms <= LONGEST_STEP_MS)
        }),
        crowd(engine, "memory of a pod that waits", "≤ 4 kB", whole, |costs| {
            (costs.bytes_per_waiting, costs.bytes_per_waiting <= 4_096.0)
        }),
    ]
}

fn micros(time: f64) -> String {
    format!("{time:.1}")
}

fn millis(time: f64) -> String {
    format!("{time:.0}")
}

fn whole(number: f64) -> String {
    format!("{number:.0}")
}

/// A bar of all crowds at 5,000 nodes; of each kind the worst of the three numbers of classes is
/// told.
fn crowd(
    engine: &EngineResults,
    what: &str,
    limit: &str,
    text: impl Fn(f64) -> String,
    of: impl Fn(&CrowdCosts) -> (f64, bool),
) -> Bar {
    let mut figures = Vec::new();
    let mut verdict = Some(true);
    for kind in CROWDS {
        let costs = CROWD_CLASSES.map(|classes| {
            let measured = engine.find(&format!("crowd-{kind}-{classes}"), 5_000, 1)?;
            measured.crowd.as_ref().map(&of)
        });
        let known: Vec<(f64, bool)> = costs.iter().flatten().copied().collect();
        let missed = known.iter().find(|(_, reached)| !reached);
        let shown = missed.or(known.last()).map_or_else(|| "–".to_owned(), |(of, _)| text(*of));
        figures.push(format!("{kind} {shown}"));
        if missed.is_some() {
            verdict = Some(false);
        } else if known.len() < CROWD_CLASSES.len() {
            verdict = verdict.filter(|reached| !reached);
        }
    }
    bar(&format!("engine, {what}, 5,000 nodes"), limit, Some(figures.join(", ")), verdict)
}

fn rates(engine: &EngineResults, what: &str, cases: &[&'static str], least: f64) -> Bar {
    let rate = |name: &str| engine.find(name, 5000, 1).map(|one| one.decisions_per_s);
    let parts: Vec<Part<'_>> = cases.iter().map(|name| (*name, rate(name))).collect();
    let limit = format!("≥ {} decisions/s", thousands(least));
    worst(what, &limit, &parts, thousands, |rate| rate >= least)
}

fn growth(engine: &EngineResults) -> Bar {
    let cost =
        |name: &str, nodes: usize| engine.find(name, nodes, 1).map(|one| one.ns_per_decision);
    let part = |name: &'static str| {
        (name, cost(name, 100_000).zip(cost(name, 1000)).map(|(large, small)| large / small))
    };
    let parts: Vec<Part<'_>> = GROWTH.map(part).to_vec();
    let text = |ratio: f64| format!("{ratio:.1} ×");
    worst("engine, cost per pod, 1k to 100k nodes", "≤ 2 ×", &parts, text, |ratio| ratio <= 2.0)
}

fn record(engine: &EngineResults) -> Bar {
    let large = |nodes: usize, pods: usize| nodes >= PODS_OF_RECORD && pods >= PODS_OF_RECORD;
    // By as many threads as do best: where cores share what they have, that is one.
    let measured = engine.of_case("record").filter(|one| large(one.nodes, one.pods));
    let times = measured.filter_map(|one| Some((one.placing_seconds()?, one.seconds?[0], one)));
    let seconds = times.min_by(|a, b| a.0.total_cmp(&b.0));
    let words = seconds.map(|(placing, loading, one)| {
        let threads =
            if one.threads == 1 { "1 thread" } else { &format!("{} threads", one.threads) };
        format!("{placing:.1} s by {threads}, and {loading:.1} s to load nodes")
    });
    let what = "engine, 1M pods as 100 Jobs on 1M nodes";
    bar(what, "≤ 15 s on 2 cores", words, seconds.map(|(placing, ..)| placing <= 15.0))
}

/// `1,234,567`.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
