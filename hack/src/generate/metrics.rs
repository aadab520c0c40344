//! The metrics, as a table.

use std::fmt::Write as _;

use anyhow::Result;
use berth::metrics::MetricKind;

use super::NOTICE;

/// Every metric with its labels, buckets and meaning.
pub(super) fn text() -> Result<String> {
    let mut text = format!(
        "# Metrics\n\n{NOTICE}\n\
         Served at `/metrics`. Names, labels and buckets under `scheduler_` are kube-scheduler's.\n\n\
         | Metric | Type | Labels | Meaning |\n|---|---|---|---|\n"
    );
    for metric in berth::metrics::list() {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            metric.name,
            kind(metric.kind),
            labels.join(", "),
            metric.help.replace('|', "\\|")
        )?;
    }
    Ok(text)
}

fn kind(kind: MetricKind) -> String {
    match kind {
        MetricKind::Histogram(buckets) => format!(
            "histogram, {} buckets from {} by {}",
            buckets.count, buckets.start, buckets.factor
        ),
        MetricKind::Counter | MetricKind::Gauge => kind.as_str().to_owned(),
    }
}
