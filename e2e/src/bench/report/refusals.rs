//! The table of pods that fit nowhere.

use std::fmt::Write as _;

use super::tables::{cell, short_name};
use crate::bench::contestant::Contestant::{Berth, KubeScheduler};
use crate::bench::refusals::RefusalFigures;
use crate::bench::summary::Summary;

/// A column's heading and figure.
type Column = (&'static str, fn(&RefusalFigures) -> f64);

const COLUMNS: [Column; 7] = [
    ("condition P50 s", |one| one.condition_p50_ms / 1000.0),
    ("condition max s", |one| one.condition_max_ms / 1000.0),
    ("event P50 s", |one| one.event_p50_ms / 1000.0),
    ("event max s", |one| one.event_max_ms / 1000.0),
    ("conditions missing", |one| one.conditions_missing as f64),
    ("events missing", |one| one.events_missing as f64),
    ("binds to come", |one| one.binds_to_come as f64),
];

/// How soon they were told; nothing where no shape has such pods.
pub(super) fn table(summary: &Summary<'_>) -> String {
    let mut rows = String::new();
    for (name, shape) in summary.shapes() {
        for who in [Berth, KubeScheduler] {
            let Some(pods) = shape.rounds(who).find_map(|one| one.refusals).map(|one| one.pods)
            else {
                continue;
            };
            let cells = COLUMNS.map(|(_, figure)| {
                cell(shape.spread(who, |one| one.refusals.as_ref().map(figure)))
            });
            let name = short_name(name);
            let _ = writeln!(rows, "| {name} | {} | {pods} | {} |", who.name(), cells.join(" | "));
        }
    }
    if rows.is_empty() {
        return rows;
    }
    let headings = COLUMNS.map(|(heading, _)| heading).join(" | ");
    format!(
        "Seconds from the verdict, whose time the event bears, until a watch shows the pod's \
         condition and the event; binds to come are those behind the last condition.\n\n\
         | Shape | | pods | {headings} |\n|---|---|--:|{}\n{rows}",
        "--:|".repeat(COLUMNS.len())
    )
}
