//! The tables of the report.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::bench::chart::short;
use crate::bench::contestant::Contestant::{self, Berth, BerthPlain, KubeScheduler};
use crate::bench::engine::{EngineMeasurement, EngineResults};
use crate::bench::figures::Figures;
use crate::bench::statistics::Spread;
use crate::bench::summary::{Shape, Summary};
use crate::bench::sweep;

/// A column's heading and figure.
type Column = (&'static str, fn(&Figures) -> Option<f64>);

const COLUMNS: [Column; 9] = [
    ("pods/s", |one| Some(one.rate())),
    ("pods/s from the first bind", |one| Some(one.rate_from_first())),
    ("CPU ms a pod", |one| one.cpu_ms_per_pod()),
    ("peak MiB", |one| one.peak_mib()),
    ("P50 s", |one| Some(one.latency_p50_ms / 1000.0)),
    ("P99 s", |one| Some(one.latency_p99_ms / 1000.0)),
    ("last bind s", |one| Some(one.last_bind_ms / 1000.0)),
    ("last event s", |one| one.last_event_ms.map(|ms| ms / 1000.0)),
    ("events missing", |one| Some(one.events_missing as f64)),
];

/// Columns whose ratio of the two schedulers says something: all but the missing events.
const RATIOS: usize = COLUMNS.len() - 1;

/// `CASE/WORKLOAD` in words: `plain, 5,000 nodes, 10,000 pods`.
pub(super) fn short_name(name: &str) -> String {
    let (case, workload) = name.split_once('/').unwrap_or((name, ""));
    let part = |part: &str| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = part.split_at(digits);
        match number.parse::<f64>() {
            Ok(number) => {
                format!("{} {}", crate::bench::bars::thousands(number), unit.to_lowercase())
            }
            Err(_) => part.to_owned(),
        }
    };
    // 5,000 nodes are what every shape has that says nothing else.
    let parts: Vec<String> = workload
        .split('_')
        .filter(|part| !part.is_empty() && *part != "5000Nodes")
        .map(part)
        .collect();
    if parts.is_empty() { case.to_owned() } else { format!("{case}, {}", parts.join(", ")) }
}

/// Both schedulers, shape by shape, with the ratio below.
pub(super) fn schedulers(summary: &Summary<'_>) -> String {
    let headings: Vec<&str> = COLUMNS.iter().map(|(heading, _)| *heading).collect();
    let mut table = format!("| Shape | | rounds | {} |\n|---|---|--:|", headings.join(" | "));
    table.push_str(&"--:|".repeat(COLUMNS.len()));
    table.push('\n');
    for (name, shape) in summary.shapes().filter(|(_, shape)| shape.pods() > 0) {
        let mut label = short_name(name);
        for who in [Berth, BerthPlain, KubeScheduler] {
            let rounds = shape.rounds(who).count();
            if rounds > 0 {
                let cells = COLUMNS.map(|(_, figure)| cell(shape.spread(who, figure)));
                let _ = writeln!(
                    table,
                    "| {label} | {} | {rounds} | {} |",
                    who.name(),
                    cells.join(" | ")
                );
                label.clear();
            }
        }
        let ratios: Vec<String> = COLUMNS[..RATIOS]
            .iter()
            .map(|(_, figure)| shape.ratio(Berth, KubeScheduler, figure))
            .map(|ratio| ratio.map_or_else(String::new, |ratio| format!("× {}", short(ratio))))
            .collect();
        if ratios.iter().any(|ratio| !ratio.is_empty()) {
            let _ = writeln!(table, "| | *ratio* | | {} | |", ratios.join(" | "));
        }
    }
    table.push_str(
        "\nPods are there before the scheduler starts, except in shapes that say `arriving`. Times \
         are from the start of the scheduler's process; P50 and P99 are from when a pod could be \
         scheduled until the watch shows its node, so that with a burst they tell how long the \
         burst takes.\n",
    );
    table
}

pub(super) fn cell(spread: Option<Spread>) -> String {
    match spread {
        None => "–".to_owned(),
        Some(one) if one.low == one.high => short(one.median),
        Some(one) => format!("{} ({}–{})", short(one.median), short(one.low), short(one.high)),
    }
}

/// Shapes and plain pods right beside them.
pub(super) fn pairs(summary: &Summary<'_>) -> String {
    let mut rows = String::new();
    for (name, shape) in summary.shapes() {
        let Some(ratio) = shape.paired(Berth, BerthPlain, Figures::rate) else { continue };
        let percent = |ratio: f64| format!("{:.0}", ratio * 100.0);
        let (median, low, high) = (percent(ratio.median), percent(ratio.low), percent(ratio.high));
        let (name, pairs) = (short_name(name), ratio.count);
        let _ = writeln!(rows, "| {name} | {pairs} | {median} % ({low}–{high}) |");
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "Berth with the shape's pods and with as many plain ones, one right behind the other on \
         the same nodes, first the one and next time the other: pods a second of the shape by \
         those of plain pods, pair by pair.\n\n\
         | Shape | Pairs | of plain pods' |\n|---|--:|--:|\n{rows}"
    )
}

/// What the flooders found.
pub(super) fn ceilings(summary: &Summary<'_>) -> String {
    let mut table = String::new();
    for (name, shape) in summary.shapes() {
        let (binds, both) = (row(shape, Contestant::Binds), row(shape, Contestant::BindsAndEvents));
        for (what, row) in [("bare binds", binds), ("binds with an event each", both)] {
            let Some(row) = row else { continue };
            let _ = writeln!(table, "| {} | {what} | {row} |", short_name(name));
        }
        let swept = sweep::medians(shape).into_iter();
        let rates: Vec<String> = swept.map(|(n, rate)| format!("{n}: {rate:.0}/s")).collect();
        if !rates.is_empty() {
            let _ = writeln!(table, "| {} | tried | {} | |", short_name(name), rates.join(", "));
        }
    }
    if table.is_empty() {
        return table;
    }
    format!(
        "Placements are computed, bodies encoded and connections open beforehand, and the same \
         watches are open. What was tried is told by medians over the rounds' sweeps.\n\n\
         | Shape | | Requests in flight | per second |\n|---|---|--:|--:|\n{table}"
    )
}

fn row(shape: &Shape<'_>, who: Contestant) -> Option<String> {
    // The sweep of a later round may have found another number best.
    let numbers: BTreeSet<usize> = shape.rounds(who).filter_map(|one| one.in_flight).collect();
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    let rate =
        |one: &Figures| if who.writes_events() { one.event_rate() } else { Some(one.rate()) };
    let rates = shape.spread(who, rate);
    (!numbers.is_empty()).then(|| format!("{} | {}", numbers.join(", "), cell(rates)))
}

/// Starts on clusters that were full already.
pub(super) fn starts(summary: &Summary<'_>) -> String {
    let columns: [Column; 5] = [
        ("first bind s", |one| Some(one.first_bind_ms / 1000.0)),
        ("plain list s", |one| one.list.map(|list| list.ms / 1000.0)),
        ("list MiB", |one| one.list.map(|list| list.bytes as f64 / f64::from(1 << 20))),
        ("peak MiB", |one| one.peak_mib()),
        ("peak bytes a pod", |one| one.bytes_per_pod()),
    ];
    let mut rows = String::new();
    for (name, shape) in summary.shapes() {
        for who in [Berth, KubeScheduler] {
            let Some(first) = shape.rounds(who).next().filter(|one| one.bound_before > 0) else {
                continue;
            };
            let bound = crate::bench::bars::thousands(first.bound_before as f64);
            let cells = columns.map(|(_, figure)| cell(shape.spread(who, figure)));
            let name = short_name(name);
            let _ = writeln!(rows, "| {name} | {} | {bound} | {} |", who.name(), cells.join(" | "));
        }
    }
    if rows.is_empty() {
        return rows;
    }
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    format!(
        "| Shape | | bound pods | {} |\n|---|---|--:|{}\n{rows}\n\
         The plain list is what a client that only reads takes for all pods, before the scheduler \
         starts. Bytes a pod are peak memory by pods, with everything else in it.\n",
        headings.join(" | "),
        "--:|".repeat(columns.len())
    )
}

/// The engine's own measurements.
pub(super) fn engine(results: &EngineResults) -> String {
    if results.all().is_empty() {
        return String::new();
    }
    let mut table =
        "| Case | nodes | threads | pods | decisions/s | ns a decision | bytes a node | \
                     bytes a pod |\n|---|--:|--:|--:|--:|--:|--:|--:|\n"
            .to_owned();
    let mut sorted: Vec<&EngineMeasurement> = results.all().iter().collect();
    sorted.sort_by_key(|one| (&one.name, one.nodes, one.threads));
    for one in sorted {
        let count = |number: usize| crate::bench::bars::thousands(number as f64);
        let bytes = |bytes: Option<f64>| bytes.map_or_else(|| "–".to_owned(), short);
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            one.name,
            count(one.nodes),
            one.threads,
            count(one.pods),
            short(one.decisions_per_s),
            short(one.ns_per_decision),
            bytes(one.bytes_per_node),
            bytes(one.bytes_per_pod)
        );
    }
    table
}
