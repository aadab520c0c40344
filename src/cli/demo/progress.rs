//! How far the Jobs are: a table that is drawn over, or one line.

use std::time::Duration;

use super::latency::Latency;
use super::ledger::Counts;
use super::terminal::Abilities;
use super::text::{Line, Paint, count, duration};
use super::workload::Group;

/// Columns of a name.
const NAME: usize = 10;

/// Columns of a number: `1,000,000`.
const NUMBER: usize = 9;

/// The longest bar: one column is 1 % of the pods at most by halves.
const BAR_MAX: usize = 50;

/// Everything that is shown while Jobs run.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    pub(super) groups: &'a [Group],
    /// By group.
    pub(super) counts: &'a [Counts],
    /// Since the first Job was submitted.
    pub(super) elapsed: Duration,
    /// Pods bound in the last second.
    pub(super) rate: usize,
    pub(super) latency: Option<Latency>,
}

impl Progress<'_> {
    /// One row per group and a line of sums.
    pub(super) fn table(&self, abilities: Abilities) -> Vec<Line> {
        let bar = abilities.width.saturating_sub(NAME + 1 + 1 + 4 * NUMBER).min(BAR_MAX);
        let mut heading = format!("{:<NAME$} {:bar$} ", "Job", "");
        for column in ["pods", "waiting", "running", "done"] {
            heading.push_str(&format!("{column:>NUMBER$}"));
        }
        let mut lines = vec![Line::default().with(Paint::Dim, heading)];
        for (group, counts) in self.groups.iter().zip(self.counts) {
            let mut line = Line::plain(format!("{:<NAME$} ", title(group)));
            draw_bar(&mut line, counts, group.pods(), bar, abilities.blocks);
            line.push(Paint::Plain, format!(" {:>NUMBER$}", count(group.pods())));
            let columns = [
                (counts.pending, Paint::Yellow),
                (counts.running, Paint::Cyan),
                (counts.done + counts.failed, Paint::Green),
            ];
            for (pods, paint) in columns {
                let (paint, text) =
                    if pods == 0 { (Paint::Dim, "-".to_owned()) } else { (paint, count(pods)) };
                line.push(paint, format!("{text:>NUMBER$}"));
            }
            lines.push(line);
        }
        lines.push(Line::default());
        lines.push(Line::default().with(Paint::Bold, self.sums()));
        lines
    }

    /// One line.
    pub(super) fn line(&self) -> Line {
        Line::plain(self.sums())
    }

    fn sums(&self) -> String {
        let sum = |of: fn(&Counts) -> usize| self.counts.iter().map(of).sum::<usize>();
        let all = self.groups.iter().map(Group::pods).sum();
        let bound = sum(Counts::bound);
        let mut text = format!(
            "{:>5.1} s  bound {} of {}",
            self.elapsed.as_secs_f64(),
            count(bound),
            count(all)
        );
        if self.rate > 0 {
            text.push_str(&format!("  {} pods/s", count(self.rate)));
        }
        if let Some(latency) = self.latency {
            let (p50, p99) = (duration(latency.p50), duration(latency.p99));
            text.push_str(&format!("  P50 {p50}  P99 {p99}"));
        }
        text.push_str(&format!("  done {}", count(sum(|c| c.done))));
        let failed = sum(|c| c.failed);
        if failed > 0 {
            text.push_str(&format!("  failed {}", count(failed)));
        }
        text
    }
}

/// `sweep`, or `small x40`.
pub(super) fn title(group: &Group) -> String {
    if group.arrives_alone() {
        format!("{} x{}", group.name, group.jobs.len())
    } else {
        group.name.to_owned()
    }
}

/// Ended, running, waiting, and blanks for pods not yet made.
fn draw_bar(line: &mut Line, counts: &Counts, pods: usize, width: usize, blocks: bool) {
    let glyphs = if blocks { ["█", "▓", "░"] } else { ["#", "=", "."] };
    let ended = counts.done + counts.failed;
    let ends = [ended, ended + counts.running, ended + counts.running + counts.pending];
    let mut at = 0;
    for ((end, glyph), paint) in
        ends.into_iter().zip(glyphs).zip([Paint::Green, Paint::Cyan, Paint::Yellow])
    {
        // Rounded up, so that one pod of thousands is seen; in order, so that the bar is full
        // only when all pods are there.
        let column = (end.min(pods) * width).div_ceil(pods.max(1)).max(at);
        line.push(paint, glyph.repeat(column - at));
        at = column;
    }
    line.push(Paint::Plain, " ".repeat(width - at));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::inventory::Inventory;
    use super::super::workload;
    use super::*;

    fn bar(counts: Counts, pods: usize, blocks: bool) -> String {
        let mut line = Line::default();
        draw_bar(&mut line, &counts, pods, 10, blocks);
        line.render(false, 80)
    }

    #[test]
    fn bars() {
        let counts = Counts { done: 200, running: 100, pending: 300, failed: 0 };
        assert_eq!(bar(counts, 1000, true), "██▓░░░");
        assert_eq!(bar(counts, 1000, false), "##=...");
        assert_eq!(bar(Counts { done: 1, ..Counts::default() }, 5000, false), "#");
        assert_eq!(bar(Counts { done: 5000, ..Counts::default() }, 5000, false), "##########");
        assert_eq!(bar(Counts::default(), 0, false), "");
    }

    #[test]
    fn table_and_line() {
        let inventory = Inventory::of(&berth_sandbox::nodes(10));
        let groups: Vec<_> = workload::plan(2000, &inventory)
            .into_iter()
            .filter(|g| ["sweep", "small", "impossible"].contains(&g.name))
            .collect();
        let progress = Progress {
            groups: &groups,
            counts: &[
                Counts { pending: 100, running: 400, done: 500, failed: 0 },
                Counts { pending: 1, ..Counts::default() },
                Counts { pending: 3, running: 2, done: 0, failed: 1 },
            ],
            elapsed: Duration::from_millis(3210),
            rate: 1234,
            latency: Latency::of(vec![Duration::from_millis(5)]),
        };
        let abilities =
            Abilities { live: true, colour: false, blocks: true, width: 78, height: 24 };
        let table: Vec<_> =
            progress.table(abilities).iter().map(|line| line.render(false, 78)).collect();
        assert_eq!(
            table,
            [
                "Job                                            pods  waiting  running     done",
                "sweep      ███████████████▓▓▓▓▓▓▓▓▓▓▓▓░░░     1,000      100      400      500",
                "impossible ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░         1        1        -        -",
                "small x40  █░                                   100        3        2        1",
                "",
                "  3.2 s  bound 903 of 1,101  1,234 pods/s  P50 5.00 ms  P99 5.00 ms  done 500  \
                 failed 1",
            ]
            .map(|line| line
                .chars()
                .take(78)
                .collect::<String>()
                .trim_end()
                .to_owned())
        );
        assert!(progress.line().render(false, 200).ends_with("done 500  failed 1"));
    }
}
