//! What the demo says at its end: how fast, how full, and why some pods wait.

use std::time::Duration;

use super::latency::Latency;
use super::ledger::Waiting;
use super::picture::Picture;
use super::progress::title;
use super::terminal::Abilities;
use super::text::{Line, Paint, count, duration, grouped, plural, wrap};
use super::workload::Group;

/// Reasons shown; a cluster too small for its Jobs has one per group, often changing.
const REASONS_MAX: usize = 8;

/// Rates are given over no shorter time.
const RATE_OVER_MIN: Duration = Duration::from_millis(50);

/// Columns before a message.
const INDENT: usize = 4;

/// How fast pods were bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Pods bound of the Jobs that were submitted at once.
    pub(super) bound: usize,
    /// From the first pod's creation to the last of these binds.
    pub(super) took: Duration,
    /// Binds in the best second.
    pub(super) best: usize,
}

impl Pace {
    /// Binds per second on average.
    fn rate(&self) -> usize {
        let seconds = self.took.as_secs_f64();
        if seconds == 0.0 { 0 } else { (self.bound as f64 / seconds).round() as usize }
    }
}

/// Why some pods wait.
#[derive(Debug, Clone)]
pub(super) struct Reason {
    pub(super) waiting: Waiting,
    /// Note of the newest `FailedScheduling` event of the example.
    pub(super) event: Option<String>,
}

/// Everything there is to say.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    pub(super) groups: &'a [Group],
    pub(super) picture: Picture<'a>,
    pub(super) pace: Option<Pace>,
    /// Of the Jobs that were submitted at once.
    pub(super) burst: Option<Latency>,
    /// Of the small Jobs that came one by one.
    pub(super) single: Option<Latency>,
    /// Pods bound twice.
    pub(super) moved: usize,
    pub(super) reasons: &'a [Reason],
}

impl Summary<'_> {
    /// All lines.
    pub(super) fn lines(&self, abilities: Abilities) -> Vec<Line> {
        let mut lines = heading("How full the nodes are");
        lines.extend(self.picture.cells(abilities));
        lines.push(Line::default());
        lines.extend(self.picture.table());
        lines.extend(heading("How fast"));
        lines.extend(self.pace());
        lines.extend(heading("Why pods wait"));
        lines.extend(self.waiting(abilities));
        lines.push(Line::default());
        lines.push(self.checks());
        lines
    }

    fn pace(&self) -> Vec<Line> {
        let Some(pace) = self.pace else { return vec![Line::plain("no pod was bound")] };
        let (pods, took) = (plural(pace.bound, "pod"), duration(pace.took));
        let mut line = Line::plain(format!("{pods} bound in {took}"));
        // A handful of pods has no rate.
        if pace.took > RATE_OVER_MIN {
            line.push(Paint::Plain, ": ");
            line.push(Paint::Bold, format!("{} pods/s", count(pace.rate())));
        }
        if pace.took > Duration::from_secs(1) {
            line.push(Paint::Plain, format!(", {} in the best second", count(pace.best)));
        }
        let mut lines = vec![line];
        let columns =
            format!("{:<26}{:>10}{:>10}{:>10}", "from creation to binding", "P50", "P99", "max");
        lines.push(Line::default().with(Paint::Dim, columns));
        let jobs = |alone: bool| -> usize {
            let groups = self.groups.iter().filter(|group| group.arrives_alone() == alone);
            groups.map(|group| group.jobs.len()).sum()
        };
        let rows = [
            (plural(jobs(false), "Job") + " at once", self.burst),
            (plural(jobs(true), "Job") + " one by one", self.single),
        ];
        for (name, latency) in rows {
            let Some(Latency { p50, p99, max }) = latency else { continue };
            let [p50, p99, max] = [p50, p99, max].map(duration);
            lines.push(Line::plain(format!("{name:<26}{p50:>10}{p99:>10}{max:>10}")));
        }
        lines
    }

    fn waiting(&self, abilities: Abilities) -> Vec<Line> {
        if self.reasons.is_empty() {
            return vec![Line::plain("no pod waits")];
        }
        let mut lines = Vec::new();
        let width = abilities.width - INDENT;
        for Reason { waiting, event } in self.reasons.iter().take(REASONS_MAX) {
            let group = &self.groups[waiting.group];
            lines.push(
                Line::default()
                    .with(Paint::Bold, title(group))
                    .with(Paint::Plain, format!(": {}", plural(waiting.pods, "pod"))),
            );
            let message = match &waiting.message {
                Some(message) => format!("PodScheduled=False: {message}"),
                None => "no scheduler has said why yet".to_owned(),
            };
            let event = match event {
                None => "event FailedScheduling: not written yet".to_owned(),
                Some(note) if waiting.message.as_ref() == Some(note) => {
                    "event FailedScheduling: the same".to_owned()
                }
                Some(note) => format!("event FailedScheduling: {note}"),
            };
            for text in [asks(group), message, event] {
                let wrapped = wrap(&text, width).into_iter();
                lines.extend(wrapped.map(|part| Line::plain(" ".repeat(INDENT) + &part)));
            }
        }
        let more = self.reasons.len().saturating_sub(REASONS_MAX);
        if more > 0 {
            lines.push(Line::plain(format!("and {} more reasons", count(more))));
        }
        lines
    }

    fn checks(&self) -> Line {
        match (self.moved, self.picture.overcommitted()) {
            (0, 0) => Line::default()
                .with(Paint::Green, "Checked: no pod was bound twice, no node is over-committed."),
            (moved, over) => Line::default().with(
                Paint::Red,
                format!(
                    "Wrong: {} bound twice, {} over-committed.",
                    plural(moved, "pod"),
                    plural(over, "node")
                ),
            ),
        }
    }
}

/// What one pod needs, in words.
fn asks(group: &Group) -> String {
    let request = &group.request;
    let cpus = request.milli_cpu as f64 / 1000.0;
    let mut text = format!("each asks for {cpus} CPU, {} MiB", grouped(request.memory_mib));
    if request.gpus > 0 {
        text.push_str(&format!(", {} GPUs", request.gpus));
    }
    text.push_str(&format!(" on one node; {}", group.placement.words()));
    text
}

fn heading(text: &str) -> Vec<Line> {
    vec![Line::default(), Line::default().with(Paint::Bold, text)]
}

#[cfg(test)]
mod tests;
