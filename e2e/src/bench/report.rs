//! `RESULTS.md` and its charts, from the kept rounds.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::bars::{Bar, bars};
use super::chart::Chart;
use super::contestant::Contestant::{Berth, KubeScheduler};
use super::engine::EngineResults;
use super::figures::Figures;
use super::identity::{Build, Machine};
use super::summary::Summary;

mod refusals;
mod tables;

/// Everything the report is made of.
#[derive(Debug)]
pub struct Report<'a> {
    /// Where the rounds were run.
    pub machine: &'a Machine,
    /// What was run.
    pub build: &'a Build,
    /// The rounds.
    pub summary: &'a Summary<'a>,
    /// The engine alone.
    pub engine: &'a EngineResults,
}

/// A chart's file, title, unit and figure.
type ChartOf = (&'static str, &'static str, &'static str, fn(&Figures) -> Option<f64>);

const CHARTS: [ChartOf; 4] = [
    (
        "pods-per-second.svg",
        "Pods a second, from the start to the last bind",
        "more is better",
        |one| Some(one.rate()),
    ),
    ("cpu-per-pod.svg", "CPU time of the scheduler per pod", "ms, less is better", |one| {
        one.cpu_ms_per_pod()
    }),
    ("peak-memory.svg", "Peak memory of the scheduler", "MiB, less is better", |one| {
        one.peak_mib()
    }),
    ("latency.svg", "From queue to bound, 99th percentile", "s, less is better", |one| {
        Some(one.latency_p99_ms / 1000.0)
    }),
];

impl Report<'_> {
    /// The bars.
    pub fn bars(&self) -> Vec<Bar> {
        bars(self.summary, self.engine)
    }

    /// The page.
    pub fn markdown(&self) -> String {
        let mut page = format!(
            "# Results\n\nWritten by `make bench`, which explains itself in the \
             [README](../README.md#the-benchmark).\n\
             Machine: {}, shared with etcd and kube-apiserver 1.37.2. Commit {}.\n\
             Figures are medians over the rounds, with the lowest and the highest behind them; a \
             ratio is of two medians of this machine and these builds, if nothing else is said.\n",
            self.machine.text(),
            self.build.commit
        );
        page.push_str("\n## What is to be reached\n\n");
        page.push_str(&bar_table(&self.bars()));
        page.push_str("\n## Against kube-scheduler\n\n");
        for (file, title, ..) in CHARTS {
            let _ = writeln!(page, "![{title}]({file})");
        }
        let parts = [
            ("", tables::schedulers(self.summary)),
            ("## Pods that fit nowhere", refusals::table(self.summary)),
            ("## Beside plain pods", tables::pairs(self.summary)),
            ("## The API server's ceiling", tables::ceilings(self.summary)),
            ("## Start on a full cluster", tables::starts(self.summary)),
            ("## The engine alone", tables::engine(self.engine)),
        ];
        for (heading, table) in parts {
            if table.is_empty() {
                continue;
            }
            if !heading.is_empty() {
                let _ = write!(page, "\n{heading}\n");
            }
            let _ = write!(page, "\n{table}");
        }
        page
    }

    /// The charts by file name.
    pub fn charts(&self) -> Vec<(&'static str, String)> {
        let chart = |(file, title, unit, figure): ChartOf| {
            let groups = self.summary.shapes().filter(|(_, shape)| shape.pods() > 0);
            let groups = groups.map(|(name, shape)| {
                let median = |who| shape.spread(who, figure).map(|spread| spread.median);
                (tables::short_name(name), vec![median(Berth), median(KubeScheduler)])
            });
            let series = [Berth, KubeScheduler].map(|who| who.name().to_owned()).to_vec();
            let (title, unit) = (title.to_owned(), unit.to_owned());
            (file, Chart { title, unit, series, groups: groups.collect() }.svg())
        };
        CHARTS.map(chart).to_vec()
    }

    /// Writes page and charts into a folder.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())
        };
        fs::create_dir_all(dir)?;
        write("RESULTS.md", &self.markdown())?;
        self.charts().iter().try_for_each(|(name, svg)| write(name, svg))
    }
}

/// The bars as a table.
pub fn bar_table(bars: &[Bar]) -> String {
    let mut table = "| What | Bar | Figure | |\n|---|---|---|---|\n".to_owned();
    for bar in bars {
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} |",
            bar.what,
            bar.bar,
            bar.figure,
            bar.verdict.text()
        );
    }
    table
}

#[cfg(test)]
mod tests;
