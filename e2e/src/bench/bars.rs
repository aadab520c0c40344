//! What Berth is to reach, and what it reaches.

use super::contestant::Contestant::{self, Berth, BerthPlain, KubeScheduler};
use super::engine::EngineResults;
use super::figures::Figures;
use super::summary::{Shape, Summary};

mod amid_binds;
mod engine_bars;

pub(super) use engine_bars::thousands;

/// The shape that the API server's ceiling is found for.
const PLAIN: &str = "plain/5000Nodes_10000Pods";

/// The start on a full cluster.
const START: &str = "start/5000Nodes_150000Pods";

/// As many pods as [`PLAIN`], of other kinds.
const OF_OTHER_KINDS: [&str; 5] = [
    "node-affinity/5000Nodes_10000Pods",
    "zone-affinity/5000Nodes_10000Pods",
    "host-anti-affinity/5000Nodes_10000Pods",
    "zone-spread/5000Nodes_10000Pods",
    "hostname-spread/5000Nodes_10000Pods",
];

/// How a bar came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Reached.
    Met,
    /// Not reached.
    NotMet,
    /// A figure is not there.
    NotMeasured,
}

impl Verdict {
    /// For tables.
    pub fn text(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "**not met**",
            Self::NotMeasured => "not measured",
        }
    }
}

/// A bar beside its figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// What is held against it.
    pub what: String,
    /// The bar.
    pub bar: String,
    /// The figure, in words.
    pub figure: String,
    /// How it came out.
    pub verdict: Verdict,
}

/// One part of a bar: where it was measured, and how much there is of it.
type Part<'a> = (&'a str, Option<f64>);

/// Every bar.
pub fn bars(summary: &Summary<'_>, engine: &EngineResults) -> Vec<Bar> {
    let mut bars = vec![
        ceiling(summary, "plain pods/s from start to last bind, of bare binds", |one| {
            Some(one.rate())
        }),
        ceiling(summary, "the same from first to last bind", |one| Some(one.rate_from_first())),
        to_last_event(summary),
        same_as_plain(summary),
        cpu(summary, "scheduler CPU per pod, plain", 15.0, &[PLAIN]),
        cpu(summary, "scheduler CPU per pod, affinity and spread", 50.0, &OF_OTHER_KINDS),
        memory(summary),
        amid_binds::told(summary),
        amid_binds::binds(summary),
    ];
    bars.extend(engine_bars::bars(engine));
    bars.push(first_bind(summary));
    bars
}

fn ceiling(
    summary: &Summary<'_>,
    what: &str,
    rate: impl Fn(&Figures) -> Option<f64> + Copy,
) -> Bar {
    let figures = summary.shape(PLAIN).and_then(|plain| {
        Some((plain.spread(Berth, rate)?.median, plain.spread(Contestant::Binds, rate)?.median))
    });
    let words = |(own, most): (f64, f64)| format!("{own:.0} of {most:.0}: {}", percent(own / most));
    let verdict = figures.map(|(own, most)| own / most >= 0.9);
    bar(what, "≥ 90 %", figures.map(words), verdict)
}

fn to_last_event(summary: &Summary<'_>) -> Bar {
    let missing =
        |plain: &Shape<'_>| plain.rounds(Berth).map(|one| one.events_missing).sum::<usize>();
    let figures = summary.shape(PLAIN).and_then(|plain| {
        let most = plain.spread(Contestant::BindsAndEvents, Figures::event_rate)?.median;
        let own = plain.spread(Berth, |one| {
            let last = one.last_event_ms?.max(one.last_bind_ms);
            Some((one.pods - one.events_missing) as f64 * 1000.0 / last)
        })?;
        Some((own.median, most, missing(plain)))
    });
    let words = |(own, most, missing): (f64, f64, usize)| {
        format!("{own:.0} of {most:.0}: {}, {missing} missing", percent(own / most))
    };
    let verdict = figures.map(|(own, most, missing)| own / most >= 0.9 && missing == 0);
    let what = "plain pods/s to the last event, of binds with an event each";
    bar(what, "≥ 90 %, none missing", figures.map(words), verdict)
}

/// Of plain pods on the same nodes, right before or behind: half an hour away, as [`PLAIN`] is, the
/// same pods at the same server differ by a third.
fn same_as_plain(summary: &Summary<'_>) -> Bar {
    let ratio = |shape: &Shape<'_>| shape.paired(Berth, BerthPlain, Figures::rate);
    let parts: Vec<Part<'_>> = OF_OTHER_KINDS
        .iter()
        .map(|name| (*name, summary.shape(name).and_then(ratio).map(|one| one.median)))
        .collect();
    let what = "affinity, anti-affinity, spread pods/s, of plain pods' right beside";
    worst(what, "≥ 85 %", &parts, percent, |ratio| ratio >= 0.85)
}

fn cpu(summary: &Summary<'_>, what: &str, least: f64, shapes: &[&'static str]) -> Bar {
    let parts: Vec<Part<'_>> = shapes
        .iter()
        .map(|name| {
            let shape = summary.shape(name);
            (*name, shape.and_then(|one| one.ratio(KubeScheduler, Berth, Figures::cpu_ms_per_pod)))
        })
        .collect();
    let text = |ratio: f64| format!("1/{ratio:.0}");
    let limit = format!("≤ 1/{least:.0} of kube-scheduler's");
    worst(what, &limit, &parts, text, |ratio| ratio >= least)
}

fn memory(summary: &Summary<'_>) -> Bar {
    let shape = summary.shape(PLAIN);
    let ratio = shape.and_then(|one| one.ratio(KubeScheduler, Berth, Figures::peak_mib));
    let words = shape.zip(ratio).and_then(|(shape, ratio)| {
        let own = shape.spread(Berth, Figures::peak_mib)?.median;
        let peer = shape.spread(KubeScheduler, Figures::peak_mib)?.median;
        Some(format!("{own:.0} of {peer:.0} MiB: 1/{ratio:.1}"))
    });
    let what = "peak memory, 5,000 nodes and 10,000 pods";
    bar(what, "≤ 1/5 of kube-scheduler's", words, ratio.map(|ratio| ratio >= 5.0))
}

fn first_bind(summary: &Summary<'_>) -> Bar {
    let figures = summary.shape(START).and_then(|shape| {
        let first = shape.spread(Berth, |one| Some(one.first_bind_ms / 1000.0))?.median;
        let list = shape.spread(Berth, |one| one.list.map(|list| list.ms / 1000.0));
        Some((first, list.map(|list| list.median)))
    });
    let words = |(first, list): (f64, Option<f64>)| match list {
        Some(list) => format!("{first:.1} s; a plain client's list alone takes {list:.1} s"),
        None => format!("{first:.1} s"),
    };
    let verdict = figures.map(|(first, _)| first <= 5.0);
    bar("first bind, 5,000 nodes and 150,000 bound pods", "≤ 5 s", figures.map(words), verdict)
}

/// A bar of several parts: each part is told, and each must reach it. Where a part is missing the
/// bar is missed or not measured, never met.
fn worst(
    what: &str,
    limit: &str,
    parts: &[Part<'_>],
    text: impl Fn(f64) -> String,
    reached: impl Fn(f64) -> bool,
) -> Bar {
    let tell = |(name, value): &Part<'_>| {
        let name = name.split('/').next().unwrap_or_default();
        format!("{name} {}", value.map_or_else(|| "–".to_owned(), &text))
    };
    let figure = parts.iter().map(tell).collect::<Vec<_>>().join(", ");
    let all: Option<Vec<f64>> = parts.iter().map(|(_, value)| *value).collect();
    let missed = parts.iter().any(|(_, value)| value.is_some_and(|value| !reached(value)));
    let verdict = if missed { Some(false) } else { all.map(|_| true) };
    bar(what, limit, Some(figure), verdict)
}

fn bar(what: &str, limit: &str, figure: Option<String>, reached: Option<bool>) -> Bar {
    Bar {
        what: what.to_owned(),
        bar: limit.to_owned(),
        figure: figure.unwrap_or_else(|| "–".to_owned()),
        verdict: match reached {
            Some(true) => Verdict::Met,
            Some(false) => Verdict::NotMet,
            None => Verdict::NotMeasured,
        },
    }
}

fn percent(ratio: f64) -> String {
    format!("{:.0} %", ratio * 100.0)
}

#[cfg(test)]
mod tests;
