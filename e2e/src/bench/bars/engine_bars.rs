//! The bars of the engine alone.

use super::{Bar, Part, bar, worst};
use crate::bench::engine::EngineResults;

/// Cases of affinity and spread.
const TERMS: [&str; 4] = ["zone-affinity", "host-anti", "zone-spread", "host-spread"];

/// Cases whose cost is followed as the cluster grows.
const GROWTH: [&str; 5] = ["one-class", "zone-affinity", "host-anti", "zone-spread", "host-spread"];

const PODS_OF_RECORD: usize = 1_000_000;

pub(super) fn bars(engine: &EngineResults) -> Vec<Bar> {
    vec![
        rates(engine, "engine, one class, 5,000 nodes, one core", &["one-class"], 500_000.0),
        rates(engine, "engine, 1,000 classes, 5,000 nodes", &["classes-1000"], 50_000.0),
        rates(engine, "engine, affinity, anti-affinity, spread, 5,000 nodes", &TERMS, 100_000.0),
        growth(engine),
        record(engine),
    ]
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
